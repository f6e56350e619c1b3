//! Tokens that are sent by mail: 256 random bits, stored as SHA-256, as refresh tokens are.

use std::fmt;

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use super::TokenHash;

/// A token as in the mail. Its `Debug` output is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct MailToken(String);

/// What a mail and its token are for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString)]
#[strum(serialize_all = "snake_case")]
pub enum MailKind {
    Verification,
    PasswordReset,
}

impl MailKind {
    /// Returns the value of the column and of metric labels.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

impl MailToken {
    /// Encodes random bytes as a token.
    pub fn new(random: [u8; 32]) -> Self {
        Self(BASE64_URL_SAFE_NO_PAD.encode(random))
    }

    pub fn expose(&self) -> &str {
        &self.0
    }

    pub fn hash(&self) -> TokenHash {
        TokenHash(Sha256::digest(&self.0).into())
    }
}

impl From<String> for MailToken {
    /// Accepts any text: one that was never sent has an unknown hash.
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl fmt::Debug for MailToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn token_of_the_mail_has_the_stored_hash_and_is_hidden_in_debug_output() {
        let token = MailToken::new([0xff; 32]);
        assert_eq!(token.expose().len(), 43);
        assert_eq!(MailToken::from(token.expose().to_owned()).hash(), token.hash());
        assert_eq!(format!("{token:?}"), "***");
    }
}
