//! The facts of an error, the same over REST and gRPC.

use std::collections::BTreeMap;

use serde_json::Value;
use tonic::Status;
use tonic_types::{ErrorDetail, FieldViolation, StatusExt as _};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ErrorInfo {
    /// `BOOKING002`.
    pub code: String,
    /// `SLOT_TAKEN`.
    pub reason: String,
    /// Korean text.
    pub ko: String,
    /// English text.
    pub en: String,
    /// Values of the placeholders in the texts.
    pub metadata: BTreeMap<String, String>,
    /// Invalid fields in their order.
    pub fields: Vec<FieldError>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldError {
    pub name: String,
    pub rule: String,
    pub ko: String,
    pub en: String,
}

impl ErrorInfo {
    /// Reads the details of a gRPC status.
    pub fn from_status(status: &Status) -> Self {
        let mut info = Self::default();
        for detail in status.get_error_details_vec() {
            match detail {
                ErrorDetail::ErrorInfo(detail) => {
                    info.reason = detail.reason;
                    info.metadata = detail.metadata.into_iter().collect();
                    info.code = info.metadata.remove("code").expect("a code");
                }
                ErrorDetail::LocalizedMessage(text) if text.locale == "ko" => info.ko = text.message,
                ErrorDetail::LocalizedMessage(text) if text.locale == "en" => info.en = text.message,
                ErrorDetail::BadRequest(bad) => {
                    info.fields = bad.field_violations.into_iter().map(FieldError::of).collect();
                }
                _ => {}
            }
        }
        info
    }

    /// Reads the problem of one error in Korean and in English.
    pub fn from_problems(ko: &Value, en: &Value) -> Self {
        for name in [
            "code", "reason", "status", "title", "instance", "type", "metadata",
        ] {
            assert_eq!(ko.get(name), en.get(name), "the language changes the texts only");
        }
        let metadata = ko.get("metadata").and_then(Value::as_object);
        let pairs = metadata.into_iter().flatten();
        let fields = |problem: &Value| problem["errors"].as_array().cloned().unwrap_or_default();
        Self {
            code: text(&ko["code"]),
            reason: text(&ko["reason"]),
            ko: text(&ko["detail"]),
            en: text(&en["detail"]),
            metadata: pairs.map(|(name, value)| (name.clone(), text(value))).collect(),
            fields: fields(ko)
                .iter()
                .zip(&fields(en))
                .map(|(ko, en)| FieldError::from_both(ko, en))
                .collect(),
        }
    }

    /// Names of the invalid fields and the rules they break.
    pub fn violations(&self) -> Vec<(&str, &str)> {
        let fields = self.fields.iter();
        fields
            .map(|field| (field.name.as_str(), field.rule.as_str()))
            .collect()
    }
}

impl FieldError {
    fn of(violation: FieldViolation) -> Self {
        let korean = violation.localized_message.expect("a Korean text");
        assert_eq!(korean.locale, "ko");
        Self {
            name: violation.field,
            rule: violation.reason,
            ko: korean.message,
            en: violation.description,
        }
    }

    fn from_both(ko: &Value, en: &Value) -> Self {
        assert_eq!((&ko["field"], ko.get("rule")), (&en["field"], en.get("rule")));
        Self {
            name: text(&ko["field"]),
            rule: ko.get("rule").map(text).unwrap_or_default(),
            ko: text(&ko["message"]),
            en: text(&en["message"]),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().expect("a text").to_owned()
}
