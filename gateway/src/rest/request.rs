//! Converts an HTTP request to a request message: body, query and path, in this order.

use axum::body::Body;
use bytes::Bytes;
use carshare_chassis::Error;
use carshare_chassis::error::Violation;
use carshare_proto::common::v1::ErrorReason as Common;
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, IF_MATCH};
use http::request::Parts;
use http::{HeaderMap, Method};
use http_body_util::{BodyExt as _, LengthLimitError, Limited};

use super::{CURSOR, ETAG_FIELD, multipart, query};
use crate::etag;
use crate::json::{self, DecodeError, MessageType};
use crate::routes::{self, Bindings, Route};

/// Content type of a merge patch (RFC 7396).
pub(crate) const MERGE_PATCH: &str = "application/merge-patch+json";

/// Header in which a browser that reconnects sends the id of the last event.
const LAST_EVENT_ID: &str = "last-event-id";

/// Decodes the request message of the route's RPC.
///
/// # Errors
/// `INVALID_ARGUMENT` with every invalid field, `TOO_LARGE`, `UNSUPPORTED_MEDIA_TYPE`.
pub(super) async fn decode(
    route: &Route,
    bindings: Bindings,
    parts: &Parts,
    body: Body,
    max_bytes: usize,
) -> Result<Bytes, Error> {
    let mut message = Vec::new();
    let mut violations = Vec::new();
    if route.body != routes::Body::None {
        let bytes = collect(&parts.headers, body, max_bytes).await?;
        violations.extend(match boundary(route, &parts.headers) {
            Some(boundary) => multipart::decode(route, boundary, bytes, &mut message).await?,
            None => decode_body(&mut message, route, &bytes, &parts.headers)?,
        });
    }
    if let Some(query) = parts.uri.query() {
        let refused = |name: &str| set_elsewhere(route, name);
        violations.extend(query::decode(&route.rpc.input, query, refused, &mut message));
    }
    for (field, text) in bindings {
        let assigned = route.rpc.input.assign(&field, &[text], &mut message);
        violations.extend(assigned.err().map(|error| error.at(field)));
    }
    resume(&mut message, &route.rpc.input, &parts.headers);
    violations.extend(expect_tag(&mut message, route, &parts.headers));
    if violations.is_empty() {
        Ok(message.into())
    } else {
        Err(Error::new(Common::InvalidArgument).violations_of(violations))
    }
}

/// Returns whether the body is a form with a file, and the route takes one.
pub(super) fn is_form(route: &Route, headers: &HeaderMap) -> bool {
    boundary(route, headers).is_some()
}

/// Returns the boundary of the parts of a form, if the route takes one.
fn boundary(route: &Route, headers: &HeaderMap) -> Option<String> {
    let content_type = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let accepts = route.rpc.rest.multipart && !is_encoded(headers);
    multer::parse_boundary(content_type).ok().filter(|_| accepts)
}

/// Reads the whole body, up to `max_bytes`.
async fn collect(headers: &HeaderMap, body: Body, max_bytes: usize) -> Result<Bytes, Error> {
    let content_length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<usize>().ok());
    if content_length.is_some_and(|length| length > max_bytes) {
        return Err(Error::new(Common::TooLarge));
    }
    match Limited::new(body, max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(Error::new(Common::TooLarge)),
        Err(error) => Err(malformed(&error).cause(anyhow::Error::from_boxed(error))),
    }
}

/// Decodes the body. An empty one is an object without fields, whatever its content type.
fn decode_body(
    message: &mut Vec<u8>,
    route: &Route,
    bytes: &[u8],
    headers: &HeaderMap,
) -> Result<Vec<Violation>, Error> {
    if bytes.is_empty() {
        return Ok(Vec::new());
    }
    if !is_json(&route.method, headers) || is_encoded(headers) {
        return Err(Error::new(Common::UnsupportedMediaType));
    }
    let json = json::parse(bytes).map_err(|error| malformed(&error))?;
    let decoded = match &route.body {
        routes::Body::Field(name) => match route.rpc.input.field(name) {
            Some(field) => route.rpc.input.decode_field(field, &json, message),
            None => {
                return Err(Error::internal(anyhow::anyhow!(
                    "{} has no field {name}",
                    route.rpc.path
                )));
            }
        },
        routes::Body::None | routes::Body::Whole => {
            let input = &route.rpc.input;
            match route.method {
                Method::PATCH => input.decode_patch(&json, &route.variables, message),
                _ => input.decode(&json, &route.variables, message),
            }
        }
    };
    Ok(decoded.err().unwrap_or_default())
}

