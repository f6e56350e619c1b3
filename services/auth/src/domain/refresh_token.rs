//! Refresh tokens: 256 random bits, stored as SHA-256. A fast hash suffices, because 256 bits cannot be guessed.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A refresh token as the client has it. Its `Debug` output is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken(String);

/// SHA-256 of a refresh token, as stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenHash(pub [u8; 32]);

impl RefreshToken {
    /// Encodes random bytes as a token.
    pub fn new(random: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random))
    }

    /// Returns the text for the client.
    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }
}

impl From<String> for RefreshToken {
    /// Accepts any text: one that was never issued has an unknown hash.
    fn from(text: String) -> Self {
        Self(text)
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
    fn token_has_43_url_safe_characters_and_a_stable_hash() {
        let token = RefreshToken::new([0xff; 32]);
        assert_eq!(token.expose(), "__________________________________________8");
        assert_eq!(RefreshToken::from(token.expose().to_owned()).hash(), token.hash());
        assert_ne!(RefreshToken::new([0xfe; 32]).hash(), token.hash());
    }

    #[test]
    fn debug_output_hides_the_token() {
        assert_eq!(format!("{:?}", RefreshToken::new([1; 32])), "***");
    }
}
