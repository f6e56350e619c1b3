//! `ListMyVehicles`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use tonic::Status;

use crate::harness::{Harness, Person, assert_reason, into_message};

impl Harness {
    pub async fn mine(
        &self,
        host: Person,
        request: ListMyVehiclesRequest,
    ) -> Result<ListMyVehiclesResponse, Status> {
        let request = self.request(host, request);
        into_message(self.client.clone().list_my_vehicles(request).await)
    }

    async fn my_cars(&self, host: Person, status: VehicleStatus) -> Vec<Vehicle> {
        let request = ListMyVehiclesRequest {
            status: status.into(),
            ..Default::default()
        };
        self.mine(host, request).await.unwrap().vehicles
    }
}

#[tokio::test]
async fn list_my_vehicles_returns_the_hosts_cars_of_every_status_newest_first() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let active = harness.car(host).await;
    let inactive = harness.inactive_car(host).await;
    let repaired = harness.car(host).await;
    let maintained = harness
        .set_status(host, &repaired, VehicleStatus::Maintenance)
        .await
        .unwrap();
    let withdrawn = harness.car(host).await;
    harness.delete(host, &withdrawn).await.unwrap();
    harness.car(other).await;

    let all = [maintained.clone(), inactive.clone(), active.clone()];
    assert_eq!(harness.my_cars(host, VehicleStatus::Unspecified).await, all);
    for (status, car) in [
        (VehicleStatus::Active, active),
        (VehicleStatus::Inactive, inactive),
        (VehicleStatus::Maintenance, maintained),
    ] {
        assert_eq!(harness.my_cars(host, status).await, [car]);
    }
    assert_eq!(
        harness.my_cars(harness.host(), VehicleStatus::Unspecified).await,
        []
    );
    assert_reason(
        harness
            .mine(harness.guest(), ListMyVehiclesRequest::default())
            .await,
        Common::PermissionDenied,
    );
    harness.finish().await;
}

#[tokio::test]
async fn list_my_vehicles_pages_return_each_car_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let mut cars = Vec::new();
    for _ in 0..5 {
        cars.insert(0, harness.inactive_car(host).await);
    }
    let (mut paged, mut page_token) = (Vec::new(), String::new());
    for size in [2, 2, 1] {
        let request = ListMyVehiclesRequest {
            page_size: 2,
            page_token,
            ..Default::default()
        };
        let page = harness.mine(host, request).await.unwrap();
        assert_eq!(page.vehicles.len(), size);
        paged.extend(page.vehicles);
        page_token = page.next_page_token;
    }
    assert_eq!((paged, page_token), (cars, String::new()));
    harness.finish().await;
}

#[tokio::test]
async fn list_my_vehicles_with_an_invalid_field_names_it() {
    let harness = Harness::start().await;
    let host = harness.host();
    for _ in 0..2 {
        harness.inactive_car(host).await;
    }
    let first = ListMyVehiclesRequest {
        page_size: 1,
        ..Default::default()
    };
    let page_token = harness.mine(host, first).await.unwrap().next_page_token;
    let request = |status, page_size, page_token: &str| ListMyVehiclesRequest {
        status,
        page_size,
        page_token: page_token.to_owned(),
        ..Default::default()
    };
    for (request, field) in [
        (request(9, 0, ""), "status"),
        (request(0, 201, ""), "page_size"),
        (request(0, 0, "nonsense"), "page_token"),
        // Of the list of every status.
        (request(1, 1, &page_token), "page_token"),
        (
            ListMyVehiclesRequest {
                order_by: VehicleOrder::HourlyRateAsc.into(),
                ..request(0, 1, &page_token)
            },
            "page_token",
        ),
        (
            ListMyVehiclesRequest {
                order_by: 9,
                ..Default::default()
            },
            "order_by",
        ),
        (
            ListMyVehiclesRequest {
                license_plate: "123456789012345".into(),
                ..Default::default()
            },
            "license_plate",
        ),
    ] {
        let error = assert_reason(harness.mine(host, request).await, Common::InvalidArgument);
        assert_eq!(error.violations()[0].field, field);
    }
    harness.finish().await;
}
