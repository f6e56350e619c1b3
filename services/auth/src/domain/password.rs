//! Passwords: which are too weak, and that none is ever printed.

use std::collections::HashSet;
use std::fmt;
use std::sync::LazyLock;

use super::Email;

/// A password as it was typed. It prints as `***`.
#[derive(Clone)]
pub struct Password(String);

/// A bcrypt hash (`$2b$…`). It prints as `***`.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(String);

/// Why a password is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Weakness {
    /// It is among those that everybody tries first.
    Common,
    /// It holds the part of the address before the `@`.
    HoldsEmail,
    /// It repeats very few characters.
    Monotonous,
}

/// In lower case, one a line; only those that are long enough to be accepted otherwise.
static COMMON: LazyLock<HashSet<&str>> =
    LazyLock::new(|| include_str!("common_passwords.txt").lines().collect());

/// A shorter local part is in too many passwords by chance.
const LOCAL_PART_MIN: usize = 4;

/// `aaaaaaaa` and `12121212` are refused, `1q1q2w2w` is for the list.
const DIFFERENT_CHARACTERS_MIN: usize = 4;

impl Password {
    /// A password as typed.
    pub fn new(typed: impl Into<String>) -> Self {
        Self(typed.into())
    }

    /// The characters, for the hash function only.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Refuses what is easy to guess for the owner of `email`. Length is a rule of the contract.
    pub fn check_strength(&self, email: &Email) -> Result<(), Weakness> {
        let plain = self.0.to_lowercase();
        let local = email.local_part();
        if COMMON.contains(plain.as_str()) {
            Err(Weakness::Common)
        } else if local.len() >= LOCAL_PART_MIN && plain.contains(local) {
            Err(Weakness::HoldsEmail)
        } else if plain.chars().collect::<HashSet<_>>().len() < DIFFERENT_CHARACTERS_MIN {
            Err(Weakness::Monotonous)
        } else {
            Ok(())
        }
    }
}

impl PasswordHash {
    /// A hash made by bcrypt.
    pub fn new(bcrypt: String) -> Self {
        Self(bcrypt)
    }

    /// The hash, to store it or to verify by it.
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
    fn passwords_that_everybody_tries_first_are_refused_in_any_case() {
        for common in ["password1", "PassWord1", "12345678", "qwer1234", "1q2w3e4r"] {
            assert_eq!(check_strength(common), Err(Weakness::Common), "{common}");
        }
    }

    #[test]
    fn the_own_address_is_refused_inside_a_password() {
        assert_eq!(check_strength("Minji.Kim!2026"), Err(Weakness::HoldsEmail));
        assert_eq!(check_strength("minji-kim!2026"), Ok(()));
    }

    #[test]
    fn a_short_local_part_does_not_count() {
        assert_eq!(
            Password::new("correct horse").check_strength(&Email::new("ho@example.com")),
            Ok(())
        );
    }

    #[test]
    fn few_different_characters_are_refused() {
        assert_eq!(check_strength("zzzzzzzzzz"), Err(Weakness::Monotonous));
        assert_eq!(check_strength("7n7n7n7n7n"), Err(Weakness::Monotonous));
        assert_eq!(check_strength("가나다라가나다라"), Ok(()));
    }

    #[test]
    fn the_list_is_lower_case_without_repeats_and_only_of_passwords_the_contract_lets_through() {
        let lines: Vec<&str> = include_str!("common_passwords.txt").lines().collect();
        assert_eq!(lines.len(), COMMON.len());
        for line in lines {
            assert!(line.chars().count() >= 8 && line == line.to_lowercase(), "{line}");
        }
    }

    #[test]
    fn nothing_prints_a_password() {
        let printed = format!(
            "{:?} {:?}",
            Password::new("hunter22"),
            PasswordHash::new("$2b$…".into())
        );
        assert_eq!(printed, "*** ***");
    }
}
