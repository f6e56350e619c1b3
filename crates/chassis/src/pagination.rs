//! Encodes and decodes page tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;

/// Encodes the token of the page that starts after `key`, the sort key of the last item. Clients treat it as opaque.
pub fn page_token(key: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(key)
}

/// Decodes the field `page_token`: `None` for the first page, `INVALID_ARGUMENT` for anything but a key of `N` bytes.
pub fn decode_page_token<const N: usize>(token: &str) -> Result<Option<[u8; N]>, Error> {
    if token.is_empty() {
        return Ok(None);
    }
    let bytes = URL_SAFE_NO_PAD.decode(token).ok();
    let key = bytes.and_then(|bytes| bytes.try_into().ok());
    key.map(Some).ok_or_else(invalid_page_token)
}

/// Returns the error for a page token that was not issued for this list.
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
    fn page_token_round_trips() {
        let key = [7, 0, 255, 62, 63, 1, 2, 3];
        assert_eq!(decode_page_token(&page_token(&key)).unwrap(), Some(key));
        assert_eq!(decode_page_token::<8>("").unwrap(), None);
    }

    #[test]
    fn rejects_malformed_page_tokens() {
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
