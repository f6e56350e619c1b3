//! Readiness checks of the gateway: every service was reached once since the start. Callers of a service that fails later get
//! 503; a gateway that became unready for it would turn the outage of one service into one of all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carshare_chassis::client::PeerChannel;
use carshare_chassis::health::Readiness;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// Returns one check for each service.
pub fn checks<'a>(peers: impl Iterator<Item = &'a PeerChannel>) -> Readiness {
    let mut readiness = Readiness::new();
    for peer in peers {
        let (peer, reached) = (peer.clone(), Arc::new(AtomicBool::new(false)));
        readiness.check(peer.name(), move || reach(peer.clone(), Arc::clone(&reached)));
    }
    readiness
}

/// Accepts any response: a service that is not ready is reachable.
async fn reach(peer: PeerChannel, reached: Arc<AtomicBool>) -> anyhow::Result<()> {
    if !reached.load(Ordering::Relaxed) {
        HealthClient::new(peer)
            .check(HealthCheckRequest::default())
            .await?;
        reached.store(true, Ordering::Relaxed);
    }
    Ok(())
}
