//! `AddAvailability`, `ListAvailability`, `RemoveAvailability`.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;
use tonic::Status;
use uuid::Uuid;

use crate::harness::calls::{blocked_on, open_on};
use crate::harness::{Harness, Person, assert_reason, into_message, with_idempotency_key};

impl Harness {
    async fn rules(&self, person: Person, vehicle_id: &str) -> Result<Vec<VehicleAvailability>, Status> {
        let request = ListAvailabilityRequest {
            vehicle_id: vehicle_id.into(),
        };
        let listed = into_message(
            self.client
                .clone()
                .list_availability(self.request(person, request))
                .await,
        )?;
        Ok(listed.availability)
    }

    async fn remove_rule(&self, host: Person, rule: &VehicleAvailability) -> Result<(), Status> {
        let rule = RemoveAvailabilityRequest {
            vehicle_id: rule.vehicle_id.clone(),
            availability_id: rule.id.clone(),
        };
        self.client
            .clone()
            .remove_availability(self.request(host, rule))
            .await
            .map(drop)
    }
}

#[tokio::test]
async fn availability_rules_are_added_listed_in_order_and_removed() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let dated = harness
        .add_rule(host, blocked_on(&car, "2026-12-25", "00:00", "24:00"))
        .await
        .unwrap();
    let saturday = harness
        .add_rule(host, open_on(&car, 6, "22:00", "02:00"))
        .await
        .unwrap();
    let sunday = harness
        .add_rule(host, open_on(&car, 0, "10:00", "18:00"))
        .await
        .unwrap();
    let expected = VehicleAvailability {
        id: dated.id.clone(),
        vehicle_id: car.id.clone(),
        day_of_week: None,
        start_time: "00:00".into(),
        end_time: "24:00".into(),
        is_recurring: false,
        specific_date: Some("2026-12-25".into()),
        is_blocked: true,
    };
    assert_eq!(dated, expected);
    assert_eq!(
        (saturday.day_of_week, saturday.end_time.as_str()),
        (Some(6), "02:00")
    );
    let listed = harness.rules(harness.guest(), &car.id).await.unwrap();
    assert_eq!(listed, [sunday.clone(), saturday.clone(), dated.clone()]);

    harness.remove_rule(host, &saturday).await.unwrap();
    assert_eq!(harness.rules(host, &car.id).await.unwrap(), [sunday, dated]);
    assert_reason(
        harness.remove_rule(host, &saturday).await,
        ErrorReason::AvailabilityNotFound,
    );
    harness.finish().await;
}

#[tokio::test]
async fn availability_rules_of_another_host_are_not_found() {
    let harness = Harness::start().await;
    let (host, other) = (harness.host(), harness.host());
    let (car, others) = (harness.inactive_car(host).await, harness.car(other).await);
    let rule = harness
        .add_rule(host, open_on(&car, 1, "09:00", "18:00"))
        .await
        .unwrap();
    assert_reason(
        harness.add_rule(other, open_on(&car, 1, "09:00", "18:00")).await,
        ErrorReason::VehicleNotFound,
    );
    assert_reason(
        harness.remove_rule(other, &rule).await,
        ErrorReason::VehicleNotFound,
    );
    let elsewhere = VehicleAvailability {
        vehicle_id: others.id,
        ..rule.clone()
    };
    assert_reason(
        harness.remove_rule(other, &elsewhere).await,
        ErrorReason::AvailabilityNotFound,
    );
    assert_reason(harness.rules(other, &car.id).await, ErrorReason::VehicleNotFound);
    assert_reason(
        harness.rules(other, &Uuid::from_u128(1).to_string()).await,
        ErrorReason::VehicleNotFound,
    );
    assert_reason(
        harness
            .add_rule(harness.guest(), open_on(&car, 1, "09:00", "18:00"))
            .await,
        Common::PermissionDenied,
    );
    assert_eq!(harness.rules(host, &car.id).await.unwrap(), [rule]);
    harness.finish().await;
}

#[tokio::test]
async fn add_availability_with_an_invalid_field_names_it() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let monday = open_on(&car, 1, "09:00", "18:00");
    let table = [
        (
            AddAvailabilityRequest {
                day_of_week: Some(7),
                ..monday.clone()
            },
            "day_of_week",
        ),
        (
            AddAvailabilityRequest {
                start_time: "24:00".into(),
                ..monday.clone()
            },
            "start_time",
        ),
        (
            AddAvailabilityRequest {
                end_time: "9:00".into(),
                ..monday.clone()
            },
            "end_time",
        ),
        (
            AddAvailabilityRequest {
                day_of_week: None,
                ..monday.clone()
            },
            "is_recurring",
        ),
        (
            AddAvailabilityRequest {
                specific_date: Some("2026-12-25".into()),
                ..monday.clone()
            },
            "is_recurring",
        ),
        (blocked_on(&car, "2026-02-30", "00:00", "24:00"), "specific_date"),
        (blocked_on(&car, "2026-13-01", "00:00", "24:00"), "specific_date"),
    ];
    for (rule, field) in table {
        let error = assert_reason(
            harness.add_rule(host, rule.clone()).await,
            Common::InvalidArgument,
        );
        assert_eq!(error.violations()[0].field, field, "{rule:?}");
    }
    assert_eq!(harness.row_count("availabilities").await, 0);
    harness.finish().await;
}

#[tokio::test]
async fn add_availability_beyond_the_limit_is_refused() {
    let harness = Harness::start_with(|config| config.availability.max_rules_per_vehicle = 2).await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    for day in 0..2 {
        harness
            .add_rule(host, open_on(&car, day, "09:00", "18:00"))
            .await
            .unwrap();
    }
    let error = assert_reason(
        harness.add_rule(host, open_on(&car, 2, "09:00", "18:00")).await,
        ErrorReason::TooManyRules,
    );
    assert_eq!(error.metadata()["max"], "2");
    harness.finish().await;
}

#[tokio::test]
async fn add_and_remove_availability_repeated_with_their_keys_apply_once() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.inactive_car(host).await;
    let add = async |end: &str| {
        let call = with_idempotency_key(harness.request(host, open_on(&car, 1, "09:00", end)), "key-1");
        into_message(harness.client.clone().add_availability(call).await)
    };
    let first = add("18:00").await.unwrap();
    assert_eq!(add("18:00").await.unwrap(), first);
    assert_eq!(harness.row_count("availabilities").await, 1);
    assert_reason(add("19:00").await, Common::IdempotencyKeyReused);
    for _ in 0..2 {
        let rule = RemoveAvailabilityRequest {
            vehicle_id: car.id.clone(),
            availability_id: first.id.clone(),
        };
        harness
            .client
            .clone()
            .remove_availability(with_idempotency_key(harness.request(host, rule), "key-2"))
            .await
            .unwrap();
    }
    assert_eq!(harness.row_count("availabilities").await, 0);
    harness.finish().await;
}
