//! Keyset pagination: page sizes, page tokens and totals of lists (AIP-158).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carshare_proto::lists::ListRequest;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::error::Error;

/// Page size when the request names none.
const DEFAULT_SIZE: usize = 50;

/// Bytes of a hash of the filter, with which a token begins.
const HASH_LEN: usize = 8;

/// Page that a request asks for. Its token is valid for the list, the filter and the order that issued it, for any page size and
/// with or without a total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageRequest {
    size: usize,
    token: String,
    include_total: bool,
    /// Of the name of the request and of all its fields but those of the page.
    filter_hash: [u8; HASH_LEN],
}

/// Sort key of an item in a list that is ordered by a number and, among equal ones, by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SortKey {
    pub number: i64,
    pub id: Uuid,
}

/// One page of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// Token of the following page; empty on the last one.
    pub next_page_token: String,
}

impl PageRequest {
    /// Takes the page out of a request. The upper bound of `page_size` is a rule of the contract.
    pub fn take<R: ListRequest>(request: &mut R) -> Self {
        let page = request.take_page();
        let size = usize::try_from(page.page_size).ok().filter(|size| *size > 0);
        let hash = Sha256::new_with_prefix(R::NAME).chain_update(request.encode_to_vec());
        let mut filter_hash = [0; HASH_LEN];
        filter_hash.copy_from_slice(&hash.finalize()[..HASH_LEN]);
        Self {
            size: size.unwrap_or(DEFAULT_SIZE),
            token: page.page_token,
            include_total: page.include_total,
            filter_hash,
        }
    }

    /// Returns the number of items of a full page.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Rows to select: one more than the page holds, which shows whether another page follows.
    pub fn limit(&self) -> u64 {
        self.size as u64 + 1
    }

    /// Returns the sort key after which the page starts: `None` for the first page, `INVALID_ARGUMENT` for a token of another
    /// list, of another filter, or without a key of `N` bytes.
    pub fn after<const N: usize>(&self) -> Result<Option<[u8; N]>, Error> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.token).unwrap_or_default();
        let key = bytes.strip_prefix(&self.filter_hash);
        let key = key.and_then(|key| key.try_into().ok());
        key.map(Some).ok_or_else(invalid_page_token)
    }

    /// Counts the items on all pages, if the request asks for their number. Otherwise the count is not run.
    pub async fn total<E>(&self, count: impl Future<Output = Result<u64, E>>) -> Result<Option<i64>, E> {
        if self.include_total {
            Ok(Some(count.await?.cast_signed()))
        } else {
            Ok(None)
        }
    }

    /// Encodes the token of the page that starts after `key`, the sort key of the last item. Clients treat it as opaque.
    pub fn token_after(&self, key: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([&self.filter_hash, key].concat())
    }

    /// Cuts the page off the front of at most [`PageRequest::limit`] rows. `key` returns the sort key of a row.
    pub fn cut<T, K: AsRef<[u8]>>(&self, mut rows: Vec<T>, key: impl FnOnce(&T) -> K) -> Page<T> {
        let more = rows.len() > self.size;
        rows.truncate(self.size);
        let last = rows.last().filter(|_| more);
        Page {
            next_page_token: last
                .map(|row| self.token_after(key(row).as_ref()))
                .unwrap_or_default(),
            items: rows,
        }
    }
}

impl SortKey {
    /// Length of an encoded key.
    pub const LEN: usize = 24;

    pub fn encode(self) -> [u8; Self::LEN] {
        let mut bytes = [0; Self::LEN];
        bytes[..8].copy_from_slice(&self.number.to_be_bytes());
        bytes[8..].copy_from_slice(self.id.as_bytes());
        bytes
    }

    pub fn decode(bytes: [u8; Self::LEN]) -> Self {
        let (mut number, mut id) = ([0; 8], [0; 16]);
        number.copy_from_slice(&bytes[..8]);
        id.copy_from_slice(&bytes[8..]);
        Self {
            number: i64::from_be_bytes(number),
            id: Uuid::from_bytes(id),
        }
    }
}

/// Returns the error for a page token that was not issued for this list, filter and order.
pub fn invalid_page_token() -> Error {
    Error::invalid(
        "page_token",
        "이 목록과 검색 조건, 정렬 순서의 페이지 토큰이 아닙니다.",
        "is not a page token of this list with this filter and order",
    )
}

