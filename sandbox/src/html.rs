//! HTML pages without scripts. All text is inserted through [`escape`].

use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{Html, IntoResponse, Response};

const STYLE: &str = include_str!("../assets/style.css");

/// Escapes text for element content and quoted attributes.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

/// Returns a page around an already escaped `body`. With `refresh_seconds` the browser reloads it.
pub(crate) fn page(title: &str, body: &str, refresh_seconds: Option<u32>) -> Response {
    let refresh = refresh_seconds.map_or_else(String::new, |s| {
        format!(r#"<meta http-equiv="refresh" content="{s}">"#)
    });
    let title = escape(title);
    let html = format!(
        r#"<!doctype html><html lang="ko"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">{refresh}<title>{title}</title><style>{STYLE}</style></head><body><main>{body}</main></body></html>"#
    );
    let headers: [(HeaderName, HeaderValue); 3] = [
        // Pushes contain text of users: even if escaping failed, no script could run and nothing could be fetched.
        (
            header::CONTENT_SECURITY_POLICY,
            HeaderValue::from_static(
                "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'self'",
            ),
        ),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
    ];
    (headers, Html(html)).into_response()
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn escape_replaces_markup() {
        assert_eq!(
            escape(r#"<b a="x">Tom's & 차</b>"#),
            "&lt;b a=&quot;x&quot;&gt;Tom&#39;s &amp; 차&lt;/b&gt;"
        );
    }
}
