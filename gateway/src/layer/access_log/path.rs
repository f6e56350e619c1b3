//! The path of a request as the log shows it.

use uuid::Uuid;

/// A word of the contract is no longer than this.
const LONGEST: usize = 24;
/// `v1`, and little more.
const DIGITS: usize = 3;

/// The path with `*` for every part that is neither a word nor the id of something: clients put all kinds of things into
/// paths, and no address, number or token belongs in a log.
pub(super) fn told(path: &str) -> String {
    let parts: Vec<&str> = path
        .split('/')
        .map(|part| if is_told(part) { part } else { "*" })
        .collect();
    parts.join("/")
}

fn is_told(part: &str) -> bool {
    let (id, verb) = part.split_once(':').unwrap_or((part, ""));
    (is_word(id) || Uuid::try_parse(id).is_ok()) && is_word(verb)
}

fn is_word(part: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    part.len() <= LONGEST
        && part.bytes().all(is_plain)
        && part.bytes().filter(u8::is_ascii_digit).count() <= DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_ids_are_told_and_nothing_else() {
        let id = "01a2030f-0c56-7000-8b1a-dfa2a5a35b3a";
        for (path, expected) in [
            ("/v1/bookings", "/v1/bookings"),
            ("/.well-known/jwks.json", "/.well-known/jwks.json"),
            (
                &*format!("/v1/bookings/{id}/approve"),
                &*format!("/v1/bookings/{id}/approve"),
            ),
            (
                &*format!("/v1/images/{id}:complete"),
                &*format!("/v1/images/{id}:complete"),
            ),
            ("/v1/users/jiwoo.kim%40mail.com", "/v1/users/*"),
            ("/v1/users/010-2345-6789", "/v1/users/*"),
            ("/v1/auth/eyJhbGciOiJFZERTQSJ9.e30.c2ln", "/v1/auth/*"),
            ("/v1/cards/4330123412341234", "/v1/cards/*"),
            ("/", "/"),
        ] {
            assert_eq!(told(path), expected);
        }
    }
}
