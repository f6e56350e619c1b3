//! The way out: an error as a `tonic::Status` with the standard details of `google.rpc`.

use std::collections::HashMap;

use tonic::Status;
use tonic_types::{
    BadRequest, ErrorDetail, ErrorInfo, FieldViolation, LocalizedMessage, RetryInfo, StatusExt as _,
};

use super::{Error, Violation};
use crate::lang::Lang;

impl Error {
    /// The status to send.
    ///
    /// Its message is in the caller's language. Its details are `ErrorInfo` (reason, domain, metadata with `code`), one
    /// `LocalizedMessage` for Korean and one for English, `BadRequest` when fields are at fault and `RetryInfo` when it
    /// was said when to come back.
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

    fn info(&self) -> ErrorInfo {
        let fact = self.0.fact;
        let mut metadata: HashMap<String, String> = self.0.metadata.clone().into_iter().collect();
        metadata.insert("code".to_owned(), fact.code.clone());
        ErrorInfo::new(&fact.reason, &fact.domain, metadata)
    }
}

/// English is the description; Korean is its localized form.
fn field_violation(violation: &Violation) -> FieldViolation {
    let mut out = FieldViolation::new(&violation.field, &violation.en);
    out.reason.clone_from(&violation.rule);
    if !violation.ko.is_empty() {
        out.localized_message = Some(LocalizedMessage::new(Lang::Ko.tag(), &violation.ko));
    }
    out
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use carshare_proto::common::v1::ErrorReason as Common;
    use tonic::Code;

    use super::*;

    #[test]
    fn a_refusal_carries_all_its_details() {
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
    fn both_texts_go_out_whatever_the_language() {
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
    fn a_cause_never_goes_out() {
        let status = Error::internal(anyhow::anyhow!("password hunter2")).into_status(Lang::En);
        let raw = format!("{status:?} {}", String::from_utf8_lossy(status.details()));
        assert!(!raw.contains("hunter2"), "{raw}");
    }

    #[test]
    fn a_violation_is_english_with_its_korean_beside_it() {
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
