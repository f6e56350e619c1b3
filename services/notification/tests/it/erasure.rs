//! `user.deleted`: erasure of the feed and the devices of a user.

use std::time::Duration;

use carshare_proto::auth::v1::{UserDeleted, UserProfile, UserRegistered};
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::options::v1::Role;
use carshare_sandbox::{Fault, Provider};
use carshare_service_testkit::assert_reason;
use carshare_testkit::eventually_true;
use uuid::Uuid;

use crate::harness::{Harness, TIMEOUT, harness};

const HOST: Uuid = Uuid::from_u128(0xB0);
const OTHER: Uuid = Uuid::from_u128(0xC0);

impl Harness {
    async fn publish_deleted(&self, user: Uuid) {
        let deleted = UserDeleted {
            user_id: user.to_string(),
            role: Role::Host.into(),
        };
        self.publish_as_auth(deleted).await;
    }

    async fn delete_user(&self, user: Uuid) {
        self.publish_deleted(user).await;
        self.handled().await;
    }

    async fn notifications_of(&self, user: Uuid) -> i64 {
        let sql = format!("SELECT count(*) AS count FROM notifications WHERE user_id = '{user}'");
        self.count(&sql).await
    }

    /// Advances the clock by the interval of housekeeping until the user has no notification.
    async fn until_erased(&self, user: Uuid) {
        eventually_true(TIMEOUT, || async {
            self.clock.advance(Duration::from_mins(10));
            self.notifications_of(user).await == 0
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_user_loses_notifications_pushes_and_devices_and_others_keep_theirs() {
    let harness = harness().await;
    for (user, token) in [(HOST, "sbx-phone"), (HOST, "sbx-tablet"), (OTHER, "sbx-other")] {
        harness.register_device(user, token).await.expect("a device");
    }
    let fault = Fault::error(Provider::Fcm, "messages:send", 503).times(1_000);
    harness.sandbox.inject(fault);
    for user in [HOST, HOST, OTHER] {
        harness.request_booking(user).await;
    }
    let failed = "SELECT count(*) AS count FROM deliveries WHERE state = 'pending' AND outcome IS NOT NULL";
    eventually_true(TIMEOUT, || async { harness.count(failed).await == 5 }).await;

    harness.delete_user(HOST).await;
    let pending = "SELECT count(*) AS count FROM deliveries WHERE state = 'pending'";
    assert_eq!(harness.count(pending).await, 1, "the push of the other user");
    assert_eq!(harness.row_count("devices").await, 1);
    harness.until_erased(HOST).await;
    assert_eq!(harness.row_count("deliveries").await, 1);
    assert_eq!(harness.list(OTHER).await.len(), 1);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_after_the_deletion_are_handled_without_a_notification_of_the_user() {
    let harness = harness().await;
    harness.delete_user(HOST).await;
    harness.request_booking(HOST).await;
    let profile = UserProfile {
        id: HOST.to_string(),
        name: "김호스트".into(),
        role: Role::Host.into(),
        ..Default::default()
    };
    let registered = UserRegistered {
        user_id: HOST.to_string(),
        profile: Some(profile),
    };
    harness.publish_as_auth(registered).await;
    harness.request_booking(OTHER).await;
    harness.list_when(OTHER, 1).await;
    harness.handled().await;
    assert_eq!(harness.notifications_of(HOST).await, 0);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_concurrent_with_the_deletion_leave_no_notification() {
    let harness = harness().await;
    let users: Vec<Uuid> = (0..20).map(|number| Uuid::from_u128(0x100 + number)).collect();
    let race = |&user: &Uuid| {
        let harness = &harness;
        async move {
            tokio::join!(
                harness.request_booking(user),
                harness.request_booking(user),
                harness.publish_deleted(user)
            );
        }
    };
    futures::future::join_all(users.iter().map(race)).await;
    harness.handled().await;
    for user in users {
        harness.until_erased(user).await;
        let closed =
            format!("SELECT count(*) AS count FROM feeds WHERE user_id = '{user}' AND closed_at IS NOT NULL");
        assert_eq!(harness.count(&closed).await, 1);
    }
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn deleted_user_registers_no_device() {
    let harness = harness().await;
    harness.delete_user(HOST).await;
    assert_reason(
        harness.register_device(HOST, "sbx-phone").await,
        Common::TokenRevoked,
    );
    harness
        .register_device(OTHER, "sbx-other")
        .await
        .expect("a device");
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn registration_concurrent_with_the_deletion_leaves_no_device() {
    let harness = harness().await;
    let race = |number: u128| {
        let (harness, user) = (&harness, Uuid::from_u128(0x1000 + number));
        async move {
            let token = format!("sbx-{number}");
            let (registered, ()) = tokio::join!(
                harness.register_device(user, &token),
                harness.publish_deleted(user)
            );
            if registered.is_err() {
                assert_reason(registered, Common::TokenRevoked);
            }
        }
    };
    futures::future::join_all((0..20).map(race)).await;
    harness.handled().await;
    assert_eq!(harness.row_count("devices").await, 0);
    harness.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn repeated_deletion_keeps_the_first_time_and_later_devices_of_others() {
    let harness = harness().await;
    harness
        .register_device(HOST, "sbx-phone")
        .await
        .expect("a device");
    harness.delete_user(HOST).await;
    harness
        .register_device(OTHER, "sbx-phone")
        .await
        .expect("the phone's next owner");
    harness.clock.advance(Duration::from_hours(1));
    harness.delete_user(HOST).await;
    let first = "SELECT count(*) AS count FROM feeds WHERE closed_at < '2026-11-22T03:30:00Z'";
    assert_eq!(
        (harness.count(first).await, harness.row_count("devices").await),
        (1, 1)
    );
    harness.stop().await;
}
