//! Failures of providers, PostgreSQL and Redis: clean errors, and every accepted request completes once.

mod kakao;
mod late_events;
mod postgres;
mod push;
mod redis;
mod refund;
mod toss;
mod webhook;
