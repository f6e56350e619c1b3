//! Errors of Connect: a status as JSON with its details, the HTTP status of its code over unary calls, the last envelope of a stream.

use axum::body::Body;
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, StatusCode};
use prost::Message as _;
use serde_json::{Value, json};
use tonic::{Code, Status};

use super::{Form, envelope};

/// Flag of the envelope that ends a stream.
const END_STREAM: u8 = 2;

/// Returns the response of a call that failed before its reply.
pub(super) fn response(form: Form, status: &Status) -> Response {
    let mut response = Response::default();
    if form.is_unary {
        *response.status_mut() = http_status(status.code());
        *response.body_mut() = Body::from(to_json(status).to_string());
        response
            .headers_mut()
            .insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    } else {
        *response.body_mut() = Body::from(end_stream(status));
        response.headers_mut().insert(CONTENT_TYPE, form.content_type());
    }
    response
}

/// Returns the last envelope of a stream, with the error unless the status is OK.
pub(super) fn end_stream(status: &Status) -> bytes::Bytes {
    let end = match status.code() {
        Code::Ok => json!({}),
        _ => json!({ "error": to_json(status) }),
    };
    envelope(END_STREAM, end.to_string().as_bytes()).unwrap_or_default()
}

fn to_json(status: &Status) -> Value {
    let details = tonic_types::pb::Status::decode(status.details())
        .unwrap_or_default()
        .details;
    let details = details.iter().map(|detail| {
        let name = detail.type_url.rsplit('/').next().unwrap_or_default();
        json!({ "type": name, "value": STANDARD_NO_PAD.encode(&detail.value) })
    });
    let details: Vec<Value> = details.collect();
    json!({ "code": name(status.code()), "message": status.message(), "details": details })
}

fn name(code: Code) -> &'static str {
    match code {
        Code::Cancelled => "canceled",
        Code::InvalidArgument => "invalid_argument",
        Code::DeadlineExceeded => "deadline_exceeded",
        Code::NotFound => "not_found",
        Code::AlreadyExists => "already_exists",
        Code::PermissionDenied => "permission_denied",
        Code::ResourceExhausted => "resource_exhausted",
        Code::FailedPrecondition => "failed_precondition",
        Code::Aborted => "aborted",
        Code::OutOfRange => "out_of_range",
        Code::Unimplemented => "unimplemented",
        Code::Internal => "internal",
        Code::Unavailable => "unavailable",
        Code::DataLoss => "data_loss",
        Code::Unauthenticated => "unauthenticated",
        Code::Ok | Code::Unknown => "unknown",
    }
}

/// The protocol's table of HTTP statuses.
fn http_status(code: Code) -> StatusCode {
    let status = match code {
        Code::Cancelled => 499,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => 400,
        Code::DeadlineExceeded => 504,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::PermissionDenied => 403,
        Code::ResourceExhausted => 429,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::Unauthenticated => 401,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => 500,
    };
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_the_name_and_http_status_of_the_protocol() {
        // connectrpc.com/docs/protocol#error-codes
        let table = [
            (1, "canceled", 499),
            (2, "unknown", 500),
            (3, "invalid_argument", 400),
            (4, "deadline_exceeded", 504),
            (5, "not_found", 404),
            (6, "already_exists", 409),
            (7, "permission_denied", 403),
            (8, "resource_exhausted", 429),
            (9, "failed_precondition", 400),
            (10, "aborted", 409),
            (11, "out_of_range", 400),
            (12, "unimplemented", 501),
            (13, "internal", 500),
            (14, "unavailable", 503),
            (15, "data_loss", 500),
            (16, "unauthenticated", 401),
        ];
        for (number, expected, http) in table {
            let code = Code::from_i32(number);
            assert_eq!((name(code), http_status(code).as_u16()), (expected, http));
        }
    }
}
