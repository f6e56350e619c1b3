//! Page tokens of `ListBookings`: the place of the last booking shown, opaque to clients.

use carshare_chassis::pagination;
use chrono::DateTime;
use uuid::Uuid;

use crate::domain::BookingId;
use crate::error::Error;
use crate::store::bookings::Place;

/// The token for a place: its microseconds since 1970 and its id.
pub fn token(place: Place) -> String {
    let mut bytes = place.created_at.timestamp_micros().to_be_bytes().to_vec();
    bytes.extend_from_slice(place.id.0.as_bytes());
    pagination::page_token(&bytes)
}

/// The place behind a token; none for the first page. Whatever we did not make is refused.
pub fn place(token: &str) -> Result<Option<Place>, Error> {
    let bytes = pagination::decode_page_token::<24>(token)?;
    let place = bytes.map(|bytes| parse(bytes).ok_or_else(pagination::invalid_page_token));
    Ok(place.transpose()?)
}

fn parse(bytes: [u8; 24]) -> Option<Place> {
    let (micros, id) = bytes.split_first_chunk::<8>()?;
    Some(Place {
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
    fn no_token_is_the_first_page() {
        assert_eq!(place("").unwrap(), None);
    }

    proptest! {
        #[test]
        fn a_token_gives_its_place_back(micros in 0i64..4_102_444_800_000_000, id in any::<u128>()) {
            let created_at = DateTime::from_timestamp_micros(micros).unwrap();
            let at = Place { created_at, id: BookingId(Uuid::from_u128(id)) };
            prop_assert_eq!(place(&token(at)).unwrap(), Some(at));
        }

        #[test]
        fn anything_else_is_refused_by_name(text in "[A-Za-z0-9_=+/-]{1,31}|.{33,64}") {
            let refused = chassis::Error::from(place(&text).unwrap_err());
            prop_assert_eq!(refused.violations()[0].field.as_str(), "page_token");
        }
    }
}
