//! `DeleteMe`, with stubs of booking and payment, and the job that finishes deletions.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use carshare_proto::payment::v1::CheckSettlementResponse;
use carshare_service_testkit::{into_message, wait_until};
use carshare_testkit::StubServer;
use futures::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;
use crate::mfa::EMAIL;
use crate::peers_stub::Peers;

/// The service with its peers.
pub struct Deletions {
    pub auth: Auth,
    pub peers: Peers,
    _stub: StubServer,
}

impl Deletions {
    async fn start() -> Self {
        let peers = Peers::default();
        let stub = peers.serve().await;
        let auth = Auth::start_with(|config| {
            config.booking.uri = stub.uri();
            config.payment.uri = stub.uri();
        });
        Self {
            auth: auth.await,
            peers,
            _stub: stub,
        }
    }

    async fn delete(&self, session: &AuthResponse, password: &str, code: Option<&str>) -> Result<(), Status> {
        let request = DeleteMeRequest {
            current_password: password.into(),
            mfa_code: code.map(str::to_owned),
        };
        let request = bearer(request, &session.access_token);
        into_message(self.auth.accounts().delete_me(request).await).map(drop)
    }

    async fn is_requested(&self) -> bool {
        self.auth
            .count("users WHERE deletion_requested_at IS NOT NULL")
            .await
            > 0
    }

    /// Lets the job run at a time at which calls have ended.
    async fn run_job_until(&self, users: i64) {
        self.auth.replica.clock.advance(Duration::from_secs(61));
        wait_until(|| async { self.auth.count("users").await == users && !self.is_requested().await }).await;
    }

    async fn assert_signed_out(&self, session: &AuthResponse) {
        // Tokens are revoked after the commit of the deletion.
        wait_until(|| async {
            let me = self.auth.me(&session.access_token).await;
            me.is_err_and(|status| status.code() == Code::Unauthenticated)
        })
        .await;
        let me = self.auth.me(&session.access_token).await;
        assert_error(me, Code::Unauthenticated, "TOKEN_REVOKED", "AUTH004");
        let refreshed = self.auth.refresh(&session.refresh_token).await;
        assert_error(
            refreshed,
            Code::Unauthenticated,
            "INVALID_REFRESH_TOKEN",
            "AUTH012",
        );
    }

    async fn assert_alive(&self, session: &AuthResponse) {
        self.auth.me(&session.access_token).await.unwrap();
        assert!(!self.is_requested().await);
    }

    async fn audit(&self) -> Vec<String> {
        let sql = "SELECT concat_ws(' ', action, outcome, reason) FROM audit_events WHERE action LIKE 'account_delete%' ORDER BY id";
        sqlx::query_scalar(sql).fetch_all(&self.auth.sql).await.unwrap()
    }
}

fn user_id(session: &AuthResponse) -> String {
    session.user.as_ref().unwrap().id.clone()
}

#[tokio::test]
async fn delete_me_erases_the_account_and_ends_its_sessions() {
    let test = Deletions::start().await;
    let session = test.auth.register(EMAIL).await;
    let elsewhere = test.auth.login(EMAIL).await;
    test.delete(&session, PASSWORD, None).await.unwrap();
    for table in ["users", "sessions", "refresh_tokens", "mails", "login_attempts"] {
        assert_eq!(test.auth.count(table).await, 0, "{table}");
    }
    test.assert_signed_out(&session).await;
    test.assert_signed_out(&elsewhere).await;
    assert_eq!(test.auth.ended_sessions().await.len(), 2);
    let events = test.auth.event_names(&user_id(&session)).await;
    assert_eq!(events, ["user.registered", "user.deleted"]);
    assert_eq!(
        test.audit().await,
        ["account_delete_request success", "account_delete success"]
    );
    assert_eq!(test.peers.state().attempts, [1]);

    let again = test.auth.register(EMAIL).await;
    assert_ne!(user_id(&again), user_id(&session));
    assert_eq!(test.auth.count("users WHERE email IS NOT NULL").await, 1);
    test.auth.finish().await;
}

#[tokio::test]
async fn wrong_password_is_counted_and_asks_nobody() {
    let test = Deletions::start().await;
    let session = test.auth.register(EMAIL).await;
    for _ in 0..4 {
        let error = test.delete(&session, "wrong horse 11", None).await.unwrap_err();
        let violations = error.get_details_bad_request().unwrap().field_violations;
        assert_eq!(violations[0].field, "current_password");
        assert_error(
            Err::<(), _>(error),
            Code::InvalidArgument,
            "WRONG_PASSWORD",
            "AUTH016",
        );
    }
    let delayed = test.delete(&session, PASSWORD, None).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    assert!(test.peers.state().attempts.is_empty());
    test.assert_alive(&session).await;
    test.auth.finish().await;
}

#[tokio::test]
async fn second_factor_is_needed_if_it_is_enabled() {
    let test = Deletions::start().await;
    let enrolled = test.auth.enroll().await;
    for wrong in [None, Some("000000")] {
        let refused = test.delete(&enrolled.session, PASSWORD, wrong).await;
        assert_error(refused, Code::InvalidArgument, "INVALID_MFA_CODE", "AUTH025");
    }
    assert!(test.peers.state().attempts.is_empty());
    test.assert_alive(&enrolled.session).await;
    let code = test.auth.code(&enrolled.secret);
    test.delete(&enrolled.session, PASSWORD, Some(&code))
        .await
        .unwrap();
    for table in ["users", "totp_credentials", "recovery_codes"] {
        assert_eq!(test.auth.count(table).await, 0, "{table}");
    }
    test.auth.finish().await;
}

