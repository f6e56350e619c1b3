//! Second factors: enrolment, sign-in with codes, and what they protect.

use std::time::Duration;

use carshare_auth::domain::TotpSecret;
use carshare_proto::auth::v1::mfa_service_client::MfaServiceClient;
use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_idempotency_key};
use chrono::TimeDelta;
use data_encoding::BASE32_NOPAD;
use tonic::transport::Channel;
use tonic::{Code, Status};
use tonic_types::StatusExt as _;

use crate::harness::*;

pub const EMAIL: &str = "minji@example.com";
const STEP: TimeDelta = TimeDelta::seconds(30);

/// A signed-in user with a second factor.
pub struct Enrolled {
    pub session: AuthResponse,
    pub secret: TotpSecret,
    pub recovery_codes: Vec<String>,
}

pub fn secret_of(base32: &str) -> TotpSecret {
    let bytes = BASE32_NOPAD.decode(base32.as_bytes()).unwrap();
    TotpSecret::new(bytes.try_into().unwrap())
}

impl Auth {
    pub fn mfa(&self) -> MfaServiceClient<Channel> {
        self.replica.mfa.clone()
    }

    pub fn code(&self, secret: &TotpSecret) -> String {
        secret.code(self.replica.clock.now())
    }

    pub fn next_step(&self) {
        self.replica.clock.advance(STEP.to_std().unwrap());
    }

    pub async fn propose(&self, session: &AuthResponse, code: Option<String>) -> Result<TotpSecret, Status> {
        let request = BeginTotpEnrollmentRequest {
            current_password: PASSWORD.into(),
            mfa_code: code,
        };
        let request = bearer(request, &session.access_token);
        let enrollment = into_message(self.mfa().begin_totp_enrollment(request).await)?;
        assert!(enrollment.otpauth_uri.contains(&enrollment.secret));
        Ok(secret_of(&enrollment.secret))
    }

    pub async fn confirm(&self, session: &AuthResponse, code: String) -> Result<Vec<String>, Status> {
        let request = bearer(ConfirmTotpEnrollmentRequest { code }, &session.access_token);
        let reply = into_message(self.mfa().confirm_totp_enrollment(request).await);
        reply.map(|reply| reply.codes)
    }

    pub async fn enroll(&self) -> Enrolled {
        let session = self.register(EMAIL).await;
        self.enroll_as(session).await
    }

    pub async fn enroll_as(&self, session: AuthResponse) -> Enrolled {
        let secret = self.propose(&session, None).await.unwrap();
        let recovery_codes = self.confirm(&session, self.code(&secret)).await.unwrap();
        self.next_step();
        Enrolled {
            session,
            secret,
            recovery_codes,
        }
    }

    pub async fn sign_in(&self, code: Option<&str>) -> Result<AuthResponse, Status> {
        into_message(self.client().login(sign_in(code)).await)
    }

    pub async fn disable_mfa(&self, session: &AuthResponse, code: &str) -> Result<(), Status> {
        let request = DisableTotpRequest {
            current_password: PASSWORD.into(),
            mfa_code: code.into(),
        };
        let request = bearer(request, &session.access_token);
        self.mfa().disable_totp(request).await.map(|_| ())
    }
}

pub fn sign_in(code: Option<&str>) -> LoginRequest {
    LoginRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        mfa_code: code.map(str::to_owned),
    }
}

#[track_caller]
pub fn assert_refused<T: std::fmt::Debug>(result: Result<T, Status>, reason: &str) {
    let (code, number) = match reason {
        "MFA_REQUIRED" => (Code::Unauthenticated, "AUTH024"),
        "INVALID_MFA_CODE" => (Code::InvalidArgument, "AUTH025"),
        "TOO_MANY_MFA_CODES" => (Code::ResourceExhausted, "AUTH026"),
        "MFA_NOT_ENABLED" => (Code::FailedPrecondition, "AUTH027"),
        "MFA_MANDATORY" => (Code::FailedPrecondition, "AUTH028"),
        other => panic!("{other}"),
    };
    assert_error(result, code, reason, number);
}