pub(super) fn malformed(error: &impl std::fmt::Display) -> Error {
    let error = DecodeError::Malformed(error.to_string());
    Error::new(Common::InvalidArgument).violations_of([error.at("")])
}

/// Returns whether the content type is `application/json`, or for PATCH also `application/merge-patch+json`. The only charset is UTF-8
/// (RFC 8259 §8.1); other parameters are ignored.
fn is_json(method: &Method, headers: &HeaderMap) -> bool {
    let content_type = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    let is_json = essence.eq_ignore_ascii_case("application/json")
        || (method == Method::PATCH && essence.eq_ignore_ascii_case(MERGE_PATCH));
    is_json && parts.all(is_utf8)
}

fn is_utf8(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or_default();
    !name.trim().eq_ignore_ascii_case("charset")
        || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
}

/// Returns whether the body is compressed, which is 415 here (RFC 9110 §8.4).
fn is_encoded(headers: &HeaderMap) -> bool {
    headers
        .get_all(CONTENT_ENCODING)
        .iter()
        .any(|coding| coding != "identity")
}

/// Returns the error of a query parameter whose field the path or the body sets.
fn set_elsewhere(route: &Route, name: &str) -> Option<DecodeError> {
    if route.has_variable(name) {
        return Some(DecodeError::GivenByPath);
    }
    let first = name.split('.').next();
    let by_body = match &route.body {
        routes::Body::None => false,
        routes::Body::Whole => true,
        routes::Body::Field(field) => first == Some(field),
    };
    by_body.then_some(DecodeError::UnknownField)
}

/// Sets the cursor of a stream from the header of a browser that reconnects.
fn resume(message: &mut Vec<u8>, input: &MessageType, headers: &HeaderMap) {
    let last = headers
        .get(LAST_EVENT_ID)
        .and_then(|value| value.to_str().ok())
        .filter(|id| !id.is_empty());
    let has_cursor = input.field(CURSOR).is_some_and(|field| input.is_string(field));
    if let Some(last) = last.filter(|_| has_cursor) {
        // A string field takes any text.
        let _ = input.assign(CURSOR, &[last.to_owned()], message);
    }
}

/// Sets the field `etag` from `If-Match`, which has one tag or `*` for any.
///
/// # Errors
/// Another form, or a write to a resource without tags, whose condition would have no effect.
fn expect_tag(message: &mut Vec<u8>, route: &Route, headers: &HeaderMap) -> Option<Violation> {
    let header = headers.get(IF_MATCH).filter(|_| route.method != Method::GET)?;
    let input = &route.rpc.input;
    let (ko, en) = match (input.field(ETAG_FIELD), etag::parse(header)) {
        (Some(_), Some(etag::Expected::Any)) => return None,
        (Some(_), Some(etag::Expected::Tag(tag))) => {
            // A string field takes any text.
            let _ = input.assign(ETAG_FIELD, &[tag.to_owned()], message);
            return None;
        }
        (Some(_), None) => ("ETag 하나 또는 *여야 합니다.", "must be one entity tag, or *"),
        (None, _) => (
            "이 요청에는 사용할 수 없습니다.",
            "is not supported by this request",
        ),
    };
    Some(Violation {
        field: "If-Match".to_owned(),
        rule: "IF_MATCH".to_owned(),
        ko: ko.to_owned(),
        en: en.to_owned(),
    })
}

#[cfg(test)]
pub(super) mod tests;
