//! Time-based one-time passwords (RFC 6238): SHA-1, six digits, steps of 30 seconds, as every authenticator app supports.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use chrono::{DateTime, TimeDelta, Utc};
use data_encoding::{BASE32_NOPAD, Encoding};

use super::Email;

/// Length of a secret, 160 bits as RFC 4226 §4 recommends.
pub const SECRET_LENGTH: usize = 20;

/// Seconds of a step.
const STEP_S: i64 = 30;

/// Steps before and after the current one whose codes are accepted, for clocks that differ.
const WINDOW: i64 = 1;

/// Secret that an authenticator app shares. Its `Debug` output is `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct TotpSecret([u8; SECRET_LENGTH]);

impl TotpSecret {
    pub fn new(bytes: [u8; SECRET_LENGTH]) -> Self {
        Self(bytes)
    }

    /// Returns the bytes, for encryption only.
    pub fn expose(&self) -> &[u8; SECRET_LENGTH] {
        &self.0
    }

    /// Returns the form in which users type a secret.
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// Returns the URI that authenticator apps read from a QR code.
    pub fn otpauth_uri(&self, email: &Email) -> String {
        format!(
            "otpauth://totp/Carshare:{}?secret={}&issuer=Carshare&algorithm=SHA1&digits=6&period={STEP_S}",
            percent_encoded(email.as_str()),
            self.base32()
        )
    }

    /// Returns the code of a point in time.
    pub fn code(&self, at: DateTime<Utc>) -> String {
        self.code_of_step(step(at))
    }

    /// Returns the step of the code, if it is within the window around `now`. Every step is compared, in constant time.
    pub fn matching_step(&self, code: &str, now: DateTime<Utc>) -> Option<i64> {
        let current = step(now);
        let steps = current - WINDOW..=current + WINDOW;
        steps.fold(None, |found, step| {
            let expected = self.code_of_step(step);
            let matches = verify_slices_are_equal(expected.as_bytes(), code.as_bytes()).is_ok();
            if matches { Some(step) } else { found }
        })
    }

    /// Truncates the HMAC of a step (RFC 4226 §5.3).
    fn code_of_step(&self, step: i64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0);
        let tag = hmac::sign(&key, &step.to_be_bytes());
        let digest = tag.as_ref();
        let offset = digest.last().map_or(0, |last| usize::from(last & 0x0F));
        let number = digest[offset..offset + 4]
            .iter()
            .fold(0_u32, |number, byte| number << 8 | u32::from(*byte));
        format!("{:06}", (number & 0x7FFF_FFFF) % 1_000_000)
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

fn step(at: DateTime<Utc>) -> i64 {
    at.timestamp().div_euclid(STEP_S)
}

/// Encodes all but the unreserved characters of RFC 3986.
fn percent_encoded(text: &str) -> String {
    let encoded = text.bytes().map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    });
    encoded.collect()
}

/// Codes of an account that may be wrong in a row before the next one has to wait.
pub const FREE_FAILURES: i32 = 5;

/// Returns when the next code is accepted after so many wrong ones in a row: 30 seconds later, then twice as long each time,
/// up to an hour. `None` if it need not wait.
pub fn retry_at(failures: i32, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
    let excess = failures
        .checked_sub(FREE_FAILURES)
        .filter(|excess| *excess >= 0)?;
    let seconds = 30_i64 << excess.min(7);
    Some(now + TimeDelta::seconds(seconds.min(3600)))
}

/// Groups of a recovery code, and characters of a group.
const GROUPS: usize = 6;
const GROUP_LENGTH: usize = 4;

/// A code that replaces a code of the app once: 120 random bits, so that a plain hash protects it.
#[derive(Clone, PartialEq, Eq)]
pub struct RecoveryCode(String);

impl fmt::Debug for RecoveryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl RecoveryCode {
    pub fn new(bytes: [u8; 15]) -> Self {
        Self(ALPHABET.encode(&bytes))
    }

    /// Returns the form that is shown: `ABCD-EFGH-…`.
    pub fn display(&self) -> String {
        let characters: Vec<char> = self.0.chars().collect();
        let groups = characters.chunks(GROUP_LENGTH).map(String::from_iter);
        groups.collect::<Vec<_>>().join("-")
    }

    /// Returns the hash that is stored.
    pub fn hash(&self) -> [u8; 32] {
        use sha2::Digest as _;
        sha2::Sha256::digest(self.0.as_bytes()).into()
    }
}

const ALPHABET: Encoding = BASE32_NOPAD;

/// A second factor as the user typed it.
#[derive(Clone, PartialEq, Eq)]
pub enum MfaCode {
    /// Six digits of the app.
    Totp(String),
    Recovery(RecoveryCode),
}

impl MfaCode {
    /// Reads a code, with or without spaces and hyphens. `None` if it has neither form.
    pub fn parse(text: &str) -> Option<Self> {
        let compact = text.chars().filter(|c| !matches!(c, ' ' | '-'));
        let compact: String = compact.map(|c| c.to_ascii_uppercase()).collect();
        if compact.len() == 6 && compact.bytes().all(|byte| byte.is_ascii_digit()) {
            Some(Self::Totp(compact))
        } else if compact.len() == GROUPS * GROUP_LENGTH {
            ALPHABET.decode(compact.as_bytes()).ok()?;
            Some(Self::Recovery(RecoveryCode(compact)))
        } else {
            None
        }
    }
}

#[cfg(test)]
mod tests;
