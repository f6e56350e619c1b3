//! The layers of the public port, outermost first. [`crate::app::service`] puts them together.
//!
//! | layer | does |
//! |---|---|
//! | [`request_info`] | reads protocol, language, correlation id and client address; writes the headers every response has |
//! | [`access_log`] | trace span, metrics and one log line a request |
//! | [`connection_close`] | announces that an HTTP/1 connection with an unread request body is closed |
//! | [`cors`] | answers preflight requests, by an allow-list of origins |
//! | [`security_headers`] | sets the security headers of an API, over REST |
//! | [`grpc_web`] | translates gRPC-web to gRPC and back |
//! | [`connect`] | translates Connect to gRPC and back |
//! | [`head`] | removes the body of a response to HEAD |
//! | [`error_response`] | writes errors as problems or gRPC statuses |
//! | [`catch_panic`] | turns a panic into an `INTERNAL` error |
//! | [`head_limit`] | refuses large request heads |
//! | [`https_redirect`] | redirects plain requests to HTTPS, if this process serves it |
//! | [`pages`] | answers `/healthz`, `/readyz`, `/openapi.json` and `/docs` |
//! | [`address_limit`] | refuses requests of an address that has many in flight |
//! | [`route`] | finds the RPC |
//! | [`body_timeout`] | ends a request if its body does not arrive |
//! | [`overload`] | refuses requests above the limit of all |
//! | [`deadline`] | opens the request context and enforces the deadline |
//! | [`authorize`] | verifies the access token and takes the call from the rate limits |

pub mod access_log;
pub mod address_limit;
pub mod authorize;
pub mod body_timeout;
pub mod catch_panic;
pub mod connect;
pub mod connection_close;
pub mod cors;
pub mod deadline;
pub mod error_response;
pub mod grpc_web;
pub mod head;
pub mod head_limit;
pub mod https_redirect;
pub mod overload;
pub mod pages;
pub mod request_info;
pub mod route;
pub mod security_headers;

use std::convert::Infallible;

use axum::extract::Request;
use axum::response::Response;
use tower::Service;

type Result = std::result::Result<Response, Infallible>;

/// The layers below a layer.
pub trait Inner: Service<Request, Response = Response, Error = Infallible> {}

impl<S: Service<Request, Response = Response, Error = Infallible>> Inner for S {}
