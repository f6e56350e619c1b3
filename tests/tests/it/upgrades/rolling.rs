//! Every process is replaced, one after the other, while guests and hosts go on: no request fails that is safe to repeat, and
//! no event is lost.

use std::time::Duration;

use carshare_chassis::{Clock, Random};
use carshare_mesh::dependencies::Dependencies;
use carshare_mesh::{Fleet, Replica, ready};
use carshare_proto::auth::v1::GetMeRequest;
use chrono::{DateTime, Utc};
use futures::future::join_all;
use tokio::time::Instant;
use tonic::Code;
use tonic::transport::Channel;

use super::balancer::Balancer;
use crate::harness::{
    Deployment, Dice, GrpcClient, REPLICAS, Rest, Unanswered, built_binaries, fault_lasts, options,
    start_fleet, with_session,
};
use crate::load::{self, Journal, Run, Workload};

/// Consumers of events before their publishers, and the gateway, which knows new RPCs, last.
const ORDER: [&str; 6] = ["notification", "payment", "vehicle", "booking", "auth", "gateway"];

/// Longest wait for the end of a process.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(30);
/// Time for callers to find the new process before the next one is stopped, as `minReadySeconds` of Kubernetes.
const MIN_READY: Duration = Duration::from_millis(1_500);
/// Upper bound of the run.
const RUN_LIMIT: Duration = Duration::from_mins(10);

/// No limits of requests, and time for the balancer to notice that a gateway drains.
const ENV: [(&str, &str); 8] = [
    ("GATEWAY__LIMITS__PER_MINUTE_BY_ADDRESS", "1000000"),
    ("GATEWAY__LIMITS__PER_HOUR_BY_USER", "1000000"),
    ("GATEWAY__SERVER__DRAIN_DELAY_MS", "1000"),
    ("PAYMENT__WORKER__POLL_INTERVAL_MS", "500"),
    ("BOOKING__BOOKING__MAX_OPEN_REQUESTS", "10000"),
    ("BOOKING__BOOKING__MAX_OPEN_REQUESTS_UNVERIFIED", "10000"),
    ("BOOKING__BOOKING__MAX_OVERLAPPING_BOOKINGS", "10000"),
    ("VEHICLE__CALENDAR__HORIZON_MS", "100000000000"),
];

/// A fleet as its clients see it: one address.
struct Balanced<'a> {
    fleet: &'a Fleet,
    url: String,
}

impl Deployment for Balanced<'_> {
    fn gateways(&self) -> Vec<String> {
        vec![self.url.clone()]
    }

    fn dependencies(&self) -> &Dependencies {
        self.fleet.dependencies()
    }

    fn now(&self) -> DateTime<Utc> {
        Clock::system().now()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn rolling_restart_fails_no_request_and_loses_no_event() {
    let options = ENV
        .iter()
        .fold(options(), |options, (name, value)| options.with_env(name, value));
    let mut fleet = start_fleet(options, REPLICAS).await;
    let balancer = Balancer::start(&fleet.gateways()).await;
    let workload = Workload::prepare(&Balanced {
        fleet: &fleet,
        url: balancer.url(),
    })
    .await;
    let (journal, run) = (Journal::default(), Run::until(Instant::now() + RUN_LIMIT));

    let guests = (0..workload.guests()).map(|number| {
        let dice = Dice(Random::seeded(100 + number as u64));
        workload.run(number, dice, &journal, &run)
    });
    let (reader, url) = (&workload.guest(0).rest, balancer.url());
    let reads = async {
        tokio::join!(
            load::read(&workload, &journal, &run),
            read_by_grpc(&url, reader, &journal, &run)
        )
    };
    fleet.set_binaries(built_binaries());
    let rolling = async {
        roll(&mut fleet, &run).await;
        run.stop();
    };
    let begun = Instant::now();
    tokio::join!(join_all(guests), reads, rolling);

    let requests = journal.requests();
    println!(
        "{} restarts in {:?}: {} requests, {} accepted bookings, attempts without an answer {:?}, longest request {:?}",
        run.faults(),
        begun.elapsed(),
        requests.count,
        journal.accepted_bookings(),
        requests.unanswered,
        requests.longest
    );
    journal.print();
    assert_eq!(journal.unexpected_responses(), Vec::<String>::new());
    let broken = load::settle(&fleet, &journal).await;
    assert!(broken.is_empty(), "{broken:#?}");
    assert_eq!(requests.given_up, 0, "every request is safe to repeat");
}

/// Calls over one channel of native gRPC until the run is over. It is safe to repeat what has no answer.
async fn read_by_grpc(url: &str, rest: &Rest, journal: &Journal, run: &Run) {
    let endpoint = Channel::from_shared(url.to_owned()).expect("a URL");
    let client = GrpcClient::over(endpoint.connect_lazy());
    while !run.is_over() {
        let begun = Instant::now();
        match client.auth().get_me(with_session(rest, GetMeRequest {})).await {
            Ok(_) => {
                journal.count("gRPC", "ok");
                journal.ended(begun.elapsed(), true);
            }
            Err(status) => {
                println!("gRPC: {status:?}");
                journal.unanswered(match status.code() {
                    Code::Unavailable => Unanswered::Unavailable,
                    Code::DeadlineExceeded => Unanswered::Late,
                    _ => Unanswered::Broken,
                });
            }
        }
    }
}

/// Replaces every process.
async fn roll(fleet: &mut Fleet, run: &Run) {
    for service in ORDER {
        for replica in fleet.replicas_of(service) {
            run.begins(&replica.to_string());
            replace(fleet, replica).await;
        }
    }
}

/// Terminates a process, starts it again and waits until it is ready.
async fn replace(fleet: &mut Fleet, replica: Replica) {
    let process = fleet.process(replica).expect("it runs");
    process.terminate().expect("a signal");
    let status = process.wait(DRAIN_TIMEOUT).await.expect("an end");
    assert_eq!(status.code(), Some(0), "{replica}: {}", process.logs().tail());
    fleet.spawn(replica).expect("a start");
    let admin = fleet.admin(replica).expect("an address");
    ready::wait(&admin).await.expect("it gets ready");
    fault_lasts(MIN_READY).await;
}
