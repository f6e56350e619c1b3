//! `user.deleted`: the cars of a deleted host are withdrawn and erased.

use std::time::Duration;

use carshare_proto::auth::v1::{UserDeleted, UserProfile, UserUpdated};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_proto::vehicle::v1::*;
use uuid::Uuid;

use crate::harness::calls::{change, near_gangnam, open_on};
use crate::harness::images::http;
use crate::harness::{Harness, Person, assert_reason, wait_until};

const GANGNAM: &str = "서울 강남구 테헤란로 152";
const UNERASED: &str = "SELECT count(*) AS count FROM closed_hosts WHERE erased_at IS NULL";

impl Harness {
    async fn publish_deleted(&self, person: Person, role: Role) {
        let deleted = UserDeleted {
            user_id: person.id.to_string(),
            role: role.into(),
        };
        self.publish("auth", deleted).await;
    }

    /// Publishes that a host was deleted, and waits until their cars are erased.
    async fn delete_host(&self, host: Person) {
        self.publish_deleted(host, Role::Host).await;
        self.handled().await;
        wait_until(|| async { self.count(UNERASED).await == 0 }).await;
    }

    /// Returns what is left of the cars of a host, oldest first.
    async fn cars_of(&self, host: Person) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws('|', license_plate, location_address, location_lat, location_lng, description, status, \
             withdrawn_at IS NOT NULL, make, model) AS line FROM vehicles WHERE owner_id = '{}' ORDER BY id",
            host.id
        );
        self.lines(&sql).await
    }
}

#[tokio::test]
async fn cars_of_a_deleted_host_are_withdrawn_and_erased_with_their_photos_and_rules() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let described = CreateVehicleRequest {
        description: Some("문의는 01012345678".into()),
        pricing: Some(Pricing {
            dated_rates: vec![DatedRate {
                start_date: "2030-01-01".into(),
                end_date: "2030-01-31".into(),
                hourly_rate: 18_000,
                name: Some("문의는 01012345678".into()),
            }],
            long_rental_discounts: Vec::new(),
        }),
        ..harness.registration(GANGNAM)
    };
    let car = harness.create(host, described).await.unwrap();
    let car = harness.add_photo(host, &car).await;
    harness
        .add_rule(host, open_on(&car, 1, "09:00", "18:00"))
        .await
        .unwrap();
    let withdrawn = harness.car_at(host, GANGNAM).await;
    harness.delete(host, &withdrawn).await.unwrap();
    let kept = harness.car_at(other, GANGNAM).await;
    let of_other = harness.cars_of(other).await;

    harness.delete_host(host).await;
    let erased = format!(
        "|서울 강남구|37.505|127.035|inactive|t|{}|{}",
        car.make, car.model
    );
    assert_eq!(harness.cars_of(host).await, [erased.clone(), erased]);
    assert_eq!(harness.cars_of(other).await, of_other);
    let priced = "SELECT count(*) AS count FROM vehicles WHERE pricing IS NOT NULL";
    assert_eq!(harness.count(priced).await, 0);
    assert_eq!(harness.row_count("availabilities").await, 0);
    assert_eq!(harness.events::<VehicleWithdrawn>().await.len(), 2);
    assert_reason(harness.get(host, &car.id).await, ErrorReason::VehicleNotFound);
    assert_reason(
        harness.update(host, change(&car)).await,
        ErrorReason::VehicleNotFound,
    );
    let found = harness.search_ids(near_gangnam(("24T10:00", "24T12:00"))).await;
    assert_eq!(found, [kept.id]);
    harness.clock.advance(Duration::from_mins(21));
    let images = format!(
        "SELECT count(*) AS count FROM vehicle_images JOIN vehicles v ON v.id = vehicle_id WHERE owner_id = '{}'",
        host.id
    );
    wait_until(|| async { harness.count(&images).await == 0 }).await;
    for url in [&car.images[0], car.thumbnail_url.as_ref().unwrap()] {
        assert_eq!(http().get(url).send().await.unwrap().status().as_u16(), 404);
    }
    harness.finish().await;
}

