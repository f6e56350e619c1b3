//! Times on the wire.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;

/// A time as the contract has it.
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}
