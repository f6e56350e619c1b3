//! Holds, releases, confirmations and changes of one car at the same time. A transaction of the test stands for the other
//! replica: it is open until the call waits for its lock.

use carshare_proto::booking::v1::BookingCancelled;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_proto::vehicle::v1::*;
use futures::future::join_all;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::join;
use uuid::Uuid;

use crate::harness::calls::{booking, facts, hold_of};
use crate::harness::{Harness, assert_reason, from_service, wait_until};
use crate::search::TUESDAY;

/// An open transaction of another replica.
struct Other {
    conn: PgConnection,
    pid: i32,
}

impl Other {
    async fn begin(harness: &Harness, statements: String) -> Self {
        let mut conn = PgConnection::connect(&harness.database().url()).await.unwrap();
        let pid = sqlx::query_scalar("SELECT pg_backend_pid()");
        let pid = pid.fetch_one(&mut conn).await.unwrap();
        let begun = format!("BEGIN; {statements}");
        conn.execute(AssertSqlSafe(begun)).await.unwrap();
        Self { conn, pid }
    }

    /// Commits as soon as another session waits for this one.
    async fn commit_when_awaited(mut self, harness: &Harness) {
        let pid = self.pid;
        let waiting = format!(
            "SELECT count(*) AS count FROM pg_stat_activity WHERE {pid} = ANY(pg_blocking_pids(pid))"
        );
        wait_until(|| async { harness.count(&waiting).await > 0 }).await;
        self.conn.execute("COMMIT").await.unwrap();
    }
}

fn cancelled(id: Uuid, car: &Vehicle) -> BookingCancelled {
    BookingCancelled {
        booking_id: id.to_string(),
        booking: facts(id, car, TUESDAY),
        ..BookingCancelled::default()
    }
}

#[tokio::test]
async fn place_hold_that_waits_for_a_release_of_its_booking_is_refused() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let release = format!(
        "SELECT release_booking('{}', '{}', NULL, now())",
        booking(1),
        car.id
    );
    let other = Other::begin(&harness, release).await;
    let (held, ()) = join!(
        harness.hold(booking(1), &car, TUESDAY),
        other.commit_when_awaited(&harness)
    );
    assert_reason(held, Common::Conflict);
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn confirm_hold_that_waits_for_a_release_of_its_booking_is_refused() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    let release = format!(
        "SELECT release_booking('{}', '{}', NULL, now())",
        booking(1),
        car.id
    );
    let other = Other::begin(&harness, release).await;
    let (confirmed, ()) = join!(
        harness.confirm(booking(1), &car, TUESDAY),
        other.commit_when_awaited(&harness)
    );
    assert_reason(confirmed, ErrorReason::VehicleHoldLost);
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn release_that_waits_for_a_hold_of_its_booking_deletes_it() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let place = format!(
        "SELECT place_hold('{}', id, revision, tstzrange('2026-11-24Z', '2026-11-25Z'), '2026-11-25Z', now()) \
         FROM vehicles WHERE id = '{}'",
        booking(1),
        car.id
    );
    let other = Other::begin(&harness, place).await;
    join!(
        harness.publish_from_booking(cancelled(booking(1), &car)),
        other.commit_when_awaited(&harness)
    );
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_that_waits_for_a_change_of_the_car_obeys_it() {
    let harness = Harness::start().await;
    let host = harness.host();
    let changes = [
        (
            "INSERT INTO availabilities VALUES (gen_random_uuid(), '{}', 2, NULL, 0, 1439, true, now())",
            ErrorReason::VehicleClosed,
        ),
        (
            "UPDATE vehicles SET status = 'maintenance' WHERE id = '{}'",
            ErrorReason::VehicleNotFound,
        ),
        (
            "UPDATE vehicles SET status = 'inactive', withdrawn_at = now() WHERE id = '{}'",
            ErrorReason::VehicleNotFound,
        ),
    ];
    for (change, reason) in changes {
        let car = harness.car(host).await;
        let other = Other::begin(&harness, change.replace("{}", &car.id)).await;
        let (held, ()) = join!(
            harness.hold(booking(1), &car, TUESDAY),
            other.commit_when_awaited(&harness)
        );
        assert_reason(held, reason);
    }
    assert_eq!(harness.row_count("occupancies").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn place_hold_that_waits_for_a_change_of_the_price_returns_the_new_one() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    let dearer = format!(
        "UPDATE vehicles SET hourly_rate_krw = 99000 WHERE id = '{}'",
        car.id
    );
    let other = Other::begin(&harness, dearer).await;
    let (held, ()) = join!(
        harness.hold(booking(1), &car, TUESDAY),
        other.commit_when_awaited(&harness)
    );
    assert_eq!(held.unwrap().vehicle.unwrap().hourly_rate, 99_000);
    harness.finish().await;
}

#[tokio::test]
async fn delete_vehicle_that_waits_for_the_confirmation_of_an_expired_hold_is_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    // The clock of the other replica is behind: to it the hold is alive.
    let confirm = "UPDATE occupancies SET kind = 'booking', expires_at = NULL";
    let other = Other::begin(&harness, confirm.to_owned()).await;
    harness.clock.advance(std::time::Duration::from_mins(2));
    let (deleted, ()) = join!(harness.delete(host, &car), other.commit_when_awaited(&harness));
    assert_reason(deleted, ErrorReason::VehicleHasBookings);
    assert_eq!(harness.booking_count().await, 1);
    harness.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn released_booking_never_has_its_car_whatever_replica_holds_or_confirms_it() {
    let harness = Harness::start().await;
    let replica = harness.start_instance().await;
    let host = harness.host();
    let mut cars = Vec::new();
    for number in 1..=16 {
        cars.push((booking(number), harness.car(host).await));
    }
    let calls = cars.iter().map(async |(id, car)| {
        let mut client = VehicleServiceClient::new(replica.channel());
        let place = client.place_hold(from_service("booking", hold_of(*id, car, TUESDAY)));
        let (_, _, _, ()) = join!(
            place,
            harness.hold(*id, car, TUESDAY),
            harness.confirm(*id, car, TUESDAY),
            harness.publish("booking", cancelled(*id, car)),
        );
    });
    join_all(calls).await;
    harness.handled().await;
    assert_eq!(
        (
            harness.row_count("released_bookings").await,
            harness.row_count("occupancies").await
        ),
        (16, 0)
    );
    replica.stop().await;
    harness.finish().await;
}
