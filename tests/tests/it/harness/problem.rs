//! What a refusal tells, whatever the front it was given on.

use std::collections::BTreeMap;

use serde_json::Value;
use tonic::Status;
use tonic_types::{ErrorDetail, FieldViolation, StatusExt as _};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// `BOOKING002`.
    pub code: String,
    /// `SLOT_TAKEN`.
    pub reason: String,
    /// For a Korean reader.
    pub ko: String,
    /// For an English reader.
    pub en: String,
    /// What fills the placeholders of the texts.
    pub metadata: BTreeMap<String, String>,
    /// Fields at fault, in their order.
    pub fields: Vec<Field>,
}

/// A field at fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub name: String,
    pub rule: String,
    pub ko: String,
    pub en: String,
}

impl Told {
    /// By gRPC, in its details.
    pub fn by_status(status: &Status) -> Self {
        let mut told = Self::default();
        for detail in status.get_error_details_vec() {
            match detail {
                ErrorDetail::ErrorInfo(info) => {
                    told.reason = info.reason;
                    told.metadata = info.metadata.into_iter().collect();
                    told.code = told.metadata.remove("code").expect("a code");
                }
                ErrorDetail::LocalizedMessage(text) if text.locale == "ko" => told.ko = text.message,
                ErrorDetail::LocalizedMessage(text) if text.locale == "en" => told.en = text.message,
                ErrorDetail::BadRequest(bad) => {
                    told.fields = bad.field_violations.into_iter().map(Field::of).collect();
                }
                _ => {}
            }
        }
        told
    }

    /// By REST, to a Korean and to an English reader.
    pub fn by_problems(ko: &Value, en: &Value) -> Self {
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
                .map(|(ko, en)| Field::in_both(ko, en))
                .collect(),
        }
    }

    /// The names of the fields at fault and the rules they break.
    pub fn faults(&self) -> Vec<(&str, &str)> {
        let faults = self.fields.iter();
        faults
            .map(|field| (field.name.as_str(), field.rule.as_str()))
            .collect()
    }
}

impl Field {
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

    fn in_both(ko: &Value, en: &Value) -> Self {
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
