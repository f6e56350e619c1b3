//! Deletion of billing keys, here and at the provider, after their card was deleted.

use std::time::Duration;

use carshare_sandbox::{Fault, Provider};
use carshare_testkit::eventually;
use sea_orm::{ConnectionTrait as _, FromQueryResult};

use crate::harness::*;

const CARD_PATH: &str = "/v1/billing/bsbx";

#[derive(Debug, PartialEq, FromQueryResult)]
pub struct Keys {
    pub kept: i64,
    pub to_remove: i64,
}

impl Harness {
    async fn keys(&self) -> Keys {
        let sql = "SELECT count(billing_key_sealed) AS kept, count(key_removal_due_at) AS to_remove FROM payment_methods";
        self.rows(sql).await.remove(0)
    }

    /// Advances the clock in small steps until no key is left to remove.
    pub async fn pass_time_until_removed(&self) -> Keys {
        eventually(WAIT_TIMEOUT, || async {
            let keys = self.keys().await;
            if keys.to_remove > 0 {
                self.clock.advance(Duration::from_secs(1));
            }
            (keys.to_remove == 0).then_some(keys)
        })
        .await
    }

    pub fn deletions(&self) -> usize {
        let requests = self.sandbox.requests().into_iter();
        requests
            .filter(|request| request.method == "DELETE" && request.path.contains(CARD_PATH))
            .count()
    }
}

#[tokio::test]
async fn key_of_a_deleted_card_is_deleted_here_and_at_the_provider() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let other = harness.register(guest, "5330123412341234").await.unwrap();
    harness.delete_card(guest, &other.id).await.unwrap();
    let expected = Keys {
        kept: 1,
        to_remove: 0,
    };
    assert_eq!(harness.pass_time_until_removed().await, expected);
    assert_eq!(harness.deletions(), 1);
    harness.until(&harness.approved(guest).await, "completed").await;
    harness.finish().await;
}

#[tokio::test]
async fn deletion_is_repeated_until_the_provider_has_answered() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    // More often than a call is retried by itself; the last one takes effect, but its reply is lost.
    harness.sandbox.inject(
        Fault::error(Provider::Toss, CARD_PATH, 503)
            .method("DELETE")
            .times(9),
    );
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, CARD_PATH).method("DELETE"));
    let card = harness.card_ids(guest).await.remove(0);
    harness.delete_card(guest, &card).await.unwrap();
    let expected = Keys {
        kept: 0,
        to_remove: 0,
    };
    assert_eq!(harness.pass_time_until_removed().await, expected);
    assert!(harness.sandbox.faults().is_empty() && harness.deletions() > 10);
    harness.finish().await;
}

#[tokio::test]
async fn attempt_whose_key_was_removed_ends_and_the_payment_is_requested() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.sandbox.inject(Fault::refuse(Provider::Toss, CARD_PATH));
    let booking = harness.approved(guest).await;
    harness.until(&booking, "unknown").await;
    let removed = "UPDATE payment_methods SET disabled_at = now(), billing_key_sealed = NULL";
    harness.db.conn().execute_unprepared(removed).await.unwrap();
    let row = harness.pass_time_until(&booking, "requested").await;
    assert_eq!(
        harness.attempts(&row).await,
        ["billing failed BILLING_KEY_REMOVED"]
    );
    harness.finish().await;
}

#[tokio::test]
async fn key_is_kept_while_an_attempt_needs_it() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.sandbox.inject(Fault::refuse(Provider::Toss, CARD_PATH));
    let booking = harness.approved(guest).await;
    harness.until(&booking, "unknown").await;
    let card = harness.card_ids(guest).await.remove(0);
    harness.delete_card(guest, &card).await.unwrap();
    let row = harness.pass_time_until(&booking, "completed").await;
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    let expected = Keys {
        kept: 0,
        to_remove: 0,
    };
    assert_eq!(harness.pass_time_until_removed().await, expected);
    let requests = harness.sandbox.requests().into_iter();
    let on_card: Vec<String> = requests
        .filter(|request| request.path.contains(CARD_PATH))
        .map(|request| request.method)
        .collect();
    assert_eq!(on_card, ["POST", "POST", "DELETE"]);
    harness.assert_invariants().await;
    harness.finish().await;
}
