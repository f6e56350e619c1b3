//! `SearchVehicles`: cheapest first, and filters.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::calls::open_on;
use crate::harness::{Harness, Person, assert_reason};
use crate::kakao::{CITY_HALL, GANGNAM, IKSAN, MAPO};
use crate::search::{TUESDAY, within};

impl Harness {
    async fn car_for(&self, host: Person, address: &str, hourly_rate: i64) -> Vehicle {
        let registration = CreateVehicleRequest {
            hourly_rate,
            ..self.registration(address)
        };
        self.active_car(host, registration).await
    }
}

fn cheapest(radius_km: f64) -> SearchVehiclesRequest {
    SearchVehiclesRequest {
        order_by: SearchOrder::HourlyRateAsc.into(),
        ..within(radius_km)
    }
}

#[tokio::test]
async fn search_by_rate_returns_the_cheapest_within_the_radius_first() {
    let harness = Harness::start().await;
    let host = harness.host();
    let far = harness.car_for(host, IKSAN, 1_000).await;
    let near = harness.car_for(host, GANGNAM, 9_000).await;
    let mapo = harness.car_for(host, MAPO, 7_000).await;
    let city = harness.car_for(host, CITY_HALL, 7_000).await;
    let taken = harness.car_for(host, GANGNAM, 2_000).await;
    harness.hold(Uuid::from_u128(1), &taken, TUESDAY).await.unwrap();
    let closed = harness.car_for(host, GANGNAM, 2_000).await;
    harness
        .add_rule(host, open_on(&closed, 6, "00:00", "24:00"))
        .await
        .unwrap();
    // City hall is nearer than Mapo.
    let expected = [city.id.as_str(), &mapo.id, &near.id];
    assert_eq!(harness.search_ids(cheapest(15.0)).await, expected);
    assert_eq!(
        harness.search_ids(cheapest(9.1)).await,
        [city.id.as_str(), &near.id]
    );
    assert_eq!(harness.search_ids(cheapest(5.0)).await, [near.id.as_str()]);
    assert!(!harness.search_ids(cheapest(100.0)).await.contains(&far.id));
    // Each result equals that of the search that is nearest first.
    let mut found = harness.search(cheapest(15.0)).await.unwrap().vehicles;
    found.sort_by(|a, b| a.distance_m.partial_cmp(&b.distance_m).unwrap());
    assert_eq!(found, harness.search(within(15.0)).await.unwrap().vehicles);
    harness.finish().await;
}

#[tokio::test]
async fn search_by_rate_continues_after_its_page_despite_changes() {
    let harness = Harness::start().await;
    let host = harness.host();
    let first = harness.car_for(host, CITY_HALL, 5_000).await;
    let taken = harness.car_for(host, GANGNAM, 6_000).await;
    // At one address, at one rate.
    let (third, fourth) = (
        harness.car_for(host, GANGNAM, 6_000).await,
        harness.car_for(host, GANGNAM, 6_000).await,
    );
    let last = harness.car_for(host, GANGNAM, 9_000).await;
    let page = |token: &str| SearchVehiclesRequest {
        page_size: 1,
        page_token: token.into(),
        ..cheapest(20.0)
    };
    let one = harness.search(page("")).await.unwrap();
    assert_eq!(one.vehicles[0].id, first.id);
    harness.delete(host, &first).await.unwrap();
    harness.hold(Uuid::from_u128(1), &taken, TUESDAY).await.unwrap();
    harness.car_for(host, GANGNAM, 4_000).await;
    let (mut rest, mut token) = (Vec::new(), one.next_page_token.clone());
    while !token.is_empty() {
        let next = harness.search(page(&token)).await.unwrap();
        rest.extend(next.vehicles.into_iter().map(|car| car.id));
        token = next.next_page_token;
    }
    assert_eq!(rest, [third.id, fourth.id, last.id]);
    let nearest = SearchVehiclesRequest {
        order_by: SearchOrder::DistanceAsc.into(),
        ..page(&one.next_page_token)
    };
    let error = assert_reason(harness.search(nearest).await, Common::InvalidArgument);
    assert_eq!(error.violations()[0].field, "page_token");
    harness.finish().await;
}

