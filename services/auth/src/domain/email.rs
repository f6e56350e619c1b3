//! E-mail addresses: compared, stored and displayed in lower case.

use std::fmt;

/// An e-mail address in lower case. Its syntax is validated by the contract.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// Converts an address to lower case.
    pub fn new(address: &str) -> Self {
        Self(address.to_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part before the `@`.
    pub fn local_part(&self) -> &str {
        self.0.split_once('@').map_or(self.as_str(), |(local, _)| local)
    }
}

impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(***)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_differ_in_case_are_equal() {
        let email = Email::new("Kim.Minji@Example.COM");
        assert_eq!(email, Email::new("kim.minji@example.com"));
        assert_eq!(
            (email.as_str(), email.local_part()),
            ("kim.minji@example.com", "kim.minji")
        );
    }

    #[test]
    fn debug_output_hides_the_address() {
        assert_eq!(format!("{:?}", Email::new("a@b.kr")), "Email(***)");
    }
}
