//! Profiles of hosts, from the events of auth.

use carshare_proto::auth::v1::{UserProfile, UserRegistered, UserUpdated};
use carshare_proto::options::v1::Role;

use crate::harness::{Harness, at, timestamp};

#[tokio::test]
async fn get_vehicle_shows_the_latest_profile_of_the_host() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let profile = UserProfile {
        id: host.id.to_string(),
        name: "김호스트".into(),
        role: Role::Host.into(),
        profile_image_url: None,
        profile_thumbnail_url: None,
        is_verified: false,
        created_at: timestamp("20T12:00"),
        is_deleted: false,
        rating: None,
    };
    let user_id = host.id.to_string();
    harness
        .publish_from_auth(UserRegistered {
            user_id: user_id.clone(),
            profile: Some(profile.clone()),
        })
        .await;
    assert_eq!(
        harness.get(host, &car.id).await.unwrap().owner,
        Some(profile.clone())
    );
    let newer = UserProfile {
        name: "이호스트".into(),
        profile_image_url: Some("https://img.carshare.kr/1.png".into()),
        profile_thumbnail_url: Some("https://img.carshare.kr/1.thumbnail.png".into()),
        is_verified: true,
        ..profile
    };
    harness
        .publish_from_auth(UserUpdated {
            user_id,
            profile: Some(newer.clone()),
        })
        .await;
    assert_eq!(harness.get(host, &car.id).await.unwrap().owner, Some(newer));
    harness.finish().await;
}

#[tokio::test]
async fn older_profile_that_arrives_late_is_ignored() {
    let harness = Harness::start().await;
    let host = harness.host();
    let car = harness.car(host).await;
    let named = |name: &str| UserUpdated {
        user_id: host.id.to_string(),
        profile: Some(UserProfile {
            id: host.id.to_string(),
            name: name.into(),
            role: Role::Host.into(),
            ..UserProfile::default()
        }),
    };
    harness.publish_from_auth(named("새 이름")).await;
    harness.clock.set(at("23T08:00"));
    harness.publish_from_auth(named("옛 이름")).await;
    harness.clock.set(at("23T09:00"));
    let shown = harness.get(host, &car.id).await.unwrap();
    assert_eq!(shown.owner.unwrap().name, "새 이름");
    harness.finish().await;
}
