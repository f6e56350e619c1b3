//! The service with the SMTP sandbox.

use std::ops::Deref;
use std::time::Duration;

use carshare_auth::Config;
use carshare_chassis::Environment;
use carshare_proto::auth::v1::*;
use carshare_sandbox::{Mail, Sandbox};
use carshare_service_testkit::into_message;
use carshare_testkit::eventually;
use tokio::net::TcpListener;
use tonic::Status;

use crate::harness::*;

pub const EMAIL: &str = "minji@example.com";
pub const OTHER_PASSWORD: &str = "another horse 22";

pub struct Mailbox {
    pub sandbox: Sandbox,
    auth: Auth,
}

impl Deref for Mailbox {
    type Target = Auth;

    fn deref(&self) -> &Auth {
        &self.auth
    }
}

/// Starts a sandbox whose SMTP server has this port; 0 = any free one.
pub async fn sandbox(smtp_port: u16) -> Sandbox {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let config = carshare_sandbox::Config {
        smtp_port,
        ..Default::default()
    };
    Sandbox::start(config, Environment::system(), listener)
        .await
        .unwrap()
}

impl Mailbox {
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let sandbox = sandbox(0).await;
        let smtp = sandbox.smtp_addr();
        let auth = Auth::start_with(|config| {
            config.mail.host = Some(smtp.ip().to_string());
            config.mail.port = smtp.port();
            change(config);
        })
        .await;
        Self { sandbox, auth }
    }

    /// Waits until this many mails have arrived, and returns them, oldest first.
    pub async fn mails(&self, count: usize) -> Vec<Mail> {
        eventually(TIMEOUT, || async {
            let mails = self.sandbox.mails();
            (mails.len() == count).then_some(mails)
        })
        .await
    }

    /// Waits for the mail of this number, from 1, and returns its token.
    pub async fn token(&self, number: usize) -> String {
        token(&self.mails(number).await[number - 1])
    }

    /// Waits until nothing is left to send, and returns the outcomes in the order of creation.
    pub async fn outcomes(&self) -> Vec<String> {
        eventually(TIMEOUT, || async {
            if self.count("mails WHERE due_at IS NOT NULL").await > 0 {
                return None;
            }
            let rows = sqlx::query_scalar("SELECT outcome FROM mails ORDER BY created_at, id");
            Some(rows.fetch_all(&self.sql).await.unwrap())
        })
        .await
    }

    /// Verifies an account of [`PASSWORD`].
    pub async fn verify(&self, token: &str) -> Result<(), Status> {
        self.verify_with(token, Some(PASSWORD)).await
    }

    pub async fn verify_with(&self, token: &str, password: Option<&str>) -> Result<(), Status> {
        let request = VerifyEmailRequest {
            token: token.to_owned(),
            password: password.map(str::to_owned),
        };
        let mut emails = self.replica.emails();
        emails.verify_email(request).await.map(|_| ())
    }

    pub async fn resend(&self, access_token: &str) -> Result<(), Status> {
        let request = bearer(ResendVerificationEmailRequest {}, access_token);
        let mut emails = self.replica.emails();
        emails.resend_verification_email(request).await.map(|_| ())
    }

    pub async fn request_reset(&self, email: &str) -> Result<(), Status> {
        let email = email.to_owned();
        let request = RequestPasswordResetRequest { email };
        let mut emails = self.replica.emails();
        emails.request_password_reset(request).await.map(|_| ())
    }

    pub async fn request_reset_from(&self, address: &str) {
        let email = EMAIL.to_owned();
        let request = from_address(RequestPasswordResetRequest { email }, address);
        self.replica
            .emails()
            .request_password_reset(request)
            .await
            .unwrap();
    }

    pub async fn reset(&self, token: &str, new_password: &str) -> Result<(), Status> {
        let request = ResetPasswordRequest {
            token: token.to_owned(),
            new_password: new_password.to_owned(),
        };
        let mut emails = self.replica.emails();
        emails.reset_password(request).await.map(|_| ())
    }

    pub async fn register_with(&self, password: &str) -> AuthResponse {
        let request = RegisterRequest {
            password: password.into(),
            ..guest(EMAIL)
        };
        self.client().register(request).await.unwrap().into_inner()
    }

    pub async fn login_with(&self, password: &str) -> Result<AuthResponse, Status> {
        let request = LoginRequest {
            email: EMAIL.into(),
            password: password.into(),
            mfa_code: None,
        };
        into_message(self.client().login(request).await)
    }

    /// Registers an account whose address is verified, and returns its id. It leaves one mail.
    pub async fn verified(&self) -> String {
        let account = self.register(EMAIL).await;
        self.verify(&self.token(1).await).await.unwrap();
        id(&account)
    }

    pub fn advance(&self, by: Duration) {
        self.replica.clock.advance(by);
    }

    pub async fn finish(self) {
        self.auth.finish().await;
        self.sandbox.shutdown().await;
    }
}

/// Returns the token of a mail, its last line.
pub fn token(mail: &Mail) -> String {
    mail.text.lines().last().unwrap().to_owned()
}

/// Returns the id of the account.
pub fn id(session: &AuthResponse) -> String {
    session.user.as_ref().unwrap().id.clone()
}
