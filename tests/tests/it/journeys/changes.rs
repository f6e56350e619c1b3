//! Changes of bookings: an extension, a shortening and another car, and what they cost.

use carshare_mesh::Mesh;
use carshare_testkit::eventually_true;
use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Response, Rest, Slot, TIMEOUT, id, invariants, mesh, next_slot};

/// A confirmed booking of four hours for 80,000 won.
struct Rental {
    host: Host,
    guest: Guest,
    car: String,
    slot: Slot,
    id: String,
}

impl Rental {
    async fn confirmed(mesh: &Mesh) -> Self {
        let (host, guest) = (Host::register(mesh).await, Guest::with_card(mesh).await);
        let (car, slot) = (host.car().await, next_slot(mesh.now()));
        let id = guest.request(&car, slot).await;
        host.approve(&id).await.ok(200);
        guest.confirmed(&id).await;
        Self {
            host,
            guest,
            car,
            slot,
            id,
        }
    }

    async fn ask(&self, side: &Rest, request: &Value) -> Response {
        side.post(&format!("/v1/bookings/{}/changes", self.id), request)
            .await
    }

    async fn answer(&self, side: &Rest, change: &Value, verb: &str) -> Response {
        let path = format!("/v1/bookings/{}/changes/{}/{verb}", self.id, id(change));
        side.put(&path, &json!({})).await
    }

    /// The guest asks for this end, the host accepts, and the difference of 40,000 won is charged.
    async fn extend(&self, end: DateTime<Utc>) {
        let request = json!({ "end_datetime": text(end), "message": "두 시간 더요." });
        let extension = self.ask(&self.guest.rest, &request).await.ok(201);
        let what = ["kind", "status", "requested_by"].map(|field| &extension[field]);
        assert_eq!(what, ["extension", "requested", "guest"]);
        let cost = ["amount_difference", "total_amount"].map(|field| &extension[field]);
        assert_eq!(cost, [40_000, 120_000]);
        let accepted = self.answer(&self.host.rest, &extension, "accept").await.ok(200);
        assert_eq!(accepted["status"], "awaiting_payment");
        let extended = self
            .guest
            .wait_for_booking(&self.id, |booking| booking["end_datetime"] == text(end))
            .await;
        assert_eq!(
            (&extended["total_amount"], &extended["status"]),
            (&json!(120_000), &json!("approved"))
        );
        let added = Slot {
            start: self.slot.end,
            end,
        };
        assert!(!self.guest.finds(&self.car, added).await);
    }

    /// Won captured and refunded of each charge, oldest first.
    async fn charges(&self) -> Vec<(i64, i64)> {
        let path = format!("/v1/payments/history?booking_id={}&order_by=created_asc", self.id);
        let payments = self.guest.rest.read(&path).await;
        let payments = payments.as_array().expect("a list").iter();
        let won = |payment: &Value, field: &str| payment[field].as_i64().expect("won");
        payments
            .map(|payment| (won(payment, "amount"), won(payment, "refunded_amount")))
            .collect()
    }

    async fn wait_for_charges(&self, expected: &[(i64, i64)]) {
        let reached = eventually_true(TIMEOUT, || async { self.charges().await == expected });
        let timely = tokio::time::timeout(TIMEOUT, reached).await;
        assert!(timely.is_ok(), "{:?}", self.charges().await);
    }
}

