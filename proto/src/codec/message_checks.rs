//! Checks of every message, in addition to its rules: strings contain no NUL, which PostgreSQL cannot store; timestamps are
//! in the years 1 to 9999, as `google.protobuf.Timestamp` specifies and the rules assume. The strings of requests have only
//! characters that people see: see [`text_checks`].

use std::ops::RangeInclusive;

use prost_reflect::{DynamicMessage, FieldDescriptor, MapKey, ReflectMessage as _, Value};
use tonic_types::{FieldViolation, LocalizedMessage};

use super::message_types;
use super::text_checks;

pub(super) const TIMESTAMP: &str = "google.protobuf.Timestamp";
/// 0001-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
const SECONDS: RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
const NANOS: RangeInclusive<i32> = 0..=999_999_999;

/// Lists the violations in a message and the messages it contains.
pub(super) fn violations(message: &DynamicMessage) -> Vec<FieldViolation> {
    let mut check = Check {
        is_request: message_types::is_request(&message.descriptor()),
        found: Vec::new(),
    };
    check.visit(message, "");
    check.found
}

struct Check {
    is_request: bool,
    found: Vec<FieldViolation>,
}

impl Check {
    fn visit(&mut self, message: &DynamicMessage, path: &str) {
        if message.descriptor().full_name() == TIMESTAMP {
            if !is_in_range(message) {
                self.found.push(out_of_range(path));
            }
            return;
        }
        for (field, value) in message.fields() {
            let name = field.name();
            let path = if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            };
            self.visit_value(&field, value, &path);
        }
    }

    fn visit_value(&mut self, field: &FieldDescriptor, value: &Value, path: &str) {
        match value {
            Value::String(text) => self.visit_text(field, text, path),
            Value::Message(message) => self.visit(message, path),
            Value::List(items) => {
                for (at, item) in items.iter().enumerate() {
                    self.visit_value(field, item, &format!("{path}[{at}]"));
                }
            }
            Value::Map(entries) => {
                for (key, value) in entries {
                    let path = self.visit_key(field, key, path);
                    self.visit_value(field, value, &path);
                }
            }
            _ => {}
        }
    }

    fn visit_text(&mut self, field: &FieldDescriptor, text: &str, path: &str) {
        if text.contains('\0') {
            self.found.push(nul(path));
        } else if self.is_checked(field) && !text_checks::is_visible(text, field) {
            self.found.push(invisible(path));
        }
    }

    /// Returns whether the characters of a field's text are checked. JSON of a third party, a `Struct`, is not shown to anybody.
    fn is_checked(&self, field: &FieldDescriptor) -> bool {
        self.is_request && field.parent_message().package_name().starts_with("carshare.")
    }

    /// Returns the path of a map entry, `data["booking_id"]`. An invalid key is a violation of the map.
    fn visit_key(&mut self, field: &FieldDescriptor, key: &MapKey, path: &str) -> String {
        match key {
            MapKey::String(key) if key.contains('\0') => {
                self.found.push(nul(path));
                path.to_owned()
            }
            MapKey::String(key) => {
                if self.is_checked(field) && !text_checks::is_visible(key, field) {
                    self.found.push(invisible(path));
                }
                format!("{path}[{key:?}]")
            }
            MapKey::Bool(key) => format!("{path}[{key}]"),
            MapKey::I32(key) => format!("{path}[{key}]"),
            MapKey::I64(key) => format!("{path}[{key}]"),
            MapKey::U32(key) => format!("{path}[{key}]"),
            MapKey::U64(key) => format!("{path}[{key}]"),
        }
    }
}

fn is_in_range(timestamp: &DynamicMessage) -> bool {
    let field = |name: &str| timestamp.get_field_by_name(name);
    let seconds = field("seconds").and_then(|seconds| seconds.as_i64());
    let nanos = field("nanos").and_then(|nanos| nanos.as_i32());
    seconds.is_some_and(|seconds| SECONDS.contains(&seconds))
        && nanos.is_some_and(|nanos| NANOS.contains(&nanos))
}

fn nul(path: &str) -> FieldViolation {
    violation(
        path,
        "STRING_NUL",
        "must not contain a NUL character",
        "널 문자를 포함할 수 없습니다.",
    )
}

fn invisible(path: &str) -> FieldViolation {
    violation(
        path,
        "STRING_INVISIBLE",
        "must not contain control, formatting or invisible characters",
        "제어 문자, 서식 문자 또는 보이지 않는 문자를 포함할 수 없습니다.",
    )
}

fn out_of_range(path: &str) -> FieldViolation {
    violation(
        path,
        "TIMESTAMP_RANGE",
        "must be a time of the years 1 to 9999",
        "1년부터 9999년까지의 시각이어야 합니다.",
    )
}

pub(super) fn violation(path: &str, rule: &str, en: &str, ko: &str) -> FieldViolation {
    FieldViolation {
        field: path.to_owned(),
        description: en.to_owned(),
        reason: rule.to_owned(),
        localized_message: Some(LocalizedMessage::new("ko", ko)),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use prost_reflect::ReflectMessage;
    use prost_types::Timestamp;

    use super::*;
    use crate::booking::v1::CreateBookingRequest;
    use crate::notification::v1::{ListNotificationsResponse, Notification};

    fn invalid_fields(message: &impl ReflectMessage) -> Vec<(String, String)> {
        let found = violations(&message.transcode_to_dynamic());
        found
            .into_iter()
            .map(|found| (found.field, found.reason))
            .collect()
    }

    #[test]
    fn nul_is_found_in_strings_lists_and_maps() {
        let notification = Notification {
            title: "\0".into(),
            data: HashMap::from([("booking_id".into(), "a\0".into())]),
            ..Default::default()
        };
        let message = ListNotificationsResponse {
            notifications: vec![Notification::default(), notification],
            next_page_token: "\0".into(),
            total_size: None,
        };
        let fields = [
            "notifications[1].title",
            r#"notifications[1].data["booking_id"]"#,
            "next_page_token",
        ];
        let expected = fields.map(|field| (field.to_owned(), "STRING_NUL".to_owned()));
        assert_eq!(invalid_fields(&message), expected);
    }

    #[test]
    fn timestamp_out_of_range_is_found() {
        let check = |seconds, nanos| {
            let message = CreateBookingRequest {
                start_datetime: Some(Timestamp { seconds, nanos }),
                ..Default::default()
            };
            invalid_fields(&message)
        };
        for (seconds, nanos) in [(0, 0), (*SECONDS.start(), 0), (*SECONDS.end(), 999_999_999)] {
            assert_eq!(check(seconds, nanos), []);
        }
        for (seconds, nanos) in [
            (i64::MAX, 0),
            (i64::MIN, 0),
            (SECONDS.end() + 1, 0),
            (0, -1),
            (0, 1_000_000_000),
        ] {
            let expected = ("start_datetime".to_owned(), "TIMESTAMP_RANGE".to_owned());
            assert_eq!(check(seconds, nanos), [expected], "{seconds} {nanos}");
        }
    }
}
