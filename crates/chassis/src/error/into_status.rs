//! Converts errors to statuses with the standard details of `google.rpc`.

use std::collections::HashMap;

use http::HeaderMap;
use tonic::{Code, Status};
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, FieldViolation, LocalizedMessage, RetryInfo, StatusExt as _,
};

use super::{Error, Violation};
use crate::lang::Lang;

impl Error {
    /// Converts to a status whose message is in the caller's language. Its details are `ErrorInfo` (reason, domain, metadata with
    /// `code`), a `LocalizedMessage` in Korean and one in English, `BadRequest` for violations and `RetryInfo` for a retry delay.
    pub fn into_status(self, lang: Lang) -> Status {
        let mut details: Vec<ErrorDetail> = vec![self.info().into()];
        for each in [Lang::Ko, Lang::En] {
            details.push(LocalizedMessage::new(each.tag(), self.text(each)).into());
        }
        if !self.0.violations.is_empty() {
            let violations = self.0.violations.iter().map(field_violation).collect::<Vec<_>>();
            details.push(BadRequest::new(violations).into());
        }
        if let Some(after) = self.0.retry_after {
            details.push(RetryInfo::new(Some(after)).into());
        }
        Status::with_error_details_vec(self.code(), self.text(lang), details)
    }

    /// Converts to trailers that end a response body with the status of [`Self::into_status`].
    pub fn into_trailers(self, lang: Lang) -> HeaderMap {
        let mut trailers = HeaderMap::new();
        // Fails on bytes that no header can have; the encoded status has none.
        let _ = self.into_status(lang).add_header(&mut trailers);
        trailers
    }

    fn info(&self) -> ErrorInfo {
        let spec = self.0.spec;
        let mut metadata: HashMap<String, String> = self.0.metadata.clone().into_iter().collect();
        metadata.insert("code".to_owned(), spec.code.clone());
        ErrorInfo::new(&spec.reason, &spec.domain, metadata)
    }
}

/// The English text is the description, the Korean one its localized message.
fn field_violation(violation: &Violation) -> FieldViolation {
    let mut out = FieldViolation::new(&violation.field, &violation.en);
    out.reason.clone_from(&violation.rule);
    if !violation.ko.is_empty() {
        out.localized_message = Some(LocalizedMessage::new(Lang::Ko.tag(), &violation.ko));
    }
    out
}

/// Returns the name in the gRPC documentation, for logs and metric labels.
pub(crate) fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use carshare_proto::common::v1::ErrorReason as Common;

    use super::*;

    #[test]
    fn status_has_all_details() {
        let error = Error::new(Common::RateLimited)
            .with("limit", "20")
            .retry_after(Duration::from_secs(3));
        let status = error.into_status(Lang::En);
        assert_eq!(
            (status.code(), status.message()),
            (
                Code::ResourceExhausted,
                "Too many requests. Please try again in a moment."
            )
        );
        let info = status.get_details_error_info().unwrap();
        assert_eq!(
            (info.reason.as_str(), info.domain.as_str()),
            ("RATE_LIMITED", "carshare.common")
        );
        assert_eq!(
            (info.metadata["code"].as_str(), info.metadata["limit"].as_str()),
            ("COMMON004", "20")
        );
        assert_eq!(
            status.get_details_retry_info().unwrap().retry_delay,
            Some(Duration::from_secs(3))
        );
        assert!(status.get_details_bad_request().is_none());
    }

    #[test]
    fn status_has_both_texts_in_each_language() {
        for (lang, message) in [(Lang::Ko, "로그인이 필요합니다."), (Lang::En, "Please sign in.")] {
            let status = Error::new(Common::Unauthenticated).into_status(lang);
            assert_eq!(status.message(), message);
            let texts: Vec<(String, String)> = status
                .get_error_details_vec()
                .into_iter()
                .filter_map(|detail| match detail {
                    ErrorDetail::LocalizedMessage(text) => Some((text.locale, text.message)),
                    _ => None,
                })
                .collect();
            let expected = [("ko", "로그인이 필요합니다."), ("en", "Please sign in.")];
            assert_eq!(texts, expected.map(|(l, m)| (l.to_owned(), m.to_owned())));
        }
    }

    #[test]
    fn status_does_not_contain_the_cause() {
        let status = Error::internal(anyhow::anyhow!("password hunter2")).into_status(Lang::En);
        let raw = format!("{status:?} {}", String::from_utf8_lossy(status.details()));
        assert!(!raw.contains("hunter2"), "{raw}");
    }

    #[test]
    fn violation_is_english_with_a_korean_localized_message() {
        let status = Error::invalid("end_time", "종료가 시작보다 빠릅니다.", "ends before it starts")
            .into_status(Lang::Ko);
        let violation = status
            .get_details_bad_request()
            .unwrap()
            .field_violations
            .remove(0);
        assert_eq!(
            (violation.field.as_str(), violation.description.as_str()),
            ("end_time", "ends before it starts")
        );
        let korean = violation.localized_message.unwrap();
        assert_eq!(
            (korean.locale.as_str(), korean.message.as_str()),
            ("ko", "종료가 시작보다 빠릅니다.")
        );
    }
}
