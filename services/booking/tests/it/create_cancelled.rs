//! `CreateBooking` whose caller leaves: the car is free again at once, or the booking is stored and a repeat gets it.

use std::sync::Arc;

use carshare_proto::booking::v1::*;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::harness::*;
use crate::vehicle_stub::Replies;

impl Harness {
    /// Calls `CreateBooking` with a key and leaves as soon as `condition` holds. Returns when the server has noticed.
    async fn create_and_leave(
        &self,
        guest: Person,
        input: CreateBookingRequest,
        condition: impl AsyncFn() -> bool,
    ) {
        let request = with_idempotency_key(self.request(guest, input), "key-1");
        let mut client = self.client.clone();
        tokio::select! {
            _ = client.create_booking(request) => panic!("the call ended before the caller left"),
            () = wait_until(|| condition()) => {}
        }
        // Frames of one connection are handled in order, so the cancellation was handled before these calls.
        for _ in 0..3 {
            let unknown = self.get(guest, &Uuid::nil().to_string()).await;
            assert_reason(unknown, ErrorReason::BookingNotFound);
        }
    }
}

#[tokio::test]
async fn car_is_free_at_once_when_the_caller_left_while_it_was_held() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let delivery = Arc::new(Notify::new());
    harness.vehicle().replies = Replies::Delayed(Arc::clone(&delivery));
    let is_held = async || harness.vehicle().holds.len() == 1;
    harness.create_and_leave(guest, input(&car), is_held).await;
    harness.vehicle().replies = Replies::Delivered;
    delivery.notify_one();
    wait_until(|| async { harness.vehicle().holds.is_empty() }).await;
    assert_eq!(harness.booking_count().await, 0);
    harness.pending(harness.guest(), &car).await;
    harness.finish().await;
}

#[tokio::test]
async fn booking_is_stored_for_its_repeat_when_the_caller_left_during_the_transaction() {
    let harness = Harness::start().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let mut other = lock_requests(&harness, guest).await;
    let is_waiting = async || is_awaited(&harness).await;
    harness.create_and_leave(guest, input(&car), is_waiting).await;
    other.execute("COMMIT").await.unwrap();
    wait_until(|| async { harness.booking_count().await == 1 }).await;
    assert_reason(
        harness.create(harness.guest(), input(&car)).await,
        ErrorReason::SlotTaken,
    );
    let repeat = with_idempotency_key(harness.request(guest, input(&car)), "key-1");
    let booking = into_message(harness.client.clone().create_booking(repeat).await).unwrap();
    assert_eq!(harness.events(&booking).await, ["booking.requested"]);
    assert!(harness.vehicle().released.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn car_is_free_at_once_when_the_caller_left_during_a_transaction_that_fails() {
    let (harness, proxy) = Harness::start_behind_proxy().await;
    let (guest, car) = (harness.guest(), harness.car(harness.host()));
    let mut other = lock_requests(&harness, guest).await;
    let is_waiting = async || is_awaited(&harness).await;
    harness.create_and_leave(guest, input(&car), is_waiting).await;
    proxy.cut();
    wait_until(|| async { harness.vehicle().holds.is_empty() }).await;
    other.execute("COMMIT").await.unwrap();
    proxy.heal();
    harness.pending(harness.guest(), &car).await;
    assert_eq!(harness.booking_count().await, 1);
    harness.finish().await;
}

/// Holds the lock of the guest's open requests in a transaction.
async fn lock_requests(harness: &Harness, guest: Person) -> PgConnection {
    let mut other = PgConnection::connect(&harness.database().url()).await.unwrap();
    let lock = format!("BEGIN; SELECT lock_open_requests('{}')", guest.id);
    other.execute(AssertSqlSafe(lock)).await.unwrap();
    other
}

/// Returns whether a session waits for the lock of another one.
async fn is_awaited(harness: &Harness) -> bool {
    let sql = "SELECT count(*) AS count FROM pg_stat_activity \
        WHERE datname = current_database() AND cardinality(pg_blocking_pids(pid)) > 0";
    harness.count(sql).await > 0
}
