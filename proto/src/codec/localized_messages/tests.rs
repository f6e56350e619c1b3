//! Every rule of the contract has both texts, and every rule on a whole message names its fields.

use std::collections::HashSet;

use prost_reflect::MessageDescriptor;
use tonic_types::StatusExt as _;

use super::super::rule_text::cel_rules;
use super::*;
use crate::options::v1::RuleText;
use crate::{DESCRIPTOR_POOL, contract};

/// Lists the ids of the rules that a field sets, as a violation has them.
fn rule_ids(constraints: &DynamicMessage) -> Vec<String> {
    let mut ids: Vec<String> = cel_rules(constraints).into_iter().map(|(id, _)| id).collect();
    for (rule, value) in constraints.fields() {
        match (rule.name(), value.as_message()) {
            ("required", _) => ids.push("required".to_owned()),
            (kind, Some(rules)) => ids.extend(of_kind(kind, rules)),
            _ => {}
        }
    }
    ids
}

fn of_kind(kind: &str, rules: &DynamicMessage) -> Vec<String> {
    let mut names: Vec<String> = rules.fields().map(|(rule, _)| rule.name().to_owned()).collect();
    let mut ids = Vec::new();
    if let Some(items) = set_message(rules, "items") {
        ids.extend(rule_ids(&items));
        names.retain(|name| name != "items");
    }
    let bound = |of: [&str; 2]| names.iter().find(|name| of.contains(&name.as_str())).cloned();
    if let (Some(low), Some(high)) = (bound(["gt", "gte"]), bound(["lt", "lte"])) {
        names.retain(|name| *name != low && *name != high);
        names.push(format!("{low}_{high}"));
    }
    ids.extend(names.into_iter().map(|name| format!("{kind}.{name}")));
    ids
}

/// Returns what is missing in the texts of a rule.
fn missing(en: &str, ko: &str) -> Option<&'static str> {
    let is_hangul = |c: char| ('가'..='힣').contains(&c);
    let unfilled = |text: &str| text.contains("{}") || text.ends_with(' ');
    if en.is_empty() || unfilled(en) || en.chars().any(is_hangul) {
        Some("an English text")
    } else if !ko.chars().any(is_hangul) || unfilled(ko) {
        Some("a Korean text")
    } else {
        None
    }
}

/// Returns what is missing in the texts of a rule on a whole message.
fn missing_of_message(message: &MessageDescriptor, text: Option<&RuleText>) -> Option<&'static str> {
    let Some(text) = text else {
        return Some("a message_rule_text");
    };
    if text.fields.is_empty() {
        return Some("fields");
    }
    if text
        .fields
        .iter()
        .any(|field| message.get_field_by_name(field).is_none())
    {
        return Some("fields that exist");
    }
    missing(&text.en, &text.ko)
}

#[test]
fn every_rule_of_a_field_has_both_texts() {
    let mut checked = 0;
    for field in contract::messages().flat_map(|message| message.fields().collect::<Vec<_>>()) {
        let Some(constraints) = constraints(&field.options(), "buf.validate.field") else {
            continue;
        };
        for id in rule_ids(&constraints) {
            let texts = texts(&field, &id);
            let missing = texts.as_ref().map_or(Some("texts"), |(en, ko)| missing(en, ko));
            assert_eq!(missing, None, "{}: {id} lacks it: {texts:?}", field.full_name());
            checked += 1;
        }
        for stated in rule_text::of_field(&field) {
            assert!(
                rule_ids(&constraints).contains(&stated.id),
                "{}: no rule {}",
                field.full_name(),
                stated.id
            );
        }
    }
    assert!(checked > 80, "{checked}");
}

