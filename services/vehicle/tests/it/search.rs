//! `SearchVehicles`: radius, order, filters and invalid fields.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::calls::{Period, blocked_on, near_gangnam, open_on};
use crate::harness::{Harness, assert_reason, timestamp};
use crate::kakao::{CITY_HALL, GANGNAM, IKSAN, MAPO};

pub const TUESDAY: Period = ("24T10:00", "24T14:00");

pub fn within(radius_km: f64) -> SearchVehiclesRequest {
    SearchVehiclesRequest {
        radius: Some(radius_km),
        ..near_gangnam(TUESDAY)
    }
}

#[tokio::test]
async fn search_returns_cars_within_the_radius_nearest_first() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (iksan, mapo) = (
        harness.car_at(host, IKSAN).await,
        harness.car_at(host, MAPO).await,
    );
    let (city, gangnam) = (
        harness.car_at(host, CITY_HALL).await,
        harness.car_at(host, GANGNAM).await,
    );
    let found = harness.search(within(15.0)).await.unwrap();
    assert_eq!(found.next_page_token, "");
    let ids: Vec<&str> = found.vehicles.iter().map(|car| car.id.as_str()).collect();
    assert_eq!(ids, [&gangnam.id, &city.id, &mapo.id]);
    let metres: Vec<f64> = found
        .vehicles
        .iter()
        .filter_map(|car| car.distance_m)
        .map(f64::round)
        .collect();
    assert_eq!(metres, [569.0, 9034.0, 12_336.0]);
    // Apart from the distance and the tag a result equals the reply of `GetVehicle` to everybody.
    let guest = harness.guest();
    let public = harness.get(guest, &gangnam.id).await.unwrap();
    let shown = Vehicle {
        distance_m: None,
        etag: public.etag.clone(),
        ..found.vehicles[0].clone()
    };
    assert_eq!(shown, public);

    assert_eq!(
        harness.search_ids(within(9.1)).await,
        [gangnam.id.as_str(), &city.id]
    );
    assert_eq!(
        harness.search_ids(near_gangnam(TUESDAY)).await,
        [gangnam.id.as_str()]
    );
    assert!(!harness.search_ids(within(100.0)).await.contains(&iksan.id));
    harness.finish().await;
}

#[tokio::test]
async fn search_returns_active_cars_only() {
    let harness = Harness::start().await;
    let host = harness.host();
    let waiting = harness.inactive_car(host).await;
    let (car, in_maintenance, withdrawn) = (
        harness.car(host).await,
        harness.car(host).await,
        harness.car(host).await,
    );
    harness
        .set_status(host, &in_maintenance, VehicleStatus::Maintenance)
        .await
        .unwrap();
    harness.delete(host, &withdrawn).await.unwrap();
    assert_eq!(harness.search_ids(within(5.0)).await, [car.id.as_str()]);
    assert_ne!(waiting.id, car.id);
    harness.finish().await;
}

