//! The provider fails around a charge: whatever happens on the wire, the guest is charged once and the booking is confirmed.

use carshare_mesh::Options;
use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::{eventually, eventually_true};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Guest, Rest, Setup, TIMEOUT, next_slot};

const CHARGE: &str = "/v1/billing/bsbx";
const LOOKUP: &str = "/v1/payments/orders";
const CONFIRM: &str = "/v1/payments/confirm";

/// Waits that would only be waited for, made short: time limits, and how long Toss is left alone after five failures.
fn short_timeouts() -> Options {
    Options::temporary()
        .with_env("PAYMENT__TOSS__BILLING_TIMEOUT_MS", "1000")
        .with_env("PAYMENT__TOSS__HTTP__TIMEOUT_MS", "1000")
        .with_env("PAYMENT__TOSS__HTTP__BREAKER_OPEN_MS", "500")
        .with_env("PAYMENT__WORKER__POLL_INTERVAL_MS", "200")
}

fn charge() -> Fault {
    Fault::lost_reply(Provider::Toss, CHARGE)
}

fn provider_error() -> Value {
    json!({ "code": "PROVIDER_ERROR", "message": "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요." })
}

#[rstest]
// After the charge: the money is taken, and nobody was told.
#[case::reply_lost(&[charge()])]
#[case::every_reply_lost(&[charge().times(3)])]
#[case::every_reply_lost_and_questions_fail(&[charge().times(3), Fault::error(Provider::Toss, LOOKUP, 500).times(4)])]
#[case::too_slow(&[Fault::delay(Provider::Toss, CHARGE, 1_800)])]
#[case::too_slow_and_then_lost(&[Fault { delay_ms: 1_800, ..charge() }])]
// Before the charge: nothing was taken, and perhaps nobody was told that either.
#[case::refused(&[Fault::refuse(Provider::Toss, CHARGE).times(3)])]
#[case::failing(&[Fault::error(Provider::Toss, CHARGE, 500).times(3)])]
#[case::behind_a_broken_gateway(&[Fault::error(Provider::Toss, CHARGE, 502).times(4)])]
#[case::failing_by_its_own_word(&[Fault::error(Provider::Toss, CHARGE, 400).body(provider_error())])]
#[case::away_for_everything(&[Fault::refuse(Provider::Toss, "/v1/").times(5)])]
#[tokio::test(flavor = "multi_thread")]
async fn the_guest_is_charged_once_when_the_provider_is(#[case] faults: &[Fault]) {
    let setup = Setup::with(short_timeouts()).await;
    let id = setup.requested().await;
    for fault in faults {
        setup.mesh.sandbox().inject(fault.clone());
    }
    setup.host.approve(&id).await.ok(200);
    setup.guest.confirmed(&id).await;

    assert_eq!(setup.mesh.sandbox().faults(), [], "all of it happened");
    let charged = setup.mesh.sandbox().payments();
    let done: Vec<_> = charged
        .iter()
        .map(|payment| (payment.status, payment.total_amount))
        .collect();
    assert_eq!(done, [(PaymentStatus::Done, 80_000)]);
    assert_eq!(setup.guest.payment(&id).await["status"], "completed");
    setup.assert_consistent().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_that_is_called_off_while_its_charge_runs_costs_nothing() {
    let setup = Setup::start().await;
    setup
        .mesh
        .sandbox()
        .inject(Fault::delay(Provider::Toss, CHARGE, 1_500));
    let id = setup.approved().await;
    let asked = || async { setup.mesh.sandbox().request_count(Provider::Toss, CHARGE) == 1 };
    eventually_true(TIMEOUT, asked).await;

    // Nothing is captured as far as anybody knows, so nothing is owed yet.
    let cancelled = setup.guest.cancel(&id).await.ok(200);
    assert_eq!(cancelled["cancellation"]["refund_amount"], 0);
    assert!(setup.mesh.sandbox().payments().is_empty());

    let refunded = setup.refunded(&id).await;
    assert_eq!(
        (&refunded["status"], &refunded["cancellation"]["refund_amount"]),
        (&json!("cancelled"), &json!(80_000))
    );
    assert!(refunded.get("confirmed_at").is_none_or(Value::is_null));
    let payments = setup.mesh.sandbox().payments();
    assert_eq!(
        (payments.len(), payments[0].status, payments[0].balance_amount),
        (1, PaymentStatus::Canceled, 0)
    );
    setup.assert_consistent().await;
}

#[rstest]
#[case::reply_lost(Fault::lost_reply(Provider::Toss, CONFIRM).times(3))]
#[case::too_slow(Fault::delay(Provider::Toss, CONFIRM, 1_800))]
#[case::failing(Fault::error(Provider::Toss, CONFIRM, 500).times(3))]
#[tokio::test(flavor = "multi_thread")]
async fn a_window_payment_is_taken_once_when_its_confirmation_is(#[case] fault: Fault) {
    let setup = Setup::with(short_timeouts()).await;
    let guest = Guest::register(&setup.mesh).await;
    let booking = guest.book(&setup.car, next_slot(setup.mesh.now())).await.ok(201);
    let id = booking["id"].as_str().expect("an id");
    setup.host.approve(id).await.ok(200);
    let paid = window(&setup, &guest, id).await;
    setup.mesh.sandbox().inject(fault);

    // The app asks until it knows, as it is told to.
    let taken = eventually(TIMEOUT, || async {
        let answer = guest.rest.post("/v1/payments/process", &paid).await;
        if answer.status == 503 {
            assert!(answer.headers.contains_key("retry-after"), "{}", answer.body);
            answer.expect_error(503, "PAYMENT006");
            return None;
        }
        Some(answer.ok(200))
    })
    .await;
    assert_eq!(
        (&taken["status"], &taken["amount"]),
        (&json!("completed"), &json!(80_000))
    );
    guest.confirmed(id).await;
    let payments = setup.mesh.sandbox().payments();
    assert_eq!((payments.len(), payments[0].status), (1, PaymentStatus::Done));
    setup.assert_consistent().await;
}

/// What the guest did in Toss's window, as the app sends it on.
async fn window(setup: &Setup, guest: &Guest, id: &str) -> Value {
    let payment = eventually(TIMEOUT, || async {
        let answer = guest.rest.get(&format!("/v1/payments/bookings/{id}")).await;
        (answer.status == 200).then_some(answer.body)
    })
    .await;
    let (order, amount) = (&payment["order_id"], &payment["amount"]);
    let checkout = json!({ "orderId": order, "amount": amount, "orderName": "G80" });
    let window = Rest::at(setup.mesh.sandbox().url())
        .post("/toss/sandbox/checkout", &checkout)
        .await
        .ok(201);
    json!({ "booking_id": id, "payment_key": window["paymentKey"], "order_id": order, "amount": amount })
}