fn text(time: DateTime<Utc>) -> String {
    time.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn rental_is_extended_shortened_moved_to_another_car_and_cancelled() {
    let mesh = mesh().await;
    let rental = Rental::confirmed(&mesh).await;
    let (host, guest) = (&rental.host.rest, &rental.guest.rest);

    let later = rental.slot.end + TimeDelta::hours(2);
    rental.extend(later).await;
    assert_eq!(rental.charges().await, [(80_000, 0), (40_000, 0)]);

    let earlier = later - TimeDelta::hours(1);
    let shortening = rental
        .ask(host, &json!({ "end_datetime": text(earlier) }))
        .await
        .ok(201);
    assert_eq!(shortening["amount_difference"], -20_000);
    let applied = rental.answer(guest, &shortening, "accept").await.ok(200);
    assert_eq!(applied["status"], "applied");
    rental.wait_for_charges(&[(80_000, 20_000), (40_000, 0)]).await;

    let other = rental.host.car().await;
    let swap = rental.ask(host, &json!({ "vehicle_id": other })).await.ok(201);
    rental.answer(guest, &swap, "accept").await.ok(200);
    let swapped = rental.guest.booking(&rental.id).await;
    assert_eq!(
        (&swapped["vehicle_id"], &swapped["vehicle"]["id"]),
        (&json!(other), &json!(other))
    );
    assert_eq!(
        (&swapped["total_amount"], &swapped["payment_status"]),
        (&json!(100_000), &json!("paid"))
    );
    eventually_true(TIMEOUT, || rental.guest.finds(&rental.car, rental.slot)).await;
    assert!(!rental.guest.finds(&other, rental.slot).await);

    let changes = guest.read(&format!("/v1/bookings/{}/changes", rental.id)).await;
    let statuses: Vec<_> = changes
        .as_array()
        .expect("a list")
        .iter()
        .map(|change| &change["status"])
        .collect();
    assert_eq!(statuses, ["applied"; 3]);

    // More than a day before the start everything is refunded: what is left of 120,000 won.
    let cancelled = rental.guest.cancel(&rental.id).await.ok(200);
    assert_eq!(cancelled["cancellation"]["refund_amount"], 100_000);
    rental
        .wait_for_charges(&[(80_000, 80_000), (40_000, 40_000)])
        .await;
    rental
        .guest
        .wait_for_booking(&rental.id, |booking| booking["payment_status"] == "refunded")
        .await;
    eventually_true(TIMEOUT, || rental.guest.finds(&other, rental.slot)).await;
    invariants::assert_hold(&mesh).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn change_that_nobody_agrees_on_leaves_the_booking_as_it_is() {
    let mesh = mesh().await;
    let rental = Rental::confirmed(&mesh).await;
    let (host, guest) = (&rental.host.rest, &rental.guest.rest);
    let later = json!({ "end_datetime": text(rental.slot.end + TimeDelta::hours(1)) });

    let first = rental.ask(guest, &later).await.ok(201);
    rental.ask(host, &later).await.expect_error(409, "BOOKING051");
    rental
        .answer(guest, &first, "accept")
        .await
        .expect_error(409, "BOOKING054");
    rental
        .answer(host, &first, "withdraw")
        .await
        .expect_error(409, "BOOKING055");
    assert_eq!(
        rental.answer(host, &first, "decline").await.ok(200)["status"],
        "declined"
    );
    rental
        .answer(host, &first, "accept")
        .await
        .expect_error(409, "BOOKING052");

    let second = rental.ask(host, &later).await.ok(201);
    assert_eq!(
        rental.answer(host, &second, "withdraw").await.ok(200)["status"],
        "withdrawn"
    );

    let same = json!({ "end_datetime": text(rental.slot.end) });
    rental.ask(guest, &same).await.expect_error(400, "BOOKING053");
    let month = json!({ "end_datetime": text(rental.slot.start + TimeDelta::days(31)) });
    rental.ask(guest, &month).await.expect_error(400, "BOOKING056");
    let both = json!({ "end_datetime": later["end_datetime"], "vehicle_id": rental.car });
    rental.ask(guest, &both).await.expect_error(400, "COMMON001");
    let stranger = Guest::register(&mesh).await;
    rental
        .ask(&stranger.rest, &later)
        .await
        .expect_error(404, "BOOKING001");

    let booking = rental.guest.booking(&rental.id).await;
    assert_eq!(
        (&booking["end_datetime"], &booking["total_amount"]),
        (&same["end_datetime"], &json!(80_000))
    );
    assert_eq!(rental.charges().await, [(80_000, 0)]);
    invariants::assert_hold(&mesh).await;
}

/// The sandbox declines this card: the booking goes on without the extension, and its hours are free again.
#[tokio::test(flavor = "multi_thread")]
async fn declined_extension_frees_its_hours() {
    let mesh = mesh().await;
    let rental = Rental::confirmed(&mesh).await;
    rental.guest.add_card("4330000000000101").await.ok(201);
    let later = rental.slot.end + TimeDelta::hours(2);
    let extension = rental
        .ask(&rental.guest.rest, &json!({ "end_datetime": text(later) }))
        .await
        .ok(201);
    rental
        .answer(&rental.host.rest, &extension, "accept")
        .await
        .ok(200);
    let path = format!("/v1/bookings/{}/changes", rental.id);
    eventually_true(TIMEOUT, || async {
        rental.guest.rest.read(&path).await[0]["status"] == "payment_failed"
    })
    .await;
    let added = Slot {
        start: rental.slot.end,
        end: later,
    };
    eventually_true(TIMEOUT, || rental.guest.finds(&rental.car, added)).await;
    let booking = rental.guest.booking(&rental.id).await;
    assert_eq!(
        (&booking["status"], &booking["payment_status"]),
        (&json!("approved"), &json!("paid"))
    );
    invariants::assert_hold(&mesh).await;
}
