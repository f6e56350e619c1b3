//! `SearchVehicles`.

use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::cars::{Span, blocked_on, near_gangnam, open_on};
use crate::harness::{Harness, refused, stamp};
use crate::kakao::{CITY_HALL, GANGNAM, IKSAN, MAPO};

const TUESDAY: Span = ("24T10:00", "24T14:00");

fn within(radius_km: f64) -> SearchVehiclesRequest {
    SearchVehiclesRequest {
        radius: Some(radius_km),
        ..near_gangnam(TUESDAY)
    }
}

#[tokio::test]
async fn cars_are_found_nearest_first_within_the_radius() {
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
    assert_eq!(metres, [0.0, 9006.0, 12_418.0]);
    // Apart from the distance a result is the car as it is shown elsewhere.
    let shown = Vehicle {
        distance_m: None,
        ..found.vehicles[0].clone()
    };
    assert_eq!(shown, gangnam);

    assert_eq!(harness.found(within(9.1)).await, [gangnam.id.as_str(), &city.id]);
    assert_eq!(harness.found(near_gangnam(TUESDAY)).await, [gangnam.id.as_str()]);
    assert!(!harness.found(within(100.0)).await.contains(&iksan.id));
    harness.finish().await;
}

#[tokio::test]
async fn only_cars_that_are_offered_are_found() {
    let harness = Harness::start().await;
    let host = harness.host();
    let waiting = harness.waiting_car(host).await;
    let (car, workshop, gone) = (
        harness.car(host).await,
        harness.car(host).await,
        harness.car(host).await,
    );
    harness
        .set_status(host, &workshop, VehicleStatus::Maintenance)
        .await
        .unwrap();
    harness.delete(host, &gone).await.unwrap();
    assert_eq!(harness.found(within(5.0)).await, [car.id.as_str()]);
    assert_ne!(waiting.id, car.id);
    harness.finish().await;
}

