//! `Refresh`: rotation, and what a second use of a token does.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use futures::future::join_all;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn each_token_is_traded_for_the_next_in_the_same_session() {
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
async fn a_reused_token_ends_its_whole_session_and_no_other() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let elsewhere = auth.login("minji@example.com").await;
    let second = auth.refresh(&first.refresh_token).await.unwrap();

    let reused = auth.refresh(&first.refresh_token).await;
    assert_refused(reused, Code::Unauthenticated, "REFRESH_TOKEN_REUSED", "AUTH013");

    // It was committed although the call was refused.
    let reasons: Vec<Option<String>> =
        sqlx::query_scalar("SELECT end_reason FROM sessions ORDER BY created_at, id")
            .fetch_all(&auth.sql)
            .await
            .unwrap();
    assert_eq!(reasons, [Some("reuse".to_owned()), None]);
    for token in [&first.refresh_token, &second.refresh_token] {
        assert_refused(
            auth.refresh(token).await,
            Code::Unauthenticated,
            "INVALID_REFRESH_TOKEN",
            "AUTH012",
        );
    }
    for token in [&first.access_token, &second.access_token] {
        assert_refused(
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
async fn of_eight_refreshes_at_once_exactly_one_wins() {
    let auth = Auth::start().await;
    let first = auth.register("minji@example.com").await;
    let results = join_all((0..8).map(|_| auth.refresh(&first.refresh_token))).await;
    let (won, lost): (Vec<_>, Vec<_>) = results.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    // The first of the losers ends the session; the others find it ended.
    let mut reasons: Vec<_> = lost
        .iter()
        .map(|lost| facts(lost.as_ref().unwrap_err()).1)
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
    let made_up = auth.refresh("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA").await;
    assert_refused(made_up, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    // An access token is no refresh token, not even one of the right length.
    let short = auth.refresh("short").await;
    assert_refused(short, Code::InvalidArgument, "INVALID_ARGUMENT", "COMMON001");

    let thirty_days = Duration::from_hours(720);
    auth.replica
        .clock
        .advance(thirty_days.checked_sub(Duration::from_secs(1)).unwrap());
    let second = auth.refresh(&first.refresh_token).await.unwrap();
    auth.replica.clock.advance(thirty_days);
    let expired = auth.refresh(&second.refresh_token).await;
    assert_refused(expired, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.finish().await;
}

#[tokio::test]
async fn a_repeat_with_the_same_key_is_no_reuse() {
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

    // Without the key, or with another one, it is.
    let reused = auth.client().refresh(keyed(request.clone(), "k2")).await;
    assert_refused(reused, Code::Unauthenticated, "REFRESH_TOKEN_REUSED", "AUTH013");
    let repeated = auth.client().refresh(keyed(request, "k2")).await;
    assert_refused(repeated, Code::Unauthenticated, "REFRESH_TOKEN_REUSED", "AUTH013");
    let ended = auth.refresh(&renewed.refresh_token).await;
    assert_refused(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.finish().await;
}

#[tokio::test]
async fn sessions_that_ran_out_are_removed_a_while_later() {
    let auth = Auth::start().await;
    auth.register("minji@example.com").await;
    auth.replica.clock.advance(Duration::from_hours(1416));
    let kept = auth.register("seojun@example.com").await;
    auth.replica.clock.advance(Duration::from_hours(48));
    // A run that was under way when the clock moved is followed by the next one an hour later.
    carshare_testkit::eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_hours(1));
        auth.count("sessions").await == 1
    })
    .await;
    assert_eq!(auth.count("refresh_tokens").await, 1);
    auth.refresh(&kept.refresh_token).await.unwrap();
    auth.finish().await;
}
