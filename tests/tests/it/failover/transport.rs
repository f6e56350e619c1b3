//! Redis loses entries that a consumer has not read.

use carshare_testkit::eventually_true;
use rstest::rstest;

use super::fleet;
use crate::harness::{Servers, TIMEOUT};

const UNRELAYED: &str = "SELECT count(*) FROM booking.outbox WHERE position IS NULL";

#[derive(Clone, Copy, Debug)]
enum Loss {
    Trimmed,
    Emptied,
    /// Killed and restarted with an older snapshot.
    RolledBack,
    /// Killed and restarted without data.
    Restarted,
}

impl Loss {
    async fn inject(self, servers: &Servers) {
        match self {
            Self::Trimmed => servers.trim_streams().await.expect("Redis"),
            Self::Emptied => servers.empty_redis().await.expect("Redis"),
            Self::RolledBack | Self::Restarted => servers.roll_back_redis().await,
        }
    }
}

#[rstest]
#[case::trimmed(Loss::Trimmed)]
#[case::emptied(Loss::Emptied)]
#[case::rolled_back(Loss::RolledBack)]
#[case::restarted(Loss::Restarted)]
#[tokio::test(flavor = "multi_thread")]
async fn consumer_that_was_away_gets_events_that_redis_was(#[case] loss: Loss) {
    let (servers, mut setup) = fleet(&[]).await;
    let (cancelled, approved) = (setup.confirmed().await, setup.requested().await);
    if matches!(loss, Loss::RolledBack) {
        servers.snapshot_redis().await.expect("Redis");
    }
    let payment = setup.mesh.replicas_of("payment");
    for replica in &payment {
        setup.mesh.kill(*replica).expect("it runs");
    }
    setup.guest.cancel(&cancelled).await.ok(200);
    setup.host.approve(&approved).await.ok(200);
    eventually_true(TIMEOUT, || async { setup.sql.count(UNRELAYED).await == 0 }).await;
    loss.inject(&servers).await;

    for replica in payment {
        setup.mesh.spawn(replica).expect("it starts");
    }
    setup.refunded(&cancelled).await;
    setup.guest.confirmed(&approved).await;
    setup.assert_consistent().await;
}
