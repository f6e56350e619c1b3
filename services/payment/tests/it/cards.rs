//! Customers and their cards.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::payment::v1::*;
use carshare_sandbox::{Fault, Provider};
use tonic::{Code, Status};

use crate::bench::*;

impl Bench {
    async fn trade(&self, guest: Person, auth_key: &str) -> Result<PaymentMethod, Status> {
        let call = self.by(
            guest,
            RegisterPaymentMethodRequest {
                auth_key: auth_key.to_owned(),
            },
        );
        only(self.client.clone().register_payment_method(call).await)
    }

    async fn cards(&self, guest: Person) -> Vec<PaymentMethod> {
        let call = self.by(guest, ListPaymentMethodsRequest {});
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
async fn a_guest_has_one_customer_key_for_ever_and_nobody_else_has_it() {
    let bench = Bench::start().await;
    let (guest, other) = (bench.person("guest"), bench.person("guest"));
    let key = bench.customer_key(guest).await;
    assert_eq!(bench.customer_key(guest).await, key);
    assert_ne!(bench.customer_key(other).await, key);
    assert_eq!(key.len(), 36);
    assert!(!key.contains(&guest.id.simple().to_string()));
    bench.finish().await;
}

#[tokio::test]
async fn first_calls_at_the_same_time_get_the_same_customer_key() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let keys = futures::future::join_all((0..8).map(|_| bench.customer_key(guest))).await;
    assert!(keys.windows(2).all(|pair| pair[0] == pair[1]), "{keys:?}");
    bench.finish().await;
}

#[tokio::test]
async fn a_registered_card_is_masked_and_the_default() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let card = bench.register(guest, GOOD_CARD).await.unwrap();
    assert_eq!(
        (card.method.as_str(), card.card_number.as_str()),
        ("카드", "43301234****123*")
    );
    assert_eq!((card.card_issuer_code.as_str(), card.is_default), ("41", true));
    assert_eq!(
        card.created_at,
        Some(carshare_chassis::proto_types::timestamp(bench.clock.now()))
    );
    assert_eq!(bench.cards(guest).await, [card]);
    assert_eq!(bench.cards(bench.person("guest")).await, []);
    bench.finish().await;
}

#[tokio::test]
async fn the_newest_card_is_listed_first_and_is_the_default() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let first = bench.register(guest, GOOD_CARD).await.unwrap();
    let second = bench.register(guest, "5330123412341234").await.unwrap();
    assert!(second.is_default);
    assert_eq!(
        bench.cards(guest).await,
        [
            second,
            PaymentMethod {
                is_default: false,
                ..first
            }
        ]
    );
    bench.finish().await;
}

#[tokio::test]
async fn register_payment_method_repeated_is_one_card() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let auth_key = bench
        .enter_card(&bench.customer_key(guest).await, GOOD_CARD)
        .await;
    let call = || {
        keyed(
            bench.by(
                guest,
                RegisterPaymentMethodRequest {
                    auth_key: auth_key.clone(),
                },
            ),
            "k1",
        )
    };
    let first = only(bench.client.clone().register_payment_method(call()).await).unwrap();
    let again = only(bench.client.clone().register_payment_method(call()).await).unwrap();
    assert_eq!(first, again);
    assert_eq!(
        bench.asked("/authorizations/issue"),
        1,
        "answered from the kept reply"
    );
    // Without a key the provider recognises the trade, and we the card.
    assert_eq!(bench.trade(guest, &auth_key).await.unwrap(), first);
    let other = keyed(
        bench.by(
            guest,
            RegisterPaymentMethodRequest {
                auth_key: "another".into(),
            },
        ),
        "k1",
    );
    refused(
        bench.client.clone().register_payment_method(other).await,
        Common::IdempotencyKeyReused,
    );
    assert_eq!(bench.cards(guest).await.len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn a_lost_reply_costs_the_guest_nothing_but_another_try() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let auth_key = bench
        .enter_card(&bench.customer_key(guest).await, GOOD_CARD)
        .await;
    bench.sandbox.inject(Fault::lost_reply(Provider::Toss, "/issue"));
    let away = refused(
        bench.trade(guest, &auth_key).await,
        ErrorReason::ProviderUnavailable,
    );
    assert!(away.retry_delay().is_some());
    assert!(bench.trade(guest, &auth_key).await.unwrap().is_default);
    assert_eq!(bench.cards(guest).await.len(), 1);
    bench.finish().await;
}

#[tokio::test]
async fn what_another_guest_entered_is_no_card_of_mine() {
    let bench = Bench::start().await;
    let (guest, thief) = (bench.person("guest"), bench.person("guest"));
    let auth_key = bench
        .enter_card(&bench.customer_key(guest).await, GOOD_CARD)
        .await;
    let error = refused(
        bench.trade(thief, &auth_key).await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(error.metadata()["provider_code"], "NOT_MATCHES_CUSTOMER_KEY");
    bench.trade(guest, &auth_key).await.unwrap();
    // Also once it has been traded.
    refused(
        bench.trade(thief, &auth_key).await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(bench.cards(thief).await, []);
    bench.finish().await;
}

#[tokio::test]
async fn a_card_the_provider_refuses_is_refused_with_its_code() {
    let bench = Bench::start().await;
    let guest = bench.person("guest");
    let error = refused(
        bench.register(guest, "4330000000000401").await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(error.metadata()["provider_code"], "INVALID_REJECT_CARD");
    refused(
        bench.trade(guest, "made-up").await,
        ErrorReason::CardRegistrationFailed,
    );
    assert_eq!(bench.cards(guest).await, []);
    bench.finish().await;
}

#[tokio::test]
async fn cards_are_for_guests() {
    let bench = Bench::start().await;
    for role in ["host", "admin"] {
        let call = bench.by(bench.person(role), ListPaymentMethodsRequest {});
        refused_as(
            bench.client.clone().list_payment_methods(call).await,
            Code::PermissionDenied,
        );
    }
    refused_as(
        bench
            .client
            .clone()
            .get_payment_customer(GetPaymentCustomerRequest {})
            .await,
        Code::Unauthenticated,
    );
    let guest = bench.person("guest");
    for auth_key in [String::new(), "x".repeat(301)] {
        let error = refused(bench.trade(guest, &auth_key).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "auth_key");
    }
    assert_eq!(bench.asked(""), 0);
    bench.finish().await;
}
