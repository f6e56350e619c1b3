//! Serves `grpc.health.v1` from the readiness checks.

use std::time::Duration;

use futures::FutureExt as _;
use tokio_util::sync::CancellationToken;
use tonic_health::ServingStatus;
use tonic_health::pb::health_server::{Health, HealthServer};
use tonic_health::server::HealthReporter;

use crate::health::Readiness;
use crate::task;

/// Interval of the readiness checks.
const CHECK_INTERVAL: Duration = Duration::from_secs(2);

/// Returns the health service, for the server (`""`) and for each of its services.
pub fn service(
    names: &[&'static str],
    readiness: Readiness,
    stop: CancellationToken,
) -> HealthServer<impl Health> {
    let (reporter, service) = tonic_health::server::health_reporter();
    let mut names = names.to_vec();
    names.push("");
    // Not serving until the checks have run once. The reporter's lock is free here, so the future is ready.
    for name in &names {
        let _ = reporter
            .set_service_status(name, ServingStatus::NotServing)
            .now_or_never();
    }
    task::spawn("grpc health", async move {
        update(&reporter, &names, &readiness, &stop).await;
    });
    service
}

async fn update(
    reporter: &HealthReporter,
    names: &[&'static str],
    readiness: &Readiness,
    stop: &CancellationToken,
) {
    while !stop.is_cancelled() {
        let report = readiness.report().await;
        let status = if report.is_ready() {
            ServingStatus::Serving
        } else {
            ServingStatus::NotServing
        };
        for name in names {
            reporter.set_service_status(name, status).await;
        }
        if report.draining {
            return;
        }
        tokio::select! {
            () = tokio::time::sleep(CHECK_INTERVAL) => {}
            () = readiness.draining() => {}
            () = stop.cancelled() => {}
        }
    }
}
