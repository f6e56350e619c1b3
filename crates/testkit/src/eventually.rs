//! Polling with a deadline, instead of a sleep of a guessed length.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

use tokio::time::{Instant, sleep, timeout_at};

const POLL_INTERVAL: Duration = Duration::from_millis(15);

/// Calls `probe` until it returns `Some`, and returns the value. Panics with the caller's line after `deadline`.
#[track_caller]
pub fn eventually<T, F, R>(deadline: Duration, probe: F) -> impl Future<Output = T>
where
    F: FnMut() -> R,
    R: Future<Output = Option<T>>,
{
    let caller = Location::caller();
    poll(deadline, probe, caller)
}

/// Like [`eventually`] for a condition.
#[track_caller]
pub fn eventually_true<F, R>(deadline: Duration, mut probe: F) -> impl Future<Output = ()>
where
    F: FnMut() -> R,
    R: Future<Output = bool>,
{
    let caller = Location::caller();
    poll(
        deadline,
        move || {
            let condition = probe();
            async move { condition.await.then_some(()) }
        },
        caller,
    )
}

async fn poll<T, F, R>(deadline: Duration, probe: F, caller: &'static Location<'static>) -> T
where
    F: FnMut() -> R,
    R: Future<Output = Option<T>>,
{
    let found = poll_until(deadline, POLL_INTERVAL, probe).await;
    found.unwrap_or_else(|| panic!("condition not met after {deadline:?} at {caller}"))
}

/// Calls `probe` until it returns `Some`, with a pause of `interval` after each `None`. Returns `None` after `deadline`, at which a probe
/// that runs is dropped.
pub async fn poll_until<T, F, R>(deadline: Duration, interval: Duration, mut probe: F) -> Option<T>
where
    F: FnMut() -> R,
    R: Future<Output = Option<T>>,
{
    let end = Instant::now() + deadline;
    loop {
        match timeout_at(end, probe()).await {
            Ok(Some(value)) => return Some(value),
            Ok(None) if Instant::now() < end => sleep(interval).await,
            _ => return None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn eventually_returns_the_first_some() {
        let mut calls = 0;
        let value = eventually(Duration::from_secs(5), || {
            calls += 1;
            let value = (calls == 3).then_some(calls);
            async move { value }
        })
        .await;
        assert_eq!(value, 3);
    }

    #[tokio::test]
    #[should_panic(expected = "eventually.rs")]
    async fn eventually_panics_with_the_callers_line_after_the_deadline() {
        eventually_true(Duration::from_millis(1), || async { false }).await;
    }

    #[tokio::test]
    #[should_panic(expected = "condition not met")]
    async fn eventually_aborts_a_probe_that_outlasts_the_deadline() {
        eventually_true(Duration::from_millis(20), std::future::pending).await;
    }
}
