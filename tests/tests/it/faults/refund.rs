//! Failures of Toss around a refund: the guest is refunded once.

use carshare_mesh::Options;
use carshare_sandbox::{Fault, PaymentStatus, Provider};
use rstest::rstest;
use serde_json::json;

use crate::harness::Setup;

const CANCEL: &str = "/cancel";

#[rstest]
#[case::reply_lost(Fault::lost_reply(Provider::Toss, CANCEL))]
#[case::every_reply_lost(Fault::lost_reply(Provider::Toss, CANCEL).times(3))]
#[case::too_slow(Fault::delay(Provider::Toss, CANCEL, 1_800))]
#[case::refused(Fault::refuse(Provider::Toss, CANCEL).times(4))]
#[case::failing(Fault::error(Provider::Toss, CANCEL, 500).times(3))]
#[case::failing_with_provider_error(
    Fault::error(Provider::Toss, CANCEL, 500).body(json!({ "code": "FAILED_REFUND_PROCESS", "message": "은행 응답시간 지연" }))
)]
#[tokio::test(flavor = "multi_thread")]
async fn guest_is_refunded_once_when_toss_is(#[case] fault: Fault) {
    let options = Options::temporary()
        .with_env("PAYMENT__TOSS__HTTP__TIMEOUT_MS", "1000")
        .with_env("PAYMENT__TOSS__HTTP__BREAKER_OPEN_MS", "500")
        .with_env("PAYMENT__WORKER__POLL_INTERVAL_MS", "200");
    let setup = Setup::with(options).await;
    let id = setup.confirmed().await;
    // Without webhooks only payment's own queries find the refund.
    setup.mesh.sandbox().set_webhook_url(None);
    setup.mesh.sandbox().inject(fault);
    let cancelled = setup.guest.cancel(&id).await.ok(200);
    assert_eq!(cancelled["cancellation"]["refund_amount"], 80_000);

    setup.refunded(&id).await;
    assert_eq!(setup.mesh.sandbox().faults(), [], "every fault was used");
    let payments = setup.mesh.sandbox().payments();
    let [payment] = payments.as_slice() else {
        panic!("one payment: {payments:#?}")
    };
    let given_back: Vec<i64> = payment
        .cancels
        .iter()
        .flatten()
        .map(|cancel| cancel.cancel_amount)
        .collect();
    assert_eq!(
        (payment.status, given_back),
        (PaymentStatus::Canceled, vec![80_000])
    );
    setup.assert_consistent().await;
}
