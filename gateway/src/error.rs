//! Errors on their way to the client. Layers and handlers return a [`GatewayError`];
//! [`error_response`](crate::layer::error_response) writes it.

use std::sync::Arc;

use axum::response::{IntoResponse, Response};
use carshare_chassis::Error;
use carshare_proto::common::v1::ErrorReason as Common;
use http::header::ALLOW;
use http::{HeaderValue, Method, StatusCode};
use tonic::{Code, Status};

use crate::layer::request_info::{Protocol, RequestInfo};
use crate::problem::Problem;

#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub enum GatewayError {
    /// An error of the gateway itself.
    Local(#[from] Error),
    /// The status of a service, with the details that the service put there.
    Upstream(#[from] Status),
}

/// Extension of an error response: the stable code, `BOOKING002`, for the access log.
#[derive(Clone, Debug)]
pub struct ErrorCode(pub String);

impl IntoResponse for GatewayError {
    /// Returns an empty response that carries the error as an extension.
    fn into_response(self) -> Response {
        let mut response = StatusCode::INTERNAL_SERVER_ERROR.into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

impl GatewayError {
    /// Removes the error from a response that carries one.
    pub fn take<B>(response: &mut http::Response<B>) -> Option<Self> {
        Arc::into_inner(response.extensions_mut().remove::<Arc<Self>>()?)
    }

    pub fn problem(&self) -> Problem {
        match self {
            Self::Local(error) => Problem::from_error(error),
            Self::Upstream(status) => Problem::from_status(status),
        }
    }

    /// Writes the error in the protocol and language of the client, and logs it when it is a defect or an outage.
    pub fn render(self, info: &RequestInfo) -> Response {
        self.log(&info.correlation_id);
        let problem = self.problem();
        let code = ErrorCode(problem.code().to_owned());
        let mut response = match info.protocol {
            Protocol::Rest => problem.into_response(info),
            Protocol::Grpc | Protocol::Connect => self.into_grpc(info),
        };
        response.extensions_mut().insert(code);
        response
    }

    /// The HTTP status is that of gRPC, 200, but for a content type that is not supported, so that a client of another protocol does not take
    /// the response for a success.
    fn into_grpc(self, info: &RequestInfo) -> Response {
        let is_other_protocol = matches!(&self, Self::Local(error) if error.is(Common::UnsupportedMediaType));
        let mut response = self.into_status(info).into_http();
        if is_other_protocol {
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
        }
        response
    }

    /// A service's status is passed on as it is, unless it lacks the details of our catalogue.
    fn into_status(self, info: &RequestInfo) -> Status {
        match self {
            Self::Local(error) => error.into_status(info.lang),
            Self::Upstream(status) if status.details().is_empty() => {
                Error::from_status(status).into_status(info.lang)
            }
            Self::Upstream(status) => status,
        }
    }

    /// Other errors are in the access log, by their code, and so are requests that clients did not send whole.
    fn log(&self, correlation_id: &str) {
        match self {
            Self::Local(error) if is_of_server(error) => {
                tracing::warn!(correlation_id, ?error, "request failed");
            }
            Self::Upstream(status) if status.details().is_empty() => {
                tracing::warn!(correlation_id, ?status, "service failed");
            }
            _ => {}
        }
    }
}

/// Returns whether the error is one of this system. A request that a client did not send whole is none, although its code is
/// `DEADLINE_EXCEEDED`.
fn is_of_server(error: &Error) -> bool {
    let is_5xx = matches!(
        error.code(),
        Code::Internal | Code::Unavailable | Code::DeadlineExceeded
    );
    is_5xx && !error.is(Common::RequestTimeout)
}

/// Returns 405 with the methods in `Allow` (RFC 9110 §15.5.6). HEAD is allowed where GET is.
pub fn method_not_allowed(methods: impl IntoIterator<Item = Method>) -> Response {
    let mut methods: Vec<Method> = methods.into_iter().collect();
    if methods.contains(&Method::GET) {
        methods.push(Method::HEAD);
    }
    let mut names: Vec<&str> = methods.iter().map(Method::as_str).collect();
    names.sort_unstable();
    let mut response = GatewayError::from(Error::new(Common::MethodNotAllowed)).into_response();
    let allow = HeaderValue::from_str(&names.join(", "));
    response.headers_mut().extend(allow.map(|allow| (ALLOW, allow)));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn request_that_was_not_sent_whole_is_no_error_of_the_server() {
        for (reason, is_ours) in [
            (Common::Internal, true),
            (Common::Unavailable, true),
            (Common::DeadlineExceeded, true),
            (Common::RequestTimeout, false),
            (Common::RateLimited, false),
        ] {
            assert_eq!(is_of_server(&Error::new(reason)), is_ours, "{reason:?}");
        }
    }
}
