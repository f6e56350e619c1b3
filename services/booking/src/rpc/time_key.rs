//! Sort keys of lists by time in page tokens.

use carshare_chassis::pagination::{self, SortKey};
use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::error::Error;

pub fn encode(time: DateTime<Utc>, id: Uuid) -> [u8; SortKey::LEN] {
    let number = time.timestamp_micros();
    SortKey { number, id }.encode()
}

/// Decodes the key in a page token. `INVALID_ARGUMENT` when its time is out of range.
pub fn decode(bytes: [u8; SortKey::LEN]) -> Result<(DateTime<Utc>, Uuid), Error> {
    let key = SortKey::decode(bytes);
    let time = DateTime::from_timestamp_micros(key.number).ok_or_else(pagination::invalid_page_token)?;
    Ok((time, key.id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use carshare_proto::common::v1::ErrorReason as Common;
    use proptest::prelude::*;

    #[test]
    fn key_with_a_time_out_of_range_is_refused() {
        let refused = decode([0x7F; SortKey::LEN]).unwrap_err();
        assert!(carshare_chassis::Error::from(refused).is(Common::InvalidArgument));
    }

    proptest! {
        #[test]
        fn key_round_trips(micros in 0i64..4_102_444_800_000_000, id in any::<u128>()) {
            let time = DateTime::from_timestamp_micros(micros).unwrap();
            let id = Uuid::from_u128(id);
            prop_assert_eq!(decode(encode(time, id)).unwrap(), (time, id));
        }
    }
}
