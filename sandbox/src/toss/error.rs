//! Errors of Toss with status, code and message of `data/toss_errors.json`, as `{"code", "message"}`.

use std::sync::LazyLock;

use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::json;

/// Row of the table of error codes.
#[derive(Debug, Deserialize)]
pub(super) struct ErrorSpec {
    pub(super) code: String,
    status: u16,
    ko: String,
    en: String,
}

/// Error with a code of the table, such as `NOT_FOUND_PAYMENT`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Error(&'static ErrorSpec);

static ERRORS: LazyLock<Vec<ErrorSpec>> = LazyLock::new(|| {
    // A test below parses the embedded file.
    serde_json::from_str(include_str!("../../data/toss_errors.json")).unwrap_or_default()
});

/// Fallback for a code that is not in the table. A test checks that the table has every code of the source.
static UNLISTED: LazyLock<ErrorSpec> = LazyLock::new(|| ErrorSpec {
    code: "COMMON_ERROR".to_owned(),
    status: 500,
    ko: "일시적인 오류가 발생했습니다. 잠시 후 다시 시도해주세요.".to_owned(),
    en: "A temporary error occurred. Please try again later.".to_owned(),
});

impl Error {
    /// Returns the error with this code.
    pub(super) fn new(code: &str) -> Self {
        Self::find(code).unwrap_or(Self(&UNLISTED))
    }

    /// Returns the error with this code, if the table has it.
    pub(super) fn find(code: &str) -> Option<Self> {
        ERRORS.iter().find(|error| error.code == code).map(Self)
    }

    pub(super) fn code(self) -> &'static str {
        &self.0.code
    }

    pub(super) fn korean(self) -> &'static str {
        &self.0.ko
    }

    /// Returns the body in English.
    pub(super) fn english_body(self) -> String {
        self.body(&self.0.en)
    }

    fn body(self, message: &str) -> String {
        json!({ "code": self.0.code, "message": message }).to_string()
    }
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let json = [(CONTENT_TYPE, "application/json")];
        let mut response = (status, json, self.body(&self.0.ko)).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn table_contains_every_code_once() {
        let mut codes: Vec<&str> = ERRORS.iter().map(|error| error.code.as_str()).collect();
        codes.sort_unstable();
        assert!(codes.windows(2).all(|pair| pair[0] != pair[1]));
        assert_eq!(codes.len(), 80);
        for error in ERRORS.iter() {
            assert!(
                StatusCode::from_u16(error.status).is_ok_and(|s| s.is_client_error() || s.is_server_error())
            );
            assert!(!error.ko.is_empty() && error.ko.len() <= 510 && !error.en.is_empty());
        }
    }

    #[test]
    fn declines_have_status_403() {
        assert_eq!(
            Error::new("REJECT_CARD_PAYMENT").into_response().status(),
            StatusCode::FORBIDDEN
        );
        assert_eq!(
            Error::new("INVALID_STOPPED_CARD").into_response().status(),
            StatusCode::BAD_REQUEST
        );
    }
}
