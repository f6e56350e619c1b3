//! Refresh tokens: 256 random bits that mean nothing, of which only the SHA-256 is stored.
//!
//! A plain hash is enough where a password needs bcrypt: nobody can guess 256 bits.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A refresh token as the client holds it. It prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

/// SHA-256 of a refresh token: what the database knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl RefreshToken {
    /// A new token of these random bytes.
    pub fn of(random: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random))
    }

    /// Whatever a client presents; a text that was never a token hashes to nothing we know.
    pub fn presented(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text for the client.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is stored of it.
    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }
}

impl fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_43_characters_that_fit_everywhere_and_comes_back_to_its_hash() {
        let token = RefreshToken::of([0xff; 32]);
        assert_eq!(token.expose(), "__________________________________________8");
        assert_eq!(RefreshToken::presented(token.expose()).hash(), token.hash());
        assert_ne!(RefreshToken::of([0xfe; 32]).hash(), token.hash());
    }

    #[test]
    fn nothing_prints_a_token() {
        assert_eq!(format!("{:?}", RefreshToken::of([1; 32])), "***");
    }
}
