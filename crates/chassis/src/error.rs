//! The one error path. A handler fails with an [`Error`]; the glue turns it into a `tonic::Status` at the boundary,
//! once, and logs it there.
//!
//! An error is always a reason of the contract's catalogue. A defect of ours is the reason `INTERNAL` with a cause; the
//! cause is logged and never goes out.

mod code_name;
mod from_status;
mod into_status;

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use carshare_proto::errors::{self, ErrorSpec, Reason};
use tonic::Code;

use crate::lang::Lang;

pub(crate) use code_name::code_name;

/// A refusal with its facts, or a defect with its cause.
pub struct Error(Box<Parts>);

struct Parts {
    fact: &'static ErrorSpec,
    metadata: BTreeMap<String, String>,
    violations: Vec<Violation>,
    retry_after: Option<Duration>,
    cause: Option<anyhow::Error>,
}

/// One field that breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Path of the field, `period.end_time`.
    pub field: String,
    /// Id of the broken rule, for machines; may be empty.
    pub rule: String,
    /// What is wrong, in Korean; may be empty when a peer sent none.
    pub ko: String,
    /// What is wrong, in English.
    pub en: String,
}

impl Error {
    pub fn new(reason: impl Reason) -> Self {
        Self::of(reason.fact())
    }

    /// A defect of ours: outside it is a bare `INTERNAL`, inside the cause is logged.
    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::new(Common::Internal).cause(cause)
    }

    /// Returns `UNAVAILABLE`: this server or something the call needs cannot serve it now. `cause` is logged, not sent.
    pub fn unavailable(cause: impl Into<String>, retry_after: Duration) -> Self {
        Self::new(Common::Unavailable)
            .retry_after(retry_after)
            .cause(anyhow::Error::msg(cause.into()))
    }

    /// A refusal for one field that a rule of the contract cannot express. Add further ones with [`Error::violation`].
    pub fn invalid(field: impl Into<String>, ko: impl Into<String>, en: impl Into<String>) -> Self {
        Self::new(Common::InvalidArgument).violation(field, ko, en)
    }

    fn of(fact: &'static ErrorSpec) -> Self {
        let parts = Parts {
            fact,
            metadata: BTreeMap::new(),
            violations: Vec::new(),
            retry_after: None,
            cause: None,
        };
        Self(Box::new(parts))
    }

    /// Adds a fact the client sees; it also fills the `{key}` of the texts. Never personal data.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.0.metadata.insert(key.into(), value.into());
        self
    }

    /// Names a field that breaks a rule, with what is wrong in both languages.
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

    /// Names several fields at once, with their rules.
    pub fn violations_of(mut self, violations: impl IntoIterator<Item = Violation>) -> Self {
        self.0.violations.extend(violations);
        self
    }

    /// Says when to come back.
    pub fn retry_after(mut self, after: Duration) -> Self {
        self.0.retry_after = Some(after);
        self
    }

    /// Keeps what led here, for the log.
    pub fn cause(mut self, cause: impl Into<anyhow::Error>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    pub fn code(&self) -> Code {
        self.0.fact.grpc
    }

    /// The reason, `SLOT_TAKEN`.
    pub fn reason(&self) -> &'static str {
        &self.0.fact.reason
    }

    /// Everything the catalogue says about the reason.
    pub fn fact(&self) -> &'static ErrorSpec {
        self.0.fact
    }

    /// Is it this reason?
    pub fn is(&self, reason: impl Reason) -> bool {
        std::ptr::eq(self.0.fact, reason.fact())
    }

    /// Facts added by [`Error::with`].
    pub fn metadata(&self) -> &BTreeMap<String, String> {
        &self.0.metadata
    }

    /// Fields that break a rule.
    pub fn violations(&self) -> &[Violation] {
        &self.0.violations
    }

    /// When to come back, if it was said.
    pub fn retry_delay(&self) -> Option<Duration> {
        self.0.retry_after
    }

    /// The user's text, filled from the metadata.
    pub fn text(&self, lang: Lang) -> String {
        let text = match lang {
            Lang::Ko => &self.0.fact.ko,
            Lang::En => &self.0.fact.en,
        };
        errors::fill(
            text,
            self.0.metadata.iter().map(|(k, v)| (k.as_str(), v.as_str())),
        )
    }

    /// The chain of causes on one line, for the log.
    pub(crate) fn cause_text(&self) -> Option<String> {
        self.0.cause.as_ref().map(|cause| format!("{cause:#}"))
    }
}

/// Writes an error and the chain of its sources on one line, for the log.
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
    /// An [`Error`] that travelled as an `anyhow::Error` comes out as it went in; anything else is a defect.
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
        } = self.0.fact;
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
    fn an_error_survives_the_way_through_anyhow() {
        let back =
            Error::from(anyhow::Error::from(Error::new(Common::Conflict).with("id", "7")).context("while"));
        assert!(back.is(Common::Conflict));
        assert_eq!(back.metadata()["id"], "7");
    }

    #[test]
    fn anything_else_is_internal_and_keeps_its_cause_for_the_log() {
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
    fn display_is_for_logs_and_short() {
        let error = Error::invalid("period", "종료가 시작보다 빠릅니다.", "ends before it starts");
        assert_eq!(
            error.to_string(),
            "carshare.common/INVALID_ARGUMENT (COMMON001), period: ends before it starts"
        );
    }
}