#[tokio::test]
async fn search_by_rate_skips_closed_cars_up_to_max_candidates() {
    let harness = Harness::start_with(|config| config.search.max_candidates = 2).await;
    let host = harness.host();
    for _ in 0..5 {
        let closed = harness.car_for(host, GANGNAM, 1_000).await;
        harness
            .add_rule(host, open_on(&closed, 6, "00:00", "24:00"))
            .await
            .unwrap();
    }
    let open = harness.car_for(host, GANGNAM, 2_000).await;
    let (mut found, mut calls, mut page_token) = (Vec::new(), 0, String::new());
    loop {
        let search = SearchVehiclesRequest {
            page_size: 1,
            page_token,
            ..cheapest(5.0)
        };
        let page = harness.search(search).await.unwrap();
        calls += 1;
        found.extend(page.vehicles.into_iter().map(|car| car.id));
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    assert_eq!(found, [open.id]);
    // Six cars, two in each call, and a call that finds no more.
    assert_eq!(calls, 4);
    harness.finish().await;
}

/// Fuel, transmission and highest rate of a search.
type Filter = (FuelType, Transmission, Option<i64>);

/// Filters with the indexes of the cars they find, nearest first and cheapest first.
const FILTERS: [(Filter, &[usize], &[usize]); 8] = [
    (
        (FuelType::Electric, Transmission::Unspecified, None),
        &[0, 1],
        &[1, 0],
    ),
    (
        (FuelType::Unspecified, Transmission::Automatic, None),
        &[0, 2],
        &[2, 0],
    ),
    ((FuelType::Unspecified, Transmission::Manual, None), &[3], &[3]),
    ((FuelType::Electric, Transmission::Automatic, None), &[0], &[0]),
    ((FuelType::Diesel, Transmission::Unspecified, None), &[], &[]),
    (
        (FuelType::Unspecified, Transmission::Unspecified, Some(7_000)),
        &[1, 2],
        &[1, 2],
    ),
    (
        (FuelType::Unspecified, Transmission::Unspecified, Some(4_999)),
        &[],
        &[],
    ),
    (
        (FuelType::Electric, Transmission::Unspecified, Some(5_000)),
        &[1],
        &[1],
    ),
];

#[tokio::test]
async fn search_filters_by_fuel_transmission_and_rate() {
    let harness = Harness::start().await;
    let host = harness.host();
    let mut cars = Vec::new();
    for (fuel_type, transmission, hourly_rate) in [
        (FuelType::Electric, Transmission::Automatic, 9_000),
        (FuelType::Electric, Transmission::Unspecified, 5_000),
        (FuelType::Gasoline, Transmission::Automatic, 7_000),
        (FuelType::Unspecified, Transmission::Manual, 9_000),
    ] {
        let registration = CreateVehicleRequest {
            fuel_type: fuel_type.into(),
            transmission: transmission.into(),
            hourly_rate,
            ..harness.registration(GANGNAM)
        };
        cars.push(harness.active_car(host, registration).await.id);
    }
    for ((fuel_type, transmission, max_hourly_rate), nearest, cheapest) in FILTERS {
        for (order, expected) in [
            (SearchOrder::DistanceAsc, nearest),
            (SearchOrder::HourlyRateAsc, cheapest),
        ] {
            let search = SearchVehiclesRequest {
                order_by: order.into(),
                fuel_type: fuel_type.into(),
                transmission: transmission.into(),
                max_hourly_rate,
                ..within(5.0)
            };
            let expected: Vec<String> = expected.iter().map(|car| cars[*car].clone()).collect();
            assert_eq!(harness.search_ids(search.clone()).await, expected, "{search:?}");
        }
    }
    harness.finish().await;
}

#[tokio::test]
async fn filtered_search_does_not_leave_its_radius() {
    let harness = Harness::start().await;
    let host = harness.host();
    let electric = |address| CreateVehicleRequest {
        fuel_type: FuelType::Electric.into(),
        ..harness.registration(address)
    };
    let city = harness.active_car(host, electric(CITY_HALL)).await;
    harness.active_car(host, electric(IKSAN)).await;
    let search = |radius_km| SearchVehiclesRequest {
        fuel_type: FuelType::Electric.into(),
        ..within(radius_km)
    };
    assert_eq!(harness.search_ids(search(9.1)).await, [city.id.as_str()]);
    // The car is 9,006 m away, within the box around 9 km.
    assert!(harness.search_ids(search(9.0)).await.is_empty());
    harness.finish().await;
}

#[tokio::test]
async fn search_with_an_invalid_order_or_filter_names_it() {
    let harness = Harness::start().await;
    let with = |change: fn(&mut SearchVehiclesRequest)| {
        let mut search = within(5.0);
        change(&mut search);
        search
    };
    for (search, field) in [
        (with(|search| search.order_by = 9), "order_by"),
        (with(|search| search.fuel_type = 9), "fuel_type"),
        (with(|search| search.transmission = 9), "transmission"),
        (with(|search| search.max_hourly_rate = Some(0)), "max_hourly_rate"),
    ] {
        let error = assert_reason(harness.search(search).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field);
    }
    harness.finish().await;
}
