//! Keyset pagination: page sizes and page tokens.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::error::Error;

/// Number of items of one page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageSize(usize);

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Token of the following page; empty on the last one.
    pub next_page_token: String,
}

impl PageSize {
    /// Page size when the request names none.
    const DEFAULT: usize = 50;

    /// Reads the field `page_size`; its upper bound is a rule of the contract.
    pub fn requested(page_size: i32) -> Self {
        let size = usize::try_from(page_size).ok().filter(|size| *size > 0);
        Self(size.unwrap_or(Self::DEFAULT))
    }

    /// Rows to select: one more than the page holds, which shows whether another page follows.
    pub fn limit(self) -> u64 {
        self.0 as u64 + 1
    }
}

impl<T> Page<T> {
    /// Cuts a page off the front of at most [`PageSize::limit`] rows. `key` returns the sort key of a row, after which the
    /// next page starts.
    pub fn cut<K: AsRef<[u8]>>(mut rows: Vec<T>, size: PageSize, key: impl FnOnce(&T) -> K) -> Self {
        let more = rows.len() > size.0;
        rows.truncate(size.0);
        let last = rows.last().filter(|_| more);
        Self {
            next_page_token: last.map(|row| page_token(key(row).as_ref())).unwrap_or_default(),
            items: rows,
        }
    }
}

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
    fn only_a_page_with_a_successor_has_a_token() {
        let size = PageSize::requested(2);
        assert_eq!(size.limit(), 3);
        for (rows, items, next) in [
            (vec![], vec![], String::new()),
            (vec![9, 8], vec![9, 8], String::new()),
            (vec![9, 8, 7], vec![9, 8], page_token(&[8])),
        ] {
            let page = Page::cut(rows, size, |row: &u8| [*row]);
            assert_eq!((page.items, page.next_page_token), (items, next));
        }
    }

    #[test]
    fn page_size_is_fifty_unless_requested() {
        for (requested, limit) in [(0, 51), (-1, 51), (1, 2), (100, 101)] {
            assert_eq!(PageSize::requested(requested).limit(), limit, "{requested}");
        }
    }

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
