//! Messages of rule violations, in English and Korean.

use prost_protovalidate::Violation;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};
use tonic_types::{FieldViolation, LocalizedMessage};

use super::rule_text::{self, constraints};
use crate::enum_names;

/// English and Korean text.
type Texts = (String, String);

/// Converts a violation to its field, rule and both messages. A rule on a whole message is a violation of each field that it
/// compares.
pub(super) fn violations(violation: &Violation) -> Vec<FieldViolation> {
    let (rule, path) = (violation.rule_id(), violation.field_path());
    if let Some(text) = rule_text::find(rule) {
        let prefix = if path.is_empty() { path } else { path + "." };
        let fields = text.fields.iter().map(|field| format!("{prefix}{field}"));
        return fields
            .map(|field| of(field, rule, (text.en.clone(), text.ko.clone())))
            .collect();
    }
    let texts = violation.field_descriptor().and_then(|field| texts(field, rule));
    // The tests of this module exclude a rule of the contract without texts.
    let texts = texts.unwrap_or_else(|| (violation.message().to_owned(), String::new()));
    vec![of(path, rule, texts)]
}

fn of(field: String, rule: &str, (en, ko): Texts) -> FieldViolation {
    FieldViolation {
        field,
        description: en,
        reason: rule.replace('.', "_").to_ascii_uppercase(),
        localized_message: Some(LocalizedMessage::new("ko", ko)),
    }
}

/// Returns the messages of a rule of a field, with its bounds.
fn texts(field: &FieldDescriptor, rule: &str) -> Option<Texts> {
    if let Some(stated) = rule_text::of_field(field)
        .into_iter()
        .find(|text| text.id == rule)
    {
        return Some((stated.en, stated.ko));
    }
    if let Some(fixed) = fixed(rule) {
        return Some(fill(fixed, ""));
    }
    if matches!(rule, "enum.in" | "enum.not_in" | "enum.defined_only") {
        return Some(fill(ONE_OF, &known_values(field)?));
    }
    let (kind, comparison) = rule.split_once('.')?;
    let rules = rules(field, kind)?;
    let value = |name: &str| Some(format_bound(&*set_rule(&rules, name)?));
    if rule == "string.in" {
        return Some(fill(ONE_OF, &value("in")?));
    }
    if let Some(length) = length(rule) {
        return Some(fill(length, &value(comparison)?));
    }
    if let Some((low, high)) = comparison.split_once('_') {
        return range((low, &value(low)?), (high, &value(high)?));
    }
    Some(fill(comparison_texts(comparison)?, &value(comparison)?))
}

/// Inserts a bound into both texts. A noun before `(s)` is plural unless the bound is one.
fn fill((en, ko): (&str, &str), bound: &str) -> Texts {
    let plural = if bound == "1" { "" } else { "s" };
    (
        en.replace("(s)", plural).replace("{}", bound),
        ko.replace("{}", bound),
    )
}

const ONE_OF: (&str, &str) = ("must be one of {}", "다음 중 하나여야 합니다: {}");

fn fixed(rule: &str) -> Option<(&'static str, &'static str)> {
    Some(match rule {
        "required" => ("is required", "필수 항목입니다."),
        "string.email" | "string.email_empty" => {
            ("must be an e-mail address", "이메일 형식이 올바르지 않습니다.")
        }
        "string.uuid" | "string.uuid_empty" => ("must be a UUID", "UUID 형식이어야 합니다."),
        "repeated.unique" => ("must not contain a value twice", "중복된 값이 있습니다."),
        _ => return None,
    })
}

fn length(rule: &str) -> Option<(&'static str, &'static str)> {
    Some(match rule {
        "string.min_len" => ("must have at least {} character(s)", "{}자 이상이어야 합니다."),
        "string.max_len" => ("must have at most {} character(s)", "{}자 이하여야 합니다."),
        "bytes.min_len" => ("must have at least {} byte(s)", "{}바이트 이상이어야 합니다."),
        "bytes.max_len" | "string.max_bytes" => ("must have at most {} byte(s)", "{}바이트 이하여야 합니다."),
        "repeated.min_items" => ("must have at least {} item(s)", "{}개 이상이어야 합니다."),
        "repeated.max_items" => ("must have at most {} item(s)", "{}개 이하여야 합니다."),
        _ => return None,
    })
}

/// Returns the messages of a comparison, which are the same for all number types.
fn comparison_texts(comparison: &str) -> Option<(&'static str, &'static str)> {
    Some(match comparison {
        "gt" => ("must be greater than {}", "{}보다 커야 합니다."),
        "gte" => ("must be at least {}", "{} 이상이어야 합니다."),
        "lt" => ("must be less than {}", "{}보다 작아야 합니다."),
        "lte" => ("must be at most {}", "{} 이하여야 합니다."),
        _ => return None,
    })
}

/// Returns the messages of a range, whose bounds are `gt` or `gte`, and `lt` or `lte`.
fn range((low, min): (&str, &str), (high, max): (&str, &str)) -> Option<Texts> {
    let (low_en, low_ko) = match low {
        "gt" => ("greater than", "초과"),
        "gte" => ("at least", "이상"),
        _ => return None,
    };
    let (high_en, high_ko) = match high {
        "lt" => ("less than", "미만이어야"),
        "lte" => ("at most", "이하여야"),
        _ => return None,
    };
    Some((
        format!("must be {low_en} {min} and {high_en} {max}"),
        format!("{min} {low_ko} {max} {high_ko} 합니다."),
    ))
}

/// Returns the rules of this type, `string` or `int32`, of a field or of the items of a list.
fn rules(field: &FieldDescriptor, kind: &str) -> Option<DynamicMessage> {
    let constraints = constraints(&field.options(), "buf.validate.field")?;
    set_message(&constraints, kind).or_else(|| {
        let items = set_message(&set_message(&constraints, "repeated")?, "items")?;
        set_message(&items, kind)
    })
}

fn set_rule<'a>(rules: &'a DynamicMessage, name: &str) -> Option<std::borrow::Cow<'a, Value>> {
    let rule = rules.descriptor().get_field_by_name(name)?;
    rules.has_field(&rule).then(|| rules.get_field(&rule))
}

fn set_message(rules: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    set_rule(rules, name)?.as_message().cloned()
}

/// Lists the short names of the values that an enum field accepts.
fn known_values(field: &FieldDescriptor) -> Option<String> {
    let Kind::Enum(descriptor) = field.kind() else {
        return None;
    };
    let rules = rules(field, "enum")?;
    let numbers = |name: &str| {
        let listed = set_rule(&rules, name);
        let listed = listed.as_deref().and_then(Value::as_list).unwrap_or_default();
        listed.iter().filter_map(Value::as_i32).collect::<Vec<_>>()
    };
    let (only, never) = (numbers("in"), numbers("not_in"));
    let names = descriptor
        .values()
        .filter(|value| value.number() != 0 && !never.contains(&value.number()))
        .filter(|value| only.is_empty() || only.contains(&value.number()))
        .map(|value| enum_names::short_name(&descriptor, value.name()));
    Some(names.collect::<Vec<_>>().join(", "))
}

fn format_bound(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::List(items) => items.iter().map(format_bound).collect::<Vec<_>>().join(", "),
        Value::I32(n) => n.to_string(),
        Value::I64(n) => n.to_string(),
        Value::U32(n) => n.to_string(),
        Value::U64(n) => n.to_string(),
        Value::F32(n) => n.to_string(),
        Value::F64(n) => n.to_string(),
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests;
