//! `/docs`: the reference of the API, which Scalar renders from `/openapi.json`, with a form that signs in for its requests; and
//! `/docs/errors`, the error catalogue. Nothing is loaded from another host. The `type` of a problem, `/docs#BOOKING002`, leads to its
//! entry in the catalogue.

mod errors_page;

use std::io::Read as _;

use axum::response::{IntoResponse as _, Response};
use flate2::read::GzDecoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_SECURITY_POLICY, CONTENT_TYPE, VARY};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::json;

use crate::compression::Encoding;
use crate::config::Docs;
use crate::document::Document;

/// The script that renders the reference, as gzip; `../web/README.md` has its origin and licence.
const SCALAR: &[u8] = include_bytes!("../web/scalar-1.46.4.js.gz");
const SCALAR_PATH: &str = "/docs/scalar-1.46.4.js";
const ERRORS_PATH: &str = "/docs/errors";
const REFERENCE_JS_PATH: &str = "/docs/reference.js";
const REFERENCE_CSS_PATH: &str = "/docs/reference.css";
/// Paths of the pages and their files.
pub const PATHS: [&str; 5] = [
    "/docs",
    ERRORS_PATH,
    REFERENCE_JS_PATH,
    REFERENCE_CSS_PATH,
    SCALAR_PATH,
];
const HTML: &str = "text/html; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";
/// Hash of the script, which the browser checks.
const SCALAR_INTEGRITY: &str = "sha384-BbTs28WithFYxTDCiH0YPK5tv3MflhBVpABoMjfb9UqXa/hegSE9I4THoddKejMF";

/// Scalar adds style elements; scripts and requests are those of this origin.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; \
     connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
);
/// The name of the script has its version.
const SCALAR_CACHE: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The pages at and below `/docs`.
pub struct DocsPages {
    reference: Document,
    errors: Document,
    script: Document,
    style: Document,
}

impl DocsPages {
    /// Writes the pages, once.
    pub fn new(config: &Docs) -> Self {
        // `<` would end the element that has the settings.
        let settings = json!({ "demo_logins": config.demo_logins, "demo_password": config.demo_password });
        let settings = settings.to_string().replace('<', "\\u003c");
        let reference = include_str!("../web/reference.html")
            .replace("{{scalar}}", SCALAR_PATH)
            .replace("{{integrity}}", SCALAR_INTEGRITY)
            .replace("{{settings}}", &settings);
        Self {
            reference: Document::new(HTML, reference),
            errors: Document::new(HTML, errors_page::page()),
            script: Document::new(JAVASCRIPT, include_str!("../web/reference.js")),
            style: Document::new("text/css; charset=utf-8", include_str!("../web/reference.css")),
        }
    }

    /// Returns the page at a path; `None` if it is not one of [`PATHS`].
    pub fn respond(&self, path: &str, request: &HeaderMap) -> Option<Response> {
        let document = match path {
            "/docs" => &self.reference,
            ERRORS_PATH => &self.errors,
            REFERENCE_JS_PATH => &self.script,
            REFERENCE_CSS_PATH => &self.style,
            SCALAR_PATH => return Some(scalar(request)),
            _ => return None,
        };
        let policy = [(CONTENT_SECURITY_POLICY, POLICY)];
        Some((policy, document.respond(request)).into_response())
    }
}

/// Returns the script as it is stored, or decompressed for the rare client that does not accept gzip.
fn scalar(request: &HeaderMap) -> Response {
    let headers: [(HeaderName, HeaderValue); 3] = [
        (CONTENT_TYPE, HeaderValue::from_static(JAVASCRIPT)),
        (CACHE_CONTROL, SCALAR_CACHE),
        (VARY, HeaderValue::from_static("accept-encoding")),
    ];
    if Encoding::Gzip.is_accepted(request) {
        let gzip = [(CONTENT_ENCODING, Encoding::Gzip.as_str())];
        return (headers, gzip, SCALAR).into_response();
    }
    (headers, decompressed()).into_response()
}

fn decompressed() -> Vec<u8> {
    let mut script = Vec::new();
    // A test reads it: it is part of the build.
    let _ = GzDecoder::new(SCALAR).read_to_end(&mut script);
    script
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::STANDARD;
    use bytes::Bytes;
    use http::header::ACCEPT_ENCODING;
    use http_body_util::BodyExt as _;
    use sha2::{Digest as _, Sha384};

    use super::*;

    fn pages(demo_logins: &[&str]) -> DocsPages {
        DocsPages::new(&Docs {
            public_url: "http://localhost:8080".to_owned(),
            demo_logins: demo_logins.iter().map(|login| (*login).to_owned()).collect(),
            demo_password: "</script>".to_owned(),
        })
    }

    async fn get(pages: &DocsPages, path: &str, accept_encoding: &'static str) -> (HeaderMap, Bytes) {
        let request = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(accept_encoding))]);
        let (head, body) = pages.respond(path, &request).expect(path).into_parts();
        (head.headers, body.collect().await.unwrap().to_bytes())
    }

    fn text(body: &Bytes) -> &str {
        std::str::from_utf8(body).unwrap()
    }

    #[test]
    fn integrity_is_the_hash_of_the_script() {
        let hash = Sha384::digest(decompressed());
        assert_eq!(SCALAR_INTEGRITY, format!("sha384-{}", STANDARD.encode(hash)));
    }

    #[tokio::test]
    async fn script_is_sent_as_gzip_and_to_other_clients_decompressed() {
        let pages = pages(&[]);
        let (headers, body) = get(&pages, SCALAR_PATH, "gzip, deflate, br, zstd").await;
        assert_eq!(
            (&headers[CONTENT_ENCODING], &body[..]),
            (&"gzip".parse().unwrap(), SCALAR)
        );
        assert_eq!(headers[CACHE_CONTROL], "public, max-age=31536000, immutable");
        for refused in ["", "br", "gzip;q=0"] {
            let (headers, body) = get(&pages, SCALAR_PATH, refused).await;
            assert!(!headers.contains_key(CONTENT_ENCODING), "{refused}");
            assert_eq!(body.len(), 3_566_844, "{refused}");
        }
    }

    #[tokio::test]
    async fn pages_load_files_of_this_origin_only() {
        let pages = pages(&["guest1@carshare.test"]);
        for path in PATHS.into_iter().filter(|path| *path != SCALAR_PATH) {
            let (headers, body) = get(&pages, path, "").await;
            assert!(!text(&body).contains("//") || path == REFERENCE_JS_PATH, "{path}");
            for foreign in ["http:", "https:", "@import", "url(", "eval("] {
                assert!(!text(&body).contains(foreign), "{path}: {foreign}");
            }
            let policy = headers[CONTENT_SECURITY_POLICY].to_str().unwrap();
            assert!(
                policy.contains("connect-src 'self'") && !policy.contains("http"),
                "{policy}"
            );
        }
        let (_, page) = get(&pages, "/docs", "").await;
        let sources = text(&page)
            .split(['"', '\''])
            .filter(|text| text.starts_with("/docs/"));
        for source in sources.filter(|source| *source != "/docs/postman.json") {
            assert!(pages.respond(source, &HeaderMap::new()).is_some(), "{source}");
        }
        assert!(pages.respond("/docs/other", &HeaderMap::new()).is_none());
    }

    #[tokio::test]
    async fn settings_cannot_end_their_element() {
        let (_, page) = get(&pages(&["</script><b>"]), "/docs", "").await;
        assert!(text(&page).contains(r#""demo_logins":["\u003c/script>\u003cb>"]"#));
    }
}
