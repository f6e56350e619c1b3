//! Concurrent decisions about one booking.

use carshare_mesh::Mesh;
use carshare_sandbox::PaymentStatus;
use carshare_testkit::eventually_true;
use futures::future::{join, join_all};
use serde_json::json;

use crate::harness::{Guest, Host, Response, TIMEOUT, mesh, next_slot};

/// A host, a guest with a card, the car and its requested booking.
async fn requested(mesh: &Mesh) -> (Host, Guest, String) {
    let (host, guest) = (Host::register(mesh).await, Guest::with_card(mesh).await);
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let id = guest.request(&car, slot).await;
    (host, guest, id)
}

/// Number of successes; asserts that every other response names the wrong state.
fn succeeded(responses: Vec<Response>) -> usize {
    let (ok, refused): (Vec<_>, Vec<_>) = responses.into_iter().partition(|response| response.status == 200);
    for response in refused {
        response.expect_error(409, "BOOKING003");
    }
    ok.len()
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_approvals_succeed_once_and_charge_once() {
    let mesh = mesh().await;
    let (host, guest, id) = requested(&mesh).await;
    let responses = join_all((0..20).map(|_| host.approve(&id))).await;
    assert_eq!(succeeded(responses), 1);
    guest.confirmed(&id).await;
    let payments = mesh.sandbox().payments();
    let charges: Vec<_> = payments.iter().map(|p| (p.status, p.total_amount)).collect();
    assert_eq!(charges, [(PaymentStatus::Done, 80_000)]);
    let charged = mesh.sandbox().requests().into_iter();
    let charged = charged.filter(|r| {
        r.method == "POST" && r.path.starts_with("/v1/billing/") && !r.path.contains("authorizations")
    });
    assert_eq!(charged.count(), 1, "one charge at Toss");
}

#[tokio::test(flavor = "multi_thread")]
async fn twenty_cancellations_succeed_once_and_refund_once() {
    let mesh = mesh().await;
    let (host, guest, id) = requested(&mesh).await;
    host.approve(&id).await.ok(200);
    guest.confirmed(&id).await;
    let path = format!("/v1/bookings/{id}/cancel");
    let (nothing, path) = (json!({}), path.as_str());
    let by_both =
        join_all((0..10).map(|_| join(guest.rest.put(path, &nothing), host.rest.put(path, &nothing)))).await;
    let responses = by_both
        .into_iter()
        .flat_map(|(guest, host)| [guest, host])
        .collect();
    assert_eq!(succeeded(responses), 1);
    guest
        .wait_for_booking(&id, |booking| booking["payment_status"] == "refunded")
        .await;
    let payments = mesh.sandbox().payments();
    let [payment] = &payments[..] else {
        panic!("{payments:?}")
    };
    assert_eq!(
        (payment.status, payment.balance_amount),
        (PaymentStatus::Canceled, 0)
    );
    let cancels = payment.cancels.as_deref().unwrap_or_default();
    assert_eq!(
        cancels
            .iter()
            .map(|cancel| cancel.cancel_amount)
            .collect::<Vec<_>>(),
        [80_000]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_decisions_end_in_one_legal_state() {
    let mesh = mesh().await;
    let (host, guest, id) = requested(&mesh).await;
    let path = |verb: &str| format!("/v1/bookings/{id}/{verb}");
    let (nothing, reject, cancel) = (json!({}), path("reject"), path("cancel"));
    let all = (0..8).map(|_| async {
        let approve = host.approve(&id);
        let (cancel, reject) = (
            guest.rest.put(&cancel, &nothing),
            host.rest.put(&reject, &nothing),
        );
        let (approve, (cancel, reject)) = join(approve, join(cancel, reject)).await;
        (approve, reject, cancel)
    });
    let (mut approved, mut rejected, mut cancelled) = (Vec::new(), Vec::new(), Vec::new());
    for (approve, reject, cancel) in join_all(all).await {
        approved.push(approve);
        rejected.push(reject);
        cancelled.push(cancel);
    }
    let outcome = (succeeded(approved), succeeded(rejected), succeeded(cancelled));
    // Approved and then cancelled, or rejected, or cancelled.
    assert!(
        [(1, 0, 1), (0, 1, 0), (0, 0, 1)].contains(&outcome),
        "{outcome:?}"
    );
    let booking = guest.booking(&id).await;
    let status = if outcome.1 == 1 { "rejected" } else { "cancelled" };
    assert_eq!(booking["status"], status);
    // A charge that was made is refunded.
    eventually_true(TIMEOUT, || async {
        let money = guest.booking(&id).await["payment_status"].clone();
        let held: i64 = mesh
            .sandbox()
            .payments()
            .iter()
            .map(|payment| payment.balance_amount)
            .sum();
        held == 0 && money != "paid"
    })
    .await;
    assert!(mesh.sandbox().payments().len() <= 1);
}