#[test]
fn every_rule_of_a_message_has_both_texts_and_fields() {
    let mut seen = HashSet::new();
    for message in contract::messages() {
        let texts = rule_text::of_message(&message);
        let constraints = constraints(&message.options(), "buf.validate.message");
        let ids: Vec<_> = constraints.iter().flat_map(cel_rules).map(|(id, _)| id).collect();
        for id in &ids {
            let text = texts.iter().find(|text| text.id == *id);
            assert_eq!(
                missing_of_message(&message, text),
                None,
                "{}: {id}",
                message.full_name()
            );
            assert!(seen.insert(id.clone()), "two rules have the id {id}");
        }
        assert_eq!(
            texts.len(),
            ids.len(),
            "{} has a text without a rule",
            message.full_name()
        );
    }
    assert!(seen.len() >= 5);
}

#[test]
fn rules_without_texts_or_fields_are_found() {
    let message = DESCRIPTOR_POOL
        .get_message_by_name("carshare.booking.v1.CreateBookingRequest")
        .unwrap();
    let text = |en: &str, ko: &str, fields: &[&str]| RuleText {
        id: "create_booking.period".to_owned(),
        ko: ko.to_owned(),
        en: en.to_owned(),
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
    };
    let find = |text: &RuleText| missing_of_message(&message, Some(text));
    assert_eq!(
        find(&text("ends early", "끝이 빠릅니다.", &["end_datetime"])),
        None
    );
    assert_eq!(missing_of_message(&message, None), Some("a message_rule_text"));
    assert_eq!(find(&text("ends early", "끝이 빠릅니다.", &[])), Some("fields"));
    assert_eq!(
        find(&text("ends early", "끝이 빠릅니다.", &["end"])),
        Some("fields that exist")
    );
    assert_eq!(
        find(&text("ends early", "", &["end_datetime"])),
        Some("a Korean text")
    );
    assert_eq!(
        find(&text("", "끝이 빠릅니다.", &["end_datetime"])),
        Some("an English text")
    );
    assert_eq!(
        missing("must be at least {}", "{} 이상이어야 합니다."),
        Some("an English text")
    );
    let field = message.get_field_by_name("guest_message").unwrap();
    assert_eq!(texts(&field, "string.prefix"), None);
}

#[test]
fn texts_name_the_bounds() {
    let field = |message: &str, field: &str| {
        let message = DESCRIPTOR_POOL.get_message_by_name(message).unwrap();
        message.get_field_by_name(field).unwrap()
    };
    let table = [
        (
            "carshare.vehicle.v1.SearchVehiclesRequest",
            "radius",
            "double.gt_lte",
            "must be greater than 0 and at most 100",
            "0 초과 100 이하여야 합니다.",
        ),
        (
            "carshare.vehicle.v1.SearchVehiclesRequest",
            "page_size",
            "int32.gte_lte",
            "must be at least 0 and at most 200",
            "0 이상 200 이하여야 합니다.",
        ),
        (
            "carshare.auth.v1.RegisterRequest",
            "role",
            "enum.in",
            "must be one of guest, host",
            "다음 중 하나여야 합니다: guest, host",
        ),
        (
            "carshare.vehicle.v1.AddAvailabilityRequest",
            "specific_date",
            "string.pattern",
            "must be a date YYYY-MM-DD",
            "날짜를 YYYY-MM-DD 형식으로 입력해 주세요.",
        ),
        (
            "carshare.auth.v1.RegisterRequest",
            "name",
            "string.min_len",
            "must have at least 1 character",
            "1자 이상이어야 합니다.",
        ),
        (
            "carshare.auth.v1.RegisterRequest",
            "password",
            "string.min_len",
            "must have at least 8 characters",
            "8자 이상이어야 합니다.",
        ),
    ];
    for (message, name, rule, en, ko) in table {
        assert_eq!(
            texts(&field(message, name), rule),
            Some((en.to_owned(), ko.to_owned()))
        );
    }
}

#[test]
fn violations_of_a_message_are_bounded() {
    let request = crate::vehicle::v1::ArrangeImagesRequest {
        vehicle_id: "01920000-0000-7000-8000-000000000001".to_owned(),
        image_ids: (0..10_000).map(|n| n.to_string()).collect(),
    };
    let status = super::super::validate(&request).unwrap_err();
    let violations = status.get_details_bad_request().unwrap().field_violations;
    assert_eq!(violations.len(), 100);
}
