//! Keyset pagination: page sizes, page tokens and totals of lists (AIP-158).

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use carshare_proto::lists::ListRequest;
use uuid::Uuid;

use crate::error::Error;
use crate::signed_token::TokenKey;

/// Page size when the request names none.
const DEFAULT_SIZE: usize = 50;

/// Bytes of the authentication code with which a token begins.
const CODE_LEN: usize = 16;

/// Key of the authentication codes of page tokens, the same in all replicas of a service.
#[derive(Clone)]
pub struct PageTokenKey(hmac::Key);

/// Page that a request asks for. Its token is valid for the list, the filter, the order and the user that it was issued for, with any
/// page size and with or without a total. A token is authenticated, so that its sort key is one that the list has issued.
#[derive(Clone, Debug)]
pub struct PageRequest {
    size: usize,
    token: String,
    include_total: bool,
    key: PageTokenKey,
    /// The name of the request, all its fields but those of the page, and the user.
    filter: Vec<u8>,
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

impl PageTokenKey {
    /// `secret`: 32 random bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Derives the key of the tokens of another purpose, a printable name. No code of a page token begins with one: it begins with a
    /// length below 2^56.
    pub fn derive(&self, purpose: &str) -> TokenKey {
        TokenKey::new(hmac::sign(&self.0, purpose.as_bytes()).as_ref())
    }
}

impl fmt::Debug for PageTokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PageTokenKey")
    }
}

impl PageRequest {
    /// Takes the page out of a request. The upper bound of `page_size` is a rule of the contract.
    pub fn take<R: ListRequest>(request: &mut R, key: &PageTokenKey) -> Self {
        let page = request.take_page();
        let size = usize::try_from(page.page_size).ok().filter(|size| *size > 0);
        let mut filter = R::NAME.as_bytes().to_vec();
        filter.push(0);
        request.encode_raw(&mut filter);
        Self {
            size: size.unwrap_or(DEFAULT_SIZE),
            token: page.page_token,
            include_total: page.include_total,
            key: key.clone(),
            filter,
        }
    }

    /// Binds the token to the user whose list it is.
    #[must_use]
    pub fn of_user(mut self, user: Uuid) -> Self {
        self.filter.extend_from_slice(user.as_bytes());
        self
    }

    /// Returns the number of items of a full page.
    pub fn size(&self) -> usize {
        self.size
    }

    /// Rows to select: one more than the page holds, which shows whether another page follows.
    pub fn limit(&self) -> u64 {
        self.size as u64 + 1
    }

    /// Returns the sort key after which the page starts: `None` for the first page, `INVALID_ARGUMENT` for a token that was not issued
    /// for this list and filter, or that has no key of `N` bytes.
    pub fn after<const N: usize>(&self) -> Result<Option<[u8; N]>, Error> {
        if self.token.is_empty() {
            return Ok(None);
        }
        let bytes = URL_SAFE_NO_PAD.decode(&self.token).unwrap_or_default();
        let (code, key) = bytes.split_at_checked(CODE_LEN).ok_or_else(invalid_page_token)?;
        let is_issued = verify_slices_are_equal(code, &self.code(key)).is_ok();
        let key = key.try_into().ok().filter(|_| is_issued);
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
        URL_SAFE_NO_PAD.encode([&self.code(key), key].concat())
    }

    /// Returns the authentication code of a sort key for this filter. The length of the key is part of what is authenticated.
    fn code(&self, key: &[u8]) -> [u8; CODE_LEN] {
        let mut context = hmac::Context::with_key(&self.key.0);
        context.update(&(key.len() as u64).to_be_bytes());
        context.update(key);
        context.update(&self.filter);
        let mut code = [0; CODE_LEN];
        code.copy_from_slice(&context.sign().as_ref()[..CODE_LEN]);
        code
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
mod tests;
