//! The JSON of the REST front, for any message of the contract.
//!
//! The conventions are those of the product's REST contract, not protobuf's own: snake_case names, enums as lower-case
//! words (`BOOKING_STATUS_PENDING` ⇄ `pending`), 64-bit integers as numbers. Fields that are not set are left out when
//! the contract can tell (messages, `optional` fields, enums at their zero); all others are printed, also when empty.
//! Well-known types (times, durations, structs) keep protobuf's mapping.

mod fault;
mod parse;
mod place;
mod read;
mod scalar;
mod write;

pub use fault::{Expected, Fault};
pub use parse::parse;
pub use read::{read, read_field};
pub use scalar::from_text;
pub use write::{Json, JsonField};

use prost_reflect::MessageDescriptor;

/// Messages may be nested this deep; what is deeper is refused.
pub const MAX_DEPTH: usize = 32;

/// Types that protobuf maps to JSON in a way of their own.
pub(crate) fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.package_name() == "google.protobuf"
}
