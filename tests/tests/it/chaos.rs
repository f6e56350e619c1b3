//! A randomized run: guests and hosts book, pay, cancel, start and complete on a fleet while processes, servers, connections,
//! clocks and providers fail. Afterwards every accepted request has reached its end, the reconciler finds no difference, no car
//! is booked twice, and nothing waits.
//!
//! `make chaos MINUTES=30 SEED=7` runs it for longer.

mod process_faults;
mod provider_faults;
mod server_faults;

use std::time::Duration;

use carshare_chassis::Random;
use carshare_mesh::{Fleet, Options};
use futures::future::join_all;
use tokio::time::Instant;

use crate::harness::{Dice, Servers, Setup, parameter};
use crate::load::{self, Journal, Run, Workload};

/// Duration of the run in `make test`.
const SHORT_RUN: Duration = Duration::from_secs(25);

/// Short claims, so that work of killed processes is taken over soon; frequent timers and lookups at the provider, so that
/// refunds without a webhook are found during the run; a token for the whole run; no limits of requests.
const ENV: [(&str, &str); 14] = [
    ("AUTH__PASSWORDS__BCRYPT_COST", "4"),
    ("AUTH__SESSIONS__ACCESS_TOKEN_TTL_S", "86400"),
    ("GATEWAY__LIMITS__PER_MINUTE_BY_ADDRESS", "1000000"),
    ("GATEWAY__LIMITS__PER_HOUR_BY_USER", "1000000"),
    ("PAYMENT__WORKER__CLAIM_TIMEOUT_MS", "2000"),
    ("PAYMENT__WORKER__POLL_INTERVAL_MS", "500"),
    ("PAYMENT__TOSS__HTTP__BREAKER_OPEN_MS", "1000"),
    ("PAYMENT__RECONCILIATION__INTERVAL_S", "5"),
    ("PAYMENT__RECONCILIATION__LOOKUPS_PER_MINUTE", "600"),
    ("BOOKING__BOOKING__TIMER_PERIOD_MS", "2000"),
    ("BOOKING__BOOKING__MAX_OPEN_REQUESTS", "10000"),
    ("BOOKING__BOOKING__MAX_OPEN_REQUESTS_UNVERIFIED", "10000"),
    ("BOOKING__BOOKING__MAX_OVERLAPPING_BOOKINGS", "10000"),
    ("VEHICLE__CALENDAR__HORIZON_MS", "100000000000"),
];

#[tokio::test(flavor = "multi_thread")]
async fn accepted_requests_reach_their_end_under_random_faults() {
    let seed = parameter("CHAOS_SEED").unwrap_or_else(|| (Random::system().unit() * 1e9) as u64);
    let duration = parameter("CHAOS_MINUTES").map_or(SHORT_RUN, Duration::from_mins);
    println!("seed {seed}, {duration:?}");
    let servers = Servers::start().await;
    let options = ENV.iter().fold(Options::temporary(), |options, (name, value)| {
        options.with_env(name, value)
    });
    let mut setup = Setup::fleet_on(&servers, options).await;
    let workload = Workload::prepare(&setup.mesh).await;
    let journal = Journal::default();
    let run = Run::until(Instant::now() + duration);

    inject_and_work(&servers, &mut setup.mesh, (&workload, &journal), &run, seed).await;

    setup.mesh.sandbox().clear_faults();
    println!("{} faults", run.faults());
    journal.print();
    assert_eq!(
        journal.unexpected_responses(),
        Vec::<String>::new(),
        "seed {seed}"
    );
    let begun = Instant::now();
    let broken = load::settle(&setup.mesh, &journal).await;
    println!("settled after {:?}", begun.elapsed());
    assert!(broken.is_empty(), "seed {seed}: {broken:#?}");
    for replica in setup.mesh.replicas() {
        let process = setup.mesh.process(replica).expect("it was started");
        let ended = process.wait(Duration::ZERO).await;
        assert!(ended.is_err(), "seed {seed}: {replica} ended by itself");
    }
}

/// Runs guests and faults side by side until the end of the run. Every fault is over afterwards.
async fn inject_and_work(
    servers: &Servers,
    fleet: &mut Fleet,
    (workload, journal): (&Workload, &Journal),
    run: &Run,
    seed: u64,
) {
    let dice = |lane: u64| Dice(Random::seeded(seed.wrapping_mul(31).wrapping_add(lane)));
    let sandbox = fleet.sandbox().url().to_owned();
    let guests = (0..workload.guests()).map(|number| {
        let dice = dice(100 + number as u64);
        workload.run(number, dice, journal, run)
    });
    tokio::join!(
        join_all(guests),
        process_faults::inject(fleet, dice(1), run),
        server_faults::inject(servers, dice(2), run),
        provider_faults::inject(&sandbox, dice(3), journal, run),
    );
}
