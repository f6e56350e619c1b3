//! Entity tags of bodies that are whole in memory, and conditional requests (RFC 9110 §13). The tags are weak: the bytes that are sent also
//! depend on the content coding.

use std::fmt::Write as _;
use std::hash::{DefaultHasher, Hasher as _};

use http::header::IF_NONE_MATCH;
use http::{HeaderMap, HeaderValue};

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
