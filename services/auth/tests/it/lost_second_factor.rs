//! `remove-second-factor`: the operator's help for who has lost the authenticator app and the recovery codes.

use carshare_auth::cli::{Command, handle};
use carshare_chassis::Environment;

use crate::harness::*;
use crate::mfa::EMAIL;

impl Auth {
    async fn remove_second_factor(&self, email: &str) -> anyhow::Result<()> {
        let (environment, _) = Environment::manual(self.replica.clock.now(), 77);
        let command = Command::RemoveSecondFactor { email: email.into() };
        handle(self.replica.config.clone(), environment, command).await
    }
}

#[tokio::test]
async fn lost_second_factor_is_removed_by_the_operator_with_the_sessions() {
    let auth = Auth::start().await;
    let enrolled = auth.enroll().await;
    auth.sign_in(None).await.unwrap_err();
    auth.remove_second_factor(EMAIL).await.unwrap();
    auth.refresh(&enrolled.session.refresh_token).await.unwrap_err();
    let session = auth.sign_in(None).await.unwrap();
    assert!(!session.user.unwrap().mfa_enabled);
    let recorded: Vec<String> = sqlx::query_scalar(
        "SELECT concat_ws(' ', before ->> 'mfa_enabled', after ->> 'mfa_enabled') FROM audit_events WHERE action = 'mfa_remove'",
    )
    .fetch_all(&auth.sql)
    .await
    .unwrap();
    assert_eq!(recorded, ["true false"]);
}

#[tokio::test]
async fn account_without_second_factor_or_that_does_not_exist_is_an_error() {
    let auth = Auth::start().await;
    auth.register(EMAIL).await;
    auth.remove_second_factor(EMAIL).await.unwrap_err();
    auth.remove_second_factor("nobody@example.com").await.unwrap_err();
}
