//! Failures of FCM: pushes arrive later, each once.

use std::collections::BTreeMap;

use carshare_mesh::Options;
use carshare_sandbox::{Fault, Provider};
use carshare_testkit::eventually_true;
use rstest::rstest;
use serde_json::json;

use crate::harness::{Rest, Setup, TIMEOUT};

const PENDING_PUSHES: &str = "SELECT count(*) FROM notification.deliveries WHERE state = 'pending'";
const DROPPED_PUSHES: &str = "SELECT outcome FROM notification.deliveries WHERE state = 'dropped'";

#[rstest]
#[case::down(Fault::refuse(Provider::Fcm, "messages:send").times(4))]
#[case::failing(Fault::error(Provider::Fcm, "messages:send", 500).times(4))]
#[case::over_quota(Fault::error(Provider::Fcm, "messages:send", 429).header("retry-after", "1").times(2))]
#[case::without_tokens(Fault::error(Provider::Fcm, "/token", 503).times(4))]
#[tokio::test(flavor = "multi_thread")]
async fn every_push_arrives_once_after_fcm_was(#[case] fault: Fault) {
    let setup = Setup::with(Options::temporary().with_env("NOTIFICATION__PUSH__RETRY_MS", "100")).await;
    // Before the phones: a push about the car may use the fault too, and fetches the token.
    setup.mesh.sandbox().inject(fault);
    phone(&setup.host.rest, "sbx-host-phone").await;
    phone(&setup.guest.rest, "sbx-guest-phone").await;
    let id = setup.confirmed().await;
    setup.guest.cancel(&id).await.ok(200);
    setup.refunded(&id).await;
    setup.assert_consistent().await;

    assert_eq!(setup.mesh.sandbox().faults(), [], "every fault was used");
    eventually_true(TIMEOUT, || async { setup.sql.count(PENDING_PUSHES).await == 0 }).await;
    assert_eq!(setup.sql.texts(DROPPED_PUSHES).await, Vec::<String>::new());
    let mut arrived: BTreeMap<(String, String), u32> = BTreeMap::new();
    // Pushes about the car are not counted.
    let pushes = setup.mesh.sandbox().pushes();
    for push in pushes
        .into_iter()
        .filter(|push| push.data.contains_key("booking_id"))
    {
        *arrived
            .entry((push.token, push.data["type"].clone()))
            .or_default() += 1;
    }
    let once = |token: &str, kinds: &[&str]| -> Vec<((String, String), u32)> {
        kinds
            .iter()
            .map(|kind| ((token.to_owned(), (*kind).to_owned()), 1))
            .collect()
    };
    let mut expected = once(
        "sbx-guest-phone",
        &[
            "booking.approved",
            "booking.cancelled",
            "booking.confirmed",
            "payment.completed",
            "payment.refunded",
        ],
    );
    expected.extend(once(
        "sbx-host-phone",
        &["booking.cancelled", "booking.confirmed", "booking.requested"],
    ));
    assert_eq!(arrived.into_iter().collect::<Vec<_>>(), expected);
}

async fn phone(rest: &Rest, token: &str) {
    let device = json!({ "token": token, "platform": "android" });
    rest.post("/v1/notifications/devices", &device).await.ok(201);
}
