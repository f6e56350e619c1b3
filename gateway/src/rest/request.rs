//! HTTP request → request message: body, query and path, in this order.

use axum::body::Body;
use bytes::Bytes;
use carshare_chassis::Error;
use carshare_chassis::error::Violation;
use carshare_proto::common::v1::ErrorReason as Common;
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body_util::{BodyExt as _, LengthLimitError, Limited};
use prost_reflect::{DynamicMessage, Kind, ReflectMessage as _, Value};

use super::{CURSOR, query};
use crate::json::{self, Fault};
use crate::routes::{self, Bindings, Route};

/// The header in which browsers say where a stream broke off.
const LAST_EVENT_ID: &str = "last-event-id";

/// Fills the request message of the route's RPC.
///
/// # Errors
/// `INVALID_ARGUMENT` naming every field at fault, `TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`.
pub(super) async fn read(
    route: &Route,
    bindings: Bindings,
    parts: &Parts,
    body: Body,
    max_bytes: usize,
) -> Result<DynamicMessage, Error> {
    let mut message = DynamicMessage::new(route.rpc.descriptor.input());
    let mut faults = Vec::new();
    if route.body != routes::Body::None {
        let bytes = collect(&parts.headers, body, max_bytes).await?;
        faults.extend(read_body(&mut message, route, &bytes, &parts.headers)?);
    }
    if let Some(query) = parts.uri.query() {
        let closed = |name: &str| not_for_the_query(route, name);
        faults.extend(query::read(&mut message, query, closed));
    }
    for (field, text) in bindings {
        let assigned = query::assign(&mut message, &field, &[text], 0);
        faults.extend(assigned.err().map(|fault| fault.at(field)));
    }
    resume(&mut message, &parts.headers);
    if faults.is_empty() {
        Ok(message)
    } else {
        Err(Error::new(Common::InvalidArgument).violations_of(faults))
    }
}

/// The whole body, if it is not too large.
async fn collect(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Error> {
    let announced = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if announced.is_some_and(|length| length > max_bytes) {
        return Err(Error::new(Common::TooLarge));
    }
    match Limited::new(body, max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::new(Common::TooLarge)),
        Err(error) => Err(malformed(&error).cause(anyhow::Error::from_boxed(error))),
    }
}

/// An empty body is an object without fields, whatever its type.
fn read_body(
    message: &mut DynamicMessage,
    route: &Route,
    bytes: &[u8],
    headers: &HeaderMap,
) -> Result<Vec<Violation>, Error> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if !is_json(headers) || is_encoded(headers) {
        return Err(Error::new(Common::UnsupportedMediaType));
    }
    let json = json::parse(bytes).map_err(|error| malformed(&error))?;
    let read = match &route.body {
        routes::Body::Field(name) => match message.descriptor().get_field_by_name(name) {
            Some(field) => json::read_field(message, &field, &json),
            None => {
                return Err(Error::internal(anyhow::anyhow!(
                    "{} has no field {name}",
                    route.rpc.path
                )));
            }
        },
        routes::Body::None | routes::Body::Whole => {
            let taken: Vec<&str> = route
                .template
                .variables()
                .iter()
                .map(|v| v.field.as_str())
                .collect();
            json::read(message, &json, &taken)
        }
    };
    Ok(read.err().unwrap_or_default())
}

fn malformed(place: &impl std::fmt::Display) -> Error {
    let fault = Fault::Malformed(place.to_string());
    Error::new(Common::InvalidArgument).violations_of([fault.at("")])
}

/// `application/json`, with whatever parameters.
fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default();
    essence.trim().eq_ignore_ascii_case("application/json")
}

/// Nothing is unpacked here (RFC 9110 §8.4: 415).
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| coding != "identity")
}

/// What a query may not set, because the body or the path does.
fn not_for_the_query(route: &Route, name: &str) -> Option<Fault> {
    if route
        .template
        .variables()
        .iter()
        .any(|variable| variable.field == name)
    {
        return Some(Fault::GivenByPath);
    }
    let first = name.split('.').next();
    let by_body = match &route.body {
        routes::Body::None => false,
        routes::Body::Whole => true,
        routes::Body::Field(field) => first == Some(field),
    };
    by_body.then_some(Fault::Unknown)
}

/// A browser that lost a stream says in a header of its own where it was.
fn resume(message: &mut DynamicMessage, headers: &HeaderMap) {
    let last = headers
        .get(LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty());
    let cursor = message
        .descriptor()
        .get_field_by_name(CURSOR)
        .filter(|field| field.kind() == Kind::String);
    if let (Some(last), Some(cursor)) = (last, cursor) {
        message.set_field(&cursor, Value::String(last.to_owned()));
    }
}

#[cfg(test)]
mod tests;
