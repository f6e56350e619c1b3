//! Messages of rule violations, in English and Korean.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_protovalidate::Violation;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};
use tonic_types::{FieldViolation, LocalizedMessage};

use crate::{DESCRIPTOR_POOL, enum_names};

/// Converts a violation to its field, rule and both messages.
pub(super) fn violation(violation: &Violation) -> FieldViolation {
    let rule = violation.rule_id();
    let value = violation
        .rule_value()
        .map(|bound| format_bound(bound, violation.field_descriptor()))
        .unwrap_or_default();
    let (en, ko) = standard(rule).map_or_else(
        || {
            let own = RULE_MESSAGES
                .get(rule)
                .cloned()
                .unwrap_or_else(|| violation.message().to_owned());
            let en = if own.is_empty() {
                "is not valid".to_owned()
            } else {
                own
            };
            (en, "올바르지 않은 값입니다.".to_owned())
        },
        |(en, ko)| (en.replace("{}", &value), ko.replace("{}", &value)),
    );
    FieldViolation {
        field: violation.field_path(),
        description: en,
        reason: rule.replace('.', "_").to_ascii_uppercase(),
        localized_message: Some(LocalizedMessage::new("ko", ko)),
    }
}

/// Returns the English and Korean message of a standard rule; `{}` stands for the bound.
fn standard(rule: &str) -> Option<(&'static str, &'static str)> {
    Some(match rule {
        "required" => ("is required", "필수 항목입니다."),
        "string.min_len" => ("must have at least {} character(s)", "{}자 이상이어야 합니다."),
        "string.max_len" => ("must have at most {} character(s)", "{}자 이하여야 합니다."),
        "string.max_bytes" => ("must have at most {} byte(s)", "{}바이트 이하여야 합니다."),
        "string.email" | "string.email_empty" => {
            ("must be an e-mail address", "이메일 형식이 올바르지 않습니다.")
        }
        "string.uuid" | "string.uuid_empty" => ("must be a UUID", "UUID 형식이어야 합니다."),
        "string.pattern" => ("must match {}", "형식이 올바르지 않습니다."),
        "string.in" | "enum.in" => ("must be one of {}", "허용되지 않는 값입니다."),
        "enum.not_in" | "enum.defined_only" => ("must be a known value", "허용되지 않는 값입니다."),
        "phone.kr_mobile" => (
            "must be a Korean mobile number such as 010-1234-5678",
            "휴대폰 번호 형식이 올바르지 않습니다. 예: 010-1234-5678",
        ),
        _ => return bound(rule),
    })
}

/// Returns the messages of a comparison rule, which are the same for all number types.
fn bound(rule: &str) -> Option<(&'static str, &'static str)> {
    let (_type, comparison) = rule.split_once('.')?;
    Some(match comparison {
        "gt" => ("must be greater than {}", "{}보다 커야 합니다."),
        "gte" => ("must be at least {}", "{} 이상이어야 합니다."),
        "lt" => ("must be less than {}", "{}보다 작아야 합니다."),
        "lte" => ("must be at most {}", "{} 이하여야 합니다."),
        "gte_lte" | "gt_lte" | "gt_lt" | "gte_lt" => ("is out of range", "허용 범위를 벗어났습니다."),
        _ => return None,
    })
}

/// Formats a bound; the numbers of an enum field by their short names.
fn format_bound(value: &Value, field: Option<&FieldDescriptor>) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::List(items) => items
            .iter()
            .map(|item| format_bound(item, field))
            .collect::<Vec<_>>()
            .join(", "),
        Value::I32(n) | Value::EnumNumber(n) => enum_name(*n, field).unwrap_or_else(|| n.to_string()),
        Value::I64(n) => n.to_string(),
        Value::U32(n) => n.to_string(),
        Value::U64(n) => n.to_string(),
        Value::F32(n) => n.to_string(),
        Value::F64(n) => n.to_string(),
        _ => String::new(),
    }
}

fn enum_name(number: i32, field: Option<&FieldDescriptor>) -> Option<String> {
    let Kind::Enum(descriptor) = field?.kind() else {
        return None;
    };
    Some(enum_names::short_name(
        &descriptor,
        descriptor.get_value(number)?.name(),
    ))
}

/// Messages of the CEL rules, by rule id. The validator does not return those of message-level rules.
static RULE_MESSAGES: LazyLock<HashMap<String, String>> = LazyLock::new(|| {
    let mut found = HashMap::new();
    for message in DESCRIPTOR_POOL
        .all_messages()
        .filter(|m| m.package_name().starts_with("carshare."))
    {
        collect(&message.options(), "buf.validate.message", &mut found);
        for field in message.fields() {
            collect(&field.options(), "buf.validate.field", &mut found);
        }
    }
    found
});

fn collect(options: &DynamicMessage, extension: &str, found: &mut HashMap<String, String>) {
    let Some(extension) = DESCRIPTOR_POOL.get_extension_by_name(extension) else {
        return;
    };
    let rules = options.get_extension(&extension);
    let Some(cel) = rules
        .as_message()
        .and_then(|rules| rules.get_field_by_name("cel"))
    else {
        return;
    };
    for rule in cel
        .as_list()
        .unwrap_or_default()
        .iter()
        .filter_map(Value::as_message)
    {
        let text = |name: &str| {
            rule.get_field_by_name(name)
                .and_then(|v| v.as_str().map(str::to_owned))
        };
        if let (Some(id), Some(message)) = (text("id"), text("message")) {
            found.insert(id, message);
        }
    }
}
