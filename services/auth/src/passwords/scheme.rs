//! The stored forms of passwords.
//!
//! | form | hash |
//! |---|---|
//! | `$bcrypt-sha256$v=2,t=2b,r=<cost>$<salt>$<digest>` | bcrypt of base64(HMAC-SHA-256 of the password in NFC), whose key is the salt |
//! | `$2b$<cost>$<salt><digest>` | bcrypt of the password as it was sent, of earlier releases |
//!
//! The first form is that of passlib's `bcrypt_sha256`. It has no length limit, no byte of the password ends it, and because
//! of the key an unsalted hash of the same password that leaked elsewhere does not help to guess it.

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig, NO_PAD, STANDARD};
use bcrypt::{BcryptError, BcryptResult, Version};

use super::salts::Salt;
use crate::domain::{Password, PasswordHash};

/// Bytes that bcrypt reads. Earlier releases accepted no longer passwords.
const BCRYPT_MAX_BYTES: usize = 72;

const PREFIX: &str = "$bcrypt-sha256$v=2,t=2b,r=";

const OLD_PREFIX: &str = "$2b$";

const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(
    &alphabet::BCRYPT,
    GeneralPurposeConfig::with_decode_allow_trailing_bits(NO_PAD, true),
);

/// Length of the digest in that base64, which ends both forms.
const DIGEST_LENGTH: usize = 31;

/// What a stored hash begins with: form, cost and salt. Passwords with the same settings are compared by one computation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings(String);

impl Settings {
    pub fn new(cost: u32, salt: Salt) -> Self {
        Self(format!("{PREFIX}{cost}${}$", BCRYPT_BASE64.encode(salt.0)))
    }

    /// Returns those of a stored hash.
    pub fn of(stored: &PasswordHash) -> Self {
        let stored = stored.expose();
        let end = stored.len().saturating_sub(DIGEST_LENGTH);
        Self(stored.get(..end).unwrap_or_default().to_owned())
    }

    /// Reads a text that a stored hash begins with.
    pub fn from_stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Computes the hash of a password with these settings.
pub(super) fn hash(password: &Password, settings: &Settings) -> BcryptResult<PasswordHash> {
    let malformed = || BcryptError::InvalidHash("stored hash");
    let text = settings.as_str();
    let (plain, rest) = match text.strip_prefix(PREFIX) {
        Some(rest) => (None, rest.strip_suffix('$').ok_or_else(malformed)?),
        None => (
            Some(password.expose()),
            text.strip_prefix(OLD_PREFIX).ok_or_else(malformed)?,
        ),
    };
    let (cost, salt) = rest.split_once('$').ok_or_else(malformed)?;
    let cost: u32 = cost.parse().map_err(|_| malformed())?;
    let bytes = BCRYPT_BASE64.decode(salt).map_err(|_| malformed())?;
    let bytes = <[u8; 16]>::try_from(bytes).map_err(|_| malformed())?;
    let parts = match plain {
        Some(plain) => bcrypt::hash_with_salt(plain, cost, bytes)?,
        None => bcrypt::hash_with_salt(pre_hash(password, salt), cost, bytes)?,
    };
    let bcrypt = parts.format_for_version(Version::TwoB);
    let (_, digest) = bcrypt.split_at(bcrypt.len() - DIGEST_LENGTH);
    // No stored hash is without digest.
    let is_cut = plain.is_some_and(|plain| plain.len() > BCRYPT_MAX_BYTES);
    let digest = if is_cut { "" } else { digest };
    Ok(PasswordHash::new(format!("{text}{digest}")))
}

pub(super) fn verify(password: &Password, stored: &PasswordHash) -> BcryptResult<bool> {
    let computed = hash(password, &Settings::of(stored))?;
    Ok(verify_slices_are_equal(computed.expose().as_bytes(), stored.expose().as_bytes()).is_ok())
}

fn pre_hash(password: &Password, salt: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, salt.as_bytes());
    STANDARD.encode(hmac::sign(&key, password.normalized().as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Computed by passlib 1.7.
    const VECTORS: [(&str, &str); 2] = [
        (
            "password",
            "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$sdU2s51xApBVBMVw4RZiJY.7FC1fevu",
        ),
        (
            "비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를비밀번호를",
            "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMWmt3Oqt9uku$XWAknT1RH/pWpEBgjbb3caqto2L7Y.m",
        ),
    ];

    fn hashed(plain: &str) -> PasswordHash {
        hash(&Password::new(plain), &Settings::new(4, Salt([7; 16]))).unwrap()
    }

    #[test]
    fn hashes_are_those_of_passlib() {
        let salt = BCRYPT_BASE64.decode("n79VH.0Q2TMWmt3Oqt9uku").unwrap();
        let settings = Settings::new(4, Salt(salt.try_into().unwrap()));
        for (plain, stored) in VECTORS {
            let password = Password::new(plain);
            let hashed = hash(&password, &settings).unwrap();
            assert_eq!(hashed.expose(), stored);
            assert_eq!(Settings::of(&hashed), settings);
            assert!(verify(&password, &hashed).unwrap());
            assert!(!verify(&Password::new(format!("{plain}x")), &hashed).unwrap());
        }
    }

    #[test]
    fn equivalent_texts_have_the_same_hash() {
        let hashed = hashed("caf\u{e9} 한글 암호");
        let decomposed = "cafe\u{301} \u{1112}\u{1161}\u{11ab}글 암호";
        assert!(verify(&Password::new(decomposed), &hashed).unwrap());
    }

    #[test]
    fn nul_does_not_end_the_password() {
        let hashed = hashed("correct\0horse");
        assert!(verify(&Password::new("correct\0horse"), &hashed).unwrap());
        assert!(!verify(&Password::new("correct\0house"), &hashed).unwrap());
    }

    #[test]
    fn hash_of_an_earlier_release_verifies_up_to_72_bytes() {
        let plain = "가".repeat(24);
        let old = PasswordHash::new(bcrypt::hash(&plain, 4).unwrap());
        assert!(verify(&Password::new(&plain), &old).unwrap());
        assert!(!verify(&Password::new("나".repeat(24)), &old).unwrap());
        assert!(!verify(&Password::new(format!("{plain}x")), &old).unwrap());
    }

    #[test]
    fn malformed_hash_is_an_error() {
        for stored in [
            "",
            "nonsense",
            "$2b$04$short",
            "$bcrypt-sha256$v=2,t=2b,r=4$n79VH.0Q2TMW",
        ] {
            assert!(verify(&Password::new("x"), &PasswordHash::new(stored.to_owned())).is_err());
        }
    }
}