#[tokio::test]
async fn a_car_that_is_taken_is_not_found_for_that_time() {
    let harness = Harness::start().await;
    let car = harness.car(harness.host()).await;
    harness
        .hold(Uuid::from_u128(1), &car, ("24T12:00", "24T16:00"))
        .await
        .unwrap();
    let at = async |span: Span| harness.found(near_gangnam(span)).await.len();
    assert_eq!(at(("24T10:00", "24T12:01")).await, 0);
    assert_eq!(at(("24T10:00", "24T12:00")).await, 1);
    assert_eq!(at(("24T16:00", "24T18:00")).await, 1);
    assert_eq!(at(("24T15:59", "24T18:00")).await, 0);
    assert_eq!(at(("23T10:00", "25T18:00")).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn a_hold_past_its_time_hides_nothing_even_before_it_is_swept() {
    let harness = Harness::start_with(|config| config.holds.sweep_every = Duration::from_hours(1_200)).await;
    let car = harness.car(harness.host()).await;
    harness.hold(Uuid::from_u128(1), &car, TUESDAY).await.unwrap();
    harness.clock.advance(Duration::from_millis(599_999));
    assert_eq!(harness.found(near_gangnam(TUESDAY)).await.len(), 0);
    harness.clock.advance(Duration::from_millis(1));
    assert_eq!(harness.found(near_gangnam(TUESDAY)).await.len(), 1);
    assert_eq!(harness.rows("occupancies").await, 1);
    harness.finish().await;
}

#[tokio::test]
async fn a_car_that_is_closed_is_not_found() {
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
    let at = async |span: Span| harness.found(near_gangnam(span)).await.len();
    assert_eq!(at(("23T20:00", "24T12:00")).await, 1);
    assert_eq!(at(("23T20:00", "24T12:01")).await, 0);
    assert_eq!(at(("24T13:00", "24T18:00")).await, 1);
    assert_eq!(at(("24T13:00", "24T18:01")).await, 0);
    assert_eq!(at(("25T10:00", "25T11:00")).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn pages_of_cars_at_one_address_hold_each_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let mut cars = Vec::new();
    for number in 0..13 {
        let car = harness
            .car_at(host, if number == 12 { CITY_HALL } else { GANGNAM })
            .await;
        if number % 3 == 1 {
            harness
                .add_rule(host, open_on(&car, 6, "00:00", "24:00"))
                .await
                .unwrap();
        } else {
            cars.push(car.id);
        }
    }
    let (mut paged, mut token) = (Vec::new(), String::new());
    loop {
        let search = SearchVehiclesRequest {
            page_size: 3,
            page_token: token,
            ..within(20.0)
        };
        let page = harness.search(search).await.unwrap();
        assert!((1..=3).contains(&page.vehicles.len()));
        paged.extend(page.vehicles.into_iter().map(|car| car.id));
        token = page.next_page_token;
        if token.is_empty() {
            break;
        }
    }
    // At one address they come in the order of their ids, which is that of their registration.
    assert_eq!(paged, cars);
    assert_eq!(harness.found(within(20.0)).await, cars);
    harness.finish().await;
}

#[tokio::test]
async fn a_page_goes_on_where_the_last_one_ended_whatever_happened_meanwhile() {
    let harness = Harness::start().await;
    let host = harness.host();
    let (first, second) = (harness.car(host).await, harness.car(host).await);
    let third = harness.car_at(host, CITY_HALL).await;
    let page = |token: &str| SearchVehiclesRequest {
        page_size: 1,
        page_token: token.into(),
        ..within(20.0)
    };
    let one = harness.search(page("")).await.unwrap();
    assert_eq!(one.vehicles[0].id, first.id);
    harness.delete(host, &first).await.unwrap();
    harness.hold(Uuid::from_u128(1), &second, TUESDAY).await.unwrap();
    let two = harness.search(page(&one.next_page_token)).await.unwrap();
    assert_eq!(
        (two.vehicles[0].id.as_str(), two.next_page_token.as_str()),
        (third.id.as_str(), "")
    );
    harness.finish().await;
}

#[tokio::test]
async fn a_call_looks_at_so_many_cars_and_says_where_to_go_on() {
    let harness = Harness::start_with(|config| config.search.max_candidates = 2).await;
    let host = harness.host();
    for _ in 0..5 {
        let closed = harness.car(host).await;
        harness
            .add_rule(host, open_on(&closed, 6, "00:00", "24:00"))
            .await
            .unwrap();
    }
    let open = harness.car_at(host, CITY_HALL).await;
    let (mut calls, mut token) = (0, String::new());
    let found = loop {
        let search = SearchVehiclesRequest {
            page_size: 1,
            page_token: token,
            ..within(20.0)
        };
        let page = harness.search(search).await.unwrap();
        calls += 1;
        if let Some(car) = page.vehicles.first() {
            break car.id.clone();
        }
        assert_ne!(page.next_page_token, "");
        token = page.next_page_token;
    };
    assert_eq!(found, open.id);
    assert_eq!(calls, 2);
    harness.finish().await;
}

/// More closed cars than one round looks at, each a little farther away, and the open one behind them all.
#[tokio::test]
async fn a_small_page_finds_the_open_car_behind_many_closed_ones_in_one_call() {
    let harness = Harness::start().await;
    let host = harness.host();
    let closed = harness.car_at(host, GANGNAM).await;
    harness
        .add_rule(host, open_on(&closed, 6, "00:00", "24:00"))
        .await
        .unwrap();
    harness
        .execute(
            "WITH more AS (
                 INSERT INTO vehicles (id, owner_id, license_plate, make, model, year, hourly_rate_krw, location_address,
                     location_lat, location_lng, status, created_at, updated_at)
                 SELECT gen_random_uuid(), owner_id, 'copy ' || n, make, model, year, hourly_rate_krw, location_address,
                     location_lat + n * 0.0001, location_lng, status, created_at, updated_at
                 FROM vehicles, generate_series(1, 150) n RETURNING id
             )
             INSERT INTO availabilities (id, vehicle_id, day_of_week, start_minute, end_minute, is_blocked, created_at)
             SELECT gen_random_uuid(), more.id, day_of_week, start_minute, end_minute, is_blocked, created_at
             FROM availabilities, more",
        )
        .await;
    let open = harness.car_at(host, CITY_HALL).await;
    let page = harness
        .search(SearchVehiclesRequest {
            page_size: 1,
            ..within(20.0)
        })
        .await
        .unwrap();
    assert_eq!(page.next_page_token, "");
    let ids: Vec<&str> = page.vehicles.iter().map(|car| car.id.as_str()).collect();
    assert_eq!(ids, [open.id.as_str()]);
    harness.finish().await;
}

#[tokio::test]
async fn a_token_of_another_search_is_refused_by_name() {
    let harness = Harness::start().await;
    let host = harness.host();
    for _ in 0..2 {
        harness.car(host).await;
    }
    let page = harness
        .search(SearchVehiclesRequest {
            page_size: 1,
            ..within(5.0)
        })
        .await
        .unwrap();
    assert_ne!(page.next_page_token, "");
    for search in [
        SearchVehiclesRequest {
            page_token: page.next_page_token,
            ..within(6.0)
        },
        SearchVehiclesRequest {
            page_token: "nonsense".into(),
            ..within(5.0)
        },
    ] {
        let error = refused(harness.search(search).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "page_token");
    }
    harness.finish().await;
}

#[tokio::test]
async fn wrong_searches_name_their_fields() {
    let harness = Harness::start().await;
    for (search, field) in wrong_searches() {
        let error = refused(harness.search(search.clone()).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field, "{search:?}");
    }
    harness.finish().await;
}

fn wrong_searches() -> Vec<(SearchVehiclesRequest, &'static str)> {
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
                end_datetime: stamp("24T10:00"),
                ..base()
            },
            "",
        ),
        (far, "start_datetime"),
    ]
}
