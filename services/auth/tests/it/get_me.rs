//! `GetMe`.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn missing_and_forged_tokens_are_rejected() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let anonymous = auth.client().get_me(GetMeRequest {}).await;
    assert_error(anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    let mut forged = session.access_token.clone();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    assert_error(
        auth.me(&forged).await,
        Code::Unauthenticated,
        "UNAUTHENTICATED",
        "AUTH001",
    );
    auth.finish().await;
}

#[tokio::test]
async fn access_token_expires_after_fifteen_minutes() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    auth.replica.clock.advance(Duration::from_secs(899));
    auth.me(&session.access_token).await.unwrap();
    auth.replica.clock.advance(Duration::from_secs(1));
    assert_error(
        auth.me(&session.access_token).await,
        Code::Unauthenticated,
        "TOKEN_EXPIRED",
        "AUTH002",
    );
    auth.finish().await;
}

#[tokio::test]
async fn deleted_account_is_not_found() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    sqlx::query("DELETE FROM users").execute(&auth.sql).await.unwrap();
    assert_error(
        auth.me(&session.access_token).await,
        Code::NotFound,
        "USER_NOT_FOUND",
        "AUTH014",
    );
    let error = auth.refresh(&session.refresh_token).await;
    assert_error(error, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.finish().await;
}
