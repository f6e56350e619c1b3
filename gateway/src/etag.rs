//! Entity tags and conditional requests (RFC 9110 §13). A resource with a field `etag` is tagged with it, any other body that is whole in
//! memory with a hash. A tag is weak where the bytes that are sent also depend on the content coding.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};

/// What `If-Match` expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected<'a> {
    Any,
    /// The text of a tag, without quotes.
    Tag(&'a str),
}

/// Parses an `If-Match` with one tag. `None` for several, and for a malformed one.
///
/// A weak tag is accepted: proxies weaken the tags of replies that they compress, and ours tell states of a resource apart, not bytes.
pub fn parse(header: &HeaderValue) -> Option<Expected<'_>> {
    let text = header.to_str().ok()?.trim();
    if text == "*" {
        return Some(Expected::Any);
    }
    let tag = text.strip_prefix("W/").unwrap_or(text);
    let tag = tag.strip_prefix('"')?.strip_suffix('"')?;
    (!tag.contains('"')).then_some(Expected::Tag(tag))
}

/// Returns the header for the `etag` of a resource, `None` if it has a character that a tag may not have.
pub fn strong(etag: &str) -> Option<HeaderValue> {
    let is_valid = etag.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'"');
    HeaderValue::try_from(format!("\"{etag}\""))
        .ok()
        .filter(|_| is_valid)
}

/// Returns the weak form of a tag.
pub fn weakened(tag: &HeaderValue) -> Option<HeaderValue> {
    let text = tag.to_str().ok()?;
    match text.strip_prefix("W/") {
        Some(_) => Some(tag.clone()),
        None => HeaderValue::try_from(format!("W/{text}")).ok(),
    }
}

/// Returns the tag of a body, which is the same in every process of one build.
pub fn of(body: &[u8]) -> HeaderValue {
    let mut hasher = DefaultHasher::new();
    hasher.write(body);
    let mut tag = String::with_capacity(20);
    // Writing to a string never fails.
    let _ = write!(tag, "W/\"{:016x}\"", hasher.finish());
    HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("W/\"\""))
}

/// Returns whether `If-None-Match` has the tag, compared weakly, or `*`.
pub fn is_known(headers: &HeaderMap, tag: &HeaderValue) -> bool {
    let values = headers.get_all(IF_NONE_MATCH).iter();
    let mut known = values
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','));
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = tag.to_str().map(opaque).unwrap_or_default();
    known.any(|candidate| candidate.trim() == "*" || opaque(candidate) == tag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_follows_the_body() {
        assert_eq!(of(b"a"), of(b"a"));
        assert_ne!(of(b"a"), of(b"b"));
        let tag = of(b"");
        let text = tag.to_str().unwrap();
        assert!(
            text.len() == 20 && text.starts_with("W/\"") && text.ends_with('"'),
            "{text}"
        );
    }

    #[test]
    fn if_match_has_one_tag_or_star() {
        for (text, expected) in [
            ("*", Some(Expected::Any)),
            ("\"1\"", Some(Expected::Tag("1"))),
            (" W/\"1\" ", Some(Expected::Tag("1"))),
            ("\"1\", \"2\"", None),
            ("1", None),
            ("\"1", None),
            ("\"", None),
            ("", None),
        ] {
            assert_eq!(parse(&HeaderValue::from_static(text)), expected, "{text}");
        }
    }

    #[test]
    fn tag_of_a_resource_is_strong_until_it_is_weakened() {
        let tag = strong("q0V4-_").unwrap();
        assert_eq!(tag, "\"q0V4-_\"");
        let weak = weakened(&tag).unwrap();
        assert_eq!(weak, "W/\"q0V4-_\"");
        assert_eq!(weakened(&weak), Some(weak));
        for wrong in ["a b", "a\"b", "가"] {
            assert_eq!(strong(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn listed_tag_or_star_is_known() {
        let tag = HeaderValue::from_static("W/\"1\"");
        for (values, expected) in [
            (&["W/\"1\""][..], true),
            (&["\"1\""], true),
            (&["\"0\", W/\"1\""], true),
            (&["\"0\"", "W/\"1\""], true),
            (&["*"], true),
            (&["W/\"10\""], false),
            (&["1"], false),
            (&[], false),
        ] {
            let values = values.iter().map(|value| (IF_NONE_MATCH, value.parse().unwrap()));
            assert_eq!(is_known(&values.collect(), &tag), expected, "{expected}");
        }
    }
}
