//! Readiness of the gateway: every service has been reached once. A service that goes away later is told to the callers of
//! that service; taking the whole gateway out of the balancer for it would make one outage five.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use carshare_chassis::client::PeerChannel;
use carshare_chassis::health::Readiness;
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;

/// One check for each service.
pub fn checks<'a>(peers: impl Iterator<Item = &'a PeerChannel>) -> Readiness {
    let mut readiness = Readiness::new();
    for peer in peers {
        let (peer, reached) = (peer.clone(), Arc::new(AtomicBool::new(false)));
        readiness.check(peer.name(), move || reach(peer.clone(), Arc::clone(&reached)));
    }
    readiness
}

/// Any answer will do: a service that is not ready itself can be reached.
async fn reach(peer: PeerChannel, reached: Arc<AtomicBool>) -> anyhow::Result<()> {
    if !reached.load(Ordering::Relaxed) {
        HealthClient::new(peer)
            .check(HealthCheckRequest::default())
            .await?;
        reached.store(true, Ordering::Relaxed);
    }
    Ok(())
}
