//! Converts any message of the contract to the JSON of the REST API and back.
//!
//! The mapping is that of the product's REST contract, not protobuf's own: snake_case names, enums as lower-case words
//! (`BOOKING_STATUS_PENDING` ⇄ `pending`), 64-bit integers as numbers. Unset messages, `optional` fields and enums are left
//! out; all other fields are written, also when they are empty. Well-known types (times, durations, structs) keep protobuf's
//! mapping.

mod decode;
mod decode_error;
mod encode;
mod field_path;
mod scalar;
mod schema;
mod strict_parse;
mod wire;

pub use decode_error::{DecodeError, Expected};
pub use encode::MessageView;
pub use schema::{MessageType, Schema};
pub use strict_parse::parse;
pub use wire::EncodeError;

use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};

/// Maximum nesting of messages in a request.
pub const MAX_DEPTH: usize = 32;

/// Upper bound of the violations of a reply, so that a small request has no large one.
pub const MAX_VIOLATIONS: usize = 100;

/// Returns whether protobuf has a special JSON mapping for the message.
pub(crate) fn is_well_known(descriptor: &MessageDescriptor) -> bool {
    descriptor.package_name() == "google.protobuf"
}

/// Returns whether an unset field is left out. Of others, unset and empty are the same.
pub(crate) fn is_omitted_when_unset(field: &FieldDescriptor) -> bool {
    field.supports_presence() || (matches!(field.kind(), Kind::Enum(_)) && !field.is_list())
}
