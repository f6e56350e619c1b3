//! `TossPayments-Test-Code: {ERROR_CODE}` forces that error, with test keys only.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::error::Error;
use crate::state::App;

pub(super) async fn force(State(app): State<App>, request: Request, next: Next) -> Response {
    let code = request
        .headers()
        .get("tosspayments-test-code")
        .and_then(|value| value.to_str().ok());
    match code {
        Some(code) if app.config.toss_secret_key.starts_with("test_") => Error::find(code)
            .unwrap_or(Error::new("INVALID_TEST_CODE"))
            .into_response(),
        _ => next.run(request).await,
    }
}
