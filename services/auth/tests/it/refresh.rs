//! `Refresh`: rotation and reuse of refresh tokens.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use futures::future::join_all;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn refresh_returns_a_new_pair_of_the_same_session() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    auth.replica.clock.advance(Duration::from_mins(10));
    let second = auth.refresh(&first.refresh_token).await.unwrap();
    let third = auth.refresh(&second.refresh_token).await.unwrap();
    assert_eq!(third.user, first.user);
    let (one, three) = (claims(&first.access_token), claims(&third.access_token));
    assert_eq!((&one["sid"], &one["sub"]), (&three["sid"], &three["sub"]));
    assert_ne!(one["jti"], three["jti"]);
    assert_eq!(three["exp"].as_i64().unwrap() - one["exp"].as_i64().unwrap(), 600);
    for pair in [&first, &second, &third] {
        auth.me(&pair.access_token).await.unwrap();
    }
    auth.finish().await;
}

#[tokio::test]
async fn reused_token_ends_its_session_only() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let elsewhere = auth.login("minji@example.com").await;
    let second = auth.refresh(&first.refresh_token).await.unwrap();

    let reused = auth.refresh(&first.refresh_token).await;
    assert_error(reused, Code::Unauthenticated, "REFRESH_TOKEN_REUSED", "AUTH013");

    // Committed although the call failed.
    let reasons: Vec<Option<String>> =
        sqlx::query_scalar("SELECT end_reason FROM sessions ORDER BY created_at, id")
            .fetch_all(&auth.sql)
            .await
            .unwrap();
    assert_eq!(reasons, [Some("reuse".to_owned()), None]);
    assert_eq!(auth.ended_sessions().await, [session_id(&first.access_token)]);
    for token in [&first.refresh_token, &second.refresh_token] {
        assert_error(
            auth.refresh(token).await,
            Code::Unauthenticated,
            "INVALID_REFRESH_TOKEN",
            "AUTH012",
        );
    }
    for token in [&first.access_token, &second.access_token] {
        assert_error(
            auth.me(token).await,
            Code::Unauthenticated,
            "TOKEN_REVOKED",
            "AUTH004",
        );
    }
    auth.me(&elsewhere.access_token).await.unwrap();
    auth.refresh(&elsewhere.refresh_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn one_of_eight_concurrent_refreshes_succeeds() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let results = join_all((0..8).map(|_| auth.refresh(&first.refresh_token))).await;
    let (succeeded, failed): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((succeeded.len(), failed.len()), (1, 7));
    // The first failing call ends the session; the others find it ended.
    let mut reasons: Vec<_> = failed
        .iter()
        .map(|result| error_info(result.as_ref().unwrap_err()).1)
        .collect();
    reasons.sort();
    assert_eq!(reasons[..6], ["INVALID_REFRESH_TOKEN"; 6]);
    assert_eq!(reasons[6], "REFRESH_TOKEN_REUSED");
    assert_eq!(auth.count("refresh_tokens").await, 2);
    auth.finish().await;
}

#[tokio::test]
async fn unknown_and_expired_tokens_are_invalid() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let unknown = auth.refresh("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert_error(unknown, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    let short = auth.refresh("short").await;
    assert_error(short, Code::InvalidArgument, "INVALID_ARGUMENT", "COMMON001");

    let thirty_days = Duration::from_hours(720);
    auth.replica
        .clock
        .advance(thirty_days.checked_sub(Duration::from_secs(1)).unwrap());
    let second = auth.refresh(&first.refresh_token).await.unwrap();
    auth.replica.clock.advance(thirty_days);
    let expired = auth.refresh(&second.refresh_token).await;
    assert_error(expired, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_is_not_a_reuse() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let request = RefreshRequest {
        refresh_token: first.refresh_token,
    };
    let renewed = auth
        .client()
        .refresh(keyed(request.clone(), "k1"))
        .await
        .unwrap()
        .into_inner();
    let again = auth
        .client()
        .refresh(keyed(request.clone(), "k1"))
        .await
        .unwrap()
        .into_inner();
    assert_eq!(renewed, again);

    // With another key it is.
    let reused = auth.client().refresh(keyed(request.clone(), "k2")).await;
    assert_error(reused, Code::Unauthenticated, "REFRESH_TOKEN_REUSED", "AUTH013");
    let repeated = auth.client().refresh(keyed(request, "k2")).await;
    assert_error(repeated, Code::Unauthenticated, "REFRESH_TOKEN_REUSED", "AUTH013");
    let ended = auth.refresh(&renewed.refresh_token).await;
    assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.finish().await;
}

#[tokio::test]
async fn expired_sessions_are_deleted_after_their_retention() {
    let auth = Auth::start().await;
    auth.register("minji@example.com").await;
    auth.replica.clock.advance(Duration::from_hours(1416));
    let kept = auth.register("seojun@example.com").await;
    auth.replica.clock.advance(Duration::from_hours(48));
    // A run in progress when the clock moved is followed by one an hour later.
    carshare_testkit::eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_hours(1));
        auth.count("sessions").await == 1
    })
    .await;
    assert_eq!(auth.count("refresh_tokens").await, 1);
    auth.refresh(&kept.refresh_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn used_tokens_of_a_live_session_are_deleted_after_their_retention() {
    let auth = Auth::start().await;
    let mut tokens = auth.register("minji@example.com").await;
    // The session is extended by each refresh; the first token expires after 30 days and is kept for 30 more.
    for _ in 0..3 {
        auth.replica.clock.advance(Duration::from_hours(25 * 24));
        tokens = auth.refresh(&tokens.refresh_token).await.unwrap();
    }
    carshare_testkit::eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_mins(10));
        auth.count("refresh_tokens").await == 3
    })
    .await;
    auth.refresh(&tokens.refresh_token).await.unwrap();
    auth.finish().await;
}
