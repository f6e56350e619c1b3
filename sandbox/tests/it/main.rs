//! The sandbox over real HTTP, provider by provider: what our clients rely on, told in exact answers.

#![expect(clippy::unwrap_used, reason = "a failed setup fails the test")]

mod client;
mod faults;
mod fcm;
mod kakao;
mod pages;
mod toss_billing;
mod toss_idempotency;
mod toss_payments;
mod toss_webhooks;
