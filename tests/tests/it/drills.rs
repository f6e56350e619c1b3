//! Drills: a fleet under load loses its data, and what `docs/BACKUP.md` says is done, by the same scripts and commands. Each prints
//! the time until a guest can book again (RTO) and what is lost (RPO). They measure, so `make drill` runs them one by one, and
//! `make test` leaves them out.

mod backup;
mod one_service;
mod operator;
mod point_in_time;
mod redis_loss;
mod server_loss;

use std::time::Duration;

use carshare_chassis::Random;
use carshare_mesh::{Fleet, Options};
use carshare_testkit::TempDir;
use futures::future::join_all;
use tokio::time::Instant;

use crate::harness::{Dice, Setup};
use crate::load::{Journal, Run, Workload};
use backup::Backup;

/// Upper bound of a run of guests.
const RUN_LIMIT: Duration = Duration::from_mins(5);

/// Cheap password hashes, frequent lookups at the provider, no limits.
const ENV: [(&str, &str); 11] = [
    ("AUTH__PASSWORDS__BCRYPT_COST", "4"),
    ("GATEWAY__LIMITS__PER_MINUTE_BY_ADDRESS", "1000000"),
    ("GATEWAY__LIMITS__PER_HOUR_BY_USER", "1000000"),
    ("PAYMENT__WORKER__CLAIM_TIMEOUT_MS", "2000"),
    ("PAYMENT__WORKER__POLL_INTERVAL_MS", "500"),
    ("PAYMENT__RECONCILIATION__INTERVAL_S", "5"),
    ("PAYMENT__RECONCILIATION__LOOKUPS_PER_MINUTE", "600"),
    ("BOOKING__BOOKING__MAX_OPEN_REQUESTS", "10000"),
    ("BOOKING__BOOKING__MAX_OPEN_REQUESTS_UNVERIFIED", "10000"),
    ("BOOKING__BOOKING__MAX_OVERLAPPING_BOOKINGS", "10000"),
    ("VEHICLE__CALENDAR__HORIZON_MS", "100000000000"),
];

/// A fleet with guests, whose PostgreSQL is backed up.
struct Drill {
    setup: Setup<Fleet>,
    workload: Workload,
    backup: Backup,
    folder: TempDir,
}

impl Drill {
    /// Starts the fleet, and takes a base backup.
    async fn start() -> Self {
        let options = ENV.iter().fold(Options::temporary(), |options, (name, value)| {
            options.with_env(name, value)
        });
        let (setup, folder) = Setup::fleet_on_own_servers(options).await;
        let workload = Workload::prepare(&setup.mesh).await;
        let backup = Backup::start(&setup.mesh, folder.path()).await;
        Self {
            setup,
            workload,
            backup,
            folder,
        }
    }

    /// Lets guests and hosts go on until so many bookings were accepted, and waits until each has finished.
    async fn work(&self, seed: u64, bookings: usize) -> Journal {
        let (journal, run) = (Journal::default(), Run::until(Instant::now() + RUN_LIMIT));
        let enough = async {
            carshare_testkit::eventually_true(RUN_LIMIT, async || journal.accepted_bookings() >= bookings)
                .await;
            run.stop();
        };
        tokio::join!(guests(&self.workload, seed, &journal, &run), enough);
        assert_eq!(journal.unexpected_responses(), Vec::<String>::new());
        journal
    }
}

/// Runs all guests until the run is over.
async fn guests(workload: &Workload, seed: u64, journal: &Journal, run: &Run) {
    let guests = (0..workload.guests()).map(|number| {
        let dice = Dice(Random::seeded(seed * 100 + number as u64));
        workload.run(number, dice, journal, run)
    });
    join_all(guests).await;
}
