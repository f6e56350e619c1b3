//! `SearchVehicles`: pages, page tokens and the limit of examined cars.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::calls::open_on;
use crate::harness::{Harness, assert_reason};
use crate::kakao::{CITY_HALL, GANGNAM};
use crate::search::{TUESDAY, within};

#[tokio::test]
async fn search_pages_return_each_car_of_one_address_once() {
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
    // Cars at one address are ordered by id, that is by registration.
    assert_eq!(paged, cars);
    assert_eq!(harness.search_ids(within(20.0)).await, cars);
    harness.finish().await;
}

#[tokio::test]
async fn search_page_continues_after_the_last_car_despite_changes() {
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
async fn search_stops_at_max_candidates_with_a_page_token() {
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
    // Six cars, two in each call.
    assert_eq!(calls, 3);
    harness.finish().await;
}

/// One query examines fewer cars than are closed here; the open car is farther away than all of them.
#[tokio::test]
async fn search_with_a_small_page_skips_many_closed_cars_in_one_call() {
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
async fn search_with_a_token_of_another_search_is_refused() {
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
        let error = assert_reason(harness.search(search).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, "page_token");
    }
    harness.finish().await;
}