#[tokio::test]
async fn confirmed_secret_is_needed_to_sign_in_and_ends_the_other_sessions() {
    let auth = Auth::start().await;
    let elsewhere = auth.register(EMAIL).await;
    let session = auth.login(EMAIL).await;
    let secret = auth.propose(&session, None).await.unwrap();
    // A proposed secret changes nothing.
    auth.sign_in(None).await.unwrap();
    assert_refused(auth.confirm(&session, "000000".into()).await, "INVALID_MFA_CODE");
    let codes = auth.confirm(&session, auth.code(&secret)).await.unwrap();
    assert_eq!(codes.len(), 10);

    let me = auth.me(&session.access_token).await.unwrap();
    assert!(me.mfa_enabled);
    let ended = auth.refresh(&elsewhere.refresh_token).await;
    assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    auth.refresh(&session.refresh_token).await.unwrap();
    let ended = "sessions WHERE end_reason = 'mfa_change' AND ended_at IS NOT NULL";
    assert_eq!(auth.count(ended).await, auth.count("sessions").await - 1);

    assert_refused(auth.sign_in(None).await, "MFA_REQUIRED");
    assert_refused(auth.sign_in(Some("000000")).await, "INVALID_MFA_CODE");
    // The code that confirmed the secret was used.
    let code = auth.code(&secret);
    assert_refused(auth.sign_in(Some(&code)).await, "INVALID_MFA_CODE");
    auth.next_step();
    auth.sign_in(Some(&auth.code(&secret))).await.unwrap();
    auth.finish().await;
}

#[tokio::test]
async fn wrong_password_asks_for_no_code() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    let request = LoginRequest {
        password: "wrong horse 99".into(),
        ..sign_in(Some(&auth.code(&enrolled.secret)))
    };
    let refused = auth.client().login(request).await;
    assert_error(refused, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
    auth.finish().await;
}

#[tokio::test]
async fn codes_of_the_window_are_accepted_once_and_in_order() {
    let auth = Auth::start().await;
    let secret = auth.enroll().await.secret;
    let at = |steps: i32| secret.code(auth.replica.clock.now() + STEP * steps);
    assert_refused(auth.sign_in(Some(&at(2))).await, "INVALID_MFA_CODE");
    auth.sign_in(Some(&at(0))).await.unwrap();
    auth.sign_in(Some(&at(1))).await.unwrap();
    assert_refused(auth.sign_in(Some(&at(1))).await, "INVALID_MFA_CODE");
    assert_refused(auth.sign_in(Some(&at(0))).await, "INVALID_MFA_CODE");
    auth.finish().await;
}

#[tokio::test]
async fn sixth_code_in_a_row_waits_and_a_recovery_code_does_not() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    for _ in 0..5 {
        assert_refused(auth.sign_in(Some("000000")).await, "INVALID_MFA_CODE");
    }
    let refused = auth.sign_in(Some(&auth.code(&enrolled.secret))).await;
    let delay = refused.as_ref().unwrap_err().get_details_retry_info().unwrap();
    assert_eq!(delay.retry_delay, Some(Duration::from_secs(30)));
    assert_refused(refused, "TOO_MANY_MFA_CODES");
    auth.sign_in(Some(&enrolled.recovery_codes[0])).await.unwrap();

    auth.next_step();
    auth.sign_in(Some(&auth.code(&enrolled.secret))).await.unwrap();
    // An accepted code starts the count again.
    assert_refused(auth.sign_in(Some("000000")).await, "INVALID_MFA_CODE");
    auth.finish().await;
}

