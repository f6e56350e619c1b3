//! Errors as `application/problem+json` (RFC 9457). Status, code and texts come from the details of the gRPC status and from the
//! contract's error catalogue.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::body::Body;
use axum::response::Response;
use carshare_chassis::error::Violation;
use carshare_chassis::{Error, Lang};
use carshare_proto::errors::{self, ErrorSpec};
use http::header::{CONTENT_LANGUAGE, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use serde::Serialize;
use tonic::{Code, Status};
use tonic_types::{ErrorDetail, ErrorDetails, ErrorInfo, FieldViolation, StatusExt as _};

use crate::layer::request_info::RequestInfo;

pub const PROBLEM_JSON: &str = "application/problem+json";

/// `Retry-After` of a 503 whose cause gives no delay.
pub const DEFAULT_RETRY_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    status: StatusCode,
    code: String,
    reason: String,
    ko: String,
    en: String,
    metadata: BTreeMap<String, String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
}

/// The response body, its members in this order.
#[derive(Serialize)]
struct Document<'a> {
    r#type: String,
    title: String,
    status: u16,
    detail: &'a str,
    instance: &'a str,
    code: &'a str,
    reason: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    errors: Vec<FieldError<'a>>,
    correlation_id: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    metadata: &'a BTreeMap<String, String>,
}

#[derive(Serialize)]
struct FieldError<'a> {
    field: &'a str,
    message: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    rule: &'a str,
}

impl Problem {
    pub fn from_error(error: &Error) -> Self {
        Self {
            status: status_code(error.spec().http),
            code: error.spec().code.clone(),
            reason: error.reason().to_owned(),
            ko: error.text(Lang::Ko),
            en: error.text(Lang::En),
            metadata: error.metadata().clone(),
            violations: error.violations().to_vec(),
            retry_after: error.retry_delay(),
        }
    }

    /// Converts the status of a service. A reason that this build's catalogue lacks, because the service is newer, is described
    /// by the status's own details. A status without details of the catalogue is converted by [`Error::from_status`].
    pub fn from_status(status: &Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        match info.and_then(|info| Some((info, info.metadata.get("code")?))) {
            Some((info, code)) => Self::from_details(status, info, code, &details),
            None => Self::from_error(&Error::from_status(status.clone())),
        }
    }

    fn from_details(status: &Status, info: &ErrorInfo, code: &str, details: &ErrorDetails) -> Self {
        let spec = errors::find(&info.domain, &info.reason);
        let text = |lang: Lang| localized(status, lang).unwrap_or_else(|| status.message().to_owned());
        let violations = details
            .bad_request()
            .into_iter()
            .flat_map(|bad| &bad.field_violations);
        let metadata = info.metadata.clone().into_iter().filter(|(key, _)| key != "code");
        Self {
            status: status_code(spec.map_or_else(|| errors::http_status(status.code()), |spec| spec.http)),
            code: code.to_owned(),
            reason: info.reason.clone(),
            ko: text(Lang::Ko),
            en: text(Lang::En),
            metadata: metadata.collect(),
            violations: violations.map(violation).collect(),
            retry_after: details.retry_info().and_then(|info| info.retry_delay),
        }
    }

    /// Returns the stable code, `BOOKING002`.
    pub fn code(&self) -> &str {
        &self.code
    }

    pub fn to_json(&self, info: &RequestInfo) -> serde_json::Value {
        serde_json::to_value(self.document(info)).unwrap_or_default()
    }

    fn document<'a>(&'a self, info: &'a RequestInfo) -> Document<'a> {
        Document {
            r#type: format!("/docs#{}", self.code),
            title: title(&self.reason),
            status: self.status.as_u16(),
            detail: self.detail(info.lang),
            instance: &info.path,
            code: &self.code,
            reason: &self.reason,
            errors: self
                .violations
                .iter()
                .map(|violation| FieldError::of(violation, info.lang))
                .collect(),
            correlation_id: &info.correlation_id,
            metadata: &self.metadata,
        }
    }

    fn detail(&self, lang: Lang) -> &str {
        match lang {
            Lang::Ko => &self.ko,
            Lang::En => &self.en,
        }
    }

    pub fn into_response(self, info: &RequestInfo) -> Response {
        let body = serde_json::to_vec(&self.document(info)).unwrap_or_default();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
        headers.insert(CONTENT_LANGUAGE, HeaderValue::from_static(info.lang.tag()));
        if let Some(seconds) = self.retry_after_s() {
            headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        if self.status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, self.challenge());
        }
        response
    }

    /// Returns the delay in whole seconds, rounded up so that no client retries too early.
    fn retry_after_s(&self) -> Option<u64> {
        let unavailable = (self.status == StatusCode::SERVICE_UNAVAILABLE).then_some(DEFAULT_RETRY_AFTER);
        let after = self.retry_after.or(unavailable)?;
        Some(after.as_secs() + u64::from(after.subsec_nanos() > 0))
    }

    /// A token that was sent and is expired or revoked is `invalid_token` (RFC 6750 §3).
    fn challenge(&self) -> HeaderValue {
        HeaderValue::from_static(match self.reason.as_str() {
            "TOKEN_EXPIRED" | "TOKEN_REVOKED" => r#"Bearer realm="carshare", error="invalid_token""#,
            _ => r#"Bearer realm="carshare""#,
        })
    }
}

impl<'a> FieldError<'a> {
    fn of(violation: &'a Violation, lang: Lang) -> Self {
        let message = match lang {
            Lang::Ko if !violation.ko.is_empty() => &violation.ko,
            Lang::Ko | Lang::En => &violation.en,
        };
        Self {
            field: &violation.field,
            message,
            rule: &violation.rule,
        }
    }
}

/// Returns a problem as an example for the API document.
pub fn example(spec: &ErrorSpec, lang: Lang) -> serde_json::Value {
    let detail = match lang {
        Lang::Ko => &spec.ko,
        Lang::En => &spec.en,
    };
    let mut example = serde_json::json!({
        "type": format!("/docs#{}", spec.code),
        "title": title(&spec.reason),
        "status": spec.http,
        "detail": detail,
        "instance": "/v1/bookings",
        "code": spec.code,
        "reason": spec.reason,
        "correlation_id": "01a21e3e-872e-7000-aa02-5f27848857bc",
    });
    if spec.grpc == Code::InvalidArgument {
        let message = match lang {
            Lang::Ko => "필수 항목입니다.",
            Lang::En => "is required",
        };
        example["errors"] =
            serde_json::json!([{ "field": "start_datetime", "message": message, "rule": "REQUIRED" }]);
    }
    example
}

/// `SLOT_TAKEN` → `Slot taken`.
fn title(reason: &str) -> String {
    let (first, rest) = reason.split_at_checked(1).unwrap_or_default();
    first.to_owned() + &rest.replace('_', " ").to_ascii_lowercase()
}

fn status_code(http: u16) -> StatusCode {
    StatusCode::from_u16(http).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// Finds the message in this language. `ErrorDetails` has room for one language only.
fn localized(status: &Status, lang: Lang) -> Option<String> {
    let details = status.get_error_details_vec();
    details.into_iter().find_map(|detail| match detail {
        ErrorDetail::LocalizedMessage(text) if text.locale == lang.tag() => Some(text.message),
        _ => None,
    })
}

fn violation(from: &FieldViolation) -> Violation {
    let ko = from
        .localized_message
        .as_ref()
        .map(|text| text.message.clone())
        .unwrap_or_default();
    Violation {
        field: from.field.clone(),
        rule: from.reason.clone(),
        ko,
        en: from.description.clone(),
    }
}

#[cfg(test)]
mod tests;