#[tokio::test]
async fn search_omits_a_car_during_its_occupancies() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness
        .hold(Uuid::from_u128(1), &car, ("24T12:00", "24T16:00"))
        .await
        .unwrap();
    let at = async |period: Period| harness.search_ids(near_gangnam(period)).await.len();
    assert_eq!(at(("24T10:00", "24T12:01")).await, 0);
    assert_eq!(at(("24T10:00", "24T12:00")).await, 1);
    assert_eq!(at(("24T16:00", "24T18:00")).await, 1);
    assert_eq!(at(("24T15:59", "24T18:00")).await, 0);
    assert_eq!(at(("23T10:00", "25T18:00")).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn search_ignores_expired_holds_before_they_are_deleted() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(Uuid::from_u128(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_millis(119_999));
    assert_eq!(harness.search_ids(near_gangnam(TUESDAY)).await.len(), 0);
    harness.clock.advance(Duration::from_millis(1));
    assert_eq!(harness.search_ids(near_gangnam(TUESDAY)).await.len(), 1);
    assert_eq!(harness.row_count("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn search_omits_a_car_outside_its_opening_hours() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    // Monday and Tuesday, through the night between them.
    harness
        .add_rule(host, open_on(&car, 1, "09:00", "24:00"))
        .await
        .unwrap();
    harness
        .add_rule(host, open_on(&car, 2, "00:00", "18:00"))
        .await
        .unwrap();
    harness
        .add_rule(host, blocked_on(&car, "2026-11-24", "12:00", "13:00"))
        .await
        .unwrap();
    let at = async |period: Period| harness.search_ids(near_gangnam(period)).await.len();
    assert_eq!(at(("23T20:00", "24T12:00")).await, 1);
    assert_eq!(at(("23T20:00", "24T12:01")).await, 0);
    assert_eq!(at(("24T13:00", "24T18:00")).await, 1);
    assert_eq!(at(("24T13:00", "24T18:01")).await, 0);
    assert_eq!(at(("25T10:00", "25T11:00")).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn search_for_a_period_that_no_booking_may_have_is_refused_as_the_booking_is() {
    let harness = Harness::start().await;
    harness.car(harness.host()).await;
    for (start, end) in [
        ("24T10:00", "24T10:59"),
        ("24T10:00", "24T10:00"),
        ("24T10:00", "24T09:00"),
    ] {
        let error = assert_reason(
            harness.search(near_gangnam((start, end))).await,
            Common::InvalidArgument,
        );
        let fields: Vec<&str> = error.violations().iter().map(|one| one.field.as_str()).collect();
        assert_eq!(fields, ["start_datetime", "end_datetime"], "{start} {end}");
    }
    let month_and_a_second = SearchVehiclesRequest {
        end_datetime: timestamp("24T10:00").map(|start| prost_types::Timestamp {
            seconds: start.seconds + 30 * 86_400 + 1,
            nanos: 0,
        }),
        ..near_gangnam(TUESDAY)
    };
    assert_reason(harness.search(month_and_a_second).await, Common::InvalidArgument);
    // The clock is at 09:00.
    for start in ["23T08:00", "23T09:00"] {
        let refused = harness.search(near_gangnam((start, "23T12:00"))).await;
        assert_reason(refused, carshare_proto::booking::v1::ErrorReason::StartInPast);
    }
    assert_eq!(
        harness
            .search_ids(near_gangnam(("23T09:01", "23T10:01")))
            .await
            .len(),
        1
    );
    harness.finish().await;
}

#[tokio::test]
async fn search_with_an_invalid_field_names_it() {
    let harness = Harness::start().await;
    for (search, field) in invalid_searches() {
        let error = assert_reason(harness.search(search.clone()).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field, "{search:?}");
    }
    harness.finish().await;
}

fn invalid_searches() -> Vec<(SearchVehiclesRequest, &'static str)> {
    let base = || near_gangnam(TUESDAY);
    let in_the_year_9999 = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
    let far = SearchVehiclesRequest {
        start_datetime: in_the_year_9999(253_402_290_000),
        end_datetime: in_the_year_9999(253_402_300_799),
        ..base()
    };
    vec![
        (SearchVehiclesRequest { lat: None, ..base() }, "lat"),
        (
            SearchVehiclesRequest {
                lng: Some(140.0),
                ..base()
            },
            "lng",
        ),
        (
            SearchVehiclesRequest {
                radius: Some(0.0),
                ..base()
            },
            "radius",
        ),
        (
            SearchVehiclesRequest {
                radius: Some(100.1),
                ..base()
            },
            "radius",
        ),
        (
            SearchVehiclesRequest {
                radius: Some(f64::NAN),
                ..base()
            },
            "radius",
        ),
        (
            SearchVehiclesRequest {
                page_size: 201,
                ..base()
            },
            "page_size",
        ),
        (
            SearchVehiclesRequest {
                start_datetime: None,
                ..base()
            },
            "start_datetime",
        ),
        (
            SearchVehiclesRequest {
                end_datetime: timestamp("24T10:00"),
                ..base()
            },
            "start_datetime",
        ),
        (far, "start_datetime"),
    ]
}