#[cfg(test)]
mod tests {
    use carshare_proto::booking::v1::ListBookingsRequest;
    use carshare_proto::common::v1::ErrorReason as Common;
    use carshare_proto::payment::v1::ListPaymentsRequest;

    use super::*;

    fn page(page_size: i32, page_token: &str, status: i32) -> PageRequest {
        PageRequest::take(&mut ListBookingsRequest {
            status,
            page_size,
            page_token: page_token.to_owned(),
            ..Default::default()
        })
    }

    #[track_caller]
    fn assert_refused(page: &PageRequest) {
        let refused = page.after::<8>().unwrap_err();
        assert!(refused.is(Common::InvalidArgument), "{page:?}");
        assert_eq!(refused.violations()[0].field, "page_token", "{page:?}");
    }

    #[test]
    fn only_a_page_with_a_successor_has_a_token() {
        let page = page(2, "", 0);
        assert_eq!(page.limit(), 3);
        for (rows, items, next) in [
            (vec![], vec![], String::new()),
            (vec![9, 8], vec![9, 8], String::new()),
            (vec![9, 8, 7], vec![9, 8], page.token_after(&[8])),
        ] {
            let page = page.cut(rows, |row: &u8| [*row]);
            assert_eq!((page.items, page.next_page_token), (items, next));
        }
    }

    #[test]
    fn page_size_is_fifty_unless_requested() {
        for (requested, size) in [(0, 50), (-1, 50), (1, 1), (100, 100)] {
            assert_eq!(page(requested, "", 0).size(), size, "{requested}");
        }
    }

    #[test]
    fn token_is_valid_for_its_filter_and_any_page_size() {
        let key = [7, 0, 255, 62, 63, 1, 2, 3];
        let token = page(2, "", 1).token_after(&key);
        assert_eq!(page(3, &token, 1).after().unwrap(), Some(key));
        assert_eq!(page(2, "", 1).after::<8>().unwrap(), None);
        assert_refused(&page(2, &token, 2));
    }

    #[test]
    fn token_is_bound_to_the_order_but_not_to_the_total() {
        let request = |order, include_total, page_token: &str| {
            PageRequest::take(&mut ListBookingsRequest {
                order_by: order,
                include_total,
                page_token: page_token.to_owned(),
                ..Default::default()
            })
        };
        let token = request(1, true, "").token_after(&[0; 8]);
        assert_eq!(request(1, false, &token).after().unwrap(), Some([0; 8]));
        assert_refused(&request(2, true, &token));
    }

    #[tokio::test]
    async fn total_is_counted_on_request_only() {
        let mut request = ListBookingsRequest::default();
        let uncounted = PageRequest::take(&mut request);
        let failing = || async { Err(invalid_page_token()) };
        assert_eq!(uncounted.total(failing()).await.unwrap(), None);
        request.include_total = true;
        let counted = PageRequest::take(&mut request);
        assert_eq!(
            counted.total(async { Ok::<u64, Error>(7) }).await.unwrap(),
            Some(7)
        );
        let failed = counted.total(failing()).await;
        assert!(failed.unwrap_err().is(Common::InvalidArgument));
    }

    #[test]
    fn sort_key_round_trips() {
        for number in [i64::MIN, -1, 0, 12_000, i64::MAX] {
            let key = SortKey {
                number,
                id: Uuid::from_u128(0x0190_c0de << 96),
            };
            assert_eq!(SortKey::decode(key.encode()), key);
        }
    }

    #[test]
    fn token_of_another_list_is_refused() {
        let token = page(2, "", 0).token_after(&[0; 8]);
        assert_refused(&PageRequest::take(&mut ListPaymentsRequest {
            page_token: token,
            ..Default::default()
        }));
    }

    #[test]
    fn malformed_tokens_are_refused() {
        let longer = page(0, "", 0).token_after(&[0; 9]);
        for wrong in [
            "x",
            "AAAA",
            "!!!!!!!!!!!",
            "한글",
            "AAAAAAAAAAA=",
            longer.as_str(),
        ] {
            assert_refused(&page(0, wrong, 0));
        }
    }
}