#[tokio::test]
async fn recovery_code_is_accepted_once() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    let code = enrolled.recovery_codes[3].to_lowercase();
    auth.sign_in(Some(&code)).await.unwrap();
    assert_refused(auth.sign_in(Some(&code)).await, "INVALID_MFA_CODE");
    assert_eq!(auth.count("recovery_codes").await, 9);

    let request = RegenerateRecoveryCodesRequest {
        current_password: PASSWORD.into(),
        mfa_code: auth.code(&enrolled.secret),
    };
    let request = || {
        let request = bearer(request.clone(), &enrolled.session.access_token);
        with_idempotency_key(request, "k1")
    };
    let new = auth.mfa().regenerate_recovery_codes(request()).await.unwrap();
    let again = auth.mfa().regenerate_recovery_codes(request()).await.unwrap();
    assert_eq!(new.into_inner(), again.into_inner());
    let old = auth.sign_in(Some(&enrolled.recovery_codes[0])).await;
    assert_refused(old, "INVALID_MFA_CODE");
    auth.finish().await;
}

#[tokio::test]
async fn one_of_concurrent_logins_with_the_same_code_succeeds_in_two_replicas() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    let other = Replica::start(auth.replica.config.clone(), 2).await;
    other.clock.advance(STEP.to_std().unwrap());
    for code in [auth.code(&enrolled.secret), enrolled.recovery_codes[0].clone()] {
        // Not more than the attempts that are free.
        let logins = (0..4).map(|number| {
            let mut client = [auth.client(), other.client.clone()][number % 2].clone();
            let request = sign_in(Some(&code));
            async move { client.login(request).await }
        });
        let results = futures::future::join_all(logins).await;
        assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
        for refused in results.into_iter().filter(Result::is_err) {
            assert_refused(refused, "INVALID_MFA_CODE");
        }
    }
    other.finish().await;
    auth.finish().await;
}

#[tokio::test]
async fn repeated_login_with_the_same_key_uses_the_code_once() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    let request = sign_in(Some(&auth.code(&enrolled.secret)));
    let first = auth.client().login(keyed(request.clone(), "k1")).await.unwrap();
    let again = auth.client().login(keyed(request, "k1")).await.unwrap();
    assert_eq!(first.into_inner(), again.into_inner());
    auth.finish().await;
}

#[tokio::test]
async fn replacing_or_disabling_the_second_factor_needs_it() {
    let auth = Auth::start().await;
    let Enrolled { session, secret, .. } = auth.enroll().await;
    assert_refused(auth.propose(&session, None).await, "INVALID_MFA_CODE");
    let new = auth.propose(&session, Some(auth.code(&secret))).await.unwrap();
    auth.next_step();
    // The old secret is in use until the new one is confirmed.
    auth.sign_in(Some(&auth.code(&secret))).await.unwrap();
    auth.confirm(&session, auth.code(&new)).await.unwrap();
    auth.next_step();
    assert_refused(auth.sign_in(Some(&auth.code(&secret))).await, "INVALID_MFA_CODE");

    assert_refused(auth.disable_mfa(&session, "000000").await, "INVALID_MFA_CODE");
    auth.disable_mfa(&session, &auth.code(&new)).await.unwrap();
    auth.sign_in(None).await.unwrap();
    assert_refused(auth.disable_mfa(&session, "000000").await, "MFA_NOT_ENABLED");
    assert_refused(auth.confirm(&session, "000000".into()).await, "MFA_NOT_ENABLED");
    assert_eq!(auth.count("totp_credentials").await, 0);
    assert_eq!(auth.count("recovery_codes").await, 0);
    auth.finish().await;
}

#[tokio::test]
async fn proposed_secret_expires_and_is_stored_encrypted() {
    let auth = Auth::start().await;
    let session = auth.register(EMAIL).await;
    let secret = auth.propose(&session, None).await.unwrap();
    let stored: Vec<u8> = sqlx::query_scalar("SELECT sealed_pending FROM totp_credentials")
        .fetch_one(&auth.sql)
        .await
        .unwrap();
    assert!(!stored.windows(20).any(|part| part == secret.expose()));
    auth.replica.clock.advance(Duration::from_mins(14));
    let session = auth.refresh(&session.refresh_token).await.unwrap();
    auth.replica.clock.advance(Duration::from_mins(1));
    let late = auth.confirm(&session, auth.code(&secret)).await;
    assert_refused(late, "MFA_NOT_ENABLED");
    auth.finish().await;
}
