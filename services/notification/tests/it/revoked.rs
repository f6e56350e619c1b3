//! Revoked access tokens in calls that did not come through the gateway.

use std::time::Duration;

use carshare_chassis::config::RevocationPolicy;
use carshare_chassis::identity::Revocations;
use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::notification::v1 as pb;
use carshare_service_testkit::{assert_reason, into_message, with_metadata};
use tonic::Request;
use uuid::Uuid;

use crate::harness::harness;

#[tokio::test(flavor = "multi_thread")]
async fn revoked_token_is_refused_unless_the_gateway_has_checked_it() {
    let harness = harness().await;
    let claims = harness
        .tokens
        .claims("guest", Uuid::from_u128(1), harness.clock.now());
    let bearer = format!("Bearer {}", harness.tokens.sign(&claims).unwrap());
    let unread = async |peer: &str| {
        let request = Request::new(pb::GetUnreadCountRequest {});
        let request = with_metadata(request, "authorization", &bearer);
        let request = with_metadata(request, "x-carshare-peer", peer);
        into_message(harness.rpc.clone().get_unread_count(request).await)
    };
    unread("booking").await.unwrap();
    let redis = &harness.config.service.redis;
    let revocations = Revocations::new(redis, RevocationPolicy::Open).unwrap();
    let expires_at = harness.clock.now() + Duration::from_mins(15);
    let clock = &harness.environment.clock;
    revocations.revoke(claims.jti, expires_at, clock).await.unwrap();
    carshare_service_testkit::wait_until(async || unread("booking").await.is_err()).await;
    assert_reason(unread("booking").await, Common::TokenRevoked);
    unread("gateway").await.unwrap();
    harness.stop().await;
}
