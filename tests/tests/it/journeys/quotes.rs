//! A rental is quoted, booked as quoted though the host changes rate and policy, and cancelled as quoted.

use reqwest::Method;
use serde_json::json;

use crate::harness::{Guest, Host, Response, next_slot};

#[tokio::test(flavor = "multi_thread")]
async fn rental_is_booked_and_cancelled_as_quoted() {
    let mesh = crate::harness::mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let car = host.car().await;
    let slot = next_slot(mesh.now());
    let mut rental = slot.json();
    rental["vehicle_id"] = json!(car);
    let quote = guest.rest.post("/v1/bookings/quote", &rental).await.ok(200);
    assert_eq!(quote["availability"], "free");
    let line =
        json!({ "kind": "time", "quantity": 8, "unit_amount": 20_000, "percent": 0, "amount": 80_000 });
    assert_eq!(
        (&quote["price_lines"], &quote["vat_amount"]),
        (&json!([line]), &json!(7_273))
    );

    let patch = host.rest.request(Method::PATCH, &format!("/v1/vehicles/{car}"));
    Response::of(patch.json(&json!({ "hourly_rate": 30_000 })))
        .await
        .ok(200);
    let pricing = json!({ "pricing": { "long_rental_discounts": [{ "min_hours": 24, "percent": 20 }] } });
    let path = format!("/v1/vehicles/{car}/pricing");
    let changed = host.rest.put(&path, &pricing).await.ok(200);
    assert_eq!(
        changed["pricing"]["long_rental_discounts"],
        pricing["pricing"]["long_rental_discounts"]
    );
    let policy = json!({ "steps": [{ "hours_before_start": 0, "refund_percent": 100 }] });
    let set = host.rest.put("/v1/cancellation-policy", &policy).await.ok(200);
    assert_eq!(
        (&set["version"], &set["is_host_policy"]),
        (&json!(1), &json!(true))
    );

    rental["quote_token"] = quote["quote_token"].clone();
    let booking = guest.rest.post("/v1/bookings", &rental).await.ok(201);
    let id = booking["id"].as_str().expect("an id");
    assert_eq!(booking["total_amount"], 80_000);
    assert_eq!(booking["cancellation_policy"], quote["cancellation_policy"]);
    host.approve(id).await.ok(200);
    guest.confirmed(id).await;
    assert_eq!(guest.payment(id).await["amount"], 80_000);

    let path = format!("/v1/bookings/{id}/cancellation-quote");
    let refund = guest.rest.read(&path).await;
    assert_eq!(
        (&refund["refund_amount"], &refund["kept_amount"]),
        (&json!(80_000), &json!(0))
    );
    let cancel = format!("/v1/bookings/{id}/cancel");
    let outdated = guest
        .rest
        .put(&cancel, &json!({ "expected_refund_amount": 72_000 }))
        .await;
    outdated.expect_error(409, "BOOKING015");
    let expected = json!({ "expected_refund_amount": refund["refund_amount"] });
    let cancelled = guest.rest.put(&cancel, &expected).await.ok(200);
    assert_eq!(cancelled["cancellation"]["refund_amount"], 80_000);
    guest
        .wait_for_booking(id, |booking| booking["payment_status"] == "refunded")
        .await;
}
