//! Deadlines of changes, ends of bookings by an earlier release, closing and erasure of accounts.

use carshare_proto::booking::v1::*;

use crate::harness::*;

const LATER: &str = "2026-12-01T15:00:00Z";

impl Harness {
    async fn wait_for_change(&self, person: Person, booking: &Booking, status: BookingChangeStatus) {
        wait_until(|| async { self.change_of(person, booking).await.status() == status }).await;
        let closed: BookingChangeClosed = self.event().await;
        let change = closed.change.unwrap().change.unwrap();
        assert_eq!(change.status(), status);
        self.assert_changes_agree().await;
    }
}

#[tokio::test]
async fn unanswered_change_expires() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.clock.set(at("2026-11-23T12:00:20Z"));
    harness
        .wait_for_change(guest, &booking, BookingChangeStatus::Expired)
        .await;
    assert_eq!(
        harness.change_history(&booking).await,
        ["change_requested by guest", "change_expired by timer"]
    );
    let unchanged = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (unchanged.status(), unchanged.end_datetime),
        (BookingStatus::Approved, booking.end_datetime)
    );
    harness.finish().await;
}

#[tokio::test]
async fn unpaid_change_is_closed_and_its_late_capture_ignored() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let change = harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.accept(host, &change).await.unwrap();
    harness.clock.set(at("2026-11-22T14:00:20Z"));
    harness
        .wait_for_change(guest, &booking, BookingChangeStatus::PaymentFailed)
        .await;
    assert_eq!(
        harness.change_history(&booking).await.last().unwrap(),
        "change_payment_failed by timer"
    );
    harness.capture_charge(&change).await;
    let unchanged = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (unchanged.end_datetime, unchanged.total_amount),
        (booking.end_datetime, 60_000)
    );
    harness.finish().await;
}

/// The end of a booking is the deadline of its change too.
#[tokio::test]
async fn change_of_a_no_show_expires_before_the_booking_ends() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.clock.set(at("2026-12-01T12:00:00Z"));
    harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.clock.set(at("2026-12-01T13:00:20Z"));
    harness
        .wait_for_change(guest, &booking, BookingChangeStatus::Expired)
        .await;
    wait_until(|| async {
        harness.get(guest, &booking.id).await.unwrap().status() == BookingStatus::Cancelled
    })
    .await;
    assert_eq!(
        harness.events(&booking).await[3..],
        [
            "booking.change_requested",
            "booking.change_closed",
            "booking.cancelled"
        ]
    );
    harness.finish().await;
}

#[tokio::test]
async fn open_change_of_a_booking_that_an_earlier_release_has_cancelled_is_closed() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.ask_end(guest, &booking, LATER).await.unwrap();
    let cancel = format!(
        "UPDATE bookings SET status = 'cancelled', cancelled_at = now(), cancellation_reason = 'host', refund_krw = 60000, \
         version = version + 1 WHERE id = '{}'",
        booking.id
    );
    harness.execute(&cancel).await;
    harness.clock.advance(hours(1));
    harness
        .wait_for_change(guest, &booking, BookingChangeStatus::Cancelled)
        .await;
    assert_eq!(
        harness.change_history(&booking).await.last().unwrap(),
        "change_cancelled by timer"
    );
    harness.finish().await;
}

#[tokio::test]
async fn user_is_closed_after_the_refunds_of_all_charges() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    harness.changed(guest, host, &booking, LATER).await;
    let change = harness.change_of(guest, &booking).await;
    harness.cancel(host, &booking.id).await.unwrap();
    assert_eq!(harness.close(guest, 1).await.unwrap(), (false, 1));
    harness.refund_first(&booking, 60_000).await;
    assert_eq!(harness.close(guest, 2).await.unwrap(), (false, 1));
    harness.refund_charge(&booking, &change.id, 30_000).await;
    assert_eq!(harness.close(guest, 3).await.unwrap(), (true, 0));
    harness.finish().await;
}

#[tokio::test]
async fn user_is_closed_after_the_refund_of_a_shortening() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.active(guest, host, &car).await;
    harness
        .changed(guest, host, &booking, "2026-12-01T11:00:00Z")
        .await;
    harness.complete(guest, &booking.id).await.unwrap();
    assert_eq!(harness.close(host, 1).await.unwrap(), (false, 1));
    harness.refund_first(&booking, 30_000).await;
    assert_eq!(harness.close(host, 2).await.unwrap(), (true, 0));
    harness.finish().await;
}

#[tokio::test]
async fn deleted_account_leaves_changes_without_its_texts() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let (car, other) = (harness.car(host), harness.car(host));
    let booking = harness.confirmed(guest, host, &car).await;
    let by_guest = harness.ask_end(guest, &booking, LATER).await.unwrap();
    harness.decline(host, &by_guest).await.unwrap();
    let by_host = RequestBookingChangeRequest {
        message: Some("다른 차로 드릴게요".into()),
        ..car_of(&booking, &other)
    };
    let by_host = harness.ask(host, by_host).await.unwrap();
    harness.accept(guest, &by_host).await.unwrap();
    harness.cancel(host, &booking.id).await.unwrap();
    let swap = (Some("다른 차로 드릴게요".into()), Some("네, 괜찮습니다".into()));
    let extension = (
        Some("조금 더 타고 싶어요".into()),
        Some("다음 예약이 있어요".into()),
    );
    assert_eq!(
        texts_of(&harness, host, &booking).await,
        [swap.clone(), extension.clone()]
    );
    harness.delete_account(guest).await;
    assert_eq!(
        texts_of(&harness, host, &booking).await,
        [(swap.0, None), (None, extension.1)]
    );
    let snapshots = "SELECT count(vehicle_snapshot) AS count FROM booking_changes";
    assert_eq!(harness.count(snapshots).await, 1);
    harness.delete_account(host).await;
    assert_eq!(
        texts_of(&harness, host, &booking).await,
        [(None, None), (None, None)]
    );
    assert_eq!(harness.count(snapshots).await, 0);
    harness.finish().await;
}

async fn texts_of(
    harness: &Harness,
    person: Person,
    booking: &Booking,
) -> Vec<(Option<String>, Option<String>)> {
    let changes = harness.list_changes(person, &booking.id).await.unwrap();
    let texts = changes
        .into_iter()
        .map(|change| (change.message, change.response));
    texts.collect()
}
