//! Fault switches: the next calls to a provider are slow, fail, or lose their answer. What a fault is lives here,
//! [`layer`] applies it, [`admin`] is its HTTP face.

pub(crate) mod admin;
pub(crate) mod layer;

use std::collections::BTreeMap;

use axum::http::Method;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Whose API a request or a fault is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Provider {
    /// Toss Payments, below `/toss`.
    Toss,
    /// Kakao Local, below `/kakao`.
    Kakao,
    /// Firebase Cloud Messaging and its token endpoint, below `/fcm`.
    Fcm,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The answer comes `delay_ms` later; the effect happens even if the client has gone by then.
    Delay,
    /// `status` and `body` are answered in the provider's stead; nothing happens and nothing is remembered.
    Error,
    /// The effect happens, then the connection is closed without an answer.
    LostReply,
    /// The connection is closed before anything happens.
    Refuse,
}

/// One switch. It applies to the next `times` requests that match, then it is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Whose calls it hits.
    pub provider: Provider,
    /// Only requests whose path contains this text; empty = all.
    #[serde(default)]
    pub path_contains: String,
    /// Only this HTTP method; None = any.
    #[serde(default)]
    pub method: Option<String>,
    /// How many requests are left to hit.
    #[serde(default = "one")]
    pub times: u32,
    /// Fault to inject.
    pub kind: Kind,
    /// Wait before the handler runs; may accompany `lost_reply` too.
    #[serde(default)]
    pub delay_ms: u64,
    /// HTTP status of `error`.
    #[serde(default = "unavailable")]
    pub status: u16,
    /// Body of `error`: a string goes out as it is (gateways answer HTML), anything else as JSON.
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

    /// The next matching call waits this long before it is handled.
    pub fn delay(provider: Provider, path_contains: &str, delay_ms: u64) -> Self {
        Self {
            delay_ms,
            ..Self::new(provider, path_contains, Kind::Delay)
        }
    }

    /// The next matching call is answered with this status and no effect.
    pub fn error(provider: Provider, path_contains: &str, status: u16) -> Self {
        Self {
            status,
            ..Self::new(provider, path_contains, Kind::Error)
        }
    }

    /// The next matching call takes effect and is never answered.
    pub fn lost_reply(provider: Provider, path_contains: &str) -> Self {
        Self::new(provider, path_contains, Kind::LostReply)
    }

    /// The next matching call is cut before anything happens.
    pub fn refuse(provider: Provider, path_contains: &str) -> Self {
        Self::new(provider, path_contains, Kind::Refuse)
    }

    /// Hits this many requests instead of one.
    pub fn times(self, times: u32) -> Self {
        Self { times, ..self }
    }

    /// Hits only this HTTP method.
    pub fn method(self, method: &str) -> Self {
        Self {
            method: Some(method.to_owned()),
            ..self
        }
    }

    /// Sets the body of an `error`.
    pub fn body(self, body: Value) -> Self {
        Self { body, ..self }
    }

    /// Adds a header to an `error`.
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

/// The switches that are set, in the order they were set.
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

    /// Uses up one hit of the first switch that matches.
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
    fn a_fault_hits_as_often_as_it_says_and_only_what_it_names() {
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
    fn the_json_form_needs_only_provider_and_kind() {
        let fault: Fault = serde_json::from_str(r#"{"provider":"toss","kind":"lost_reply"}"#).unwrap();
        assert_eq!(fault, Fault::lost_reply(Provider::Toss, ""));
        assert!(serde_json::from_str::<Fault>(r#"{"provider":"toss","kind":"delay","typo":1}"#).is_err());
    }
}
