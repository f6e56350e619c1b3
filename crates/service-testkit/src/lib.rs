//! Test harness of the five services: the real server on a fresh database, with a manual clock, access tokens and
//! publishers in place of the other services. For dev-dependencies only.
#![deny(missing_docs)]

mod calls;
mod instance;
mod publisher;
mod queries;
mod service;
mod setup;

pub use calls::{
    assert_code, assert_reason, from_service, into_message, timestamp, wait_until, with_idempotency_key,
    with_metadata,
};
pub use instance::Instance;
pub use service::{Person, TestService};
pub use setup::{Setup, database, load_config};

use std::time::Duration;

/// Upper bound of every wait; generous, for busy machines.
pub const WAIT_TIMEOUT: Duration = Duration::from_secs(30);
