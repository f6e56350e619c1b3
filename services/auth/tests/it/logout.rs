//! `Logout`, also while Redis is unreachable.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use carshare_testkit::eventually_true;
use carshare_testkit::proxy::FaultProxy;
use redis::AsyncCommands as _;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn logout_invalidates_all_tokens_of_the_session() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let elsewhere = auth.login("minji@example.com").await;
    let second = auth.refresh(&first.refresh_token).await.unwrap();

    auth.logout(&second.access_token).await.unwrap();

    for token in [&first.access_token, &second.access_token] {
        assert_error(
            auth.me(token).await,
            Code::Unauthenticated,
            "TOKEN_REVOKED",
            "AUTH004",
        );
    }
    let error = auth.refresh(&second.refresh_token).await;
    assert_error(error, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.me(&elsewhere.access_token).await.unwrap();
    auth.refresh(&elsewhere.refresh_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn logout_publishes_the_end_of_its_session() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    auth.login("minji@example.com").await;
    auth.logout(&session.access_token).await.unwrap();
    assert_eq!(auth.ended_sessions().await, [session_id(&session.access_token)]);
    auth.finish().await;
}

#[tokio::test]
async fn revocation_in_redis_expires_with_the_token() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    auth.replica.clock.advance(Duration::from_mins(5));
    auth.logout(&session.access_token).await.unwrap();
    let key = format!(
        "revoked:{}",
        claims(&session.access_token)["jti"].as_str().unwrap()
    );
    let ttl_s: i64 = auth.redis().await.ttl(key).await.unwrap();
    assert!((595..=600).contains(&ttl_s), "{ttl_s}");
    auth.finish().await;
}

#[tokio::test]
async fn revoked_token_cannot_log_out_again() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    auth.logout(&session.access_token).await.unwrap();
    let again = auth.logout(&session.access_token).await;
    assert_error(again, Code::Unauthenticated, "TOKEN_REVOKED", "AUTH004");
    let anonymous = auth.client().logout(LogoutRequest {}).await;
    assert_error(anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    auth.finish().await;
}

#[tokio::test]
async fn logout_succeeds_while_redis_is_unreachable_and_is_copied_later() {
    let redis = carshare_testkit::redis_url().await;
    let (proxy, through) = FaultProxy::in_front_of(&redis).await.unwrap();
    let auth = Auth::start_with(|config| config.redis.url = through.into()).await;
    let session = auth.register("minji@example.com").await;

    proxy.cut();
    auth.logout(&session.access_token).await.unwrap();
    let error = auth.refresh(&session.refresh_token).await;
    assert_error(error, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    // The access token is accepted until then: identity.revocation = "open".
    auth.me(&session.access_token).await.unwrap();

    proxy.heal();
    eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_secs(1));
        auth.me(&session.access_token)
            .await
            .is_err_and(|error| error_info(&error).1 == "TOKEN_REVOKED")
    })
    .await;
    auth.finish().await;
}

#[tokio::test]
async fn revocations_are_restored_after_redis_lost_its_data() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    auth.logout(&session.access_token).await.unwrap();
    redis::cmd("FLUSHDB")
        .query_async::<()>(&mut auth.redis().await)
        .await
        .unwrap();
    auth.me(&session.access_token).await.unwrap();
    eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_secs(1));
        auth.me(&session.access_token)
            .await
            .is_err_and(|error| error_info(&error).1 == "TOKEN_REVOKED")
    })
    .await;
    auth.finish().await;
}
