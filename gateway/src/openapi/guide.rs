//! The description of the API document: how to sign in, the conventions of requests, and the error catalogue.

use std::fmt::Write as _;

use carshare_proto::errors;

/// Returns the guide and the catalogue as Markdown.
pub(super) fn markdown() -> String {
    let mut page = include_str!("guide.md").to_owned();
    let mut domain = "";
    for spec in errors::all() {
        if spec.domain != domain {
            domain = &spec.domain;
            let name = domain.rsplit('.').next().unwrap_or_default();
            let _ = write!(
                page,
                "\n## Errors: {name}\n\n| Code | HTTP | Reason | Korean | English |\n|---|---|---|---|---|\n"
            );
        }
        let _ = writeln!(
            page,
            "| `{}` | {} | `{}` | {} | {} |",
            spec.code, spec.http, spec.reason, spec.ko, spec.en
        );
    }
    page
}
