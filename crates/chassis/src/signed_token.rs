//! Opaque tokens that a client keeps for the service: a payload, authenticated together with what it is bound to (HMAC-SHA-256).
//!
//! The payload is not encrypted. What a token is bound to is not part of it: the service knows it from the request that brings the token.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Bytes of the authentication code with which a token begins.
const CODE_LEN: usize = 32;

/// Key of the tokens of one purpose, the same in all replicas of a service.
#[derive(Clone)]
pub struct TokenKey(hmac::Key);

impl TokenKey {
    /// `secret`: 32 random bytes.
    pub fn new(secret: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// Returns a token with this payload, valid together with `bound` only.
    pub fn seal(&self, bound: &[&[u8]], payload: &[u8]) -> String {
        URL_SAFE_NO_PAD.encode([self.code(bound, payload).as_ref(), payload].concat())
    }

    /// Returns the payload of a token that was issued with this key for `bound`.
    pub fn open(&self, bound: &[&[u8]], token: &str) -> Option<Vec<u8>> {
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (code, payload) = bytes.split_at_checked(CODE_LEN)?;
        verify_slices_are_equal(code, self.code(bound, payload).as_ref()).ok()?;
        Some(payload.to_vec())
    }

    /// The length of each part is authenticated, so that no byte can move from one part to the next.
    fn code(&self, bound: &[&[u8]], payload: &[u8]) -> hmac::Tag {
        let mut context = hmac::Context::with_key(&self.0);
        for part in bound.iter().copied().chain([payload]) {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        context.sign()
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn key() -> TokenKey {
        TokenKey::new(&[7; 32])
    }

    proptest! {
        #[test]
        fn token_opens_with_what_it_is_bound_to(a in any::<Vec<u8>>(), b in any::<Vec<u8>>(), payload in any::<Vec<u8>>()) {
            let token = key().seal(&[&a, &b], &payload);
            prop_assert_eq!(key().open(&[&a, &b], &token), Some(payload));
            prop_assert_eq!(TokenKey::new(&[8; 32]).open(&[&a, &b], &token), None);
            let moved = [a.as_slice(), b.as_slice()].concat();
            prop_assert_eq!(key().open(&[&moved, &[]], &token).is_some(), b.is_empty());
        }

        #[test]
        fn token_with_a_changed_bit_is_refused(payload in any::<Vec<u8>>(), at in any::<prop::sample::Index>(), bit in 0..8u8) {
            let token = key().seal(&[b"guest"], &payload);
            let mut bytes = URL_SAFE_NO_PAD.decode(token).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(key().open(&[b"guest"], &URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn any_text_is_refused(text in ".{0,200}") {
            prop_assert_eq!(key().open(&[], &text), None);
        }
    }
}
