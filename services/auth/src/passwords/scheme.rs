//! The stored forms of passwords.
//!
//! | form | hash |
//! |---|---|
//! | `$bcrypt-sha256$v=2,t=2b,r=<cost>$<salt>$<digest>` | bcrypt of base64(HMAC-SHA-256 of the password in NFC), whose key is the salt |
//! | `$2b$<cost>$<salt><digest>` | bcrypt of the password as it was sent, of earlier releases |
//!
//! The first form is that of passlib's `bcrypt_sha256`. It has no length limit, no byte of the password ends it, and because
//! of the key an unsalted hash of the same password that leaked elsewhere does not help to guess it.

use aws_lc_rs::hmac;
use base64::Engine as _;
use base64::alphabet;
use base64::engine::general_purpose::{GeneralPurpose, NO_PAD, STANDARD};
use bcrypt::{BcryptError, BcryptResult, Version};

use crate::domain::{Password, PasswordHash};

/// Bytes that bcrypt reads. Earlier releases accepted no longer passwords.
const BCRYPT_MAX_BYTES: usize = 72;

const PREFIX: &str = "$bcrypt-sha256$v=2,t=2b,r=";

const BCRYPT_BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::BCRYPT, NO_PAD);

/// Lengths of salt and digest in that base64.
const SALT_LENGTH: usize = 22;
const DIGEST_LENGTH: usize = 31;

pub(super) fn hash(password: &Password, cost: u32, salt: [u8; 16]) -> BcryptResult<PasswordHash> {
    let encoded = BCRYPT_BASE64.encode(salt);
    let parts = bcrypt::hash_with_salt(pre_hash(password, &encoded), cost, salt)?;
    let bcrypt = parts.format_for_version(Version::TwoB);
    let (_, digest) = bcrypt.split_at(bcrypt.len() - DIGEST_LENGTH);
    Ok(PasswordHash::new(format!("{PREFIX}{cost}${encoded}${digest}")))
}

pub(super) fn verify(password: &Password, stored: &PasswordHash) -> BcryptResult<bool> {
    let stored = stored.expose();
    let Some(current) = stored.strip_prefix(PREFIX) else {
        let matches = bcrypt::verify(password.expose(), stored)?;
        return Ok(matches && password.expose().len() <= BCRYPT_MAX_BYTES);
    };
    let malformed = || BcryptError::InvalidHash("bcrypt-sha256");
    let (cost, rest) = current.split_once('$').ok_or_else(malformed)?;
    let (salt, digest) = rest.split_once('$').ok_or_else(malformed)?;
    let cost: u32 = cost.parse().map_err(|_| malformed())?;
    bcrypt::verify(pre_hash(password, salt), &format!("$2b${cost:02}${salt}{digest}"))
}

/// Returns whether a password with this hash is to be hashed again.
pub(super) fn is_outdated(stored: &PasswordHash) -> bool {
    !stored.expose().starts_with(PREFIX)
}

/// Returns a well-formed hash of this cost whose password is unknown.
pub(super) fn decoy(cost: u32) -> PasswordHash {
    // Salt and digest of zero bits, in bcrypt's base64.
    let digest = ".".repeat(DIGEST_LENGTH);
    PasswordHash::new(format!("{PREFIX}{cost}${}${digest}", ".".repeat(SALT_LENGTH)))
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

    #[test]
    fn hashes_are_those_of_passlib() {
        let salt = BCRYPT_BASE64.decode("n79VH.0Q2TMWmt3Oqt9uku").unwrap();
        for (plain, stored) in VECTORS {
            let password = Password::new(plain);
            let hashed = hash(&password, 4, salt.clone().try_into().unwrap()).unwrap();
            assert_eq!(hashed.expose(), stored);
            assert!(verify(&password, &hashed).unwrap());
            assert!(!verify(&Password::new(format!("{plain}x")), &hashed).unwrap());
        }
    }

    #[test]
    fn equivalent_texts_have_the_same_hash() {
        let hashed = hash(&Password::new("caf\u{e9} 한글 암호"), 4, [7; 16]).unwrap();
        let decomposed = "cafe\u{301} \u{1112}\u{1161}\u{11ab}글 암호";
        assert!(verify(&Password::new(decomposed), &hashed).unwrap());
    }

    #[test]
    fn nul_does_not_end_the_password() {
        let hashed = hash(&Password::new("correct\0horse"), 4, [7; 16]).unwrap();
        assert!(verify(&Password::new("correct\0horse"), &hashed).unwrap());
        assert!(!verify(&Password::new("correct\0house"), &hashed).unwrap());
    }

    #[test]
    fn hash_of_an_earlier_release_verifies_up_to_72_bytes() {
        let plain = "가".repeat(24);
        let old = PasswordHash::new(bcrypt::hash(&plain, 4).unwrap());
        assert!(verify(&Password::new(&plain), &old).unwrap());
        assert!(!verify(&Password::new(format!("{plain}x")), &old).unwrap());
        assert!(is_outdated(&old));
        assert!(!is_outdated(&hash(&Password::new(plain), 4, [7; 16]).unwrap()));
    }
}
