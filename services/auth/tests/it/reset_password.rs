//! `RequestPasswordReset` and `ResetPassword`.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use futures::future::join_all;
use tonic::Code;
use tonic_types::StatusExt as _;

use crate::harness::*;
use crate::mailbox::*;

const NEW_PASSWORD: &str = "a third horse 33";

fn assert_invalid(result: Result<(), tonic::Status>) {
    assert_error(result, Code::InvalidArgument, "INVALID_MAIL_TOKEN", "AUTH029");
}

#[tokio::test]
async fn mailed_token_replaces_the_password_ends_all_sessions_and_verifies_the_address() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.login(EMAIL).await;
    mailbox.request_reset("Minji@Example.com").await.unwrap();
    let mail = mailbox.mails(2).await.remove(1);
    assert_eq!(mail.subject, "[카셰어링] 비밀번호 재설정 · Reset your password");
    let link = format!("https://carshare.kr/reset-password#token={}", token(&mail));
    assert!(mail.text.contains(&link), "{}", mail.text);

    mailbox.reset(&token(&mail), NEW_PASSWORD).await.unwrap();
    assert_eq!(mailbox.ended_sessions().await.len(), 2);
    let ended = mailbox.refresh(&account.refresh_token).await;
    assert_error(ended, Code::Unauthenticated, "INVALID_REFRESH_TOKEN", "AUTH012");
    let revoked = mailbox.me(&account.access_token).await;
    assert_eq!(error_info(&revoked.unwrap_err()).1, "TOKEN_REVOKED");
    let old = mailbox.login_with(PASSWORD).await;
    assert_error(old, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
    let session = mailbox.login_with(NEW_PASSWORD).await.unwrap();
    assert_eq!(id(&session), id(&account));
    assert!(session.user.unwrap().is_verified);

    assert_invalid(mailbox.reset(&token(&mail), "a fourth horse 44").await);
    mailbox.finish().await;
}

#[tokio::test]
async fn request_for_an_unknown_address_succeeds_and_sends_nothing() {
    let mailbox = Mailbox::start().await;
    mailbox.request_reset("nobody@example.com").await.unwrap();
    assert_eq!(mailbox.outcomes().await, ["not_needed"]);
    assert!(mailbox.sandbox.mails().is_empty());
    let invalid = mailbox.request_reset("nobody").await.unwrap_err();
    assert_eq!(invalid.code(), Code::InvalidArgument);
    mailbox.finish().await;
}

#[tokio::test]
async fn change_of_the_password_ends_older_tokens() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let first = mailbox.token(2).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let second = mailbox.token(3).await;
    let change = ChangePasswordRequest {
        current_password: PASSWORD.into(),
        new_password: OTHER_PASSWORD.into(),
    };
    let change = bearer(change, &account.access_token);
    mailbox.client().change_password(change).await.unwrap();
    assert_invalid(mailbox.reset(&first, NEW_PASSWORD).await);
    assert_invalid(mailbox.reset(&second, NEW_PASSWORD).await);

    // Of two tokens for the same password the use of one ends the other.
    mailbox.request_reset(EMAIL).await.unwrap();
    mailbox
        .reset(&mailbox.token(4).await, NEW_PASSWORD)
        .await
        .unwrap();
    mailbox.login_with(NEW_PASSWORD).await.unwrap();
    mailbox.finish().await;
}

#[tokio::test]
async fn token_expires_after_45_minutes() {
    let mailbox = Mailbox::start().await;
    mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let token = mailbox.token(2).await;
    mailbox.advance(Duration::from_mins(45));
    assert_invalid(mailbox.reset(&token, NEW_PASSWORD).await);
    mailbox.finish().await;
}

#[tokio::test]
async fn weak_password_is_rejected_and_leaves_the_token_valid() {
    let mailbox = Mailbox::start().await;
    mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let token = mailbox.token(2).await;
    let weak = mailbox.reset(&token, "minji@example.com").await.unwrap_err();
    assert_eq!(error_info(&weak).1, "WEAK_PASSWORD");
    let violations = weak.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations[0].field, "new_password");
    mailbox.reset(&token, NEW_PASSWORD).await.unwrap();
    mailbox.finish().await;
}

#[tokio::test]
async fn one_of_concurrent_uses_in_two_replicas_succeeds() {
    let mailbox = Mailbox::start().await;
    mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let token = mailbox.token(2).await;
    let second = Replica::start(mailbox.replica.config.clone(), 2).await;
    let uses = (0..6).map(|number| {
        let replica = if number % 2 == 0 {
            &mailbox.replica
        } else {
            &second
        };
        let mut emails = replica.emails();
        let request = ResetPasswordRequest {
            token: token.clone(),
            new_password: format!("horse number {number}"),
        };
        async move { emails.reset_password(request).await.is_ok() }
    });
    let results = join_all(uses).await;
    let winner = results.iter().position(|succeeded| *succeeded).unwrap();
    assert_eq!(results.iter().filter(|succeeded| **succeeded).count(), 1);
    mailbox
        .login_with(&format!("horse number {winner}"))
        .await
        .unwrap();
    second.finish().await;
    mailbox.finish().await;
}

#[tokio::test]
async fn token_of_an_account_that_lost_the_address_is_invalid() {
    let mailbox = Mailbox::start().await;
    mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let reset = mailbox.token(2).await;
    mailbox.register_with(OTHER_PASSWORD).await;
    let token = mailbox.token(3).await;
    mailbox.verify_with(&token, Some(OTHER_PASSWORD)).await.unwrap();
    assert_invalid(mailbox.reset(&reset, NEW_PASSWORD).await);
    mailbox.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_returns_the_same_reply() {
    let mailbox = Mailbox::start().await;
    mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    mailbox.request_reset(EMAIL).await.unwrap();
    let token = mailbox.token(2).await;
    let request = ResetPasswordRequest {
        token,
        new_password: NEW_PASSWORD.into(),
    };
    for _ in 0..2 {
        let mut emails = mailbox.replica.emails();
        emails.reset_password(keyed(request.clone(), "k1")).await.unwrap();
    }
    mailbox.finish().await;
}

#[tokio::test]
async fn requests_of_strangers_do_not_use_up_the_resets_of_the_owner() {
    let mailbox = Mailbox::start().await;
    mailbox.verified().await;
    let home = "203.0.113.7";
    let request = LoginRequest {
        email: EMAIL.into(),
        password: PASSWORD.into(),
        mfa_code: None,
    };
    mailbox.client().login(from_address(request, home)).await.unwrap();
    for number in 1..=5 {
        mailbox.request_reset_from(&format!("198.51.100.{number}")).await;
    }
    // One verification and three of the resets.
    mailbox.outcomes().await;
    assert_eq!(mailbox.sandbox.mails().len(), 4);
    mailbox.request_reset_from(home).await;
    let token = mailbox.token(5).await;
    mailbox.reset(&token, OTHER_PASSWORD).await.unwrap();
    // The owner's requests have the same bound.
    for _ in 0..4 {
        mailbox.request_reset_from(home).await;
    }
    mailbox.outcomes().await;
    assert_eq!(mailbox.sandbox.mails().len(), 7);
    mailbox.finish().await;
}
