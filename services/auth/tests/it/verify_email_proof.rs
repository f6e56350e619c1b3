//! `VerifyEmail` needs a session or the password of the account, so that nobody verifies an account that a stranger registered.

use carshare_proto::auth::v1::*;
use carshare_service_testkit::{into_message, with_metadata};
use tonic::Code;

use crate::harness::*;
use crate::mailbox::*;

#[tokio::test]
async fn owner_of_the_mailbox_does_not_verify_the_account_that_a_stranger_registered() {
    let mailbox = Mailbox::start().await;
    let stranger = mailbox.register_with(OTHER_PASSWORD).await;
    let stranger_token = mailbox.token(1).await;
    let owner = mailbox.register(EMAIL).await;
    let owner_token = mailbox.token(2).await;

    // The owner opens the older mail.
    let missing = mailbox.verify_with(&stranger_token, None).await;
    assert_error(missing, Code::InvalidArgument, "PASSWORD_REQUIRED", "AUTH033");
    let refused = mailbox.verify_with(&stranger_token, Some(PASSWORD)).await;
    assert_error(refused, Code::InvalidArgument, "WRONG_PASSWORD", "AUTH016");
    let signed_in = verify_as(&mailbox, &stranger_token, &owner).await;
    assert_error(signed_in, Code::InvalidArgument, "PASSWORD_REQUIRED", "AUTH033");
    assert_eq!(mailbox.count("users WHERE is_verified").await, 0);

    mailbox.verify_with(&owner_token, Some(PASSWORD)).await.unwrap();
    assert!(mailbox.me(&owner.access_token).await.unwrap().is_verified);
    assert!(!mailbox.me(&stranger.access_token).await.unwrap().is_verified);
    mailbox.finish().await;
}

#[tokio::test]
async fn session_of_the_account_needs_no_password_and_a_refused_token_stays_valid() {
    let mailbox = Mailbox::start().await;
    let account = mailbox.register(EMAIL).await;
    let token = mailbox.token(1).await;
    for wrong in [None, Some(OTHER_PASSWORD), None] {
        mailbox.verify_with(&token, wrong).await.unwrap_err();
    }
    verify_as(&mailbox, &token, &account).await.unwrap();
    assert!(mailbox.me(&account.access_token).await.unwrap().is_verified);
    mailbox.finish().await;
}

#[tokio::test]
async fn wrong_passwords_are_delayed_like_those_of_logins_and_recorded() {
    let mailbox = Mailbox::start().await;
    mailbox.register(EMAIL).await;
    let token = mailbox.token(1).await;
    mailbox.verify_with(&token, None).await.unwrap_err();
    for _ in 0..4 {
        let refused = mailbox.verify_with(&token, Some(OTHER_PASSWORD)).await;
        assert_error(refused, Code::InvalidArgument, "WRONG_PASSWORD", "AUTH016");
    }
    let delayed = mailbox.verify_with(&token, Some(PASSWORD)).await;
    assert_error(delayed, Code::ResourceExhausted, "LOGIN_DELAYED", "AUTH019");
    mailbox.verify("never-sent-to-anybody").await.unwrap_err();
    let refusals: Vec<String> = sqlx::query_scalar(
        "SELECT reason FROM audit_events WHERE action = 'email_verify' AND outcome = 'failure' ORDER BY id",
    )
    .fetch_all(&mailbox.sql)
    .await
    .unwrap();
    let wrong = ["wrong_password"; 4];
    assert_eq!(
        refusals,
        [&["password_required"][..], &wrong, &["delayed", "invalid_token"]].concat()
    );
    mailbox.finish().await;
}

#[tokio::test]
async fn mail_names_time_and_device_of_the_registration_without_text_of_the_client() {
    let mailbox = Mailbox::start().await;
    let agent = "Mozilla/5.0 (Linux; Android 15) call-0900-1234";
    let request = with_metadata(from_address(guest(EMAIL), "203.0.113.7"), "user-agent", agent);
    let account = into_message(mailbox.client().register(request).await).unwrap();
    let first = mailbox.mails(1).await.remove(0).text;
    mailbox.resend(&account.access_token).await.unwrap();
    let second = mailbox.mails(2).await.remove(1).text;
    for text in [first, second] {
        assert!(
            text.contains("2026-11-22 21:00 (한국 시각), Android 기기"),
            "{text}"
        );
        assert!(
            text.contains("2026-11-22 21:00 (Korean time), Android device"),
            "{text}"
        );
        assert!(!text.contains("0900") && !text.contains("김민지"), "{text}");
    }
    mailbox.finish().await;
}

async fn verify_as(mailbox: &Mailbox, token: &str, session: &AuthResponse) -> Result<(), tonic::Status> {
    let request = VerifyEmailRequest {
        token: token.to_owned(),
        password: None,
    };
    let request = bearer(request, &session.access_token);
    let mut emails = mailbox.replica.emails();
    emails.verify_email(request).await.map(|_| ())
}
