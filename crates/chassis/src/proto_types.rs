//! Moments, ids and page tokens as the contract writes them, and back. What a client sent wrongly is refused by the name of
//! its field; the `buf.validate` rules have seen most of it before.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use uuid::Uuid;

use crate::error::Error;

/// A moment for the wire.
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp {
        seconds: time.timestamp(),
        nanos: time.timestamp_subsec_nanos().cast_signed(),
    }
}

/// The moment of a timestamp; `None` when it is not there, or no calendar holds it.
pub fn moment(timestamp: Option<Timestamp>) -> Option<DateTime<Utc>> {
    let Timestamp { seconds, nanos } = timestamp?;
    DateTime::from_timestamp(seconds, u32::try_from(nanos).ok()?)
}

/// The id in a field.
pub fn uuid(field: &str, text: &str) -> Result<Uuid, Error> {
    Uuid::parse_str(text).map_err(|_| Error::invalid(field, "UUID 형식이어야 합니다.", "must be a UUID"))
}

/// The token of a page that goes on behind a place in its list. Opaque to clients: only [`decode_page_token`] reads it.
pub fn page_token(place: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(place)
}

/// The place behind the field `page_token`: `None` for the first page, a refusal for what is no place of this length.
pub fn decode_page_token<const N: usize>(token: &str) -> Result<Option<[u8; N]>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let place = bytes.and_then(|bytes| bytes.try_into().ok());
    place.map(Some).ok_or_else(invalid_page_token)
}

/// The refusal of a page token that is not one of the list asked for.
pub fn invalid_page_token() -> Error {
    Error::invalid(
        "page_token",
        "이 목록의 페이지 토큰이 아닙니다.",
        "is not a page token of this list",
    )
}

#[cfg(test)]
mod tests {
    use carshare_proto::common::v1::ErrorReason as Common;

    use super::*;

    #[test]
    fn moments_survive_the_wire() {
        for text in ["2026-12-01T09:00:00.123456Z", "1969-12-31T23:59:59.999999Z"] {
            let at: DateTime<Utc> = text.parse().unwrap();
            assert_eq!(moment(Some(timestamp(at))), Some(at));
        }
    }

    #[test]
    fn what_no_calendar_holds_is_no_moment() {
        let at = |seconds, nanos| Some(Timestamp { seconds, nanos });
        for wrong in [None, at(i64::MAX, 0), at(0, -1), at(0, i32::MAX)] {
            assert_eq!(moment(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn an_id_that_is_none_names_its_field() {
        let id = Uuid::from_u128(7);
        assert_eq!(uuid("booking_id", &id.to_string()).unwrap(), id);
        let refused = uuid("booking_id", "x").unwrap_err();
        assert!(refused.is(Common::InvalidArgument));
        assert_eq!(refused.violations()[0].field, "booking_id");
    }

    #[test]
    fn a_token_gives_its_place_back() {
        let place = [7, 0, 255, 62, 63, 1, 2, 3];
        assert_eq!(decode_page_token(&page_token(&place)).unwrap(), Some(place));
        assert_eq!(decode_page_token::<8>("").unwrap(), None);
    }

    #[test]
    fn a_token_we_did_not_make_names_its_field() {
        let longer = page_token(&[0; 9]);
        for wrong in [
            "x",
            "AAAA",
            "!!!!!!!!!!!",
            "한글",
            "AAAAAAAAAAA=",
            longer.as_str(),
        ] {
            let refused = decode_page_token::<8>(wrong).unwrap_err();
            assert!(refused.is(Common::InvalidArgument), "{wrong}");
            assert_eq!(refused.violations()[0].field, "page_token", "{wrong}");
        }
    }
}
