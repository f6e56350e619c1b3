//! Delays of logins after failures.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use carshare_service_testkit::into_message;
use carshare_testkit::proxy::FaultProxy;
use futures::future::join_all;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

const EMAIL: &str = "minji@example.com";
const HOME: &str = "203.0.113.7";
const ELSEWHERE: &str = "198.51.100.9";
const WRONG: &str = "wrong horse 11";

impl Auth {
    /// Registers an account whose address is verified.
    async fn verified(&self, email: &str) -> AuthResponse {
        let session = self.register(email).await;
        let verify = sqlx::query("UPDATE users SET is_verified = true");
        verify.execute(&self.sql).await.unwrap();
        session
    }

    async fn log_in_from(&self, address: &str, email: &str, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: email.into(),
            password: password.into(),
            mfa_code: None,
        };
        into_message(self.client().login(from_address(request, address)).await)
    }

    /// Returns the reason of the error of a login, and the seconds until the next attempt.
    async fn refusal(&self, address: &str, email: &str, password: &str) -> (String, Option<u64>) {
        let refused = self.log_in_from(address, email, password).await.unwrap_err();
        let retry = refused.get_details_retry_info().and_then(|info| info.retry_delay);
        (error_info(&refused).1, retry.map(|delay| delay.as_secs()))
    }

    async fn fail_times(&self, address: &str, count: usize) {
        for _ in 0..count {
            let refused = self.refusal(address, EMAIL, WRONG).await;
            assert_eq!(refused, ("INVALID_CREDENTIALS".to_owned(), None));
        }
    }

    async fn change_from(&self, address: &str, session: &AuthResponse, current: &str) -> Result<(), Status> {
        let request = ChangePasswordRequest {
            current_password: current.into(),
            new_password: "battery staple 22".into(),
        };
        let request = authorized(from_address(request, address), &session.access_token);
        self.client().change_password(request).await.map(drop)
    }

    fn advance_s(&self, seconds: u64) {
        self.replica.clock.advance(Duration::from_secs(seconds));
    }
}

#[tokio::test]
async fn login_is_delayed_from_the_fourth_failure_on_until_a_success() {
    let auth = Auth::start().await;
    auth.verified(EMAIL).await;
    auth.fail_times(HOME, 4).await;
    // The password is not even verified, so the right one is delayed too.
    let delayed = auth.log_in_from(HOME, EMAIL, PASSWORD).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    for seconds in [1, 2, 4, 8, 16, 32, 60, 60] {
        let delayed = auth.refusal(HOME, EMAIL, WRONG).await;
        assert_eq!(delayed, ("LOGIN_DELAYED".to_owned(), Some(seconds)));
        auth.advance_s(seconds);
        auth.fail_times(HOME, 1).await;
    }
    auth.advance_s(60);
    auth.log_in_from(HOME, EMAIL, PASSWORD).await.unwrap();
    auth.fail_times(HOME, 4).await;
    auth.finish().await;
}

#[tokio::test]
async fn account_that_does_not_exist_is_delayed_alike() {
    let auth = Auth::start().await;
    auth.verified(EMAIL).await;
    for _ in 0..6 {
        let known = auth.refusal(HOME, EMAIL, WRONG).await;
        let unknown = auth.refusal(HOME, "nobody@example.com", WRONG).await;
        assert_eq!(known, unknown);
    }
    let (reason, _) = auth.refusal(HOME, "NOBODY@example.com", WRONG).await;
    assert_eq!(reason, "LOGIN_DELAYED");
    auth.finish().await;
}

