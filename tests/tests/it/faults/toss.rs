//! Failures of Toss around a charge: the guest is charged once and the booking confirmed.

use carshare_mesh::Options;
use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::{eventually, eventually_true};
use rstest::rstest;
use serde_json::{Value, json};

use crate::harness::{Guest, Setup, TIMEOUT, next_slot};

const CHARGE: &str = "/v1/billing/bsbx";
const LOOKUP: &str = "/v1/payments/orders";
const CONFIRM: &str = "/v1/payments/confirm";

/// Short timeouts, and a circuit breaker that closes soon.
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
// After the capture: the response is lost.
#[case::reply_lost(&[charge()])]
#[case::every_reply_lost(&[charge().times(3)])]
#[case::every_reply_lost_and_lookups_failing(&[charge().times(3), Fault::error(Provider::Toss, LOOKUP, 500).times(4)])]
#[case::too_slow(&[Fault::delay(Provider::Toss, CHARGE, 1_800)])]
#[case::too_slow_and_reply_lost(&[Fault { delay_ms: 1_800, ..charge() }])]
// Before the capture: Toss has captured nothing.
#[case::refused(&[Fault::refuse(Provider::Toss, CHARGE).times(3)])]
#[case::failing(&[Fault::error(Provider::Toss, CHARGE, 500).times(3)])]
#[case::behind_a_failing_proxy(&[Fault::error(Provider::Toss, CHARGE, 502).times(4)])]
#[case::failing_with_provider_error(&[Fault::error(Provider::Toss, CHARGE, 400).body(provider_error())])]
#[case::unreachable(&[Fault::refuse(Provider::Toss, "/v1/").times(5)])]
#[tokio::test(flavor = "multi_thread")]
async fn guest_is_charged_once_when_toss_is(#[case] faults: &[Fault]) {
    let setup = Setup::with(short_timeouts()).await;
    let id = setup.requested().await;
    for fault in faults {
        setup.mesh.sandbox().inject(fault.clone());
    }
    setup.host.approve(&id).await.ok(200);
    setup.guest.confirmed(&id).await;

    assert_eq!(setup.mesh.sandbox().faults(), [], "every fault was used");
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
async fn cancellation_during_a_charge_refunds_it() {
    let setup = Setup::start().await;
    setup
        .mesh
        .sandbox()
        .inject(Fault::delay(Provider::Toss, CHARGE, 1_500));
    let id = setup.approved().await;
    let asked = || async { setup.mesh.sandbox().request_count(Provider::Toss, CHARGE) == 1 };
    eventually_true(TIMEOUT, asked).await;

    // No capture is known yet, so the refund is 0.
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
async fn window_payment_is_captured_once_when_the_confirmation_is(#[case] fault: Fault) {
    let setup = Setup::with(short_timeouts()).await;
    let guest = Guest::register(&setup.mesh).await;
    let id = guest.request(&setup.car, next_slot(setup.mesh.now())).await;
    setup.host.approve(&id).await.ok(200);
    let paid = guest.checkout(&id).await;
    setup.mesh.sandbox().inject(fault);

    // The app repeats the call as `Retry-After` says.
    let taken = eventually(TIMEOUT, || async {
        let response = guest.rest.post("/v1/payments/process", &paid).await;
        if response.status == 503 {
            assert!(response.headers.contains_key("retry-after"), "{}", response.body);
            response.expect_error(503, "PAYMENT006");
            return None;
        }
        Some(response.ok(200))
    })
    .await;
    assert_eq!(
        (&taken["status"], &taken["amount"]),
        (&json!("completed"), &json!(80_000))
    );
    guest.confirmed(&id).await;
    let payments = setup.mesh.sandbox().payments();
    assert_eq!((payments.len(), payments[0].status), (1, PaymentStatus::Done));
    setup.assert_consistent().await;
}
