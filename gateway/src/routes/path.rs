//! The path of a URL, cut into segments before anything is decoded: an encoded slash is no separator.

use percent_encoding::percent_decode_str;

/// The segments after the first slash, as they came. `/` has one empty segment.
pub(super) fn segments(path: &str) -> Vec<&str> {
    path.strip_prefix('/').unwrap_or(path).split('/').collect()
}

/// A segment as text; `None` when it is not UTF-8.
pub(super) fn decode(segment: &str) -> Option<String> {
    percent_decode_str(segment).decode_utf8().ok().map(Into::into)
}

/// Segments that stay a path: an encoded slash stays encoded, to distinguish it from a separator.
pub(super) fn decode_many(segments: &[&str]) -> Option<String> {
    let decoded: Option<Vec<String>> = segments.iter().map(|segment| decode_but_slash(segment)).collect();
    Some(decoded?.join("/"))
}

fn decode_but_slash(segment: &str) -> Option<String> {
    let upper = segment.replace("%2f", "%2F");
    let parts: Option<Vec<String>> = upper.split("%2F").map(decode).collect();
    Some(parts?.join("%2F"))
}
