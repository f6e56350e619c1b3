//! Integration tests of the sandbox over HTTP, with exact replies.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod client;
mod faults;
mod fcm;
mod kakao;
mod pages;
mod smtp;
mod toss_billing;
mod toss_idempotency;
mod toss_payments;
mod toss_webhooks;
