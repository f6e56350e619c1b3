//! Requests and assertions on replies.

use std::fmt::Debug;

use carshare_chassis::Error;
use carshare_proto::errors::Reason;
use carshare_testkit::eventually_true;
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt as _;

use crate::WAIT_TIMEOUT;

/// Adds an entry of metadata to a request.
pub fn with_metadata<M>(mut request: Request<M>, name: &'static str, value: &str) -> Request<M> {
    let value = value.parse().expect("a metadata value");
    request.metadata_mut().insert(name, value);
    request
}

/// Adds an idempotency key to a request.
pub fn with_idempotency_key<M>(request: Request<M>, key: &str) -> Request<M> {
    with_metadata(request, "idempotency-key", key)
}

/// Creates a request of another service. The harness runs without TLS, where this header replaces the certificate.
pub fn from_service<M>(name: &str, message: M) -> Request<M> {
    with_metadata(Request::new(message), "x-carshare-peer", name)
}

/// Returns the message of a reply.
pub fn into_message<M>(reply: Result<Response<M>, Status>) -> Result<M, Status> {
    reply.map(Response::into_inner)
}

/// Asserts the reason and domain of an error and returns the error.
#[track_caller]
pub fn assert_reason<T: Debug>(result: Result<T, Status>, reason: impl Reason) -> Error {
    let status = result.expect_err("the call is refused");
    // From the details: `Error::from_status` turns a peer's refusal of this caller into an internal error.
    let info = status
        .get_details_error_info()
        .map(|info| (info.domain, info.reason));
    let spec = reason.spec();
    assert_eq!(
        info,
        Some((spec.domain.clone(), spec.reason.clone())),
        "{status:?}"
    );
    Error::from_status(status)
}

/// Asserts the gRPC status code of an error.
#[track_caller]
pub fn assert_code<T: Debug>(result: Result<T, Status>, code: Code) {
    assert_eq!(result.expect_err("the call is refused").code(), code);
}

/// Parses an RFC 3339 time into its protobuf form.
pub fn timestamp(text: &str) -> Timestamp {
    let time: DateTime<Utc> = text.parse().expect("an RFC 3339 time");
    carshare_chassis::proto_types::timestamp(time)
}

/// Waits until the condition holds. Panics with the caller's line after [`WAIT_TIMEOUT`].
#[track_caller]
pub fn wait_until<R: Future<Output = bool>>(condition: impl FnMut() -> R) -> impl Future<Output = ()> {
    eventually_true(WAIT_TIMEOUT, condition)
}
