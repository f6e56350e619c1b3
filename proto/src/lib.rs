//! The published contract of the mesh, as Rust: messages, clients, servers, events, options and error reasons.
//!
//! Everything here is generated from `carshare/**/*.proto`; the hand-written modules read what the options say:
//!
//! | module | gives |
//! |---|---|
//! | [`contract`] | who may call an RPC, its HTTP route, REST presentation and rate-limit class |
//! | [`errors`] | the facts (code, status, Korean and English text) behind every error reason |
//! | [`events`] | name and key of every event message |
//! | [`codec`] | the gRPC codec that enforces the `buf.validate` rules on everything that is decoded |
//! | [`enum_names`] | enum values as the lower-case words REST uses |
//!
//! It holds no behaviour of any service.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub mod codec;
pub mod contract;
pub mod enum_names;
pub mod errors;
pub mod events;

#[expect(
    clippy::all,
    clippy::pedantic,
    clippy::allow_attributes,
    reason = "generated code follows the generator's style"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/mod.rs"));
}

pub use generated::carshare::{auth, booking, common, event_log, notification, options, payment, vehicle};
pub use generated::google;

/// The whole contract as an encoded `FileDescriptorSet`, with options and comments, imports included.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// [`DESCRIPTOR_SET`], decoded once.
pub static DESCRIPTOR_POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(
        clippy::expect_used,
        reason = "the bytes were written by our own build; there is nothing to fall back to"
    )]
    DescriptorPool::decode(DESCRIPTOR_SET).expect("the embedded descriptor set decodes")
});
