//! Customers and payment methods.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use tonic::{Code, Status};

use crate::harness::*;

impl Harness {
    pub async fn exchange(&self, guest: Person, auth_key: &str) -> Result<PaymentMethod, Status> {
        let call = self.request(
            guest,
            RegisterPaymentMethodRequest {
                auth_key: auth_key.to_owned(),
            },
        );
        into_message(self.client.clone().register_payment_method(call).await)
    }

    pub async fn cards(&self, guest: Person) -> Vec<PaymentMethod> {
        let call = self.request(guest, ListPaymentMethodsRequest {});
        self.client
            .clone()
            .list_payment_methods(call)
            .await
            .unwrap()
            .into_inner()
            .payment_methods
    }
}

#[tokio::test]
async fn customer_key_is_stable_and_unique() {
    let harness = Harness::start().await;
    let (guest, other) = (harness.person("guest"), harness.person("guest"));
    let key = harness.customer_key(guest).await;
    assert_eq!(harness.customer_key(guest).await, key);
    assert_ne!(harness.customer_key(other).await, key);
    assert_eq!(key.len(), 36);
    assert!(!key.contains(&guest.id.simple().to_string()));
    harness.finish().await;
}

#[tokio::test]
async fn concurrent_first_calls_return_the_same_customer_key() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let keys = futures::future::join_all((0..8).map(|_| harness.customer_key(guest))).await;
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    harness.finish().await;
}

#[tokio::test]
async fn registered_card_is_masked_and_the_default() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let card = harness.register(guest, GOOD_CARD).await.unwrap();
    assert_eq!(
        (card.method.as_str(), card.card_number.as_str()),
        ("카드", "43301234****123*")
    );
    assert_eq!((card.card_issuer_code.as_str(), card.is_default), ("41", true));
    assert_eq!(
        card.created_at,
        Some(carshare_chassis::proto_types::timestamp(harness.clock.now()))
    );
    assert_eq!(harness.cards(guest).await, [card]);
    assert_eq!(harness.cards(harness.person("guest")).await, []);
    harness.finish().await;
}

#[tokio::test]
async fn newest_card_is_the_default() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let first = harness.register(guest, GOOD_CARD).await.unwrap();
    let second = harness.register(guest, "5330123412341234").await.unwrap();
    assert!(second.is_default);
    assert_eq!(
        harness.cards(guest).await,
        [
            second,
            PaymentMethod {
                is_default: false,
                ..first
            }
        ]
    );
    harness.finish().await;
}

#[tokio::test]
async fn register_payment_method_is_idempotent() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let auth_key = harness
        .enter_card(&harness.customer_key(guest).await, GOOD_CARD)
        .await;
    let call = || {
        with_idempotency_key(
            harness.request(
                guest,
                RegisterPaymentMethodRequest {
                    auth_key: auth_key.clone(),
                },
            ),
            "k1",
        )
    };
    let first = into_message(harness.client.clone().register_payment_method(call()).await).unwrap();
    let again = into_message(harness.client.clone().register_payment_method(call()).await).unwrap();
    assert_eq!(first, again);
    assert_eq!(
        harness.request_count("/authorizations/issue"),
        1,
        "the stored reply is replayed"
    );
    // Without an idempotency key the provider recognises the exchange, and the store the card.
    assert_eq!(harness.exchange(guest, &auth_key).await.unwrap(), first);
    let other = with_idempotency_key(
        harness.request(
            guest,
            RegisterPaymentMethodRequest {
                auth_key: "another".into(),
            },
        ),
        "k1",
    );
    assert_reason(
        harness.client.clone().register_payment_method(other).await,
        Common::IdempotencyKeyReused,
    );
    assert_eq!(harness.cards(guest).await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn register_payment_method_can_be_repeated_after_a_lost_reply() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let auth_key = harness
        .enter_card(&harness.customer_key(guest).await, GOOD_CARD)
        .await;
    harness
        .sandbox
        .inject(Fault::lost_reply(Provider::Toss, "/issue"));
    let unavailable = assert_reason(
        harness.exchange(guest, &auth_key).await,
        ErrorReason::ProviderUnavailable,
    );
    assert!(unavailable.retry_delay().is_some());
    assert!(harness.exchange(guest, &auth_key).await.unwrap().is_default);
    assert_eq!(harness.cards(guest).await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn rejects_auth_key_of_another_guest() {
    let harness = Harness::start().await;
    let (guest, other) = (harness.person("guest"), harness.person("guest"));
    let auth_key = harness
        .enter_card(&harness.customer_key(guest).await, GOOD_CARD)
        .await;
    let error = assert_reason(
        harness.exchange(other, &auth_key).await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(error.metadata()["provider_code"], "NOT_MATCHES_CUSTOMER_KEY");
    harness.exchange(guest, &auth_key).await.unwrap();
    // Also after it was exchanged.
    assert_reason(
        harness.exchange(other, &auth_key).await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(harness.cards(other).await, []);
    harness.finish().await;
}

#[tokio::test]
async fn rejected_card_returns_the_provider_code() {
    let harness = Harness::start().await;
    let guest = harness.person("guest");
    let error = assert_reason(
        harness.register(guest, "4330000000000401").await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(error.metadata()["provider_code"], "INVALID_REJECT_CARD");
    assert_reason(
        harness.exchange(guest, "made-up").await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(harness.cards(guest).await, []);
    harness.finish().await;
}

#[tokio::test]
async fn only_guests_have_payment_methods() {
    let harness = Harness::start().await;
    for role in ["host", "admin"] {
        let call = harness.request(harness.person(role), ListPaymentMethodsRequest {});
        assert_code(
            harness.client.clone().list_payment_methods(call).await,
            Code::PermissionDenied,
        );
    }
    assert_code(
        harness
            .client
            .clone()
            .get_payment_customer(GetPaymentCustomerRequest {})
            .await,
        Code::Unauthenticated,
    );
    let guest = harness.person("guest");
    for auth_key in [String::new(), "x".repeat(301)] {
        let error = assert_reason(harness.exchange(guest, &auth_key).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "auth_key");
    }
    assert_eq!(harness.request_count(""), 0);
    harness.finish().await;
}
