//! Extensions and new bookings of one car at the same time, on two replicas.

use carshare_proto::booking::v1::{BookingCancelled, BookingRequested};
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_proto::vehicle::v1::*;
use futures::future::join_all;
use uuid::Uuid;

use crate::booking_changes::{applied, change};
use crate::harness::calls::{Period, booking, facts, hold_of};
use crate::harness::{Harness, assert_reason, from_service, into_message};

/// Each has a booking of its first hour; both hours are the booking's with its extension.
const SLOTS: [(Period, Period, Period); 6] = [
    (
        ("24T00:00", "24T01:00"),
        ("24T01:00", "24T02:00"),
        ("24T00:00", "24T02:00"),
    ),
    (
        ("24T02:00", "24T03:00"),
        ("24T03:00", "24T04:00"),
        ("24T02:00", "24T04:00"),
    ),
    (
        ("24T04:00", "24T05:00"),
        ("24T05:00", "24T06:00"),
        ("24T04:00", "24T06:00"),
    ),
    (
        ("24T06:00", "24T07:00"),
        ("24T07:00", "24T08:00"),
        ("24T06:00", "24T08:00"),
    ),
    (
        ("24T08:00", "24T09:00"),
        ("24T09:00", "24T10:00"),
        ("24T08:00", "24T10:00"),
    ),
    (
        ("24T10:00", "24T11:00"),
        ("24T11:00", "24T12:00"),
        ("24T10:00", "24T12:00"),
    ),
];

/// New holds and an extension want the second hour of each slot.
const HOLDS_PER_SLOT: u128 = 9;

const OVERLAPS: &str = "SELECT count(*) AS count FROM occupancies a JOIN occupancies b \
    ON a.vehicle_id = b.vehicle_id AND a.ref_id < b.ref_id AND a.period && b.period";

/// Places the hold and confirms it. `false` if the time is taken.
async fn take(
    mut client: VehicleServiceClient<tonic::transport::Channel>,
    car: &Vehicle,
    id: Uuid,
    wanted: Period,
) -> bool {
    let hold = hold_of(id, car, wanted);
    let placed = into_message(client.place_hold(from_service("booking", hold.clone())).await);
    if placed.is_err() {
        assert_reason(placed, ErrorReason::VehicleUnavailable);
        return false;
    }
    let confirm = ConfirmHoldRequest {
        booking_id: hold.booking_id,
        vehicle_id: hold.vehicle_id,
        start_datetime: hold.start_datetime,
        end_datetime: hold.end_datetime,
    };
    into_message(client.confirm_hold(from_service("booking", confirm)).await).unwrap();
    true
}

#[tokio::test(flavor = "multi_thread")]
async fn of_extensions_and_new_bookings_of_an_hour_one_has_it() {
    let harness = Harness::start().await;
    let replica = harness.start_instance().await;
    let car = harness.car(harness.host()).await;
    for (slot, (first, ..)) in (1u128..).zip(SLOTS) {
        harness.confirm(booking(slot), &car, first).await.unwrap();
    }
    let wanted = (1u128..).zip(SLOTS).flat_map(|(slot, (_, second, both))| {
        let extension = (slot, change(slot), second, both);
        let others = (1..=HOLDS_PER_SLOT).map(move |other| (slot, booking(100 * slot + other), second, both));
        std::iter::once(extension).chain(others)
    });
    let clients = [
        harness.client.clone(),
        VehicleServiceClient::new(replica.channel()),
    ];
    let car = &car;
    let calls = wanted.enumerate().map(|(number, (slot, id, second, both))| {
        let client = clients[number % 2].clone();
        async move {
            take(client, car, id, second)
                .await
                .then_some((slot, id, second, both))
        }
    });
    let calls: Vec<_> = calls.collect();
    assert_eq!(calls.len(), 60);
    let winners: Vec<_> = join_all(calls).await.into_iter().flatten().collect();
    let slots: std::collections::BTreeSet<u128> = winners.iter().map(|(slot, ..)| *slot).collect();
    assert_eq!((winners.len(), slots.len()), (6, 6));
    assert_eq!(harness.count(OVERLAPS).await, 0);
    assert_eq!(harness.booking_count().await, 12);

    for (slot, id, second, both) in &winners {
        if *id == change(*slot) {
            harness
                .publish("booking", applied(booking(*slot), *id, car, *both))
                .await;
        } else {
            let requested = BookingRequested {
                booking_id: id.to_string(),
                booking: facts(*id, car, *second),
                ..BookingRequested::default()
            };
            harness.publish("booking", requested).await;
        }
    }
    harness.handled().await;
    assert_eq!(harness.count(OVERLAPS).await, 0);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    replica.stop().await;
    harness.finish().await;
}

/// Swaps of bookings between two cars, in both directions at once: the cars are locked in one order.
#[tokio::test(flavor = "multi_thread")]
async fn opposite_swaps_of_two_cars_do_not_wait_for_each_other() {
    let harness = Harness::start().await;
    let replica = harness.start_instance().await;
    let cars = [
        harness.car(harness.host()).await,
        harness.car(harness.host()).await,
    ];
    for (slot, (first, second, _)) in (0u128..).zip(SLOTS) {
        let (one, other) = (booking(2 * slot + 1), booking(2 * slot + 2));
        harness.confirm(one, &cars[0], first).await.unwrap();
        harness.confirm(other, &cars[1], second).await.unwrap();
    }
    let swaps = (0u128..).zip(SLOTS).flat_map(|(slot, (first, second, _))| {
        let number = 2 * slot + 1;
        [
            applied(booking(number), change(number), &cars[1], first),
            applied(booking(number + 1), change(number + 1), &cars[0], second),
        ]
    });
    let cancelled = (0u128..).zip(SLOTS).map(|(slot, (first, ..))| BookingCancelled {
        booking_id: booking(2 * slot + 1).to_string(),
        booking: facts(booking(2 * slot + 1), &cars[1], first),
        ..BookingCancelled::default()
    });
    join_all(swaps.map(|swap| harness.publish("booking", swap))).await;
    join_all(cancelled.map(|event| harness.publish("booking", event))).await;
    harness.handled().await;
    assert_eq!(harness.count(OVERLAPS).await, 0);
    assert_eq!(harness.calendar(&cars[0]).await.len(), 6);
    assert_eq!(harness.calendar(&cars[1]).await, [""; 0]);
    assert_eq!(harness.events::<VehicleHoldLost>().await, []);
    replica.stop().await;
    harness.finish().await;
}
