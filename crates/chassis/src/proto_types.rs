//! Converts timestamps and ids between the contract and Rust. Errors name the field; most invalid values are refused by the
//! `buf.validate` rules before.

use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

use crate::error::Error;

/// Converts a time to a protobuf timestamp.
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

/// Converts a timestamp; `None` when it is absent or out of range.
pub fn to_datetime(timestamp: Option<Timestamp>) -> Option<DateTime<Utc>> {
    let Timestamp { seconds, nanos } = timestamp?;
    DateTime::from_timestamp(seconds, u32::try_from(nanos).ok()?)
}

/// Parses the UUID in `field`.
pub fn uuid(field: &str, text: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| Error::invalid(field, "UUID 형식이어야 합니다.", "must be a UUID"))
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;

    use super::*;

    #[test]
    fn timestamps_round_trip() {
        for text in ["2026-12-01T09:00:00.123456Z", "1969-12-31T23:59:59.999999Z"] {
            let at: DateTime<Utc> = text.parse().unwrap();
            assert_eq!(to_datetime(Some(timestamp(at))), Some(at));
        }
    }

    #[test]
    fn out_of_range_timestamps_are_none() {
        let at = |seconds, nanos| Some(Timestamp { seconds, nanos });
        for wrong in [None, at(i64::MAX, 0), at(0, -1), at(0, i32::MAX)] {
            assert_eq!(to_datetime(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn malformed_uuid_names_its_field() {
        let id = Uuid::from_u128(7);
        assert_eq!(uuid("booking_id", &id.to_string()).unwrap(), id);
        let refused = uuid("booking_id", "x").unwrap_err();
        assert!(refused.is(Common::InvalidArgument));
        assert_eq!(refused.violations()[0].field, "booking_id");
    }
}
