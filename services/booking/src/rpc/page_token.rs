//! Sort key in the page tokens of `ListBookings`: that of the last booking of a page.

use chrono::DateTime;
use uuid::Uuid;

use crate::domain::BookingId;
use crate::store::bookings::PageKey;

/// Length of an encoded key.
pub const LEN: usize = 24;

/// Encodes a key: microseconds since 1970 and the id.
pub fn encode(key: PageKey) -> Vec<u8> {
    let mut bytes = key.created_at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(key.id.0.as_bytes());
    bytes
}

/// Decodes a key; `None` when its time is out of range.
pub fn decode(bytes: [u8; LEN]) -> Option<PageKey> {
    let (micros, id) = bytes.split_first_chunk::<8>()?;
    Some(PageKey {
        created_at: DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?,
        id: BookingId(Uuid::from_slice(id).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn key_with_a_time_out_of_range_is_refused() {
        assert_eq!(decode([0x7F; LEN]), None);
    }

    proptest! {
        #[test]
        fn key_round_trips(micros in 0i64..4_102_444_800_000_000, id in any::<u128>()) {
            let created_at = DateTime::from_timestamp_micros(micros).unwrap();
            let key = PageKey { created_at, id: BookingId(Uuid::from_u128(id)) };
            prop_assert_eq!(decode(encode(key).try_into().unwrap()), Some(key));
        }
    }
}
