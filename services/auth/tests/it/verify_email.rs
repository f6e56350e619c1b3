//! `VerifyEmail` and `ResendVerificationEmail`.

use std::time::Duration;

use carshare_proto::auth::v1::*;
use futures::future::join_all;
use tonic::Code;

use crate::harness::*;
use crate::mailbox::*;

fn proven(token: &str) -> VerifyEmailRequest {
    VerifyEmailRequest {
        token: token.to_owned(),
        password: Some(PASSWORD.to_owned()),
    }
}

fn assert_invalid(result: Result<(), tonic::Status>) {
    assert_error(result, Code::InvalidArgument, "INVALID_MAIL_TOKEN", "AUTH029");
}

#[tokio::test]
async fn mailed_token_verifies_the_address_once() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register("Minji@Example.com").await;
    let mail = mailbox.mails(1).await.remove(0);
    assert_eq!(
        (mail.to.as_str(), mail.from.as_str()),
        (EMAIL, "no-reply@carshare.kr")
    );
    assert_eq!(
        mail.subject,
        "[카셰어링] 이메일 인증 · Verify your e-mail address"
    );
    let link = format!("https://carshare.kr/verify-email#token={}", token(&mail));
    assert!(mail.text.contains(&link), "{}", mail.text);

    mailbox.verify(&token(&mail)).await.unwrap();
    assert!(mailbox.me(&account.access_token).await.unwrap().is_verified);
    assert_eq!(claims(&account.access_token)["email_verified"], false);
    let renewed = mailbox.refresh(&account.refresh_token).await.unwrap();
    assert_eq!(claims(&renewed.access_token)["email_verified"], true);
    let events = mailbox.event_names(&id(&account)).await;
    assert_eq!(events, ["user.registered", "user.updated"]);

    assert_invalid(mailbox.verify(&token(&mail)).await);
    assert_invalid(mailbox.verify("never-sent-to-anybody").await);
    mailbox.finish().await;
}

#[tokio::test]
async fn repeat_with_the_same_key_verifies_once() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register(EMAIL).await;
    let token = mailbox.token(1).await;
    for _ in 0..2 {
        let request = proven(&token);
        let mut emails = mailbox.replica.emails();
        emails.verify_email(keyed(request, "k1")).await.unwrap();
    }
    assert_eq!(mailbox.event_names(&id(&account)).await.len(), 2);
    mailbox.finish().await;
}

#[tokio::test]
async fn one_of_concurrent_uses_in_two_replicas_succeeds() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register(EMAIL).await;
    let token = mailbox.token(1).await;
    let second = Replica::start(mailbox.replica.config.clone(), 2).await;
    let uses = (0..10).map(|number| {
        let replica = if number % 2 == 0 {
            &mailbox.replica
        } else {
            &second
        };
        let (mut emails, token) = (replica.emails(), token.clone());
        async move { emails.verify_email(proven(&token)).await }
    });
    let (succeeded, failed): (Vec<_>, Vec<_>) = join_all(uses).await.into_iter().partition(Result::is_ok);
    assert_eq!(succeeded.len(), 1);
    for result in failed {
        assert_invalid(result.map(|_| ()));
    }
    assert_eq!(mailbox.event_names(&id(&account)).await.len(), 2);
    second.finish().await;
    mailbox.finish().await;
}

#[tokio::test]
async fn token_expires_after_a_day_and_another_one_can_be_sent() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register(EMAIL).await;
    let first = mailbox.token(1).await;
    mailbox.advance(Duration::from_hours(24));
    assert_invalid(mailbox.verify(&first).await);
    let renewed = mailbox.refresh(&account.refresh_token).await.unwrap();
    mailbox.resend(&renewed.access_token).await.unwrap();
    mailbox.verify(&mailbox.token(2).await).await.unwrap();
    assert!(mailbox.me(&renewed.access_token).await.unwrap().is_verified);

    // A verified address gets no further mail.
    mailbox.resend(&renewed.access_token).await.unwrap();
    assert_eq!(mailbox.count("mails").await, 2);
    mailbox.finish().await;
}

#[tokio::test]
async fn account_that_verifies_the_address_takes_it_from_an_unverified_one() {
    let mailbox = Mailbox::start().await;
    let first = mailbox.register(EMAIL).await;
    let tokens = [mailbox.token(1).await];
    let second = mailbox.register_with(OTHER_PASSWORD).await;
    let tokens = [tokens[0].clone(), mailbox.token(2).await];
    assert_ne!(id(&first), id(&second));

    mailbox
        .verify_with(&tokens[1], Some(OTHER_PASSWORD))
        .await
        .unwrap();
    assert!(mailbox.me(&second.access_token).await.unwrap().is_verified);
    assert!(!mailbox.me(&first.access_token).await.unwrap().is_verified);
    let late = mailbox.verify(&tokens[0]).await;
    assert_error(late, Code::AlreadyExists, "EMAIL_TAKEN", "AUTH011");
    // Both sign in as before, and a reset is for the account that has verified the address.
    assert_eq!(id(&mailbox.login_with(PASSWORD).await.unwrap()), id(&first));
    assert_eq!(
        id(&mailbox.login_with(OTHER_PASSWORD).await.unwrap()),
        id(&second)
    );
    mailbox.request_reset(EMAIL).await.unwrap();
    mailbox
        .reset(&mailbox.token(3).await, "a third horse 33")
        .await
        .unwrap();
    assert_eq!(
        id(&mailbox.login_with("a third horse 33").await.unwrap()),
        id(&second)
    );
    mailbox.finish().await;
}

#[tokio::test]
async fn one_of_two_accounts_that_verify_the_same_address_at_once_gets_it() {
    let mailbox = Mailbox::start().await;
    for number in 1..=2 {
        mailbox.register(EMAIL).await;
        mailbox.mails(number).await;
    }
    let tokens: Vec<_> = mailbox.mails(2).await.iter().map(token).collect();
    let results = join_all(tokens.iter().map(|token| mailbox.verify(token))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1);
    let taken = results.into_iter().find(Result::is_err).unwrap();
    assert_error(taken, Code::AlreadyExists, "EMAIL_TAKEN", "AUTH011");
    assert_eq!(mailbox.count("users WHERE is_verified").await, 1);
    mailbox.finish().await;
}
