//! Everything the fleet told, gathered once for all tests: journey, look at the metrics, outage, end.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::LazyLock;
use std::time::Duration;

use carshare_mesh::{Fleet, Options};
use carshare_testkit::process::{Logs, built};
use carshare_testkit::{TempDir, free_port};
use tokio::time::Instant;

use super::collector::{Collector, Span};
use super::commands::{self, Ran};
use super::journey::{self, Secret, Story};
use super::outage::{self, Outage};
use super::probes::{self, Probed};

/// The processes of a fleet.
pub const PROCESSES: [&str; 6] = ["auth", "booking", "gateway", "notification", "payment", "vehicle"];

/// The same without the gateway, which has no database.
pub const SERVICES: [&str; 5] = ["auth", "booking", "notification", "payment", "vehicle"];

/// Gathered by the first test that looks.
pub static EVIDENCE: LazyLock<Evidence> = LazyLock::new(|| {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(gather())
});

pub struct Evidence {
    pub story: Story,
    pub spans: Vec<Span>,
    pub logs: BTreeMap<&'static str, Logs>,
    /// What `/metrics` said after the journey, by process.
    pub metrics: BTreeMap<&'static str, String>,
    pub probed: Probed,
    pub outage: Outage,
    pub commands: Vec<Ran>,
    pub ends: BTreeMap<&'static str, End>,
    /// What must be in none of it.
    pub secrets: Vec<Secret>,
}

/// How a process ended after SIGTERM.
#[derive(Debug)]
pub struct End {
    pub code: Option<i32>,
    pub after: Duration,
}

/// Where the processes answer probes.
pub type Admins = BTreeMap<&'static str, String>;

async fn gather() -> Evidence {
    let collector = Collector::start().await;
    let folder = TempDir::create("observability").expect("a folder");
    let admins: Admins = PROCESSES
        .into_iter()
        .map(|name| (name, format!("127.0.0.1:{}", free_port().expect("a port"))))
        .collect();
    let binaries = built("carshare-gateway").expect("`make test` builds the binaries first");
    let binaries = binaries.parent().expect("a folder").to_owned();
    let options = options(folder.path(), &collector.endpoint, &admins);
    let mut fleet = Fleet::start(options, binaries).await.expect("the fleet starts");

    let (story, mut secrets) = journey::take(&fleet).await;
    secrets.extend(journey::keys(&fleet, folder.path()));
    let probed = probes::ask(&admins).await;
    let metrics = probes::metrics(&admins).await;
    let mut commands = commands::run(&fleet).await;
    let outage = outage::survive(&fleet, &admins, &story).await;
    let ends = end(&mut fleet).await;
    commands.push(commands::healthcheck(&fleet, "booking").await);
    let logs = PROCESSES.into_iter().map(|name| {
        let process = fleet.process(name).expect("it was started");
        (name, process.logs().clone())
    });
    Evidence {
        story,
        // Whoever has ended has sent its last spans.
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

/// Every process sends its traces, logs everything, and answers probes.
fn options(folder: &Path, collector: &str, admins: &Admins) -> Options {
    let mut options = Options {
        data: Some(folder.to_owned()),
        ..Options::temporary()
    }
    .with_env("AUTH__PASSWORDS__BCRYPT_COST", "6");
    for (name, admin) in admins {
        let prefix = name.to_uppercase();
        options = options
            .with_env(&format!("{prefix}__TELEMETRY__OTLP_ENDPOINT"), collector)
            .with_env(&format!("{prefix}__TELEMETRY__LOG"), "debug")
            .with_env(&format!("{prefix}__ADMIN__LISTEN"), admin);
    }
    options
}

/// Tells all of them to stop, at once, and waits for each.
async fn end(fleet: &mut Fleet) -> BTreeMap<&'static str, End> {
    let begin = Instant::now();
    for name in PROCESSES {
        fleet
            .process(name)
            .expect("it runs")
            .terminate()
            .expect("it is told");
    }
    let mut ends = BTreeMap::new();
    for name in PROCESSES {
        let process = fleet.process(name).expect("it was started");
        let status = process.wait(Duration::from_secs(30)).await.expect("it ends");
        let (code, after) = (status.code(), begin.elapsed());
        ends.insert(name, End { code, after });
    }
    ends
}