#[tokio::test]
async fn car_whose_booking_was_not_released_yet_is_withdrawn() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let period = ("24T10:00", "24T12:00");
    harness.hold(Uuid::from_u128(1), &car, period).await.unwrap();
    harness.confirm(Uuid::from_u128(1), &car, period).await.unwrap();
    harness.delete_host(host).await;
    assert!(harness.cars_of(host).await[0].contains("|inactive|t|"));
    harness.finish().await;
}

#[tokio::test]
async fn deleted_host_registers_no_car() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    harness.delete_host(host).await;
    let refused = harness.create(host, harness.registration(GANGNAM)).await;
    assert_reason(refused, Common::TokenRevoked);
    harness
        .create(other, harness.registration(GANGNAM))
        .await
        .unwrap();
    assert_eq!(harness.cars_of(host).await, Vec::<String>::new());
    harness.finish().await;
}

#[tokio::test]
async fn registrations_concurrent_with_the_deletion_leave_no_car() {
    let harness = Harness::start().await;
    let race = |number: usize| {
        let (harness, host) = (&harness, harness.host());
        async move {
            let registrations = (0..=number % 3).map(|_| harness.create(host, harness.registration(GANGNAM)));
            let (created, ()) = tokio::join!(
                futures::future::join_all(registrations),
                harness.publish_deleted(host, Role::Host)
            );
            for refused in created.into_iter().filter(Result::is_err) {
                assert_reason(refused, Common::TokenRevoked);
            }
        }
    };
    futures::future::join_all((0..12).map(race)).await;
    harness.handled().await;
    wait_until(|| async { harness.count(UNERASED).await == 0 }).await;
    let left = "SELECT count(*) AS count FROM vehicles WHERE license_plate <> '' OR withdrawn_at IS NULL";
    assert_eq!(harness.count(left).await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn more_cars_than_a_batch_are_erased() {
    let harness = Harness::start().await;
    let host = harness.host();
    harness.car(host).await;
    harness
        .execute(
            "INSERT INTO vehicles (id, owner_id, license_plate, make, model, year, hourly_rate_krw, location_address, \
             location_lat, location_lng, status, created_at, updated_at) \
             SELECT gen_random_uuid(), owner_id, '99가' || n, make, model, year, hourly_rate_krw, location_address, location_lat, \
             location_lng, 'inactive', created_at, updated_at FROM vehicles, generate_series(1000, 1119) n",
        )
        .await;
    harness.delete_host(host).await;
    let cars = harness.cars_of(host).await;
    assert_eq!(cars.len(), 121);
    assert!(
        cars.iter()
            .all(|car| car.starts_with("|서울 강남구|37.505|127.035|inactive|t|"))
    );
    harness.finish().await;
}

#[tokio::test]
async fn profile_stays_erased_and_a_repeated_deletion_publishes_nothing() {
    let harness = Harness::start().await;
    let host = harness.host();
    harness.car(host).await;
    for _ in 0..2 {
        harness.delete_host(host).await;
        let profile = UserProfile {
            id: host.id.to_string(),
            name: "김호스트".into(),
            role: Role::Host.into(),
            ..UserProfile::default()
        };
        let updated = UserUpdated {
            user_id: host.id.to_string(),
            profile: Some(profile),
        };
        harness.publish_from_auth(updated).await;
    }
    let erased = "SELECT count(*) AS count FROM user_profiles WHERE occurred_at = 'infinity' \
                  AND position(convert_to('김호스트', 'UTF8') IN profile) = 0";
    assert_eq!(harness.count(erased).await, 1);
    assert_eq!(harness.events::<VehicleWithdrawn>().await.len(), 1);
    harness.finish().await;
}

#[tokio::test]
async fn deleted_guest_leaves_a_profile_without_data_and_is_no_closed_host() {
    let harness = Harness::start().await;
    harness.publish_deleted(harness.guest(), Role::Guest).await;
    harness.handled().await;
    assert_eq!(harness.row_count("user_profiles").await, 1);
    assert_eq!(harness.row_count("closed_hosts").await, 0);
    harness.finish().await;
}
