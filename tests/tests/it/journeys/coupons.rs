//! Rentals with a coupon of the host and with one of the platform: what the guest pays, and who bears the discount.

use chrono::TimeDelta;
use serde_json::json;
use uuid::Uuid;

use crate::harness::{Guest, Host, Sql, next_slot};

/// Returns a code that no other test has: the last twenty digits of the id of a car.
fn code_of(car: &str) -> String {
    car.replace('-', "")[12..].to_uppercase()
}

/// Books a rental of 80,000 won with the coupon, and asserts what payment charges: amount, platform fee and host share.
async fn assert_charged(
    (host, guest): (&Host, &Guest),
    rental: &serde_json::Value,
    code: &str,
    charged: [i64; 3],
) {
    let mut rental = rental.clone();
    rental["coupon_code"] = json!(code.to_lowercase());
    let quote = guest.rest.post("/v1/bookings/quote", &rental).await.ok(200);
    rental["quote_token"] = quote["quote_token"].clone();
    let booking = guest.rest.post("/v1/bookings", &rental).await.ok(201);
    assert_eq!(booking["price_lines"], quote["price_lines"]);
    let id = booking["id"].as_str().expect("an id");
    host.approve(id).await.ok(200);
    guest.confirmed(id).await;
    let payment = guest.payment(id).await;
    let found = ["amount", "platform_fee", "host_amount"].map(|name| &payment[name]);
    assert_eq!(found, charged.map(|amount| json!(amount)).each_ref());
}

#[tokio::test(flavor = "multi_thread")]
async fn coupon_is_borne_by_the_one_who_issued_it() {
    let mesh = crate::harness::mesh().await;
    let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
    let mut rental = next_slot(mesh.now()).json();
    let (car, other) = (host.car().await, host.car().await);
    let (of_host, of_platform) = (code_of(&car), code_of(&other));
    rental["vehicle_id"] = json!(car);
    let day = TimeDelta::days(1);
    let coupon = json!({
        "code": of_host, "percent": 10, "valid_from": mesh.now() - day, "valid_until": mesh.now() + day,
    });
    let created = host.rest.post("/v1/coupons", &coupon).await.ok(201);
    assert_eq!(
        (&created["code"], &created["percent"]),
        (&json!(of_host), &json!(10))
    );
    // As an admin would create it, who needs a second factor.
    let insert = format!(
        "INSERT INTO booking.coupons (code, id, host_id, amount_krw, min_price_krw, valid_from, valid_until, created_by, created_at) \
         SELECT '{of_platform}', gen_random_uuid(), '{nil}', 5000, 0, valid_from, valid_until, '{nil}', created_at \
         FROM booking.coupons WHERE code = '{of_host}' RETURNING code",
        nil = Uuid::nil()
    );
    Sql::of(&mesh).query(insert).await;

    assert_charged((&host, &guest), &rental, &of_host, [72_000, 10_800, 61_200]).await;
    let mut repeated = rental.clone();
    repeated["coupon_code"] = json!(of_host);
    let refused = guest.rest.post("/v1/bookings/quote", &repeated).await;
    refused.expect_error(409, "BOOKING073");
    rental["vehicle_id"] = json!(other);
    assert_charged((&host, &guest), &rental, &of_platform, [75_000, 7_000, 68_000]).await;

    let listed = host.rest.read("/v1/coupons").await;
    assert_eq!(
        (&listed[0]["redemptions"], listed.as_array().map(Vec::len)),
        (&json!(1), Some(1))
    );
    let path = format!("/v1/coupons/{of_host}/disable");
    let disabled = host.rest.put(&path, &json!({})).await.ok(200);
    assert!(disabled["disabled_at"].is_string());
    let refused = Guest::register(&mesh)
        .await
        .rest
        .post("/v1/bookings/quote", &repeated)
        .await;
    refused.expect_error(404, "BOOKING070");
}
