//! Checks `Authorization: Basic base64("{secretKey}:")`. Without the colon Toss responds 403, not 401.

use axum::extract::{Request, State};
use axum::http::header::AUTHORIZATION;
use axum::http::{HeaderName, HeaderValue};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::error::Error;
use crate::state::App;

const TRACE_ID: HeaderName = HeaderName::from_static("x-tosspayments-trace-id");

pub(super) async fn guard(State(app): State<App>, request: Request, next: Next) -> Response {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let mut response = match authorize(header, &app.config.toss_secret_key) {
        Ok(()) => next.run(request).await,
        Err(error) => error.into_response(),
    };
    if let Ok(trace_id) = HeaderValue::from_str(&hex::encode(app.environment.random.bytes::<16>())) {
        response.headers_mut().insert(TRACE_ID, trace_id);
    }
    response
}

fn authorize(header: Option<&str>, secret_key: &str) -> Result<(), Error> {
    let encoded = header
        .and_then(|value| value.strip_prefix("Basic "))
        .ok_or(Error::new("UNAUTHORIZED_KEY"))?;
    let decoded = STANDARD
        .decode(encoded.trim())
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok());
    let decoded = decoded.ok_or(Error::new("INCORRECT_BASIC_AUTH_FORMAT"))?;
    let (key, password) = decoded
        .split_once(':')
        .ok_or(Error::new("INCORRECT_BASIC_AUTH_FORMAT"))?;
    if key == secret_key && password.is_empty() {
        Ok(())
    } else {
        Err(Error::new("UNAUTHORIZED_KEY"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Header as in Toss's reference.
    const KEY: &str = "test_sk_zXLkKEypNArWmo50nX3lmeaxYG5R";
    const HEADER: &str = "Basic dGVzdF9za196WExrS0V5cE5BcldtbzUwblgzbG1lYXhZRzVSOg==";

    fn code(header: Option<&str>, key: &str) -> Option<&'static str> {
        authorize(header, key).err().map(Error::code)
    }

    #[test]
    fn secret_key_with_a_colon_is_accepted_and_nothing_else() {
        assert_eq!(code(Some(HEADER), KEY), None);
        assert_eq!(code(Some(HEADER), "test_sk_other"), Some("UNAUTHORIZED_KEY"));
        assert_eq!(code(None, KEY), Some("UNAUTHORIZED_KEY"));
        assert_eq!(
            code(Some(&format!("Bearer {KEY}")), KEY),
            Some("UNAUTHORIZED_KEY")
        );
        let without_colon = format!("Basic {}", STANDARD.encode(KEY));
        assert_eq!(
            code(Some(&without_colon), KEY),
            Some("INCORRECT_BASIC_AUTH_FORMAT")
        );
    }
}
