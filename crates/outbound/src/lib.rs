//! HTTP client for third parties: timeouts, safe retries, a circuit breaker and metrics, without secrets in logs. It knows
//! no provider; the caller interprets the reply.
//!
//! [`OutboundError::effect`] says whether a failed call can have had an effect: a payment that was never sent may be sent
//! again, one that may have been charged must be looked up first.

#![warn(missing_docs)]

mod attempt;
mod breaker;
mod call;
mod client;
mod config;
mod error;
mod metrics;
mod reply;
mod request;
mod retry_after;
mod shared;

pub use client::HttpClient;
pub use config::Config;
pub use error::{Effect, OutboundError};
pub use http::{Method, StatusCode};
pub use reply::{Reply, UnreadableBody};
pub use request::{RequestBuilder, segment};
