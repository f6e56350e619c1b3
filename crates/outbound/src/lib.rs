//! The HTTP client for third parties: time limits, retries that are safe, a circuit breaker, one set of metrics, and
//! nothing secret in any log. It knows no provider; what an answer means is for the caller to say.
//!
//! The one question it answers with care is whether a failed call can have had an effect ([`OutboundError::effect`]): a
//! payment that was never sent may be sent again, one that may have been charged must be asked about first.

#![warn(missing_docs)]

mod attempt;
mod backoff;
mod breaker;
mod client;
mod config;
mod error;
mod metrics;
mod reply;
mod request;
mod send;

pub use client::HttpClient;
pub use config::Config;
pub use error::{Effect, OutboundError};
pub use http::{Method, StatusCode};
pub use reply::Reply;
pub use request::{RequestBuilder, segment};
