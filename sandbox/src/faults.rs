//! Faults that tests inject into the next requests to a provider: delays, errors, lost replies and closed connections.
//! [`layer`] applies them, [`admin`] is their HTTP API.

pub(crate) mod admin;
pub(crate) mod layer;
pub(crate) mod page;

use std::collections::BTreeMap;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Provider whose API the sandbox serves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Toss Payments, below `/toss`.
    Toss,
    /// Kakao Local, below `/kakao`.
    Kakao,
    /// Firebase Cloud Messaging and its token endpoint, below `/fcm`.
    Fcm,
    /// The SMTP server. The path of a mail is its first recipient, and `status` of an error is the SMTP code: 4xx or 5xx.
    Smtp,
}

/// Kind of a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The request is handled `delay_ms` later, even if the client has disconnected by then.
    Delay,
    /// The reply is `status` and `body`; the request is not handled.
    Error,
    /// The request is handled, then the connection is closed without a reply.
    LostReply,
    /// The connection is closed and the request is not handled.
    Refuse,
}

/// A fault for the next `times` matching requests.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Provider of matching requests.
    pub provider: Provider,
    /// Text that the path of matching requests contains.
    #[serde(default)]
    pub path_contains: String,
    /// HTTP method of matching requests; any if `None`.
    #[serde(default)]
    pub method: Option<String>,
    /// Number of matching requests left.
    #[serde(default = "one")]
    pub times: u32,
    /// Effect on a matching request.
    pub kind: Kind,
    /// Delay before the request is handled, for `delay` and `lost_reply`.
    #[serde(default)]
    pub delay_ms: u64,
    /// HTTP status of `error`.
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Body of `error`: a string is sent as it is (for HTML of a proxy), anything else as JSON.
    #[serde(default)]
    pub body: Value,
    /// Headers of `error`, such as `retry-after`.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

const fn one() -> u32 {
    1
}

const fn unavailable() -> u16 {
    503
}

impl Fault {
    fn new(provider: Provider, path_contains: &str, kind: Kind) -> Self {
        Self {
            provider,
            path_contains: path_contains.to_owned(),
            method: None,
            times: one(),
            kind,
            delay_ms: 0,
            status: unavailable(),
            body: Value::Null,
            headers: BTreeMap::new(),
        }
    }

    /// Delays the next matching request.
    pub fn delay(provider: Provider, path_contains: &str, delay_ms: u64) -> Self {
        Self {
            delay_ms,
            ..Self::new(provider, path_contains, Kind::Delay)
        }
    }

    /// Replies to the next matching request with this status, without handling it.
    pub fn error(provider: Provider, path_contains: &str, status: u16) -> Self {
        Self {
            status,
            ..Self::new(provider, path_contains, Kind::Error)
        }
    }

    /// Handles the next matching request and closes its connection without a reply.
    pub fn lost_reply(provider: Provider, path_contains: &str) -> Self {
        Self::new(provider, path_contains, Kind::LostReply)
    }

    /// Closes the connection of the next matching request without handling it.
    pub fn refuse(provider: Provider, path_contains: &str) -> Self {
        Self::new(provider, path_contains, Kind::Refuse)
    }

    /// Sets the number of matching requests.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Sets the HTTP method of matching requests.
    pub fn method(self, method: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            ..self
        }
    }

    /// Sets the body of the reply.
    pub fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// Adds a header to the reply.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.insert(name.to_owned(), value.to_owned());
        self
    }

    fn matches(&self, provider: Provider, method: &Method, path: &str) -> bool {
        self.provider == provider
            && path.contains(&self.path_contains)
            && self
                .method
                .as_deref()
                .is_none_or(|wanted| wanted.eq_ignore_ascii_case(method.as_str()))
    }
}

/// Active faults, in the order of injection.
#[derive(Debug, Default)]
pub(crate) struct Faults(Vec<Fault>);

impl Faults {
    pub(crate) fn inject(&mut self, fault: Fault) {
        if fault.times > 0 {
            self.0.push(fault);
        }
    }

    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn list(&self) -> Vec<Fault> {
        self.0.clone()
    }

    /// Consumes one request of the first matching fault and returns it.
    pub(crate) fn take(&mut self, provider: Provider, method: &Method, path: &str) -> Option<Fault> {
        let index = self
            .0
            .iter()
            .position(|fault| fault.matches(provider, method, path))?;
        self.0[index].times -= 1;
        if self.0[index].times == 0 {
            Some(self.0.remove(index))
        } else {
            Some(self.0[index].clone())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fault_applies_to_the_given_number_of_matching_requests() {
        let mut faults = Faults::default();
        faults.inject(
            Fault::error(Provider::Toss, "/v1/billing", 500)
                .times(2)
                .method("post"),
        );

        assert_eq!(faults.take(Provider::Kakao, &Method::POST, "/v1/billing/x"), None);
        assert_eq!(faults.take(Provider::Toss, &Method::POST, "/v1/payments"), None);
        assert_eq!(
            faults.take(Provider::Toss, &Method::DELETE, "/v1/billing/x"),
            None
        );
        assert_eq!(
            faults
                .take(Provider::Toss, &Method::POST, "/v1/billing/x")
                .map(|f| f.status),
            Some(500)
        );
        assert_eq!(faults.list().len(), 1);
        assert!(
            faults
                .take(Provider::Toss, &Method::POST, "/v1/billing/x")
                .is_some()
        );
        assert_eq!(faults.take(Provider::Toss, &Method::POST, "/v1/billing/x"), None);
    }

    #[test]
    fn fault_json_requires_provider_and_kind_only() {
        let fault: Fault = serde_json::from_str(r#"{"provider":"toss","kind":"lost_reply"}"#).unwrap();
        assert_eq!(fault, Fault::lost_reply(Provider::Toss, ""));
        assert!(serde_json::from_str::<Fault>(r#"{"provider":"toss","kind":"delay","typo":1}"#).is_err());
    }
}
