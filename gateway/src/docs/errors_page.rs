//! `/docs/errors`: the error catalogue as a page without scripts. The id of an entry is its code.

use std::fmt::Write as _;

use carshare_proto::errors::{self, ErrorSpec};

const STYLE: &str = "\
    :root{color-scheme:light dark}\
    body{font:16px/1.5 system-ui,sans-serif;max-width:70rem;margin:2rem auto;padding:0 1rem}\
    h2{margin-top:2.5rem;text-transform:capitalize}\
    code{font-size:.9em}\
    article{border-top:1px solid #8886;padding:.7rem .5rem;display:grid;grid-template-columns:9rem 1fr;gap:.2rem 1rem}\
    article p{margin:0}article header{grid-row:span 3}article small{opacity:.75;display:block}\
    :target{background:#ffd54f44;outline:2px solid #f9a825}\
    @media(max-width:40rem){article{grid-template-columns:1fr}article header{grid-row:auto}}";

/// Returns the page as HTML.
pub(super) fn page() -> String {
    let mut page = format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>Errors · Carshare API</title>\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><link rel=\"icon\" href=\"data:,\">\
         <style>{STYLE}</style></head><body>\
         <p><a href=\"/docs\">API reference</a></p><h1>Errors</h1>\
         <p>Errors are <code>application/problem+json</code> (RFC 9457); over gRPC the same data are <code>google.rpc</code> status \
         details. Clients compare <code>code</code>; <code>detail</code> is for users, in Korean or English by \
         <code>Accept-Language</code>.</p>"
    );
    let mut domain = "";
    for spec in errors::all() {
        if spec.domain != domain {
            domain = &spec.domain;
            let name = domain.rsplit('.').next().unwrap_or_default();
            let _ = write!(page, "<h2 id=\"{name}\">{name}</h2>");
        }
        page += &entry(spec);
    }
    page + "</body></html>"
}

fn entry(spec: &ErrorSpec) -> String {
    format!(
        "<article id=\"{code}\"><header><strong>{code}</strong><small>HTTP {http}<br>gRPC {grpc:?}</small></header>\
         <p lang=\"ko\">{ko}</p><p>{en}</p><p><small><code>{reason}</code>: {when}</small></p></article>",
        code = spec.code,
        http = spec.http,
        grpc = spec.grpc,
        ko = escape(&spec.ko),
        en = escape(&spec.en),
        reason = spec.reason,
        when = inline_code(&spec.when),
    )
}

/// Converts text with backticks to HTML.
fn inline_code(text: &str) -> String {
    let pieces = text.split('`').enumerate().map(|(index, piece)| match index % 2 {
        0 => escape(piece),
        _ => format!("<code>{}</code>", escape(piece)),
    });
    pieces.collect()
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn page_has_both_texts_of_every_code() {
        let page = page();
        for spec in errors::all() {
            assert!(
                page.contains(&format!("<article id=\"{}\">", spec.code)),
                "{}",
                spec.code
            );
            assert!(
                page.contains(&escape(&spec.ko)) && page.contains(&escape(&spec.en)),
                "{}",
                spec.code
            );
        }
        assert!(!page.contains("<script"));
    }

    #[test]
    fn texts_of_the_contract_are_escaped() {
        assert_eq!(inline_code("a <b> `c<d>`"), "a &lt;b&gt; <code>c&lt;d&gt;</code>");
    }
}
