//! An SMTP server (RFC 5321, without TLS and authentication) and an inbox of the mails that it has accepted.

pub(crate) mod inbox;
mod message;
pub(crate) mod smtp;

use axum::Router;
use axum::routing::get;

use crate::state::App;

/// Routes below `/mail`.
pub(crate) fn router() -> Router<App> {
    Router::new()
        .route("/inbox", get(inbox::page))
        .route("/inbox.json", get(inbox::json))
}
