//! The JSON of the REST front, for any message of the contract.
//!
//! The conventions are those of the product's REST contract, not protobuf's own: snake_case names, enums as lower-case
//! words (`BOOKING_STATUS_PENDING` ⇄ `pending`), 64-bit integers as numbers. Fields that are not set are left out when
//! the contract can tell (messages, `optional` fields, enums at their zero); all others are printed, also when empty.
//! Well-known types (times, durations, structs) keep protobuf's mapping.

mod decode_error;
mod strict_parse;
mod field_path;
mod decode;
mod scalar;
mod encode;

pub use decode_error::{Expected, Fault};
pub use strict_parse::parse;
pub use decode::{read, read_field};
pub use scalar::from_text;
pub use encode::{Json, JsonField};

use prost_reflect::MessageDescriptor;

/// Messages may be nested this deep; what is deeper is refused.
pub const MAX_DEPTH: usize = 32;

/// Types that protobuf maps to JSON in a way of their own.
pub(crate) fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.package_name() == "google.protobuf"
}
