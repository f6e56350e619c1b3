//! Errors with the `{errorType, message}` bodies of dapi.kakao.com.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Error {
    NoKey,
    MalformedKey(String),
    UnknownKey(String),
    /// Name of the parameter.
    Missing(&'static str),
    /// Message as observed at Kakao, such as `page is more than max`.
    Invalid(String),
    Throttled,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        let (status, error_type, message) = match self {
            Self::NoKey => denied("cannot find Authorization : KakaoAK header".to_owned()),
            Self::MalformedKey(key) => denied(format!("wrong appKey({key}) format")),
            Self::UnknownKey(key) => denied(format!("appKey({key}) does not exist")),
            Self::Missing(name) => (
                StatusCode::BAD_REQUEST,
                "MissingParameter",
                format!("{name} parameter required"),
            ),
            Self::Invalid(message) => (StatusCode::BAD_REQUEST, "InvalidArgument", message),
            Self::Throttled => (
                StatusCode::TOO_MANY_REQUESTS,
                "RequestThrottled",
                "API limit has been exceeded.".to_owned(),
            ),
        };
        (
            status,
            Json(json!({ "errorType": error_type, "message": message })),
        )
            .into_response()
    }
}

fn denied(message: String) -> (StatusCode, &'static str, String) {
    (StatusCode::UNAUTHORIZED, "AccessDeniedError", message)
}
