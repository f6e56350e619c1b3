//! Errors of handlers. [`crate::rpc`] converts an [`Error`] to a `tonic::Status`, and the access log writes it once.
//!
//! An error has a reason of the contract's catalogue. A defect has the reason `INTERNAL` and a cause; a cause is logged and never
//! sent.

mod from_status;
mod into_status;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{self, ErrorSpec, Reason};
use tonic::Code;

use crate::lang::Lang;

pub(crate) use into_status::code_name;

/// A reason of the catalogue with metadata, violations, retry delay and cause.
pub struct Error(Box<Parts>);

struct Parts {
    spec: &'static ErrorSpec,
    metadata: BTreeMap<String, String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    cause: Option<anyhow::Error>,
}

/// A field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path: `period.end_time`.
    pub field: String,
    /// Id of the broken rule; may be empty.
    pub rule: String,
    /// Korean text; may be empty when a peer sent none.
    pub ko: String,
    /// English text.
    pub en: String,
}

impl Error {
    pub fn new(reason: impl Reason) -> Self {
        Self::of(reason.spec())
    }

    /// Returns `INTERNAL`: a defect. `cause` is logged, not sent.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Common::Internal).cause(cause)
    }

    /// Returns `UNAVAILABLE`: this server or something the call needs cannot serve it now. `cause` is logged, not sent.
    pub fn unavailable(cause: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(Common::Unavailable)
            .retry_after(retry_after)
            .cause(anyhow::Error::msg(cause.into()))
    }

    /// Returns `INVALID_ARGUMENT` for a field that breaks a rule which the contract cannot express.
    pub fn invalid(field: impl Into<String>, ko: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Common::InvalidArgument).violation(field, ko, en)
    }

    fn of(spec: &'static ErrorSpec) -> Self {
        let parts = Parts {
            spec,
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            cause: None,
        };
        Self(Box::new(parts))
    }

    /// Adds metadata that the client gets and that replaces `{key}` in the texts. Never personal data.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.into(), value.into());
        self
    }

    /// Adds a field that breaks a rule, with its texts.
    pub fn violation(
        mut self,
        field: impl Into<String>,
        ko: impl Into<String>,
        en: impl Into<String>,
    ) -> Self {
        let violation = Violation {
            field: field.into(),
            rule: String::new(),
            ko: ko.into(),
            en: en.into(),
        };
        self.0.violations.push(violation);
        self
    }

    pub fn violations_of(mut self, violations: impl IntoIterator<Item = Violation>) -> Self {
        self.0.violations.extend(violations);
        self
    }

    /// Sets the delay after which the client may retry.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Sets the cause, which is logged and not sent.
    pub fn cause(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub fn code(&self) -> Code {
        self.0.spec.grpc
    }

    /// The reason, `SLOT_TAKEN`.
    pub fn reason(&self) -> &'static str {
        &self.0.spec.reason
    }

    /// Returns the entry of the reason in the catalogue.
    pub fn spec(&self) -> &'static ErrorSpec {
        self.0.spec
    }

    /// Returns whether the error has this reason.
    pub fn is(&self, reason: impl Reason) -> bool {
        std::ptr::eq(self.0.spec, reason.spec())
    }

    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// Returns the text for users, with the metadata in its placeholders.
    pub fn text(&self, lang: Lang) -> String {
        let text = match lang {
            Lang::Ko => &self.0.spec.ko,
            Lang::En => &self.0.spec.en,
        };
        errors::fill(
            text,
            self.0.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        )
    }

    /// Returns the chain of causes on one line, for the log.
    pub(crate) fn cause_text(&self) -> Option<String> {
        self.0.cause.as_ref().map(|cause| format!("{cause:#}"))
    }
}

/// Formats an error and the chain of its sources on one line, for the log.
pub fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text = format!("{text}: {source}");
        next = source.source();
    }
    text
}

impl From<anyhow::Error> for Error {
    /// Returns the [`Error`] inside, if there is one; any other error is a defect.
    fn from(error: anyhow::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::internal)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0
            .cause
            .as_ref()
            .map(|cause| &**cause as &(dyn std::error::Error + 'static))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ErrorSpec {
            domain, reason, code, ..
        } = self.0.spec;
        write!(f, "{domain}/{reason} ({code})")?;
        for violation in &self.0.violations {
            write!(f, ", {}: {}", violation.field, violation.en)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self} {:?}", self.0.metadata)?;
        match self.cause_text() {
            Some(cause) => write!(f, ": {cause}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn error_is_kept_in_anyhow() {
        let back =
            Error::from(anyhow::Error::from(Error::new(Common::Conflict).with("id", "7")).context("while"));
        assert!(back.is(Common::Conflict));
        assert_eq!(back.metadata()["id"], "7");
    }

    #[test]
    fn other_error_is_internal_with_its_cause() {
        let error = Error::from(anyhow::anyhow!("inner").context("outer"));
        assert_eq!((error.code(), error.reason()), (Code::Internal, "INTERNAL"));
        assert_eq!(error.cause_text().as_deref(), Some("outer: inner"));
    }

    #[test]
    fn error_chain_joins_the_sources() {
        let error = anyhow::anyhow!("inner").context("middle").context("outer");
        assert_eq!(error_chain(&*error), "outer: middle: inner");
    }

    #[test]
    fn display_is_short() {
        let error = Error::invalid("period", "종료가 시작보다 빠릅니다.", "ends before it starts");
        assert_eq!(
            error.to_string(),
            "carshare.common/INVALID_ARGUMENT (COMMON001), period: ends before it starts"
        );
    }
}
