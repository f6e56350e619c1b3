//! The limit of a guest who proves nothing, between the real services.

use crate::harness::{Guest, Host, mesh, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn second_request_needs_a_payment_method() {
    let mesh = mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::register(&mesh).await);
    guest.request(&host.car().await, next_slot(mesh.now())).await;
    let (car, slot) = (host.car().await, next_slot(mesh.now()));
    let refused = guest.book(&car, slot).await;
    refused.expect_error(409, "BOOKING011");
    guest.add_card(carshare_sandbox::GOOD_CARD).await.ok(201);
    guest.book(&car, slot).await.ok(201);
}
