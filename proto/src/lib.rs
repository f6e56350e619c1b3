//! The API of the mesh in Rust: messages, clients, servers, events, options and error reasons.
//!
//! Generated from `carshare/**/*.proto`; the hand-written modules evaluate the options:
//!
//! | module | provides |
//! |---|---|
//! | [`contract`] | access rule, HTTP route, REST presentation and rate-limit class of an RPC |
//! | [`errors`] | code, status, Korean and English message of every error reason |
//! | [`events`] | name and key of every event message |
//! | [`lists`] | page size and page token of every list request |
//! | [`client_protos`] | the protos without custom options and internal RPCs, for app developers |
//! | [`codec`] | the gRPC codec that enforces the `buf.validate` rules on every decoded message |
//! | [`enum_names`] | the lower-case names of enum values in REST |
//! | [`approximate_place`] | what a car shows of its place to those who have not booked it |

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

pub mod approximate_place;
pub mod client_protos;
pub mod codec;
pub mod contract;
pub mod enum_names;
pub mod errors;
pub mod events;
pub mod lists;
mod rating;

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

/// All protos and their imports as an encoded `FileDescriptorSet`, with options and comments.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// Descriptor pool of [`DESCRIPTOR_SET`].
pub static DESCRIPTOR_POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    #[expect(clippy::expect_used, reason = "the build script wrote the bytes")]
    DescriptorPool::decode(DESCRIPTOR_SET).expect("the embedded descriptor set decodes")
});
