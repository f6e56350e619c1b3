//! `GetMe`.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use tonic::Code;

use crate::harness::*;

#[tokio::test]
async fn without_a_token_of_ours_nobody_is_told_anything() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    let nobody = auth.client().get_me(GetMeRequest {}).await;
    assert_refused(nobody, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    let mut forged = session.access_token.clone();
    let last = if forged.pop() == Some('A') { 'Q' } else { 'A' };
    forged.push(last);
    assert_refused(
        auth.me(&forged).await,
        Code::Unauthenticated,
        "UNAUTHENTICATED",
        "AUTH001",
    );
    auth.finish().await;
}

#[tokio::test]
async fn a_token_lives_a_quarter_of_an_hour() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    auth.replica.clock.advance(Duration::from_secs(899));
    auth.me(&session.access_token).await.unwrap();
    auth.replica.clock.advance(Duration::from_secs(1));
    assert_refused(
        auth.me(&session.access_token).await,
        Code::Unauthenticated,
        "TOKEN_EXPIRED",
        "AUTH002",
    );
    auth.finish().await;
}

#[tokio::test]
async fn an_account_that_was_removed_is_not_found() {
    let auth = Auth::start().await;
    let session = auth.register("minji@example.com").await;
    sqlx::query("DELETE FROM users").execute(&auth.sql).await.unwrap();
    assert_refused(
        auth.me(&session.access_token).await,
        Code::NotFound,
        "USER_NOT_FOUND",
        "AUTH014",
    );
    let refused = auth.refresh(&session.refresh_token).await;
    assert_refused(refused, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.finish().await;
}
