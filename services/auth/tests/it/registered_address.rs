//! Registration of an address that has accounts: nobody else learns of it, and its owner is not affected.

use std::time::Duration;

use carshare_auth::passwords::HASHES_TOTAL;
use carshare_proto::auth::v1::*;
use metrics_exporter_prometheus::PrometheusBuilder;
use tonic::Code;

use crate::harness::*;
use crate::mailbox::*;

#[tokio::test]
async fn registration_of_a_verified_address_has_the_reply_of_a_fresh_one_and_a_mail_tells_the_owner() {
    let mailbox = Mailbox::start().await;
    let owner = mailbox.verified().await;
    let request = |email: &str| RegisterRequest {
        password: OTHER_PASSWORD.into(),
        ..guest(email)
    };
    let taken = mailbox
        .client()
        .register(request("MINJI@example.com"))
        .await
        .unwrap();
    let fresh = mailbox
        .client()
        .register(request("sujin@example.com"))
        .await
        .unwrap();
    let names = |reply: &tonic::Response<AuthResponse>| {
        let keys = reply.metadata().keys().map(|key| format!("{key:?}"));
        keys.collect::<Vec<_>>()
    };
    assert_eq!(names(&taken), names(&fresh));
    let (taken, fresh) = (taken.into_inner(), fresh.into_inner());
    let comparable = |reply: &AuthResponse| User {
        id: String::new(),
        email: String::new(),
        etag: None,
        ..reply.user.clone().unwrap()
    };
    assert_eq!(comparable(&taken), comparable(&fresh));
    assert_eq!(taken.expires_in, fresh.expires_in);
    assert_ne!(id(&taken), owner);
    let stranger = mailbox.me(&taken.access_token).await.unwrap();
    assert_eq!((stranger.email.as_str(), stranger.is_verified), (EMAIL, false));

    let mails = mailbox.mails(3).await;
    let notice = mails[1..].iter().find(|mail| mail.to == EMAIL).unwrap();
    assert_eq!(
        notice.subject,
        "[카셰어링] 이미 가입된 이메일입니다 · You already have an account"
    );
    let stored: Vec<Vec<u8>> = sqlx::query_scalar("SELECT token_hash FROM mails")
        .fetch_all(&mailbox.sql)
        .await
        .unwrap();
    assert_eq!(stored.len(), 3);
    assert!(!notice.text.contains('#'), "{}", notice.text);
    mailbox.finish().await;
}

#[tokio::test]
async fn owner_signs_in_and_resets_as_before_whatever_strangers_register() {
    let mailbox = Mailbox::start().await;
    let owner = mailbox.verified().await;
    for number in 0..5 {
        mailbox.register_with(&format!("stranger horse {number}")).await;
    }
    assert_eq!(id(&mailbox.login_with(PASSWORD).await.unwrap()), owner);
    let stranger = mailbox.login_with("stranger horse 4").await.unwrap();
    assert_ne!(id(&stranger), owner);
    let wrong = mailbox.login_with("nobody's horse 1").await;
    assert_error(wrong, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");

    mailbox.request_reset(EMAIL).await.unwrap();
    // One verification, three notices of the registrations, the reset.
    let mails = mailbox.mails(4).await;
    assert_eq!(mails.iter().filter(|mail| mail.to == EMAIL).count(), 4);
    let reset = mails.iter().find(|mail| mail.subject.contains("재설정")).unwrap();
    mailbox.reset(&token(reset), "a third horse 33").await.unwrap();
    assert_eq!(id(&mailbox.login_with("a third horse 33").await.unwrap()), owner);
    assert_eq!(
        id(&mailbox.login_with("stranger horse 4").await.unwrap()),
        id(&stranger)
    );
    mailbox.finish().await;
}

/// Which of five accounts of the address, registered by one caller, can sign in afterwards.
async fn sign_ins(mailbox: &Mailbox) -> Vec<bool> {
    for number in 0..5 {
        mailbox.register_with(&format!("stranger horse {number}")).await;
        mailbox.advance(Duration::from_secs(1));
    }
    let mut results = Vec::new();
    for number in 0..5 {
        let result = mailbox.login_with(&format!("stranger horse {number}")).await;
        results.push(result.is_ok());
    }
    results
}

#[tokio::test]
async fn sign_ins_of_strangers_do_not_tell_whether_the_address_had_an_account() {
    let fresh = Mailbox::start().await;
    let expected = [true; 5];
    assert_eq!(sign_ins(&fresh).await, expected);
    fresh.finish().await;

    let unverified = Mailbox::start().await;
    unverified.register(EMAIL).await;
    unverified.advance(Duration::from_secs(1));
    assert_eq!(sign_ins(&unverified).await, expected);
    unverified.finish().await;

    let verified = Mailbox::start().await;
    verified.verified().await;
    verified.advance(Duration::from_secs(1));
    assert_eq!(sign_ins(&verified).await, expected);
    verified.finish().await;
}

#[tokio::test]
async fn failed_sign_in_computes_one_hash_whatever_accounts_the_address_has() {
    let recorder = PrometheusBuilder::new().build_recorder();
    let metrics = recorder.handle();
    let _recorder = ::metrics::set_default_local_recorder(&recorder);
    let mailbox = Mailbox::start().await;
    let line = format!("{HASHES_TOTAL}{{purpose=\"verify\"}} ");
    let hashes = || {
        let rendered = metrics.render();
        let count = rendered.lines().find_map(|found| found.strip_prefix(&line));
        count.map_or(0, |count| count.parse::<u64>().unwrap())
    };
    let failed = async || {
        let before = hashes();
        let wrong = mailbox.login_with("nobody's horse 1").await;
        assert_error(wrong, Code::Unauthenticated, "INVALID_CREDENTIALS", "AUTH010");
        hashes() - before
    };
    assert_eq!(failed().await, 1, "no account");
    mailbox.register(EMAIL).await;
    mailbox.register_with("stranger horse 1").await;
    assert_eq!(failed().await, 1, "no verified account");
    let verify = "UPDATE users SET is_verified = true WHERE email IS NOT NULL";
    sqlx::query(verify).execute(&mailbox.sql).await.unwrap();
    assert_eq!(failed().await, 1, "a verified and a provisional account");
    sqlx::query("DELETE FROM users WHERE provisional_email IS NOT NULL")
        .execute(&mailbox.sql)
        .await
        .unwrap();
    mailbox.advance(Duration::from_mins(2));
    assert_eq!(failed().await, 1, "a verified account only");
    mailbox.finish().await;
}
