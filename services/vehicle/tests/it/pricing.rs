//! `SetVehiclePricing`, `pricing` in `CreateVehicle`, and in the car that `PlaceHold` returns.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use tonic::Status;

use crate::harness::calls::{booking, change};
use crate::harness::{Harness, Person, assert_reason, into_message};
use crate::kakao::GANGNAM;
use crate::search::TUESDAY;

fn rate(start_date: &str, end_date: &str) -> DatedRate {
    DatedRate {
        start_date: start_date.into(),
        end_date: end_date.into(),
        hourly_rate: 18_000,
        name: Some("성수기".into()),
    }
}

fn discount(min_hours: i32, percent: i32) -> LongRentalDiscount {
    LongRentalDiscount { min_hours, percent }
}

fn pricing(dated_rates: Vec<DatedRate>, long_rental_discounts: Vec<LongRentalDiscount>) -> Pricing {
    Pricing {
        dated_rates,
        long_rental_discounts,
    }
}

impl Harness {
    async fn set_pricing(&self, host: Person, car: &Vehicle, pricing: Pricing) -> Result<Vehicle, Status> {
        let request = SetVehiclePricingRequest {
            vehicle_id: car.id.clone(),
            pricing: Some(pricing),
        };
        let mut client = self.client.clone();
        into_message(client.set_vehicle_pricing(self.request(host, request)).await)
    }
}

#[tokio::test]
async fn pricing_of_a_new_car_is_sorted_and_shown_to_everybody_and_booking() {
    let harness = Harness::start().await;
    let host = harness.host();
    let rates = || vec![rate("2030-01-01", "2030-01-31"), rate("2030-07-25", "2030-08-15")];
    let registration = CreateVehicleRequest {
        pricing: Some(pricing(
            rates().into_iter().rev().collect(),
            vec![discount(672, 20), discount(168, 10)],
        )),
        ..harness.registration(GANGNAM)
    };
    let car = harness.active_car(host, registration).await;
    let sorted = Some(pricing(rates(), vec![discount(168, 10), discount(672, 20)]));
    assert_eq!(car.pricing, sorted);
    assert_eq!(
        harness.get(harness.guest(), &car.id).await.unwrap().pricing,
        sorted
    );
    let held = harness.hold(booking(1), &car, TUESDAY).await.unwrap();
    assert_eq!(held.vehicle.unwrap().pricing, sorted);
    harness.finish().await;
}

#[tokio::test]
async fn pricing_is_replaced_as_a_whole_and_removed_by_an_empty_one() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    assert_eq!(car.pricing, None);
    let first = pricing(vec![rate("2030-07-25", "2030-08-15")], vec![discount(168, 10)]);
    let changed = harness.set_pricing(host, &car, first.clone()).await.unwrap();
    assert_eq!(changed.pricing, Some(first.clone()));
    assert_ne!(changed.etag, car.etag);
    let other = UpdateVehicleRequest {
        hourly_rate: Some(20_000),
        ..change(&car)
    };
    assert_eq!(
        harness.update(host, other).await.unwrap().pricing,
        Some(first.clone())
    );
    let events = harness.events::<VehicleUpdated>().await.len();
    harness.set_pricing(host, &car, first).await.unwrap();
    assert_eq!(harness.events::<VehicleUpdated>().await.len(), events, "the same");
    let second = pricing(vec![], vec![discount(24, 80)]);
    let changed = harness.set_pricing(host, &car, second.clone()).await.unwrap();
    assert_eq!(changed.pricing, Some(second));
    let removed = harness.set_pricing(host, &car, Pricing::default()).await.unwrap();
    assert_eq!(removed.pricing, None);
    harness.finish().await;
}

#[tokio::test]
async fn invalid_pricing_is_refused_and_the_row_named() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let days = (1..=21).map(|day| rate(&format!("2030-01-{day:02}"), &format!("2030-01-{day:02}")));
    let cheap = DatedRate {
        hourly_rate: 999,
        ..rate("2030-01-01", "2030-01-02")
    };
    let table = [
        (
            pricing(vec![rate("2030-02-30", "2030-03-01")], vec![]),
            "pricing.dated_rates[0].start_date",
        ),
        (
            pricing(vec![rate("2030-2-1", "2030-03-01")], vec![]),
            "pricing.dated_rates[0].start_date",
        ),
        (
            pricing(vec![rate("2030-03-02", "2030-03-01")], vec![]),
            "pricing.dated_rates[0].end_date",
        ),
        (
            pricing(
                vec![rate("2030-03-01", "2030-03-05"), rate("2030-03-05", "2030-03-06")],
                vec![],
            ),
            "pricing.dated_rates[1]",
        ),
        (pricing(vec![cheap], vec![]), "pricing.dated_rates[0].hourly_rate"),
        (pricing(days.collect(), vec![]), "pricing.dated_rates"),
        (
            pricing(vec![], vec![discount(23, 10)]),
            "pricing.long_rental_discounts[0].min_hours",
        ),
        (
            pricing(vec![], vec![discount(24, 81)]),
            "pricing.long_rental_discounts[0].percent",
        ),
        (
            pricing(vec![], vec![discount(24, 10), discount(24, 20)]),
            "pricing.long_rental_discounts[1].min_hours",
        ),
    ];
    for (wrong, field) in table {
        let registration = CreateVehicleRequest {
            pricing: Some(wrong.clone()),
            ..harness.registration(GANGNAM)
        };
        for refused in [
            harness.set_pricing(host, &car, wrong).await,
            harness.create(host, registration).await,
        ] {
            let error = assert_reason(refused, Common::InvalidArgument);
            assert_eq!(error.violations()[0].field, field);
        }
    }
    assert_eq!(harness.get(host, &car.id).await.unwrap(), car);
    harness.finish().await;
}
