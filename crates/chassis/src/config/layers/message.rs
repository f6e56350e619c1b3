//! Messages about an invalid configuration: the key, the cause and where its value came from; never the value.

use ::config::{ConfigError, Map, Value, ValueKind};

use super::DEFAULTS;

/// Returns the message for an error of deserialization.
pub(super) fn of(service: &str, merged: &Map<String, Value>, error: &ConfigError) -> String {
    match error {
        ConfigError::NotFound(key) => {
            let variable = variable(service, key);
            format!(
                "{key} is not set: set {variable}, or {variable}_FILE to the name of a file that has the value"
            )
        }
        ConfigError::Type { key, expected, .. } => {
            let key = key.as_deref().unwrap_or_default();
            let found = find(merged, key);
            let kind = found.map_or("of another type", kind);
            format!(
                "{key} is {kind}, expected {expected}; it is set by {}",
                origin(found)
            )
        }
        ConfigError::At { error, key, .. } => {
            custom(merged, key.as_deref().unwrap_or_default(), &error.to_string())
        }
        error => custom(merged, "", &error.to_string()),
    }
}

/// Returns the name of the variable that sets a key.
fn variable(service: &str, key: &str) -> String {
    format!("{service}__{}", key.replace('.', "__")).to_uppercase()
}

/// An error that a type has raised, which may quote the value.
fn custom(merged: &Map<String, Value>, key: &str, message: &str) -> String {
    if let Some((field, expected)) = message
        .strip_prefix("unknown field `")
        .and_then(|rest| rest.split_once('`'))
    {
        let key = if key.is_empty() {
            field.to_owned()
        } else {
            format!("{key}.{field}")
        };
        let expected = expected.trim_start_matches(", ");
        let origin = origin(find(merged, &key));
        return format!("{key} is an unknown key, {expected}; it is set by {origin}");
    }
    let found = find(merged, key);
    let is_quoted = found.is_none_or(|value| quotes(message, value));
    let cause = match message.split_once("expected ") {
        _ if !is_quoted => message.to_owned(),
        Some((_, expected)) => format!("not valid, expected {expected}"),
        None => "not valid".to_owned(),
    };
    format!("{key}: {cause}; it is set by {}", origin(found))
}

/// Returns whether the message may have the value or a part of it.
fn quotes(message: &str, value: &Value) -> bool {
    match &value.kind {
        ValueKind::Table(_) | ValueKind::Array(_) => true,
        ValueKind::Nil => false,
        scalar => {
            let text = scalar.to_string();
            !text.trim().is_empty() && message.contains(&text)
        }
    }
}

/// Finds the value of a key as in `peers.auth.uris[1]`.
fn find<'a>(merged: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    let mut found: Option<&Value> = None;
    for part in key.split(['.', '[']) {
        let index = part
            .strip_suffix(']')
            .and_then(|index| index.parse::<usize>().ok());
        let values = match found.map(|value| &value.kind) {
            None => Some(merged),
            Some(ValueKind::Table(table)) => Some(table),
            _ => None,
        };
        found = Some(match (values, index) {
            (Some(values), _) => values.get(part)?,
            (None, Some(index)) => match &found?.kind {
                ValueKind::Array(values) => values.get(index)?,
                _ => return None,
            },
            (None, None) => return None,
        });
    }
    found
}

/// Returns where a value was set; of a table, where one of its values was.
fn origin(value: Option<&Value>) -> &str {
    let Some(value) = value else {
        return DEFAULTS;
    };
    if let ValueKind::Table(table) = &value.kind
        && let Some(first) = table.values().next()
    {
        return origin(Some(first));
    }
    value.origin().unwrap_or(DEFAULTS)
}

fn kind(value: &Value) -> &'static str {
    match value.kind {
        ValueKind::Nil => "nothing",
        ValueKind::Boolean(_) => "a boolean",
        ValueKind::I64(_) | ValueKind::I128(_) | ValueKind::U64(_) | ValueKind::U128(_) => "an integer",
        ValueKind::Float(_) => "a floating-point number",
        ValueKind::String(_) => "text",
        ValueKind::Table(_) => "a table",
        ValueKind::Array(_) => "a list",
    }
}
