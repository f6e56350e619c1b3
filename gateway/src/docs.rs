//! `/docs`: the operations and the error catalogue on one self-contained page. The `type` of a problem links to it:
//! `/docs#BOOKING002`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use carshare_chassis::method_registry::Policy;
use carshare_proto::errors::{self, ErrorSpec};

use crate::openapi::{Comment, error_specs};
use crate::routes::{Route, Routes};

const STYLE: &str = "body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#222}\
    h2{margin-top:3rem;border-bottom:1px solid #ccc}h3{margin-bottom:.2rem;font-size:1rem}\
    code{background:#f4f4f4;padding:.1em .3em;border-radius:3px}.who{color:#666;font-size:.85rem}\
    table{border-collapse:collapse;width:100%}td{border-top:1px solid #ddd;padding:.3rem .6rem .3rem 0;vertical-align:top}\
    :target{background:#fff3c4}";

/// Returns the page as HTML.
pub fn page(routes: &Routes) -> String {
    let mut services: BTreeMap<&str, Vec<&Route>> = BTreeMap::new();
    for route in routes.iter() {
        services.entry(&route.rpc.peer).or_default().push(route);
    }
    let operations: String = services.values().map(|routes| service(routes)).collect();
    let catalogue: String = errors::all().map(row).collect();
    format!(
        "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>카셰어링 서비스 API</title>\
         <meta name=\"viewport\" content=\"width=device-width\"><style>{STYLE}</style></head><body>\
         <h1>카셰어링 서비스 API</h1><p>For tools: <a href=\"/openapi.json\">openapi.json</a>. The same operations are gRPC \
         and gRPC-web on this port, with reflection.</p>{operations}\
         <h2 id=\"errors\">Errors</h2><p>Errors are <code>application/problem+json</code> (RFC 9457); over gRPC the same \
         data are <code>google.rpc</code> status details.</p><table>{catalogue}</table></body></html>"
    )
}

fn service(routes: &[&Route]) -> String {
    let Some(first) = routes.first() else {
        return String::new();
    };
    let service = first.rpc.descriptor.parent_service();
    let comment = Comment::of(&service.parent_file(), service.path());
    let operations: String = routes.iter().map(|route| operation(route)).collect();
    format!(
        "<h2 id=\"{0}\">{0}</h2><p>{1}</p>{operations}",
        first.rpc.peer,
        inline_code(&comment.text)
    )
}

fn operation(route: &Route) -> String {
    let rpc = &route.rpc;
    let mut html = format!(
        "<h3 id=\"{}\"><code>{} {}</code></h3><div class=\"who\">{} · <code>{}</code></div>",
        rpc.descriptor.name(),
        route.method,
        escape(&route.path),
        callers(rpc.method.policy()),
        rpc.path,
    );
    let comment = Comment::of(&rpc.descriptor.parent_file(), rpc.descriptor.path());
    for paragraph in comment.text.split("\n\n") {
        let _ = write!(html, "<p>{}</p>", inline_code(paragraph));
    }
    let codes = error_specs(rpc)
        .into_iter()
        .map(|spec| format!("<a href=\"#{0}\">{0}</a>", spec.code));
    let _ = write!(
        html,
        "<p class=\"who\">{}</p>",
        codes.collect::<Vec<_>>().join(" ")
    );
    html
}

fn callers(policy: &Policy) -> String {
    match policy {
        Policy::Public => "all callers".to_owned(),
        Policy::AnyUser => "signed-in users".to_owned(),
        Policy::Roles(roles) => roles
            .iter()
            .map(|role| role.as_str())
            .collect::<Vec<_>>()
            .join(", "),
        Policy::Internal(_) | Policy::Nobody => "nobody".to_owned(),
    }
}

fn row(spec: &ErrorSpec) -> String {
    format!(
        "<tr id=\"{0}\"><td><code>{0}</code></td><td>{1}</td><td>{2}<br>{3}<br>{4}</td></tr>",
        spec.code,
        spec.http,
        spec.reason,
        escape(&spec.ko),
        escape(&spec.en),
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
    use crate::method_table::MethodTable;

    #[test]
    fn page_lists_every_route_and_error_code_and_loads_nothing() {
        let routes = Routes::read(MethodTable::read().unwrap().iter()).unwrap();
        let page = page(&routes);
        for route in routes.iter() {
            assert!(page.contains(&format!("{} {}", route.method, route.path)));
        }
        for spec in errors::all() {
            assert!(
                page.contains(&format!("<tr id=\"{}\">", spec.code)),
                "{}",
                spec.code
            );
        }
        for elsewhere in ["src=", "<script", "<link", "http://", "https://"] {
            assert!(!page.contains(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn texts_of_the_contract_are_escaped() {
        assert_eq!(inline_code("a <b> `c<d>`"), "a &lt;b&gt; <code>c&lt;d&gt;</code>");
    }
}
