//! Texts that the protos state for rules: `(carshare.options.v1.message_rule_text)` and `(carshare.options.v1.rule_text)`.

use std::collections::HashMap;
use std::sync::LazyLock;

use prost_reflect::{DynamicMessage, FieldDescriptor, MessageDescriptor, Value};

use crate::contract;
use crate::contract::extension;
use crate::options::v1::RuleText;

static OF_MESSAGES: LazyLock<HashMap<String, RuleText>> = LazyLock::new(|| {
    let texts = contract::messages().flat_map(|message| of_message(&message));
    texts.map(|text| (text.id.clone(), text)).collect()
});

/// Finds the texts of a rule on a whole message.
pub(super) fn find(rule: &str) -> Option<&'static RuleText> {
    OF_MESSAGES.get(rule)
}

/// Lists the texts of the rules on a whole message.
pub(super) fn of_message(message: &MessageDescriptor) -> Vec<RuleText> {
    texts(
        &message.options(),
        "carshare.options.v1.message_rule_text",
        "buf.validate.message",
    )
}

/// Lists the stated texts of the rules of a field.
pub(super) fn of_field(field: &FieldDescriptor) -> Vec<RuleText> {
    texts(
        &field.options(),
        "carshare.options.v1.rule_text",
        "buf.validate.field",
    )
}

/// Returns the rules of a message or field, if it has any.
pub(super) fn constraints(options: &DynamicMessage, name: &str) -> Option<DynamicMessage> {
    extension(options, name)?.as_message().cloned()
}

/// Lists id and English message of each CEL rule.
pub(super) fn cel_rules(constraints: &DynamicMessage) -> Vec<(String, String)> {
    let rules = constraints.get_field_by_name("cel");
    let rules = rules.as_deref().and_then(Value::as_list).unwrap_or_default();
    let text =
        |rule: &Value, name: &str| Some(rule.as_message()?.get_field_by_name(name)?.as_str()?.to_owned());
    rules
        .iter()
        .filter_map(|rule| Some((text(rule, "id")?, text(rule, "message")?)))
        .collect()
}

fn texts(options: &DynamicMessage, name: &str, rules: &str) -> Vec<RuleText> {
    let english: HashMap<String, String> = constraints(options, rules)
        .map(|constraints| cel_rules(&constraints))
        .unwrap_or_default()
        .into_iter()
        .collect();
    let stated = extension(options, name);
    let stated = stated.as_ref().and_then(Value::as_list).unwrap_or_default();
    let mut texts: Vec<RuleText> = stated
        .iter()
        .filter_map(|text| text.as_message()?.transcode_to().ok())
        .collect();
    for text in &mut texts {
        if text.en.is_empty() {
            text.en = english.get(&text.id).cloned().unwrap_or_default();
        }
    }
    texts
}
