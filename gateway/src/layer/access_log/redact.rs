//! Removes personal data from the path of a request for the log.

use uuid::Uuid;

/// The longest word of the contract's paths, with some reserve.
const MAX_WORD_BYTES: usize = 24;
/// `v1` has one digit; phone and card numbers have more than these.
const MAX_DIGITS: usize = 3;

/// Replaces every segment that is neither a short lower-case word nor a UUID by `*`: clients put addresses, numbers and tokens
/// into paths.
pub(super) fn redact(path: &str) -> String {
    let segments: Vec<&str> = path
        .split('/')
        .map(|segment| if is_safe(segment) { segment } else { "*" })
        .collect();
    segments.join("/")
}

fn is_safe(segment: &str) -> bool {
    is_word(segment) || Uuid::try_parse(segment).is_ok()
}

fn is_word(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte);
    text.len() <= MAX_WORD_BYTES
        && text.bytes().all(is_plain)
        && text.bytes().filter(u8::is_ascii_digit).count() <= MAX_DIGITS
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_and_uuids_are_kept_and_other_segments_replaced() {
        let id = "01a2030f-0c56-7000-8b1a-dfa2a5a35b3a";
        let with_id = format!("/v1/bookings/{id}/approve");
        for path in ["/", "/v1/bookings", "/.well-known/jwks.json", &with_id] {
            assert_eq!(redact(path), path);
        }
        for (path, expected) in [
            ("/v1/users/jiwoo.kim%40mail.com", "/v1/users/*"),
            ("/v1/users/010-2345-6789", "/v1/users/*"),
            ("/v1/auth/eyJhbGciOiJFZERTQSJ9.e30.c2ln", "/v1/auth/*"),
            ("/v1/cards/4330123412341234", "/v1/cards/*"),
        ] {
            assert_eq!(redact(path), expected);
        }
    }
}