#[tokio::test]
async fn open_booking_refuses_the_deletion_and_leaves_no_request() {
    let test = Deletions::start().await;
    let session = test.auth.register(EMAIL).await;
    test.peers.state().open_bookings = 2;
    let refused = test.delete(&session, PASSWORD, None).await;
    let metadata = refused
        .clone()
        .unwrap_err()
        .get_details_error_info()
        .unwrap()
        .metadata;
    assert_eq!(metadata["count"], "2");
    assert_error(refused, Code::FailedPrecondition, "BOOKINGS_OPEN", "AUTH030");
    test.assert_alive(&session).await;
    assert_eq!(
        test.audit().await,
        [
            "account_delete_request success",
            "account_delete failure bookings_open"
        ]
    );
    test.peers.state().open_bookings = 0;
    test.delete(&session, PASSWORD, None).await.unwrap();
    assert_eq!(test.peers.state().attempts, [1, 2]);
    test.auth.finish().await;
}

#[tokio::test]
async fn unsettled_payment_refuses_the_deletion_before_booking_is_asked() {
    let test = Deletions::start().await;
    let session = test.auth.register(EMAIL).await;
    for (payments_in_progress, payable_amount) in [(1, 0), (0, 38_250)] {
        test.peers.state().unsettled = CheckSettlementResponse {
            payments_in_progress,
            payable_amount,
        };
        let refused = test.delete(&session, PASSWORD, None).await;
        let metadata = refused
            .clone()
            .unwrap_err()
            .get_details_error_info()
            .unwrap()
            .metadata;
        assert_eq!(metadata["payments"], payments_in_progress.to_string());
        assert_eq!(metadata["payable_amount"], payable_amount.to_string());
        assert_error(refused, Code::FailedPrecondition, "PAYMENTS_UNSETTLED", "AUTH031");
    }
    assert!(test.peers.state().attempts.is_empty());
    test.assert_alive(&session).await;
    test.auth.finish().await;
}

#[tokio::test]
async fn deletion_without_an_answer_of_booking_is_finished_by_the_job() {
    for is_closed in [false, true] {
        let test = Deletions::start().await;
        let session = test.auth.register(EMAIL).await;
        if is_closed {
            test.peers.state().loses_replies = true;
        } else {
            test.peers.state().is_down = true;
        }
        let unknown = test.delete(&session, PASSWORD, None).await;
        assert_error(unknown, Code::Unavailable, "UNAVAILABLE", "COMMON005");
        test.auth.me(&session.access_token).await.unwrap();
        assert!(test.is_requested().await);
        test.peers.state().loses_replies = false;
        test.peers.state().is_down = false;
        test.run_job_until(0).await;
        test.assert_signed_out(&session).await;
        // Every call was of the one attempt.
        assert!(test.peers.state().attempts.iter().all(|attempt| *attempt == 1));
        test.auth.finish().await;
    }
}

#[tokio::test]
async fn job_withdraws_a_deletion_that_booking_refuses() {
    let test = Deletions::start().await;
    let session = test.auth.register(EMAIL).await;
    test.peers.state().is_down = true;
    test.delete(&session, PASSWORD, None).await.unwrap_err();
    test.peers.state().open_bookings = 1;
    test.peers.state().is_down = false;
    test.run_job_until(1).await;
    test.assert_alive(&session).await;
    assert_eq!(test.audit().await[1], "account_delete failure bookings_open");
    test.auth.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn concurrent_deletions_and_logins_leave_no_session_and_one_event() {
    let test = Deletions::start().await;
    let session = test.auth.register(EMAIL).await;
    let deletions = join_all((0..4).map(|_| test.delete(&session, PASSWORD, None)));
    let logins = join_all((0..4).map(|_| test.auth.sign_in(None)));
    let refreshed = test.auth.refresh(&session.refresh_token);
    let (deleted, _, _) = tokio::join!(deletions, logins, refreshed);
    assert!(deleted.iter().any(Result::is_ok), "{deleted:?}");
    for table in ["users", "sessions", "refresh_tokens"] {
        assert_eq!(test.auth.count(table).await, 0, "{table}");
    }
    assert_eq!(test.auth.count("outbox WHERE name = 'user.deleted'").await, 1);
    test.auth.finish().await;
}

#[tokio::test]
async fn other_account_of_the_address_holds_it_and_keeps_its_delays() {
    let test = Deletions::start().await;
    let (first, second) = (test.auth.register(EMAIL).await, test.auth.register(EMAIL).await);
    let wrong = LoginRequest {
        email: EMAIL.into(),
        password: "wrong horse 11".into(),
        mfa_code: None,
    };
    test.auth.client().login(wrong).await.unwrap_err();
    let attempts = test.auth.count("login_attempts").await;
    test.delete(&first, PASSWORD, None).await.unwrap();
    test.auth.me(&second.access_token).await.unwrap();
    let held = test
        .auth
        .count("users WHERE email IS NOT NULL AND provisional_email IS NULL");
    assert_eq!(held.await, 1);
    assert_eq!(test.auth.count("login_attempts").await, attempts);
    test.delete(&second, PASSWORD, None).await.unwrap();
    assert_eq!(test.auth.count("login_attempts").await, 0);
    test.auth.finish().await;
}
