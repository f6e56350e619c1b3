//! The reconciler of `carshare reconcile` on the databases and the sandbox of a mesh.

use std::time::Duration;

use carshare_chassis::{Clock, Environment};
use carshare_mesh::reconcile::{Reconciler, Source};
use carshare_payment::config::Toss;
use carshare_payment::provider::toss::TossClient;

use crate::harness::deployment::Deployment;

/// Differences as `kind: booking`, or why the comparison failed.
pub async fn differences(mesh: &impl Deployment) -> Vec<String> {
    match reconciler(mesh).run().await {
        Ok(differences) => differences
            .iter()
            .map(|difference| format!("{}: {}", difference.kind.as_str(), difference.booking_id))
            .collect(),
        Err(error) => vec![format!("cannot reconcile: {error:#}")],
    }
}

fn reconciler(mesh: &impl Deployment) -> Reconciler {
    let url = |service| mesh.dependencies().database_url(service).expect("a URL");
    let toss = Toss {
        secret_key: carshare_sandbox::Config::default()
            .toss_secret_key
            .as_str()
            .into(),
        billing_timeout: Duration::from_secs(10),
        http: carshare_outbound::Config {
            base_url: format!("{}/toss", mesh.sandbox().url()),
            ..carshare_outbound::Config::default()
        },
    };
    Reconciler {
        source: Source::new(&url("booking"), &url("vehicle"), &url("payment")).expect("valid URLs"),
        provider: Some(TossClient::new(&toss, Environment::system()).expect("a client")),
        grace: Duration::from_millis(100),
        provider_window: Duration::from_hours(24),
        clock: Clock::system(),
    }
}
