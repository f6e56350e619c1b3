//! Passwords and their strength. Their `Debug` output is `***`.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use super::Email;

/// A password in plain text.
#[derive(Clone)]
pub struct Password(String);

/// A bcrypt hash (`$2b$…`).
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password is rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is in the list of the most used passwords.
    Common,
    /// It contains the part of the e-mail address before the `@`.
    ContainsEmail,
    /// It has fewer than [`DISTINCT_CHARACTERS_MIN`] distinct characters.
    TooFewCharacters,
}

/// The most used passwords that are long enough for the contract, in lower case.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// Shorter local parts are not searched for: many passwords contain them by chance.
const LOCAL_PART_MIN: usize = 4;

/// Rejects `aaaaaaaa` and `12121212`.
pub const DISTINCT_CHARACTERS_MIN: usize = 4;

impl Password {
    pub fn new(plain: impl Into<String>) -> Self {
        Self(plain.into())
    }

    /// Returns the plain text, for the hash function only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Rejects passwords that are easy to guess for an account with this e-mail address. The length is validated by the
    /// contract.
    pub fn check_strength(&self, email: &Email) -> Result<(), Weakness> {
        let plain = self.0.to_lowercase();
        let local = email.local_part();
        if COMMON.contains(plain.as_str()) {
            Err(Weakness::Common)
        } else if local.len() >= LOCAL_PART_MIN && plain.contains(local) {
            Err(Weakness::ContainsEmail)
        } else if plain.chars().collect::<HashSet<_>>().len() < DISTINCT_CHARACTERS_MIN {
            Err(Weakness::TooFewCharacters)
        } else {
            Ok(())
        }
    }
}

impl PasswordHash {
    pub fn new(bcrypt: String) -> Self {
        Self(bcrypt)
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
mod tests {
    use super::*;

    fn check_strength(password: &str) -> Result<(), Weakness> {
        Password::new(password).check_strength(&Email::new("minji.kim@example.com"))
    }

    #[test]
    fn common_passwords_are_rejected_in_any_case() {
        for common in ["password1", "PassWord1", "12345678", "qwer1234", "1q2w3e4r"] {
            assert_eq!(check_strength(common), Err(Weakness::Common), "{common}");
        }
    }

    #[test]
    fn password_that_contains_the_email_is_rejected() {
        assert_eq!(check_strength("Minji.Kim!2026"), Err(Weakness::ContainsEmail));
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
        assert_eq!(check_strength("zzzzzzzzzz"), Err(Weakness::TooFewCharacters));
        assert_eq!(check_strength("7n7n7n7n7n"), Err(Weakness::TooFewCharacters));
        assert_eq!(check_strength("가나다라가나다라"), Ok(()));
    }

    #[test]
    fn list_is_lower_case_and_unique_and_of_the_contracts_length() {
        let lines: Vec<&str> = include_str!("common_passwords.txt").lines().collect();
        assert_eq!(lines.len(), COMMON.len());
        for line in lines {
            assert!(line.chars().count() >= 8 && line == line.to_lowercase(), "{line}");
        }
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
