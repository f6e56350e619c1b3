//! Statements of events from the publishing transaction to their effect, counted.

use carshare_store::{Error, Tx};
use carshare_testkit::{Counts, Measured, eventually_true};

use crate::harness::{TIMEOUT, event, note_consumer};
use crate::metered::Metered;

/// Measurements, of which the smallest counts: a poll that falls into one adds to it.
const MEASUREMENTS: usize = 3;

impl Metered {
    /// Publishes `count` events of as many keys in one transaction, and waits for their effects.
    async fn deliver(&self, count: usize) {
        let before = self.harness.notes().await.len();
        self.db.transaction("test.publish", count, publish).await.unwrap();
        eventually_true(TIMEOUT, || async {
            self.harness.notes().await.len() == before + count
        })
        .await;
    }

    /// Measures deliveries after statements have been prepared.
    async fn measure_delivery(&self, count: usize) -> Measured {
        let relay = carshare_store::Relay::new(&self.db, &self.harness.redis, "auth");
        let relay = crate::harness::Running::start(|shutdown| relay.run(shutdown));
        let consumer = note_consumer(&self.db, &self.harness.redis);
        self.deliver(count).await;
        self.deliver(count).await;
        let mut measured = Vec::new();
        for _ in 0..MEASUREMENTS {
            measured.push(self.meter.measure(self.deliver(count)).await.1);
        }
        relay.stop().await;
        consumer.stop().await;
        measured
            .into_iter()
            .min_by_key(|measured| measured.round_trips)
            .unwrap()
    }
}

async fn publish(tx: &Tx, &count: &usize) -> Result<(), Error> {
    for _ in 0..count {
        tx.publish(&event(&tx.new_id().to_string(), "delivered"));
    }
    Ok(())
}

#[tokio::test]
async fn one_event_is_four_statements_in_eight_round_trips() {
    let measured = Metered::new().await.measure_delivery(1).await;
    // The events of the transaction; their positions; the cursor; the effect. BEGIN and COMMIT of publisher and consumer.
    measured.assert(Counts {
        statements: 4,
        round_trips: 8,
        commits: 2,
    });
}

#[tokio::test]
async fn hundred_events_of_a_transaction_add_only_their_effects() {
    let measured = Metered::new().await.measure_delivery(100).await;
    measured.assert(Counts {
        statements: 3 + 100,
        round_trips: 7 + 100,
        commits: 2,
    });
}
