//! `/faults`: buttons that inject the usual faults, and the faults that are still to come.

use std::fmt::Write as _;

use axum::Router;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;

use super::{Fault, Kind, Provider};
use crate::html::{self, escape};
use crate::state::App;

const PROVIDERS: [(Provider, &str, &str); 4] = [
    (Provider::Toss, "toss", "Toss Payments"),
    (Provider::Kakao, "kakao", "Kakao Local"),
    (Provider::Fcm, "fcm", "Firebase Cloud Messaging"),
    (Provider::Smtp, "smtp", "SMTP"),
];

/// Value of the form and label of each button.
const BUTTONS: [(&str, &str); 6] = [
    ("slow", "Slow (3 s)"),
    ("timeout", "Time out (90 s)"),
    ("unavailable", "503"),
    ("rate_limited", "429"),
    ("lost_reply", "Handle, lose the reply"),
    ("refuse", "Close the connection"),
];

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/faults", get(page))
        .route("/faults/inject", post(inject))
        .route("/faults/clear", post(clear))
}

async fn page(State(app): State<App>) -> Response {
    let mut body = String::from(
        r#"<p><a href="/">Sandbox</a></p><h1>Faults</h1><p class="soft">A button changes the next requests to the provider. Tests and scripts use <code>POST /sandbox/faults</code>, which can also match a path.</p>"#,
    );
    for (_, value, name) in PROVIDERS {
        let _ = write!(
            body,
            r#"<h2>{name}</h2><form method="post" action="/faults/inject"><input type="hidden" name="provider" value="{value}"><label>Requests <input type="number" name="times" value="1" min="1" max="1000"></label> <span class="chips">"#
        );
        for (fault, label) in BUTTONS {
            let _ = write!(body, r#"<button name="fault" value="{fault}">{label}</button>"#);
        }
        body.push_str("</span></form>");
    }
    let faults = app.faults().list();
    body.push_str("<h2>To come</h2>");
    if faults.is_empty() {
        body.push_str(r#"<p class="empty">No faults: all providers work.</p>"#);
    } else {
        body.push_str("<table><tr><th>Provider</th><th>Path</th><th>Fault</th><th>Requests left</th></tr>");
        for fault in &faults {
            body.push_str(&row(fault));
        }
        body.push_str(
            r#"</table><form method="post" action="/faults/clear"><button>Clear all</button></form>"#,
        );
    }
    html::page("Faults", &body, None)
}

fn row(fault: &Fault) -> String {
    let effect = match fault.kind {
        Kind::Delay => format!("delay of {} ms", fault.delay_ms),
        Kind::Error => format!("HTTP {}", fault.status),
        Kind::LostReply => "handled, reply lost".to_owned(),
        Kind::Refuse => "connection closed".to_owned(),
    };
    format!(
        "<tr><td>{:?}</td><td><code>{}</code></td><td>{effect}</td><td>{}</td></tr>",
        fault.provider,
        escape(&fault.path_contains),
        fault.times
    )
}

#[derive(Deserialize)]
struct Choice {
    provider: Provider,
    fault: String,
    times: u32,
}

async fn inject(State(app): State<App>, Form(choice): Form<Choice>) -> Response {
    let provider = choice.provider;
    let fault = match choice.fault.as_str() {
        "slow" => Fault::delay(provider, "", 3_000),
        "timeout" => Fault::delay(provider, "", 90_000),
        "unavailable" => Fault::error(provider, "", 503),
        "rate_limited" => Fault::error(provider, "", 429),
        "lost_reply" => Fault::lost_reply(provider, ""),
        "refuse" => Fault::refuse(provider, ""),
        _ => return StatusCode::BAD_REQUEST.into_response(),
    };
    app.faults().inject(fault.times(choice.times.max(1)));
    Redirect::to("/faults").into_response()
}

async fn clear(State(app): State<App>) -> Redirect {
    app.faults().clear();
    Redirect::to("/faults")
}
