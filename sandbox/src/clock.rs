//! `/sandbox/clock` and the page `/clock`: the time of the mesh, which can be advanced where the sandbox runs in the process of the mesh
//! (`carshare run`). Elsewhere every process has the clock of its machine.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::json;

use crate::html;
use crate::kst;
use crate::state::App;

/// A year at a time: later times are of no use to a rental.
const MAX_ADVANCE_S: u64 = 366 * 24 * 60 * 60;

/// Seconds and label of each button.
const BUTTONS: [(u64, &str); 4] = [
    (10 * 60, "10 minutes"),
    (60 * 60, "An hour"),
    (24 * 60 * 60, "A day"),
    (7 * 24 * 60 * 60, "A week"),
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Advance {
    advance_seconds: u64,
}

pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/sandbox/clock", get(show).post(advance))
        .route("/clock", get(page))
        .route("/clock/advance", post(advance_by_button))
}

async fn show(State(app): State<App>) -> Response {
    shown(&app)
}

/// Accepts any content type, for requests typed by hand.
async fn advance(State(app): State<App>, body: Bytes) -> Response {
    let parsed = serde_json::from_slice::<Advance>(&body).map_err(|error| error.to_string());
    match parsed {
        Ok(by) => apply(&app, &by).unwrap_or_else(|| shown(&app)),
        Err(message) => refusal(StatusCode::BAD_REQUEST, &message),
    }
}

async fn advance_by_button(State(app): State<App>, Form(by): Form<Advance>) -> Response {
    apply(&app, &by).unwrap_or_else(|| Redirect::to("/clock").into_response())
}

/// Advances the clock. Returns a refusal.
fn apply(app: &App, by: &Advance) -> Option<Response> {
    if !(1..=MAX_ADVANCE_S).contains(&by.advance_seconds) {
        let message = format!("advance_seconds must be from 1 to {MAX_ADVANCE_S}");
        return Some(refusal(StatusCode::BAD_REQUEST, &message));
    }
    let is_advanced = app
        .environment
        .clock
        .advance(Duration::from_secs(by.advance_seconds));
    let message = "the clock of this sandbox cannot be advanced";
    (!is_advanced).then(|| refusal(StatusCode::CONFLICT, message))
}

fn shown(app: &App) -> Response {
    Json(json!({ "now": app.environment.clock.now() })).into_response()
}

fn refusal(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({ "message": message }))).into_response()
}

async fn page(State(app): State<App>) -> Response {
    let buttons = BUTTONS.map(|(seconds, label)| {
        format!(r#"<button name="advance_seconds" value="{seconds}">{label}</button>"#)
    });
    let body = format!(
        r#"<p><a href="/">Sandbox</a></p><h1>Clock</h1><p>It is <b>{}</b> in Seoul.</p><form method="post" action="/clock/advance">Advance by <span class="chips">{}</span></form><p class="soft">Access tokens expire as the time passes: sign in again. Scripts use <code>POST /sandbox/clock</code>.</p>"#,
        kst::in_korea(app.environment.clock.now()).format("%Y-%m-%d %H:%M:%S"),
        buttons.concat()
    );
    html::page("Clock", &body, None)
}
