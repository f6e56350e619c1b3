//! `ListMyVehicles`: order, license plates and totals.

use carshare_proto::vehicle::v1::*;

use crate::harness::{Harness, Person};
use crate::kakao::GANGNAM;

impl Harness {
    /// Registers cars with these rates, and returns their ids.
    async fn fleet<const N: usize>(&self, host: Person, rates: [i64; N]) -> [String; N] {
        let mut ids = Vec::new();
        for hourly_rate in rates {
            let registration = CreateVehicleRequest {
                hourly_rate,
                ..self.registration(GANGNAM)
            };
            ids.push(self.create(host, registration).await.unwrap().id);
        }
        ids.try_into().unwrap()
    }

    async fn my_ids(&self, host: Person, request: ListMyVehiclesRequest) -> Vec<String> {
        let cars = self.mine(host, request).await.unwrap().vehicles;
        cars.into_iter().map(|car| car.id).collect()
    }
}

#[tokio::test]
async fn list_my_vehicles_is_ordered_as_requested() {
    let harness = Harness::start().await;
    let host = harness.host();
    let [a, b, c, d] = harness.fleet(host, [9_000, 5_000, 9_000, 7_000]).await;
    for (order, expected) in [
        (VehicleOrder::Unspecified, [&d, &c, &b, &a]),
        (VehicleOrder::CreatedDesc, [&d, &c, &b, &a]),
        (VehicleOrder::HourlyRateAsc, [&b, &d, &a, &c]),
        (VehicleOrder::HourlyRateDesc, [&c, &a, &d, &b]),
    ] {
        let request = ListMyVehiclesRequest {
            order_by: order.into(),
            ..Default::default()
        };
        let listed = harness.my_ids(host, request).await;
        assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{order:?}");
    }
    harness.finish().await;
}

#[tokio::test]
async fn list_my_vehicles_by_rate_continues_after_its_page_despite_changes() {
    let harness = Harness::start().await;
    let host = harness.host();
    let [a, b, c, d] = harness.fleet(host, [5_000, 6_000, 6_000, 7_000]).await;
    let page = |page_token: &str| ListMyVehiclesRequest {
        order_by: VehicleOrder::HourlyRateAsc.into(),
        page_size: 2,
        page_token: page_token.to_owned(),
        include_total: true,
        ..Default::default()
    };
    let first = harness.mine(host, page("")).await.unwrap();
    let ids: Vec<&str> = first.vehicles.iter().map(|car| car.id.as_str()).collect();
    assert_eq!((ids, first.total_size), (vec![a.as_str(), &b], Some(4)));
    // The last car of the page is withdrawn, and a cheaper one is registered.
    harness.delete(host, &first.vehicles[1]).await.unwrap();
    harness.fleet(host, [4_000]).await;
    let second = harness.mine(host, page(&first.next_page_token)).await.unwrap();
    let ids: Vec<&str> = second.vehicles.iter().map(|car| car.id.as_str()).collect();
    assert_eq!(
        (ids, second.total_size, second.next_page_token.as_str()),
        (vec![c.as_str(), &d], Some(4), "")
    );
    // The token is valid without the total, too.
    let without = ListMyVehiclesRequest {
        include_total: false,
        ..page(&first.next_page_token)
    };
    let again = harness.mine(host, without).await.unwrap();
    assert_eq!((again.vehicles, again.total_size), (second.vehicles, None));
    harness.finish().await;
}

#[tokio::test]
async fn list_my_vehicles_finds_a_part_of_the_license_plate() {
    let harness = Harness::start().await;
    let host = harness.host();
    let plates = ["12가3456", "123하3451", "34나1234"];
    let mut cars = Vec::new();
    for plate in plates {
        let registration = CreateVehicleRequest {
            license_plate: plate.into(),
            ..harness.registration(GANGNAM)
        };
        cars.push(harness.create(host, registration).await.unwrap().id);
    }
    for (part, expected) in [
        ("3456", vec![0]),
        ("345", vec![1, 0]),
        ("12", vec![2, 1, 0]),
        ("12가", vec![0]),
        (" 12 가 34", vec![0]),
        // Decomposed, as Apple devices send it.
        ("\u{1112}\u{1161}", vec![1]),
        ("9", vec![]),
        ("%", vec![]),
        (" ", vec![2, 1, 0]),
    ] {
        let request = ListMyVehiclesRequest {
            license_plate: part.into(),
            include_total: true,
            ..Default::default()
        };
        let page = harness.mine(host, request).await.unwrap();
        let ids: Vec<&String> = page.vehicles.iter().map(|car| &car.id).collect();
        let expected: Vec<&String> = expected.into_iter().map(|index: usize| &cars[index]).collect();
        assert_eq!(page.total_size, Some(expected.len() as i64), "{part}");
        assert_eq!(ids, expected, "{part}");
    }
    let other = ListMyVehiclesRequest {
        license_plate: "3456".into(),
        ..Default::default()
    };
    assert_eq!(harness.my_ids(harness.host(), other).await, Vec::<String>::new());
    harness.finish().await;
}

#[tokio::test]
async fn total_of_my_vehicles_ignores_the_page_but_not_the_filter() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    harness.fleet(host, [5_000, 6_000]).await;
    let active = harness.car(host).await;
    harness.car(other).await;
    harness
        .delete(host, &harness.inactive_car(host).await)
        .await
        .unwrap();
    for (status, page_size, total) in [
        (VehicleStatus::Unspecified, 1, 3),
        (VehicleStatus::Active, 0, 1),
        (VehicleStatus::Inactive, 1, 2),
        (VehicleStatus::Maintenance, 0, 0),
    ] {
        let request = ListMyVehiclesRequest {
            status: status.into(),
            page_size,
            include_total: true,
            ..Default::default()
        };
        let page = harness.mine(host, request).await.unwrap();
        assert_eq!(page.total_size, Some(total), "{status:?}");
    }
    assert_eq!(active.owner_id, host.id.to_string());
    harness.finish().await;
}
