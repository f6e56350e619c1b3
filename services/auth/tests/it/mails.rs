//! Sending of mails: retries, limits, secrets.

use std::time::Duration;

use carshare_sandbox::{Fault, Provider};
use carshare_testkit::{eventually_true, free_port};
use futures::future::join_all;

use crate::harness::*;
use crate::mailbox::*;

/// Longer than the delays of the first attempts.
const RETRY: Duration = Duration::from_mins(10);

#[tokio::test]
async fn mail_that_is_refused_for_now_is_sent_again_later() {
    let mailbox = Mailbox::start().await;
    mailbox.sandbox.inject(Fault::error(Provider::Smtp, EMAIL, 451));
    mailbox.sandbox.inject(Fault::refuse(Provider::Smtp, EMAIL));
    mailbox.register(EMAIL).await;
    for left in [1, 0] {
        eventually_true(TIMEOUT, async || mailbox.sandbox.faults().len() == left).await;
        assert!(mailbox.sandbox.mails().is_empty());
        eventually_true(TIMEOUT, async || {
            mailbox
                .count("mails WHERE outcome IS NOT NULL AND due_at IS NOT NULL")
                .await
                == 1
        })
        .await;
        mailbox.advance(RETRY);
    }
    mailbox.verify(&mailbox.token(1).await).await.unwrap();
    assert_eq!(mailbox.outcomes().await, ["sent"]);
    mailbox.finish().await;
}

#[tokio::test]
async fn mail_that_the_server_rejects_is_not_sent_again() {
    let mailbox = Mailbox::start().await;
    mailbox.sandbox.inject(Fault::error(Provider::Smtp, EMAIL, 550));
    mailbox.register(EMAIL).await;
    assert_eq!(mailbox.outcomes().await, ["rejected"]);
    mailbox.finish().await;
}

#[tokio::test]
async fn mail_whose_reply_was_lost_is_sent_again_with_the_same_id_and_token() {
    let mailbox = Mailbox::start().await;
    mailbox.sandbox.inject(Fault::lost_reply(Provider::Smtp, EMAIL));
    mailbox.register(EMAIL).await;
    mailbox.mails(1).await;
    eventually_true(TIMEOUT, async || {
        mailbox.count("mails WHERE outcome = 'connection'").await == 1
    })
    .await;
    mailbox.advance(RETRY);
    let mails = mailbox.mails(2).await;
    assert_eq!(mails[0].message_id, mails[1].message_id);
    assert_eq!(token(&mails[0]), token(&mails[1]));
    mailbox.verify(&token(&mails[0])).await.unwrap();
    mailbox.finish().await;
}

#[tokio::test]
async fn mails_arrive_once_the_server_is_reachable_and_each_once_with_two_replicas() {
    let port = free_port().unwrap();
    let mailbox = Mailbox::start_with(|config| config.mail.port = port).await;
    let second = Replica::start(mailbox.replica.config.clone(), 2).await;
    let accounts = (0..10).map(|number| {
        let mailbox = &mailbox;
        async move { mailbox.register(&format!("guest{number}@example.com")).await }
    });
    join_all(accounts).await;
    eventually_true(TIMEOUT, async || {
        mailbox.count("mails WHERE outcome = 'connection'").await == 10
    })
    .await;
    let server = sandbox(port).await;
    mailbox.advance(RETRY);
    second.clock.advance(RETRY);
    assert_eq!(mailbox.outcomes().await, ["sent"; 10]);
    let mut ids: Vec<_> = server.mails().into_iter().map(|mail| mail.message_id).collect();
    ids.sort();
    ids.dedup();
    assert_eq!((ids.len(), server.mails().len()), (10, 10));
    second.finish().await;
    mailbox.finish().await;
    server.shutdown().await;
}

#[tokio::test]
async fn address_gets_three_mails_an_hour_and_ten_a_day() {
    let mailbox =
        Mailbox::start_with(|config| config.sessions.access_token_ttl = Duration::from_hours(48)).await;
    let account = mailbox.register(EMAIL).await;
    let mut expected = 0;
    for hour in 0..5 {
        let sends = (0..6).map(|_| mailbox.resend(&account.access_token));
        for sent in join_all(sends).await {
            sent.unwrap();
        }
        mailbox.outcomes().await;
        expected = (expected + 3).min(10);
        assert_eq!(mailbox.sandbox.mails().len(), expected, "hour {hour}");
        mailbox.advance(Duration::from_mins(61));
    }
    // Another address and another kind have limits of their own.
    mailbox.register("sujin@example.com").await;
    mailbox.request_reset(EMAIL).await.unwrap();
    mailbox.mails(12).await;
    mailbox.advance(Duration::from_hours(24));
    mailbox.resend(&account.access_token).await.unwrap();
    mailbox.mails(13).await;
    mailbox.finish().await;
}

#[tokio::test]
async fn mail_whose_token_has_expired_is_not_sent() {
    let mailbox = Mailbox::start().await;
    mailbox.sandbox.inject(Fault::error(Provider::Smtp, EMAIL, 451));
    mailbox.register(EMAIL).await;
    eventually_true(TIMEOUT, async || {
        mailbox.count("mails WHERE outcome = '451'").await == 1
    })
    .await;
    mailbox.advance(Duration::from_hours(25));
    assert_eq!(mailbox.outcomes().await, ["not_needed"]);
    assert!(mailbox.sandbox.mails().is_empty());
    mailbox.finish().await;
}

#[tokio::test]
async fn table_contains_neither_address_nor_token() {
    let mailbox = Mailbox::start().await;
    mailbox.sandbox.inject(Fault::error(Provider::Smtp, EMAIL, 451));
    mailbox.register(EMAIL).await;
    eventually_true(TIMEOUT, async || {
        mailbox.count("mails WHERE outcome = '451'").await == 1
    })
    .await;
    let dump = || async {
        let sql = "SELECT string_agg(encode(m::text::bytea, 'escape'), ' ') FROM mails m";
        let text: String = sqlx::query_scalar(sql).fetch_one(&mailbox.sql).await.unwrap();
        text
    };
    let pending = dump().await;
    mailbox.advance(RETRY);
    let token = mailbox.token(1).await;
    mailbox.outcomes().await;
    for text in [pending, dump().await] {
        for secret in [EMAIL, "minji", &token] {
            assert!(!text.contains(secret) && !text.contains(&hex::encode(secret)));
        }
    }
    assert_eq!(mailbox.count("mails WHERE sealed IS NOT NULL").await, 0);
    mailbox.finish().await;
}