#[tokio::test]
async fn failures_of_a_stranger_do_not_delay_another_address_or_account() {
    let auth = Auth::start().await;
    auth.verified(EMAIL).await;
    auth.register("seojun@example.com").await;
    auth.fail_times(ELSEWHERE, 4).await;
    let (reason, _) = auth.refusal(ELSEWHERE, EMAIL, PASSWORD).await;
    assert_eq!(reason, "LOGIN_DELAYED");
    auth.log_in_from(HOME, EMAIL, PASSWORD).await.unwrap();
    auth.log_in_from(ELSEWHERE, "seojun@example.com", PASSWORD)
        .await
        .unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn one_of_eight_concurrent_attempts_after_the_delay_is_admitted() {
    let auth = Auth::start().await;
    auth.verified(EMAIL).await;
    auth.fail_times(HOME, 4).await;
    auth.advance_s(1);
    let refused = join_all((0..8).map(|_| auth.refusal(HOME, EMAIL, WRONG))).await;
    let mut reasons: Vec<_> = refused.into_iter().map(|(reason, _)| reason).collect();
    reasons.sort();
    assert_eq!(reasons[0], "INVALID_CREDENTIALS");
    assert!(
        reasons[1..].iter().all(|reason| reason == "LOGIN_DELAYED"),
        "{reasons:?}"
    );
    auth.finish().await;
}

#[tokio::test]
async fn guesses_from_many_addresses_are_delayed_but_not_the_owner_at_a_known_one() {
    let auth = Auth::start_with(|config| config.login_delay.free_unknown_failures = 5).await;
    auth.verified(EMAIL).await;
    auth.log_in_from(HOME, EMAIL, PASSWORD).await.unwrap();
    for number in 1..=6 {
        auth.fail_times(&format!("198.51.100.{number}"), 1).await;
    }
    let delayed = auth.refusal("198.51.100.7", EMAIL, WRONG).await;
    assert_eq!(delayed, ("LOGIN_DELAYED".to_owned(), Some(1)));
    auth.log_in_from(HOME, EMAIL, PASSWORD).await.unwrap();
    // A success of the owner gives strangers no further attempts.
    let (reason, _) = auth.refusal("198.51.100.8", EMAIL, WRONG).await;
    assert_eq!(reason, "LOGIN_DELAYED");
    auth.advance_s(3601);
    auth.fail_times("198.51.100.7", 1).await;
    auth.finish().await;
}

#[tokio::test]
async fn wrong_current_password_counts_like_a_failed_login() {
    let auth = Auth::start().await;
    let session = auth.verified(EMAIL).await;
    let change = async |current: &str| auth.change_from(HOME, &session, current).await;
    for _ in 0..2 {
        assert_error(
            change(WRONG).await,
            Code::InvalidArgument,
            "WRONG_PASSWORD",
            "AUTH016",
        );
        auth.fail_times(HOME, 1).await;
    }
    let delayed = change(PASSWORD).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    auth.advance_s(1);
    change(PASSWORD).await.unwrap();
    auth.log_in_from(HOME, EMAIL, "battery staple 22").await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn replicas_share_the_delays_while_redis_is_unreachable() {
    let redis = carshare_testkit::redis_url().await;
    let (proxy, through) = FaultProxy::in_front_of(&redis).await.unwrap();
    let auth = Auth::start_with(|config| config.redis.url = through.into()).await;
    auth.verified(EMAIL).await;
    proxy.cut();
    auth.fail_times(HOME, 4).await;
    let other = Replica::start(auth.replica.config.clone(), 2).await;
    let request = LoginRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        mfa_code: None,
    };
    let delayed = other.client.clone().login(from_address(request, HOME)).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    proxy.heal();
    other.finish().await;
    auth.finish().await;
}

#[tokio::test]
async fn success_of_an_account_that_has_not_verified_the_address_ends_no_delay() {
    let auth = Auth::start().await;
    auth.verified(EMAIL).await;
    let stranger = RegisterRequest {
        password: "stranger horse 1".into(),
        ..guest(EMAIL)
    };
    auth.client().register(stranger).await.unwrap();
    auth.fail_times(HOME, 3).await;
    auth.log_in_from(HOME, EMAIL, "stranger horse 1").await.unwrap();
    auth.fail_times(HOME, 1).await;
    let (reason, _) = auth.refusal(HOME, EMAIL, WRONG).await;
    assert_eq!(reason, "LOGIN_DELAYED");
    auth.finish().await;
}

#[tokio::test]
async fn strangers_do_not_delay_what_a_signed_in_user_does_with_the_password() {
    let auth = Auth::start_with(|config| config.login_delay.free_unknown_failures = 5).await;
    let session = auth.verified(EMAIL).await;
    for number in 1..=6 {
        auth.fail_times(&format!("198.51.100.{number}"), 1).await;
    }
    let (reason, _) = auth.refusal(ELSEWHERE, EMAIL, PASSWORD).await;
    assert_eq!(reason, "LOGIN_DELAYED");
    auth.propose(&session, None).await.unwrap();
    auth.change_from(ELSEWHERE, &session, PASSWORD).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn failures_of_a_signed_in_user_at_all_addresses_are_delayed_together() {
    let auth = Auth::start_with(|config| config.login_delay.free_unknown_failures = 3).await;
    let session = auth.verified(EMAIL).await;
    let change = async |number: usize, current: &str| {
        let address = format!("198.51.100.{number}");
        let changed = auth.change_from(&address, &session, current);
        changed.await.map_err(|refused| error_info(&refused).1)
    };
    for number in 1..=4 {
        assert_eq!(change(number, WRONG).await.unwrap_err(), "WRONG_PASSWORD");
    }
    assert_eq!(change(5, PASSWORD).await.unwrap_err(), "LOGIN_DELAYED");
    let delayed =
        "audit_events WHERE reason = 'delayed' AND action = 'password_change' AND user_id IS NOT NULL";
    assert_eq!(auth.count(delayed).await, 1);
    // They delay no sign-ins.
    auth.fail_times("198.51.100.9", 1).await;
    auth.advance_s(1);
    assert_eq!(change(6, WRONG).await.unwrap_err(), "WRONG_PASSWORD");
    assert_eq!(change(7, PASSWORD).await.unwrap_err(), "LOGIN_DELAYED");
    auth.advance_s(2);
    change(8, PASSWORD).await.unwrap();
    for number in 9..=12 {
        assert_eq!(change(number, WRONG).await.unwrap_err(), "WRONG_PASSWORD");
    }
    auth.finish().await;
}
