//! The outside environment and the servers fail: what is refused is refused cleanly, what was promised still happens, once.

mod kakao;
mod postgres;
mod push;
mod redis;
mod refund;
mod toss;
mod webhook;
