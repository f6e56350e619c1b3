//! The telemetry of one fleet, captured once for all tests: a journey, probes and metrics, an outage, subcommands, the end.
//!
//! One replica of each process: exact lines and counts of a process are the subject.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use carshare_mesh::{Fleet, Options, Replica};
use carshare_testkit::TempDir;
use carshare_testkit::process::Logs;
use tokio::time::Instant;

use super::collector::{Collector, Span};
use super::commands::{self, CommandRun};
use super::journey::{self, Journey, Secret};
use super::outage::{self, Outage};
use super::probes::{self, Probed};
use crate::harness::start_fleet;

pub const PROCESSES: [&str; 6] = ["auth", "booking", "gateway", "notification", "payment", "vehicle"];

/// The processes with a database.
pub const SERVICES: [&str; 5] = ["auth", "booking", "notification", "payment", "vehicle"];

/// Captured by the first test that needs it.
pub static CAPTURE: LazyLock<Capture> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(gather())
});

pub struct Capture {
    pub journey: Journey,
    pub spans: Vec<Span>,
    pub logs: BTreeMap<&'static str, Logs>,
    /// `/metrics` after the journey, by process.
    pub metrics: BTreeMap<&'static str, String>,
    pub probed: Probed,
    pub outage: Outage,
    pub commands: Vec<CommandRun>,
    pub ends: BTreeMap<&'static str, End>,
    /// Texts that must be in none of it.
    pub secrets: Vec<Secret>,
}

/// How a process ended after SIGTERM.
#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub after: Duration,
}

/// URLs of the admin ports.
pub type Admins = BTreeMap<&'static str, String>;

async fn gather() -> Capture {
    let collector = Collector::start().await;
    let folder = TempDir::create("observability").expect("a folder");
    let mut fleet = start_fleet(options(folder.path(), &collector.endpoint), 1).await;
    let admins: Admins = PROCESSES
        .into_iter()
        .map(|name| (name, fleet.admin(process(name)).expect("a URL")))
        .collect();

    let (journey, mut secrets) = journey::take(&fleet).await;
    secrets.extend(journey::keys(&fleet, folder.path()));
    let probed = probes::ask(&admins).await;
    let metrics = probes::metrics(&admins).await;
    let mut commands = commands::run(&fleet).await;
    let outage = outage::restart_postgres(&fleet, &admins, &journey).await;
    let ends = end(&mut fleet).await;
    commands.push(commands::healthcheck(&fleet, "booking").await);
    let logs = PROCESSES.into_iter().map(|name| {
        let process = fleet.process(process(name)).expect("it was started");
        (name, process.logs().clone())
    });
    Capture {
        journey,
        // A process that has ended has sent its last spans.
        spans: collector.spans(),
        logs: logs.collect(),
        metrics,
        probed,
        outage,
        commands,
        ends,
        secrets,
    }
}

/// The process of a service or the gateway.
pub fn process(service: &'static str) -> Replica {
    Replica { service, number: 0 }
}

/// Every process exports its traces and logs at debug level.
fn options(folder: &Path, collector: &str) -> Options {
    let mut options = Options {
        data: Some(folder.to_owned()),
        ..Options::temporary()
    }
    .with_env("AUTH__PASSWORDS__BCRYPT_COST", "6");
    for name in PROCESSES {
        let prefix = name.to_uppercase();
        options = options
            .with_env(&format!("{prefix}__TELEMETRY__OTLP_ENDPOINT"), collector)
            .with_env(&format!("{prefix}__TELEMETRY__LOG"), "debug");
    }
    options
}

/// Terminates all processes at once and waits for each.
async fn end(fleet: &mut Fleet) -> BTreeMap<&'static str, End> {
    let begin = Instant::now();
    for name in PROCESSES {
        let process = fleet.process(process(name)).expect("it runs");
        process.terminate().expect("a signal");
    }
    let mut ends = BTreeMap::new();
    for name in PROCESSES {
        let process = fleet.process(process(name)).expect("it was started");
        let status = process.wait(Duration::from_secs(30)).await.expect("it ends");
        let (code, after) = (status.code(), begin.elapsed());
        ends.insert(name, End { code, after });
    }
    ends
}
