//! `user.deleted`: the end of a guest's cards, and what of them is kept.

use carshare_proto::auth::v1::UserDeleted;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_sandbox::{Fault, Provider};
use carshare_service_testkit::WAIT_TIMEOUT;
use carshare_testkit::eventually_true;

use crate::harness::*;
use crate::key_removal::Keys;
use crate::paused_provider::{Verb, When};

const OTHER_CARD: &str = "5330123412341234";
const NO_KEYS: Keys = Keys {
    kept: 0,
    to_remove: 0,
};

impl Harness {
    async fn publish_deleted(&self, guest: Person) {
        let deleted = UserDeleted {
            user_id: guest.id.to_string(),
            role: Role::Guest.into(),
        };
        self.service.publish("auth", deleted).await;
    }

    async fn delete_guest(&self, guest: Person) {
        self.publish_deleted(guest).await;
        self.handled().await;
    }

    /// Returns the cards of a guest, oldest first: `enabled 5330********1234 11`.
    async fn stored_cards(&self, guest: Person) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', CASE WHEN disabled_at IS NULL THEN 'enabled' ELSE 'disabled' END, card_number, \
             card_issuer_code) AS line FROM payment_methods WHERE guest_id = '{}' ORDER BY id",
            guest.id
        );
        self.lines(&sql).await
    }
}

#[tokio::test]
async fn deleted_guest_has_no_card_and_only_the_charged_one_keeps_its_masked_number() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let other = harness.guest_with("5330123412349999").await;
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "completed").await;
    harness.register(guest, OTHER_CARD).await.unwrap();
    let (before, others) = (
        harness.stored_cards(guest).await,
        harness.stored_cards(other).await,
    );

    harness.delete_guest(guest).await;
    let charged = before[0].replace("enabled", "disabled");
    assert!(charged.contains('*'), "{charged}");
    assert_eq!(
        harness.stored_cards(guest).await,
        [charged.as_str(), "disabled  "]
    );
    assert_eq!(harness.stored_cards(other).await, others);
    let expected = Keys {
        kept: 1,
        to_remove: 0,
    };
    assert_eq!(harness.pass_time_until_removed().await, expected);
    assert_eq!(harness.deletions(), 2);
    assert_eq!(harness.row(&booking).await.unwrap().id, row.id);
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    harness.finish().await;
}

#[tokio::test]
async fn deleted_guest_gets_no_customer_key_and_registers_no_card() {
    let harness = Harness::start().await;
    let (known, unknown) = (harness.guest_with(GOOD_CARD).await, harness.person("guest"));
    let key = harness.customer_key(known).await;
    for guest in [known, unknown] {
        harness.delete_guest(guest).await;
        let call = harness.request(guest, carshare_proto::payment::v1::GetPaymentCustomerRequest {});
        let refused = into_message(harness.client.clone().get_payment_customer(call).await);
        assert_reason(refused, Common::TokenRevoked);
        let auth_key = harness.enter_card(&key, OTHER_CARD).await;
        assert_reason(harness.exchange(guest, &auth_key).await, Common::TokenRevoked);
    }
    assert_eq!(harness.row_count("customers").await, 2);
    assert_eq!(harness.row_count("payment_methods").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn charge_that_has_begun_is_completed_after_the_deletion() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    let booking = harness.approved(guest).await;
    harness.until(&booking, "unknown").await;
    harness.delete_guest(guest).await;
    let row = harness.pass_time_until(&booking, "completed").await;
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    assert!(harness.stored_cards(guest).await[0].contains('*'));
    assert_eq!(harness.pass_time_until_removed().await, NO_KEYS);
    harness.finish().await;
}

#[tokio::test]
async fn approval_after_the_deletion_charges_no_card() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.delete_guest(guest).await;
    let booking = harness.approved(guest).await;
    let row = harness.until(&booking, "requested").await;
    assert_eq!(harness.attempts(&row).await, Vec::<String>::new());
    harness.finish().await;
}

#[tokio::test]
async fn card_that_is_stored_after_the_deletion_is_deleted_at_once() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let auth_key = harness
        .enter_card(&harness.customer_key(guest).await, GOOD_CARD)
        .await;
    harness.instance.provider.pause_at(Verb::Issue, When::After);
    let deletion = async {
        harness.instance.provider.paused().await;
        harness.delete_guest(guest).await;
        harness.instance.provider.resume();
    };
    let (registered, ()) = tokio::join!(harness.exchange(guest, &auth_key), deletion);
    registered.expect("a registration that came before the deletion");
    assert_eq!(harness.stored_cards(guest).await, ["disabled  "]);
    assert_eq!(harness.pass_time_until_removed().await, NO_KEYS);
    assert_eq!(harness.deletions(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn registrations_and_charges_concurrent_with_the_deletion_leave_no_enabled_card() {
    let harness = Harness::start().await;
    let mut guests = Vec::new();
    for _ in 0..8 {
        let guest = harness.guest_with(GOOD_CARD).await;
        guests.push((guest, harness.customer_key(guest).await));
    }
    let race = |(guest, key): (Person, String)| {
        let harness = &harness;
        async move {
            let auth_key = harness.enter_card(&key, OTHER_CARD).await;
            let booking = harness.booking(guest);
            let (registered, (), ()) = tokio::join!(
                harness.exchange(guest, &auth_key),
                harness.send(harness.approval(&booking)),
                harness.publish_deleted(guest)
            );
            if registered.is_err() {
                assert_reason(registered, Common::TokenRevoked);
            }
            booking
        }
    };
    let bookings = futures::future::join_all(guests.into_iter().map(race)).await;
    harness.handled().await;
    for booking in &bookings {
        let settled = async || {
            let row = harness.row(booking).await;
            row.is_some_and(|row| ["completed", "requested"].contains(&row.state.as_str()))
        };
        eventually_true(WAIT_TIMEOUT, settled).await;
    }
    let enabled = "SELECT count(*) AS count FROM payment_methods WHERE disabled_at IS NULL";
    assert_eq!(harness.count(enabled).await, 0);
    assert_eq!(harness.pass_time_until_removed().await, NO_KEYS);
    harness.finish().await;
}

#[tokio::test]
async fn repeated_deletion_changes_nothing() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    harness.delete_guest(guest).await;
    assert_eq!(harness.pass_time_until_removed().await, NO_KEYS);
    let state = "SELECT concat_ws(' ', closed_at, customer_key, disabled_at, version) AS line \
                 FROM customers JOIN payment_methods USING (guest_id)";
    let before = harness.lines(state).await;
    harness.clock.advance(std::time::Duration::from_hours(1));
    harness.delete_guest(guest).await;
    assert_eq!(harness.lines(state).await, before);
    assert_eq!((before.len(), harness.deletions()), (1, 1));
    harness.finish().await;
}
