//! `SetDefaultPaymentMethod` and `DeletePaymentMethod`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use tonic::{Code, Status};

use crate::harness::*;

/// A card that the provider declines at every charge.
pub const DECLINED_CARD: &str = "4330000000000101";

impl Harness {
    async fn set_default(&self, guest: Person, id: &str) -> Result<PaymentMethod, Status> {
        let payment_method_id = id.to_owned();
        let call = self.request(guest, SetDefaultPaymentMethodRequest { payment_method_id });
        into_message(self.client.clone().set_default_payment_method(call).await)
    }

    pub async fn delete_card(&self, guest: Person, id: &str) -> Result<DeletePaymentMethodResponse, Status> {
        let payment_method_id = id.to_owned();
        let call = self.request(guest, DeletePaymentMethodRequest { payment_method_id });
        into_message(self.client.clone().delete_payment_method(call).await)
    }

    pub async fn card_ids(&self, guest: Person) -> Vec<String> {
        let cards = self.cards(guest).await.into_iter();
        cards.map(|card| card.id).collect()
    }
}

#[tokio::test]
async fn default_card_is_listed_first_and_charged() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let good = harness.cards(guest).await.remove(0);
    let declined = harness.register(guest, DECLINED_CARD).await.unwrap();
    assert_eq!(
        harness.card_ids(guest).await,
        [declined.id.clone(), good.id.clone()]
    );
    for _ in 0..2 {
        assert_eq!(harness.set_default(guest, &good.id).await.unwrap(), good);
    }
    let listed = harness.cards(guest).await;
    let is_default: Vec<bool> = listed.iter().map(|card| card.is_default).collect();
    assert_eq!((&listed[0], is_default), (&good, vec![true, false]));
    harness.until(&harness.approved(guest).await, "completed").await;

    let newest = harness.register(guest, "5330123412341234").await.unwrap();
    assert!(newest.is_default);
    assert_eq!(harness.card_ids(guest).await, [newest.id, good.id, declined.id]);
    harness.finish().await;
}

#[tokio::test]
async fn card_that_was_the_default_before_replaces_a_deleted_default() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let first = harness.cards(guest).await.remove(0);
    let second = harness.register(guest, DECLINED_CARD).await.unwrap();
    let third = harness.register(guest, "5330123412341234").await.unwrap();
    harness.set_default(guest, &first.id).await.unwrap();
    harness.set_default(guest, &second.id).await.unwrap();
    harness.delete_card(guest, &second.id).await.unwrap();
    assert_eq!(harness.card_ids(guest).await, [first.id.clone(), third.id]);
    harness.until(&harness.approved(guest).await, "completed").await;
    for refused in [
        harness.set_default(guest, &second.id).await.map(drop),
        harness.delete_card(guest, &second.id).await.map(drop),
    ] {
        assert_reason(refused, ErrorReason::PaymentMethodNotFound);
    }
    harness.finish().await;
}

#[tokio::test]
async fn charge_that_has_begun_is_completed_with_the_deleted_card() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    // The first charge does not reach the provider, so that it is repeated after the deletion.
    harness
        .sandbox
        .inject(Fault::refuse(Provider::Toss, "/v1/billing/bsbx"));
    let booking = harness.approved(guest).await;
    harness.until(&booking, "unknown").await;
    wait_until(|| async { harness.sandbox.faults().is_empty() }).await;
    let card = harness.card_ids(guest).await.remove(0);
    harness.delete_card(guest, &card).await.unwrap();
    assert_eq!(harness.card_ids(guest).await, Vec::<String>::new());
    let row = harness.pass_time_until(&booking, "completed").await;
    let key = format!("charge:{}:1", row.id);
    assert_eq!(harness.keys_used("/v1/billing/bsbx"), [key.clone(), key]);
    assert_eq!(harness.attempts(&row).await, ["billing captured"]);
    harness.assert_invariants().await;
    harness.finish().await;
}

#[tokio::test]
async fn payment_is_requested_when_the_only_card_was_deleted() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let card = harness.card_ids(guest).await.remove(0);
    harness.delete_card(guest, &card).await.unwrap();
    let booking = harness.approved(guest).await;
    harness.until(&booking, "requested").await;
    assert_eq!(harness.published_events(&booking).await, ["payment.requested"]);
    assert_eq!(harness.keys_used("/v1/billing/bsbx"), Vec::<String>::new());
    harness.finish().await;
}

#[tokio::test]
async fn card_of_another_guest_or_with_an_invalid_id_is_not_changed() {
    let harness = Harness::start().await;
    let (guest, other) = (harness.guest_with(GOOD_CARD).await, harness.person("guest"));
    let card = harness.card_ids(guest).await.remove(0);
    let unknown = harness.person("guest").id.to_string();
    for (caller, id) in [(other, &card), (guest, &unknown)] {
        let missing = ErrorReason::PaymentMethodNotFound;
        assert_reason(harness.set_default(caller, id).await, missing);
        assert_reason(harness.delete_card(caller, id).await, missing);
    }
    for refused in [
        harness.set_default(guest, "x").await.map(drop),
        harness.delete_card(guest, "x").await.map(drop),
    ] {
        let error = assert_reason(refused, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "payment_method_id");
    }
    let host = harness.person("host");
    assert_code(harness.delete_card(host, &card).await, Code::PermissionDenied);
    assert_eq!(harness.card_ids(guest).await, [card]);
    harness.finish().await;
}

#[tokio::test]
async fn repeated_deletion_with_the_same_key_succeeds() {
    let harness = Harness::start().await;
    let guest = harness.guest_with(GOOD_CARD).await;
    let payment_method_id = harness.card_ids(guest).await.remove(0);
    for _ in 0..2 {
        let call = DeletePaymentMethodRequest {
            payment_method_id: payment_method_id.clone(),
        };
        let call = with_idempotency_key(harness.request(guest, call), "k1");
        harness.client.clone().delete_payment_method(call).await.unwrap();
    }
    harness.finish().await;
}
