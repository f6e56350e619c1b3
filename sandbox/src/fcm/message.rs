//! Validation of a message: known fields, exactly one target, string data, at most 4096 bytes.

use serde_json::{Map, Value};

use super::error::Error;

const MAX_BYTES: usize = 4096;
const MAX_TOPIC_BYTES: usize = 2048;
const MAX_TTL_SECONDS: f64 = 2_419_200.0;

const TARGETS: [&str; 4] = ["token", "topic", "condition", "fid"];
const MESSAGE_FIELDS: [&str; 7] = [
    "name",
    "data",
    "notification",
    "android",
    "webpush",
    "apns",
    "fcm_options",
];
const NOTIFICATION_FIELDS: [&str; 3] = ["title", "body", "image"];
const ANDROID_FIELDS: [&str; 9] = [
    "collapse_key",
    "priority",
    "ttl",
    "restricted_package_name",
    "data",
    "notification",
    "fcm_options",
    "direct_boot_ok",
    "bandwidth_constrained_ok",
];
const APNS_FIELDS: [&str; 4] = ["headers", "payload", "fcm_options", "live_activity_token"];
const WEBPUSH_FIELDS: [&str; 4] = ["headers", "data", "notification", "fcm_options"];

/// A valid message.
#[derive(Clone, Debug)]
pub(super) struct Message {
    /// Kind of the target, such as `token`.
    pub(super) target: &'static str,
    /// Token, topic or condition.
    pub(super) address: String,
    pub(super) fields: Map<String, Value>,
}

/// Validates the `message` of a request.
pub(super) fn check(message: &Value) -> Result<Message, Error> {
    let fields = object(message, "message")?;
    let known: Vec<&str> = MESSAGE_FIELDS.into_iter().chain(TARGETS).collect();
    known_only(fields, "message", &known)?;
    let (target, address) = target(fields)?;
    part(fields, "notification", &NOTIFICATION_FIELDS)?;
    part(fields, "apns", &APNS_FIELDS)?;
    part(fields, "webpush", &WEBPUSH_FIELDS)?;
    if let Some(android) = part(fields, "android", &ANDROID_FIELDS)? {
        check_android(android)?;
    }
    check_data(fields)?;
    let limit = if target == "token" || target == "fid" {
        MAX_BYTES
    } else {
        MAX_TOPIC_BYTES
    };
    if payload_bytes(fields) > limit {
        Err(Error::too_big())
    } else {
        Ok(Message {
            target,
            address,
            fields: fields.clone(),
        })
    }
}

fn target(fields: &Map<String, Value>) -> Result<(&'static str, String), Error> {
    let mut given = TARGETS.into_iter().filter(|name| fields.contains_key(*name));
    let name = given
        .next()
        .ok_or_else(|| Error::invalid("Recipient of the message is not set."))?;
    if let Some(second) = given.next() {
        let text = format!(
            "Invalid value at 'message' (oneof), oneof field 'target' is already set. Cannot set '{second}'"
        );
        return Err(Error::malformed("message", text));
    }
    let address = string(&fields[name], &format!("message.{name}"))?;
    if address.is_empty() {
        return Err(Error::invalid("Recipient of the message is not set."));
    }
    match name {
        "token" if !address.bytes().all(|b| b.is_ascii_graphic()) => Err(Error::invalid_token()),
        "topic"
            if !address
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.~%".contains(&b)) =>
        {
            Err(Error::invalid("Invalid topic name."))
        }
        name => Ok((name, address.to_owned())),
    }
}

fn check_data(fields: &Map<String, Value>) -> Result<(), Error> {
    let Some(data) = fields.get("data") else {
        return Ok(());
    };
    for (index, (key, value)) in object(data, "message.data")?.iter().enumerate() {
        string(value, &format!("message.data[{index}].value"))?;
        let reserved = matches!(key.as_str(), "from" | "message_type");
        if reserved || key.starts_with("google.") || key.starts_with("gcm.") {
            return Err(Error::invalid(&format!("Invalid data payload key: {key}")));
        }
    }
    Ok(())
}

fn check_android(android: &Map<String, Value>) -> Result<(), Error> {
    if let Some(priority) = android.get("priority")
        && !matches!(priority.as_str(), Some("NORMAL" | "HIGH"))
    {
        let text = format!(
            "Invalid value at 'message.android.priority' (type.googleapis.com/google.firebase.fcm.v1.AndroidMessagePriority), {priority}"
        );
        return Err(Error::malformed("message.android.priority", text));
    }
    let Some(ttl) = android.get("ttl") else {
        return Ok(());
    };
    let seconds = ttl
        .as_str()
        .and_then(|ttl| ttl.strip_suffix('s'))
        .and_then(|ttl| ttl.parse::<f64>().ok());
    if seconds.is_some_and(|seconds| (0.0..=MAX_TTL_SECONDS).contains(&seconds)) {
        return Ok(());
    }
    let text = format!(
        "Invalid value at 'message.android.ttl' (type.googleapis.com/google.protobuf.Duration), {ttl}"
    );
    Err(Error::malformed("message.android.ttl", text))
}

fn part<'m>(
    fields: &'m Map<String, Value>,
    name: &str,
    known: &[&str],
) -> Result<Option<&'m Map<String, Value>>, Error> {
    let Some(value) = fields.get(name) else {
        return Ok(None);
    };
    let path = format!("message.{name}");
    let part = object(value, &path)?;
    known_only(part, &path, known)?;
    Ok(Some(part))
}

pub(super) fn known_only(fields: &Map<String, Value>, path: &str, known: &[&str]) -> Result<(), Error> {
    match fields.keys().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => {
            let at = if path.is_empty() {
                String::new()
            } else {
                format!(" at '{path}'")
            };
            let text =
                format!("Invalid JSON payload received. Unknown name \"{name}\"{at}: Cannot find field.");
            Err(Error::malformed(path, text))
        }
    }
}

fn object<'v>(value: &'v Value, path: &str) -> Result<&'v Map<String, Value>, Error> {
    value
        .as_object()
        .ok_or_else(|| Error::malformed(path, format!("Invalid value at '{path}', {value}")))
}

fn string<'v>(value: &'v Value, path: &str) -> Result<&'v str, Error> {
    value
        .as_str()
        .ok_or_else(|| Error::malformed(path, format!("Invalid value at '{path}' (TYPE_STRING), {value}")))
}

/// Returns the payload for the device: notification and data.
fn payload_bytes(fields: &Map<String, Value>) -> usize {
    let parts = ["notification", "data"]
        .iter()
        .filter_map(|name| fields.get(*name)?.as_object());
    parts
        .flatten()
        .map(|(key, value)| key.len() + value.as_str().map_or(0, str::len))
        .sum()
}

#[cfg(test)]
mod tests;
