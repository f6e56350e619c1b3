//! Korean mobile numbers in E.164.

use std::fmt;

/// A mobile number such as `+821012345678`.
#[derive(Clone, PartialEq, Eq)]
pub struct Phone(String);

const COUNTRY: &str = "+82";

impl Phone {
    /// Parses `010-1234-5678`, `01012345678`, `+82-10-1234-5678` and `+821012345678`; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.replace('-', "");
        let national = digits
            .strip_prefix(COUNTRY)
            .or_else(|| digits.strip_prefix('0'))?;
        let mobile = matches!(national.as_bytes(), [b'1', b'0' | b'1' | b'6'..=b'9', rest @ ..]
            if (7..=8).contains(&rest.len()) && rest.iter().all(u8::is_ascii_digit));
        mobile.then(|| Self(format!("{COUNTRY}{national}")))
    }

    /// Creates a number that is known to be E.164: the constraint of the column guarantees it.
    pub(crate) fn from_e164(e164: String) -> Self {
        Self(e164)
    }

    /// Returns the number in E.164.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Phone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = self.0.len().saturating_sub(4);
        write!(f, "Phone(***{})", &self.0[shown..])
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn usual_spellings_parse_to_e164() {
        for text in [
            "010-1234-5678",
            "01012345678",
            "+82-10-1234-5678",
            "+821012345678",
            "+82-1012345678",
        ] {
            assert_eq!(Phone::parse(text).unwrap().as_str(), "+821012345678", "{text}");
        }
        assert_eq!(Phone::parse("011-123-4567").unwrap().as_str(), "+82111234567");
    }

    #[test]
    fn other_numbers_are_rejected() {
        for text in [
            "",
            "010",
            "02-123-4567",
            "+1 650 253 0000",
            "015-1234-5678",
            "010-1234-56789",
            "+820101234567８",
        ] {
            assert_eq!(Phone::parse(text), None, "{text}");
        }
    }

    #[test]
    fn debug_output_shows_only_the_last_four_digits() {
        assert_eq!(
            format!("{:?}", Phone::parse("010-1234-5678").unwrap()),
            "Phone(***5678)"
        );
    }

    proptest! {
        #[test]
        fn parsed_numbers_are_e164_and_parse_to_themselves(text in "(\\+82-?|0)1[016789]-?[0-9]{3,4}-?[0-9]{4}") {
            let phone = Phone::parse(&text).unwrap();
            prop_assert!(phone.as_str().starts_with("+821"));
            prop_assert!(phone.as_str()[1..].bytes().all(|b| b.is_ascii_digit()));
            prop_assert_eq!(Phone::parse(phone.as_str()), Some(phone));
        }

        #[test]
        fn parsing_never_panics(text in "\\PC*") {
            let _ = Phone::parse(&text);
        }
    }
}
