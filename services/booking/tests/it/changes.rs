//! The three kinds of changes, from the request to the changed booking.

use carshare_proto::booking::v1::*;
use carshare_proto::vehicle::v1::Vehicle;

use crate::harness::*;

#[tokio::test]
async fn extension_applies_when_the_difference_is_captured() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    let asked = harness
        .ask_end(guest, &booking, "2026-12-01T15:00:00Z")
        .await
        .unwrap();
    let expected = BookingChange {
        id: asked.id.clone(),
        booking_id: booking.id.clone(),
        kind: BookingChangeKind::Extension.into(),
        status: BookingChangeStatus::Requested.into(),
        requested_by: BookingActor::Guest.into(),
        end_datetime: Some(timestamp("2026-12-01T15:00:00Z")),
        previous_end_datetime: Some(timestamp("2026-12-01T13:00:00Z")),
        vehicle_id: car.id.clone(),
        previous_vehicle_id: car.id.clone(),
        total_amount: 90_000,
        amount_difference: 30_000,
        message: Some("조금 더 타고 싶어요".into()),
        response: None,
        respond_by: Some(timestamp("2026-11-23T12:00:00Z")),
        payment_due_at: None,
        created_at: Some(timestamp("2026-11-22T12:00:00Z")),
        updated_at: Some(timestamp("2026-11-22T12:00:00Z")),
    };
    assert_eq!(asked, expected);
    assert_eq!(harness.vehicle().placed, [booking.id.as_str()]);

    harness.clock.advance(hours(1));
    let accepted = harness.accept(host, &asked).await.unwrap();
    let expected = BookingChange {
        status: BookingChangeStatus::AwaitingPayment.into(),
        response: Some("네, 괜찮습니다".into()),
        payment_due_at: Some(timestamp("2026-11-22T15:00:00Z")),
        updated_at: Some(timestamp("2026-11-22T13:00:00Z")),
        ..asked.clone()
    };
    assert_eq!(accepted, expected);
    // The hold has the id of the change, and becomes permanent without waiting for the event.
    assert_eq!(harness.vehicle().placed, [booking.id.as_str(), asked.id.as_str()]);
    wait_until(|| async { harness.vehicle().confirmed.last() == Some(&asked.id) }).await;
    let unchanged = Booking {
        updated_at: accepted.updated_at,
        ..booking.clone()
    };
    assert_eq!(harness.get(host, &booking.id).await.unwrap(), unchanged);

    harness.capture_charge(&accepted).await;
    let extended = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(extended, extended_to(&accepted, unchanged));
    assert_extension_events(&harness, &booking, &accepted).await;
    assert_eq!(
        harness.change_history(&booking).await,
        [
            "change_requested by guest",
            "change_accepted by host",
            "extended by payment"
        ]
    );
    harness.assert_changes_agree().await;
    harness.finish().await;
}

/// Returns the booking of six hours for 90,000 won.
fn extended_to(change: &BookingChange, booking: Booking) -> Booking {
    let line = PriceLine {
        quantity: 12,
        amount: 90_000,
        ..booking.price_lines[0]
    };
    Booking {
        end_datetime: change.end_datetime,
        total_amount: 90_000,
        platform_fee: 13_500,
        vat_amount: 8_182,
        price_lines: vec![line],
        ..booking
    }
}

async fn assert_extension_events(harness: &Harness, booking: &Booking, accepted: &BookingChange) {
    assert_eq!(
        harness.events(booking).await[3..],
        [
            "booking.change_requested",
            "booking.change_accepted",
            "booking.change_applied"
        ]
    );
    let requested: BookingChangeRequested = harness.event().await;
    let facts = requested.booking.unwrap();
    assert_eq!(
        (facts.end_datetime, facts.total_amount),
        (booking.end_datetime, 60_000)
    );
    let change = requested.change.unwrap();
    assert_eq!(change.vehicle_title, "현대 아이오닉 5");
    assert_eq!(
        change.change.unwrap().message.as_deref(),
        Some("조금 더 타고 싶어요")
    );
    let event: BookingChangeAccepted = harness.event().await;
    let without_messages = BookingChange {
        message: None,
        response: None,
        ..accepted.clone()
    };
    assert_eq!(event.booking.unwrap().end_datetime, booking.end_datetime);
    assert_eq!(event.change.unwrap().change, Some(without_messages.clone()));
    let event: BookingChangeApplied = harness.event().await;
    let facts = event.booking.unwrap();
    assert_eq!(
        (facts.end_datetime, facts.total_amount),
        (accepted.end_datetime, 90_000)
    );
    let applied = BookingChange {
        status: BookingChangeStatus::Applied.into(),
        ..without_messages
    };
    assert_eq!(event.change.unwrap().change, Some(applied));
    assert_eq!(event.refunds, []);
}

