//! Login addresses: compared, stored and shown in lower case.

use std::fmt;

/// An e-mail address in lower case. That it is one at all is a rule of the contract.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Email(String);

impl Email {
    /// The address as it is stored, whatever case it was typed in.
    pub fn new(typed: &str) -> Self {
        Self(typed.to_lowercase())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What stands before the `@`.
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
    fn case_does_not_make_another_address() {
        let email = Email::new("Kim.Minji@Example.COM");
        assert_eq!(email, Email::new("kim.minji@example.com"));
        assert_eq!(
            (email.as_str(), email.local_part()),
            ("kim.minji@example.com", "kim.minji")
        );
    }

    #[test]
    fn logs_do_not_show_it() {
        assert_eq!(format!("{:?}", Email::new("a@b.kr")), "Email(***)");
    }
}
