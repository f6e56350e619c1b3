//! The security record.

use std::time::Duration;

use carshare_auth::audit::account_hashes;
use carshare_auth::domain::Email;
use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_metadata};
use carshare_testkit::eventually_true;
use sqlx::Row as _;

use crate::harness::*;

const EMAIL: &str = "minji@example.com";
const HOME: &str = "203.0.113.7";

impl Auth {
    /// Returns action, outcome and reason of the recorded events, in order.
    async fn audit_events(&self) -> Vec<[String; 3]> {
        let rows = sqlx::query("SELECT action, outcome, COALESCE(reason, '') FROM audit_events ORDER BY id");
        let rows = rows.fetch_all(&self.sql).await.unwrap();
        rows.iter()
            .map(|row| [0, 1, 2].map(|column| row.get::<String, _>(column)))
            .collect()
    }

    async fn login_from_home(&self, email: &str, password: &str) {
        let request = LoginRequest {
            email: email.into(),
            password: password.into(),
            mfa_code: None,
        };
        let request = with_metadata(from_address(request, HOME), "user-agent", "carshare-ios/3.1");
        let request = with_metadata(request, "x-correlation-id", "c-1");
        into_message(self.client().login(request).await).ok();
    }
}

#[tokio::test]
async fn authentication_is_recorded_with_its_outcome() {
    let auth = Auth::start().await;
    let first = auth.register(EMAIL).await;
    auth.login_from_home(EMAIL, PASSWORD).await;
    for _ in 0..5 {
        auth.login_from_home(EMAIL, "wrong horse 11").await;
    }
    auth.login_from_home("nobody@example.com", PASSWORD).await;
    let second = auth.refresh(&first.refresh_token).await.unwrap();
    auth.refresh(&first.refresh_token).await.unwrap_err();
    let third = auth.login(EMAIL).await;
    auth.logout(&third.access_token).await.unwrap();
    let expected = [
        ["register", "success", ""],
        ["login", "success", ""],
        ["login", "failure", "wrong_password"],
        ["login", "failure", "wrong_password"],
        ["login", "failure", "wrong_password"],
        ["login", "failure", "wrong_password"],
        ["login", "failure", "delayed"],
        ["login", "failure", "unknown_account"],
        ["session_end", "success", "reuse"],
        ["login", "success", ""],
        ["session_end", "success", "logout"],
    ];
    assert_eq!(
        auth.audit_events().await,
        expected.map(|row| row.map(str::to_owned))
    );
    assert_eq!(session_id(&second.access_token), session_id(&first.access_token));
    auth.finish().await;
}

#[tokio::test]
async fn sign_in_can_be_investigated_without_the_address_in_the_record() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    auth.login_from_home(EMAIL, "wrong horse 11").await;
    let seal = &auth.replica.config.service.seal;
    let hashes = account_hashes(seal, &Email::new("MinJi@example.com"));
    let [(_, hash)] = hashes.as_slice() else {
        panic!("{hashes:?}")
    };
    let found = sqlx::query(
        "SELECT user_id::text, client_address, user_agent, correlation_id FROM audit_events \
         WHERE account = $1 AND action = 'login' AND outcome = 'failure'",
    );
    let row = found.bind(hash.0.as_slice()).fetch_one(&auth.sql).await.unwrap();
    let columns = [0, 1, 2, 3].map(|column| row.get::<String, _>(column));
    let user = session.user.unwrap().id;
    assert_eq!(columns, [user.as_str(), HOME, "carshare-ios/3.1", "c-1"]);
    let all: String = sqlx::query_scalar("SELECT string_agg(a::text, ' ') FROM audit_events a")
        .fetch_one(&auth.sql)
        .await
        .unwrap();
    assert!(!all.contains("minji") && !all.contains("wrong horse"), "{all}");
    auth.finish().await;
}

