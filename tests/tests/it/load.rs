//! Load: guests and hosts who book, approve, reject, pay, cancel, start and complete, and a journal of what was accepted.

mod journal;
mod workload;

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use carshare_testkit::poll_until;
use reqwest::Method;
use serde_json::Value;
use tokio::time::Instant;

use crate::harness::{Deployment, Response, Rest, Sql, invariants, new_key};
pub use journal::Journal;
pub use workload::Workload;

/// Longest time in which the mesh repairs what the faults have left. It is well above every retry delay.
const SETTLE_TIMEOUT: Duration = Duration::from_mins(5);
const SETTLE_INTERVAL: Duration = Duration::from_secs(1);

/// Clients repeat a call for this long.
const GIVE_UP_AFTER: Duration = Duration::from_secs(90);
const RETRY_DELAY: Duration = Duration::from_millis(250);

/// End of the run, and the number of faults so far.
pub struct Run {
    end: Instant,
    stopped: AtomicBool,
    faults: AtomicUsize,
}

impl Run {
    pub fn until(end: Instant) -> Self {
        Self {
            end,
            stopped: AtomicBool::default(),
            faults: AtomicUsize::default(),
        }
    }

    /// Ends the run before its time.
    pub fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Relaxed) || Instant::now() >= self.end
    }

    /// Counts and prints a fault.
    pub fn begins(&self, fault: &str) {
        let number = self.faults.fetch_add(1, Ordering::Relaxed) + 1;
        println!("{number} {fault}");
    }

    pub fn faults(&self) -> usize {
        self.faults.load(Ordering::Relaxed)
    }
}

/// Returns what is unfinished or broken as soon as that is nothing, or after [`SETTLE_TIMEOUT`].
pub async fn settle(mesh: &impl Deployment, journal: &Journal) -> Vec<String> {
    settle_except(mesh, journal, |_| false).await
}

/// The same without the breaches that are expected.
pub async fn settle_except(
    mesh: &impl Deployment,
    journal: &Journal,
    is_expected: impl Fn(&str) -> bool,
) -> Vec<String> {
    let sql = Sql::of(mesh);
    let found = Mutex::new(vec!["nothing could be read".to_owned()]);
    let settled = poll_until(SETTLE_TIMEOUT, SETTLE_INTERVAL, || async {
        let mut open = invariants::unfinished(&sql).await;
        if open.is_empty() {
            open.extend(journal.breaches(&sql).await);
            open.extend(invariants::breaches(mesh).await);
            open.retain(|breach| !is_expected(breach));
        }
        let is_settled = open.is_empty();
        *found.lock().expect("no panic") = open;
        is_settled.then_some(())
    });
    settled.await;
    found.into_inner().expect("no panic")
}

/// Repeats a call under one key until it is answered or the client gives up.
async fn call(journal: &Journal, rest: &Rest, method: Method, path: &str, body: &Value) -> Option<Response> {
    let (key, begun) = (new_key(), Instant::now());
    let answered = poll_until(GIVE_UP_AFTER, RETRY_DELAY, || async {
        let sent = rest.send(&method, path, &key, body).await;
        sent.map_err(|unanswered| journal.unanswered(unanswered)).ok()
    });
    let response = answered.await;
    journal.ended(begun.elapsed(), response.is_some());
    if response.is_none() {
        journal.count(path, "never answered");
    }
    response
}

/// Reads from every service as the app of a guest, one after the other, until the run is over.
pub async fn read(workload: &Workload, journal: &Journal, run: &Run) {
    let car = format!("/v1/vehicles/{}", workload.car(0));
    let paths = [
        "/v1/auth/me",
        &car,
        "/v1/bookings",
        "/v1/payments/methods",
        "/v1/notifications",
    ];
    for path in paths.iter().cycle() {
        if run.is_over() {
            return;
        }
        let response = call(journal, &workload.guest(0).rest, Method::GET, path, &Value::Null).await;
        match response {
            Some(response) if response.status == 200 => journal.count("read", "ok"),
            Some(response) => journal.unexpected(format!("{path}: {} {}", response.status, response.body)),
            None => {}
        }
    }
}
