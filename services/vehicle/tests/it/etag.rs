//! Tags of cars: an update that expects another state changes nothing.

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::vehicle::v1::*;

use crate::harness::calls::change;
use crate::harness::{Harness, assert_reason};

fn priced(car: &Vehicle, hourly_rate: i64) -> UpdateVehicleRequest {
    UpdateVehicleRequest {
        hourly_rate: Some(hourly_rate),
        etag: car.etag.clone(),
        ..change(car)
    }
}

#[tokio::test]
async fn update_with_the_current_tag_is_applied_and_with_an_earlier_one_refused() {
    let harness = Harness::start().await;
    let host = harness.host();
    let read = harness.car(host).await;
    let changed = harness.update(host, priced(&read, 18_000)).await.unwrap();
    assert_eq!(changed.hourly_rate, 18_000);
    assert_ne!(changed.etag, read.etag);
    assert_reason(
        harness.update(host, priced(&read, 19_000)).await,
        Common::EtagMismatch,
    );
    assert_eq!(harness.get(host, &read.id).await.unwrap(), changed);
    assert_eq!(harness.events::<VehicleUpdated>().await.len(), 1);
    // Back to the first contents, but later: `updated_at` is part of them.
    let restored = harness.update(host, priced(&changed, read.hourly_rate)).await;
    assert_eq!(restored.unwrap().hourly_rate, read.hourly_rate);
    harness.finish().await;
}

#[tokio::test]
async fn of_concurrent_updates_with_one_tag_exactly_one_is_applied() {
    let harness = Harness::start().await;
    let host = harness.host();
    let read = harness.car(host).await;
    let updates = (0..8).map(|number| harness.update(host, priced(&read, 20_000 + number)));
    let results = futures::future::join_all(updates).await;
    let (applied, refused): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((applied.len(), refused.len()), (1, 7));
    for result in refused {
        assert_reason(result, Common::EtagMismatch);
    }
    let applied = applied.into_iter().next().unwrap();
    assert_eq!(harness.get(host, &read.id).await.unwrap(), applied.unwrap());
    harness.finish().await;
}

#[tokio::test]
async fn photo_changes_the_tag() {
    let harness = Harness::start().await;
    let host = harness.host();
    let read = harness.inactive_car(host).await;
    assert_eq!(harness.get(host, &read.id).await.unwrap().etag, read.etag);
    harness.add_photo(host, &read).await;
    assert_reason(
        harness.update(host, priced(&read, 18_000)).await,
        Common::EtagMismatch,
    );
    harness.finish().await;
}
