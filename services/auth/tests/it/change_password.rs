//! `ChangePassword`.

use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_idempotency_key};
use tonic::{Code, Request, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

const EMAIL: &str = "minji@example.com";
const NEW: &str = "battery staple 22";

fn change(current: &str, new: &str) -> ChangePasswordRequest {
    ChangePasswordRequest {
        current_password: current.into(),
        new_password: new.into(),
    }
}

impl Auth {
    async fn change_password(
        &self,
        request: Request<ChangePasswordRequest>,
    ) -> Result<ChangePasswordResponse, Status> {
        into_message(self.client().change_password(request).await)
    }

    async fn log_in(&self, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: EMAIL.into(),
            password: password.into(),
            mfa_code: None,
        };
        into_message(self.client().login(request).await)
    }
}

#[track_caller]
fn assert_field(status: &Status, field: &str) {
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, field);
}

#[tokio::test]
async fn new_password_replaces_the_old_one_and_ends_the_other_sessions() {
    let auth = Auth::start().await;
    let elsewhere = auth.register(EMAIL).await;
    let here = auth.login(EMAIL).await;
    let request = bearer(change(PASSWORD, NEW), &here.access_token);
    auth.change_password(request).await.unwrap();

    assert_error(
        auth.log_in(PASSWORD).await,
        Code::Unauthenticated,
        "INVALID_CREDENTIALS",
        "AUTH010",
    );
    auth.log_in(NEW).await.unwrap();
    auth.me(&here.access_token).await.unwrap();
    auth.refresh(&here.refresh_token).await.unwrap();
    let revoked = auth.me(&elsewhere.access_token).await;
    assert_error(revoked, Code::Unauthenticated, "TOKEN_REVOKED", "AUTH004");
    let ended = auth.refresh(&elsewhere.refresh_token).await;
    assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    assert_eq!(auth.ended_sessions().await, [session_id(&elsewhere.access_token)]);
    auth.finish().await;
}

#[tokio::test]
async fn wrong_or_weak_password_changes_nothing() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    let call = |current: &str, new: &str| {
        let request = bearer(change(current, new), &session.access_token);
        auth.change_password(request)
    };
    let wrong = call("correct horse 12", NEW).await;
    assert_field(wrong.as_ref().unwrap_err(), "current_password");
    assert_error(wrong, Code::InvalidArgument, "WRONG_PASSWORD", "AUTH016");
    let weak = call(PASSWORD, "password123").await;
    assert_field(weak.as_ref().unwrap_err(), "new_password");
    assert_error(weak, Code::InvalidArgument, "WEAK_PASSWORD", "AUTH015");
    let short = call(PASSWORD, "short").await;
    assert_field(short.as_ref().unwrap_err(), "new_password");
    let anonymous = auth.change_password(Request::new(change(PASSWORD, NEW))).await;
    assert_error(anonymous, Code::Unauthenticated, "UNAUTHENTICATED", "AUTH001");
    auth.log_in(PASSWORD).await.unwrap();
    assert_eq!(auth.ended_sessions().await, Vec::<String>::new());
    auth.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_succeeds_and_stores_no_password() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    for _ in 0..2 {
        let request = bearer(change(PASSWORD, NEW), &session.access_token);
        auth.change_password(with_idempotency_key(request, "k1"))
            .await
            .unwrap();
    }
    let other = bearer(change(NEW, PASSWORD), &session.access_token);
    let reused = auth.change_password(with_idempotency_key(other, "k1")).await;
    assert_error(reused, Code::AlreadyExists, "IDEMPOTENCY_KEY_REUSED", "COMMON003");
    let stored: String =
        sqlx::query_scalar("SELECT string_agg(encode(i::text::bytea, 'escape'), ' ') FROM idempotency i")
            .fetch_one(&auth.sql)
            .await
            .unwrap();
    assert!(!stored.contains(PASSWORD) && !stored.contains(NEW), "{stored}");
    auth.finish().await;
}

#[tokio::test]
async fn concurrent_login_with_the_old_password_leaves_no_session() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    let logins = (0..6).map(|_| auth.log_in(PASSWORD));
    let request = bearer(change(PASSWORD, NEW), &session.access_token);
    let (changed, logins) = tokio::join!(auth.change_password(request), futures::future::join_all(logins));
    changed.unwrap();
    for login in logins {
        match login {
            Ok(pair) => {
                let ended = auth.refresh(&pair.refresh_token).await;
                assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
            }
            Err(error) => assert_eq!(error_info(&error).1, "INVALID_CREDENTIALS"),
        }
    }
    auth.me(&session.access_token).await.unwrap();
    auth.finish().await;
}
