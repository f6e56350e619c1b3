//! The JSON of the REST front, for any message of the contract.
//!
//! The conventions are those of the product's REST contract, not protobuf's own: snake_case names, enums as lower-case
//! words (`BOOKING_STATUS_PENDING` ⇄ `pending`), 64-bit integers as numbers. Fields that are not set are left out when
//! the contract can tell (messages, `optional` fields, enums at their zero); all others are printed, also when empty.
//! Well-known types (times, durations, structs) keep protobuf's mapping.

mod decode;
mod decode_error;
mod encode;
mod field_path;
mod scalar;
mod strict_parse;

pub use decode::{read, read_field};
pub use decode_error::{Expected, Fault};
pub use encode::{Json, JsonField};
pub use scalar::from_text;
pub use strict_parse::parse;

use prost_reflect::MessageDescriptor;

/// Messages may be nested this deep; what is deeper is refused.
pub const MAX_DEPTH: usize = 32;

/// Types that protobuf maps to JSON in a way of their own.
pub(crate) fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.package_name() == "google.protobuf"
}