#[tokio::test]
async fn shortening_applies_at_once_and_refunds_the_difference() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.active(guest, host, &car).await;
    let asked = harness
        .ask_end(host, &booking, "2026-12-01T11:00:00Z")
        .await
        .unwrap();
    assert_eq!(
        (asked.kind(), asked.requested_by(), asked.amount_difference),
        (BookingChangeKind::Shortening, BookingActor::Host, -30_000)
    );
    assert_eq!(asked.respond_by, Some(timestamp("2026-12-01T11:00:00Z")));
    let placed = harness.vehicle().placed.len();
    let applied = harness.accept(guest, &asked).await.unwrap();
    assert_eq!(
        (applied.status(), applied.payment_due_at),
        (BookingChangeStatus::Applied, None)
    );
    let shortened = harness.get(guest, &booking.id).await.unwrap();
    assert_eq!(
        (shortened.end_datetime, shortened.total_amount, shortened.status()),
        (asked.end_datetime, 30_000, BookingStatus::Active)
    );
    // Less time needs no hold.
    assert_eq!(harness.vehicle().placed.len(), placed);
    let event: BookingChangeApplied = harness.event().await;
    assert_eq!(event.refunds, [refund(&booking.id, 30_000)]);
    assert_eq!(
        harness.change_history(&booking).await,
        ["change_requested by host", "shortened by guest"]
    );
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn swap_gives_the_booking_another_car_at_its_own_price() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let dearer = Vehicle {
        model: "아이오닉 9".into(),
        license_plate: "34호5678".into(),
        hourly_rate: 99_000,
        ..harness.car(host)
    };
    harness.vehicle().cars.insert(dearer.id.clone(), dearer.clone());
    let booking = harness.confirmed(guest, host, &car).await;
    let asked = harness.ask_car(host, &booking, &dearer).await.unwrap();
    assert_eq!(
        (asked.kind(), asked.total_amount, asked.amount_difference),
        (BookingChangeKind::VehicleSwap, 60_000, 0)
    );
    assert_eq!(
        (&asked.vehicle_id, &asked.previous_vehicle_id),
        (&dearer.id, &car.id)
    );
    let applied = harness.accept(guest, &asked).await.unwrap();
    assert_eq!(applied.status(), BookingChangeStatus::Applied);
    let expected = Booking {
        vehicle_id: dearer.id.clone(),
        vehicle: Some(Vehicle {
            hourly_rate: 15_000,
            ..dearer.clone()
        }),
        ..booking.clone()
    };
    assert_eq!(harness.get(guest, &booking.id).await.unwrap(), expected);
    let event: BookingChangeApplied = harness.event().await;
    let facts = event.booking.unwrap();
    assert_eq!(
        (facts.vehicle_id.as_str(), facts.vehicle_title.as_str()),
        (dearer.id.as_str(), "현대 아이오닉 9")
    );
    assert_eq!(event.change.unwrap().vehicle_title, "현대 아이오닉 9");
    assert_eq!(event.refunds, []);
    assert_eq!(harness.vehicle().placed.last(), Some(&asked.id));
    // A later change of the end has the rates of the booking.
    let extended = harness
        .changed(guest, host, &expected, "2026-12-01T15:00:00Z")
        .await;
    assert_eq!(
        (extended.total_amount, extended.vehicle_id),
        (90_000, dearer.id.clone())
    );
    assert_eq!(
        harness.change_history(&booking).await,
        [
            "change_requested by host",
            "vehicle_swapped by guest",
            "change_requested by guest",
            "change_accepted by host",
            "extended by payment"
        ]
    );
    harness.assert_changes_agree().await;
    harness.finish().await;
}

#[tokio::test]
async fn changes_are_listed_newest_first_to_both_sides_and_admins() {
    let mut harness = Harness::start().await;
    let (guest, host) = (harness.guest(), harness.host());
    let car = harness.car(host);
    let booking = harness.confirmed(guest, host, &car).await;
    assert_eq!(harness.list_changes(guest, &booking.id).await.unwrap(), []);
    let first = harness
        .ask_end(guest, &booking, "2026-12-01T15:00:00Z")
        .await
        .unwrap();
    let first = harness.withdraw(guest, &first).await.unwrap();
    let second = harness
        .ask_end(host, &booking, "2026-12-01T14:00:00Z")
        .await
        .unwrap();
    for viewer in [guest, host, harness.person("admin")] {
        assert_eq!(
            harness.list_changes(viewer, &booking.id).await.unwrap(),
            [second.clone(), first.clone()]
        );
    }
    for stranger in [harness.guest(), harness.host()] {
        assert_reason(
            harness.list_changes(stranger, &booking.id).await,
            ErrorReason::BookingNotFound,
        );
    }
    harness.finish().await;
}