#[tokio::test]
async fn refusals_of_a_second_factor_and_of_a_reset_are_recorded() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    auth.confirm(&session, "000000".into()).await.unwrap_err();
    auth.propose(&session, None).await.unwrap();
    for code in ["000000", "no code"] {
        auth.confirm(&session, code.into()).await.unwrap_err();
    }
    let enrolled = auth.enroll_as(session).await;
    auth.propose(&enrolled.session, Some("no code".into()))
        .await
        .unwrap_err();
    auth.disable_mfa(&enrolled.session, "no code").await.unwrap_err();
    let request = ResetPasswordRequest {
        token: "never-sent-to-anybody".into(),
        new_password: "battery staple 22".into(),
    };
    auth.replica.emails().reset_password(request).await.unwrap_err();
    let expected = [
        ["register", "success", ""],
        ["mfa_enable", "failure", "mfa_not_enabled"],
        ["mfa_propose", "success", ""],
        ["mfa_enable", "failure", "invalid_mfa_code"],
        ["mfa_enable", "failure", "invalid_mfa_code"],
        ["mfa_propose", "success", ""],
        ["mfa_enable", "success", ""],
        ["mfa_propose", "failure", "invalid_mfa_code"],
        ["mfa_disable", "failure", "invalid_mfa_code"],
        ["password_reset", "failure", "invalid_token"],
    ];
    assert_eq!(
        auth.audit_events().await,
        expected.map(|row| row.map(str::to_owned))
    );
    auth.finish().await;
}

#[tokio::test]
async fn recorded_events_cannot_be_changed_or_deleted() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    for statement in [
        "UPDATE audit_events SET outcome = 'failure'",
        "DELETE FROM audit_events",
        "TRUNCATE audit_events",
    ] {
        let refused = sqlx::query(statement).execute(&auth.sql).await.unwrap_err();
        assert!(
            refused.to_string().contains("audit_events is append-only"),
            "{refused}"
        );
    }
    assert_eq!(auth.count("audit_events").await, 1);
    auth.finish().await;
}

#[tokio::test]
async fn events_are_deleted_after_their_retention() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    sqlx::query(
        "INSERT INTO audit_events (id, occurred_at, action, outcome, correlation_id) \
         VALUES (gen_random_uuid(), '2020-01-01', 'login', 'success', 'c')",
    )
    .execute(&auth.sql)
    .await
    .unwrap();
    // A run in progress when the clock moved is followed by one an hour later.
    eventually_true(TIMEOUT, || async {
        auth.replica.clock.advance(Duration::from_hours(1));
        auth.count("audit_events").await == 1
    })
    .await;
    assert_eq!(
        auth.audit_events().await,
        [["register", "success", ""].map(str::to_owned)]
    );
    auth.finish().await;
}

#[tokio::test]
async fn refused_refresh_tokens_that_were_issued_are_recorded() {
    let auth = Auth::start().await;
    let ended = auth.register(EMAIL).await;
    auth.logout(&ended.access_token).await.unwrap();
    let expired = auth.login(EMAIL).await;
    auth.refresh(&ended.refresh_token).await.unwrap_err();
    auth.replica.clock.advance(Duration::from_hours(721));
    auth.refresh(&expired.refresh_token).await.unwrap_err();
    auth.refresh(&"A".repeat(43)).await.unwrap_err();
    let found = sqlx::query(
        "SELECT reason, user_id::text, session_id::text FROM audit_events \
         WHERE action = 'refresh' AND outcome = 'failure' ORDER BY id",
    );
    let rows = found.fetch_all(&auth.sql).await.unwrap();
    let rows: Vec<_> = rows
        .iter()
        .map(|row| [0, 1, 2].map(|column| row.get::<String, _>(column)))
        .collect();
    let user = ended.user.unwrap().id;
    let expected = [
        ("session_ended", &ended.access_token),
        ("expired", &expired.access_token),
    ];
    assert_eq!(
        rows,
        expected.map(|(reason, token)| [reason.to_owned(), user.clone(), session_id(token)])
    );
    auth.finish().await;
}
