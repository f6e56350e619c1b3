//! `DisableAccount` and `EnableAccount`.

use carshare_proto::auth::v1::*;
use carshare_service_testkit::into_message;
use tonic::{Code, Status};

use crate::harness::*;

const EMAIL: &str = "minji@example.com";

impl Auth {
    /// Returns the tokens of an admin with a second factor.
    async fn admin(&self) -> AuthResponse {
        let session = self.register("ops@carshare.kr").await;
        sqlx::query("UPDATE users SET role = 'admin' WHERE email = 'ops@carshare.kr'")
            .execute(&self.sql)
            .await
            .unwrap();
        let secret = self.propose(&session, None).await.unwrap();
        self.confirm(&session, self.code(&secret)).await.unwrap();
        self.refresh(&session.refresh_token).await.unwrap()
    }

    async fn disable(&self, user_id: &str, access_token: &str) -> Result<AccountState, Status> {
        let request = DisableAccountRequest {
            user_id: user_id.into(),
            reason: "reported as stolen".into(),
        };
        into_message(
            self.accounts()
                .disable_account(bearer(request, access_token))
                .await,
        )
    }

    async fn enable(&self, user_id: &str, access_token: &str) -> Result<AccountState, Status> {
        let request = EnableAccountRequest {
            user_id: user_id.into(),
            reason: "confirmed by phone".into(),
        };
        into_message(
            self.accounts()
                .enable_account(bearer(request, access_token))
                .await,
        )
    }

    async fn try_login(&self, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: EMAIL.into(),
            password: password.into(),
            mfa_code: None,
        };
        into_message(self.client().login(request).await)
    }
}

fn user_id(session: &AuthResponse) -> String {
    session.user.as_ref().unwrap().id.clone()
}

#[tokio::test]
async fn disabled_account_is_signed_out_and_cannot_sign_in_until_it_is_enabled() {
    let auth = Auth::start().await;
    let admin = auth.admin().await;
    let session = auth.register(EMAIL).await;
    let id = user_id(&session);
    let state = auth.disable(&id, &admin.access_token).await.unwrap();
    assert_eq!(state.disabled_reason.as_deref(), Some("reported as stolen"));
    assert!(state.disabled_at.is_some());

    assert_error(
        auth.me(&session.access_token).await,
        Code::Unauthenticated,
        "TOKEN_REVOKED",
        "AUTH004",
    );
    let refreshed = auth.refresh(&session.refresh_token).await;
    assert_error(
        refreshed,
        Code::Unauthenticated,
        "INVALID_REFRESH_TOKEN",
        "AUTH012",
    );
    assert_eq!(auth.ended_sessions().await, [session_id(&session.access_token)]);
    let refused = auth.try_login(PASSWORD).await;
    assert_error(refused, Code::PermissionDenied, "ACCOUNT_DISABLED", "AUTH020");
    // Those who do not know the password learn nothing.
    let wrong = auth.try_login("wrong horse 11").await;
    assert_error(wrong, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");

    let enabled = auth.enable(&id, &admin.access_token).await.unwrap();
    assert_eq!((enabled.disabled_at, enabled.disabled_reason), (None, None));
    auth.try_login(PASSWORD).await.unwrap();
    let still_ended = auth.refresh(&session.refresh_token).await;
    assert_error(
        still_ended,
        Code::Unauthenticated,
        "INVALID_REFRESH_TOKEN",
        "AUTH012",
    );
    auth.finish().await;
}

#[tokio::test]
async fn acts_of_admins_are_recorded_with_before_and_after() {
    let auth = Auth::start().await;
    let admin = auth.admin().await;
    let session = auth.register(EMAIL).await;
    let id = user_id(&session);
    // The second of each changes nothing but the reason, which is the same.
    for _ in 0..2 {
        auth.disable(&id, &admin.access_token).await.unwrap();
    }
    for _ in 0..2 {
        auth.enable(&id, &admin.access_token).await.unwrap();
    }
    let rows: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws(' ', action, actor_id, user_id, before ->> 'disabled_reason', '->', after ->> 'disabled_reason') \
         FROM audit_events WHERE actor_id IS NOT NULL ORDER BY id",
    )
    .fetch_all(&auth.sql)
    .await
    .unwrap();
    let row = |action: &str, change: &str| format!("{action} {} {id} {change}", user_id(&admin));
    let expected = [
        row("account_disable", "-> reported as stolen"),
        row("account_disable", "reported as stolen -> reported as stolen"),
        row("account_enable", "reported as stolen ->"),
    ];
    assert_eq!(rows, expected);
    auth.finish().await;
}

#[tokio::test]
async fn only_admins_disable_and_only_other_accounts() {
    let auth = Auth::start().await;
    let admin = auth.admin().await;
    let session = auth.register(EMAIL).await;
    let by_guest = auth.disable(&user_id(&admin), &session.access_token).await;
    assert_error(by_guest, Code::PermissionDenied, "PERMISSION_DENIED", "AUTH003");
    let own = auth.disable(&user_id(&admin), &admin.access_token).await;
    assert_error(own, Code::FailedPrecondition, "OWN_ACCOUNT", "AUTH022");
    let unknown = "018f0000-0000-7000-8000-000000000000";
    let nobody = auth.disable(unknown, &admin.access_token).await;
    assert_error(nobody, Code::NotFound, "USER_NOT_FOUND", "AUTH014");
    let nobody = auth.enable(unknown, &admin.access_token).await;
    assert_error(nobody, Code::NotFound, "USER_NOT_FOUND", "AUTH014");
    let invalid = auth.disable("1", &admin.access_token).await;
    assert_error(invalid, Code::InvalidArgument, "INVALID_ARGUMENT", "COMMON001");
    auth.me(&session.access_token).await.unwrap();
    auth.me(&admin.access_token).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn concurrent_login_leaves_no_session_of_a_disabled_account() {
    let auth = Auth::start().await;
    let admin = auth.admin().await;
    let session = auth.register(EMAIL).await;
    let id = user_id(&session);
    let logins = (0..6).map(|_| auth.try_login(PASSWORD));
    let disabling = auth.disable(&id, &admin.access_token);
    let (disabled, logins) = tokio::join!(disabling, futures::future::join_all(logins));
    disabled.unwrap();
    for login in logins {
        match login {
            Ok(pair) => {
                let ended = auth.refresh(&pair.refresh_token).await;
                assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
            }
            Err(error) => assert_eq!(error_info(&error).1, "ACCOUNT_DISABLED"),
        }
    }
    auth.finish().await;
}
