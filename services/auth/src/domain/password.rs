//! Passwords and their strength. Their `Debug` output is `***`.

mod blocklist;
mod keyboard;

use std::collections::HashSet;
use std::fmt;

use unicode_normalization::UnicodeNormalization as _;

pub use blocklist::fold;

use super::Email;

/// A password in plain text.
#[derive(Clone)]
pub struct Password(String);

/// A hash of the password: `$bcrypt-sha256$…`, or the bcrypt hash (`$2b$…`) of earlier releases.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It has fewer than [`CHARACTERS_MIN`] characters.
    TooShort,
    /// It has more than [`CHARACTERS_MAX`] characters.
    TooLong,
    /// It is in the list of the most used passwords, or consists of a common word and a few digits.
    Common,
    /// It contains the part of the e-mail address before the `@`.
    ContainsEmail,
    /// It has fewer than [`DISTINCT_CHARACTERS_MIN`] distinct characters.
    TooFewCharacters,
    /// It consists of sequences, repetitions and neighbouring keys.
    Predictable,
}

/// Unicode scalar values of a new password, after normalization to NFC.
pub const CHARACTERS_MIN: usize = 8;
/// Unicode scalar values of a new password, after normalization to NFC.
pub const CHARACTERS_MAX: usize = 64;

/// Shorter local parts are not searched for: many passwords contain them by chance.
const LOCAL_PART_MIN: usize = 4;

/// Rejects `aaaaaaaa` and `12121212`.
pub const DISTINCT_CHARACTERS_MIN: usize = 4;

/// Rejects `abcd1234` and `1qaz2wsx`.
const UNPREDICTABLE_KEYS_MIN: usize = 4;

impl Password {
    pub fn new(plain: impl Into<String>) -> Self {
        Self(plain.into())
    }

    /// Returns the plain text as it was sent, for hashes of earlier releases only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Returns the plain text in NFC, for the hash function only: keyboards differ in how they compose characters.
    pub fn normalized(&self) -> String {
        self.0.nfc().collect()
    }

    /// Rejects passwords of a wrong length, and those that are easy to guess for an account with this e-mail address.
    pub fn check_strength(&self, email: &Email) -> Result<(), Weakness> {
        let plain = self.normalized();
        match plain.chars().count() {
            ..CHARACTERS_MIN => return Err(Weakness::TooShort),
            CHARACTERS_MIN..=CHARACTERS_MAX => {}
            _ => return Err(Weakness::TooLong),
        }
        let keys = keyboard::keys(&plain);
        let distinct: HashSet<char> = plain.to_lowercase().chars().collect();
        let local = email.local_part();
        if blocklist::contains(&keys) {
            Err(Weakness::Common)
        } else if local.len() >= LOCAL_PART_MIN && fold(&plain).contains(&fold(local)) {
            Err(Weakness::ContainsEmail)
        } else if distinct.len() < DISTINCT_CHARACTERS_MIN {
            Err(Weakness::TooFewCharacters)
        } else if keyboard::unpredictable(&keys) < UNPREDICTABLE_KEYS_MIN {
            Err(Weakness::Predictable)
        } else {
            Ok(())
        }
    }
}

impl PasswordHash {
    pub fn new(hash: String) -> Self {
        Self(hash)
    }

    /// Returns the hash, for the store and for bcrypt only.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

#[cfg(test)]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    fn check_strength(password: &str) -> Result<(), Weakness> {
        Password::new(password).check_strength(&Email::new("minji.kim@example.com"))
    }

    #[test]
    fn common_passwords_are_rejected_in_any_case_and_spelling() {
        for common in [
            "password1",
            "PassWord1",
            "P@$$w0rd",
            "Pássword!",
            "ｐａｓｓｗｏｒｄ",
            "passwordpassword",
            "12345678",
            "qwer1234",
            "1q2w3e4r",
            "sunshine2026",
        ] {
            assert_eq!(check_strength(common), Err(Weakness::Common), "{common}");
        }
    }

    #[test]
    fn korean_words_are_rejected_in_both_keyboard_layouts() {
        for common in [
            "비밀번호1234",
            "qlalfqjsgh",
            "QlalfqjsGh!1",
            "tkfkdgo1004",
            "사랑해사랑해사랑해",
            "가나다라가나다라",
            // "password1" typed with the Korean layout
            "ㅔㅁㄴㄴ재ㄱㅇ1",
            "카셰어링카셰어링",
            "Carshare2026!",
        ] {
            assert_eq!(check_strength(common), Err(Weakness::Common), "{common}");
        }
    }

    #[test]
    fn sequences_repetitions_and_neighbouring_keys_are_rejected() {
        for predictable in [
            "ijklmn!@#$%^",
            "mnopqrstu",
            "abc7abc7abc7",
            ";lkjhgf.,mnb",
            "]'/]'/[;.",
        ] {
            assert_eq!(
                check_strength(predictable),
                Err(Weakness::Predictable),
                "{predictable}"
            );
        }
    }

    #[test]
    fn password_that_contains_the_email_is_rejected() {
        assert_eq!(check_strength("Minji.Kim!2026"), Err(Weakness::ContainsEmail));
        assert_eq!(check_strength("m1nj1.k1m!2026"), Err(Weakness::ContainsEmail));
        assert_eq!(check_strength("minji-kim!2026"), Ok(()));
    }

    #[test]
    fn password_that_contains_a_short_local_part_is_accepted() {
        assert_eq!(
            Password::new("correct horse").check_strength(&Email::new("ho@example.com")),
            Ok(())
        );
    }

    #[test]
    fn password_of_three_characters_is_rejected() {
        assert_eq!(check_strength("7n7n7n7n7n"), Err(Weakness::TooFewCharacters));
        assert_eq!(check_strength("k9zk9zzk9k"), Err(Weakness::TooFewCharacters));
    }

    #[test]
    fn characters_are_counted_after_normalization() {
        let syllables = "잃닭쫓뷁핥앉꿇뜷";
        let decomposed: String = syllables.nfd().collect();
        assert!(decomposed.chars().count() > 20);
        assert_eq!(check_strength(&decomposed), Ok(()));
        assert_eq!(check_strength(&decomposed.repeat(8)), Ok(()));
        assert_eq!(
            check_strength(&format!("{}x", decomposed.repeat(8))),
            Err(Weakness::TooLong)
        );
        let seven: String = syllables.chars().take(7).collect();
        assert_eq!(
            check_strength(&seven.nfd().collect::<String>()),
            Err(Weakness::TooShort)
        );
    }

    #[test]
    fn debug_output_hides_passwords_and_hashes() {
        let printed = format!(
            "{:?} {:?}",
            Password::new("hunter22"),
            PasswordHash::new("$2b$…".into())
        );
        assert_eq!(printed, "*** ***");
    }
}
