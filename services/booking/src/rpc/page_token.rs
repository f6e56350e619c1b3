//! Page tokens of `ListBookings`: the sort key of the last booking of a page.

use carshare_chassis::pagination;
use chrono::DateTime;
use uuid::Uuid;

use crate::domain::BookingId;
use crate::error::Error;
use crate::store::bookings::PageKey;

/// Returns the bytes of a key: microseconds since 1970 and the id.
pub fn key_bytes(key: PageKey) -> Vec<u8> {
    let mut bytes = key.created_at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(key.id.0.as_bytes());
    bytes
}

/// Decodes a token: `None` for the first page, an error for a token that this service did not issue.
pub fn decode(token: &str) -> Result<Option<PageKey>, Error> {
    let bytes = pagination::decode_page_token::<24>(token)?;
    let key = bytes.map(|bytes| parse(bytes).ok_or_else(pagination::invalid_page_token));
    Ok(key.transpose()?)
}

fn parse(bytes: [u8; 24]) -> Option<PageKey> {
    let (micros, id) = bytes.split_first_chunk::<8>()?;
    Some(PageKey {
        created_at: DateTime::from_timestamp_micros(i64::from_be_bytes(*micros))?,
        id: BookingId(Uuid::from_slice(id).ok()?),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use carshare_chassis as chassis;
    use proptest::prelude::*;

    #[test]
    fn empty_token_is_the_first_page() {
        assert_eq!(decode("").unwrap(), None);
    }

    proptest! {
        #[test]
        fn key_round_trips(micros in 0i64..4_102_444_800_000_000, id in any::<u128>()) {
            let created_at = DateTime::from_timestamp_micros(micros).unwrap();
            let key = PageKey { created_at, id: BookingId(Uuid::from_u128(id)) };
            prop_assert_eq!(decode(&pagination::page_token(&key_bytes(key))).unwrap(), Some(key));
        }

        #[test]
        fn other_text_is_refused_by_field(text in "[A-Za-z0-9_=+/-]{1,31}|.{33,64}") {
            let refused = chassis::Error::from(decode(&text).unwrap_err());
            prop_assert_eq!(refused.violations()[0].field.as_str(), "page_token");
        }
    }
}
