//! Text of options and of reserved numbers and names.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, Value};

/// Lists the options of `google.protobuf` that are set, as `name = value`. Custom options are extensions, which are no fields.
pub fn options(message: &DynamicMessage) -> Vec<String> {
    let set = message.fields();
    set.map(|(field, value)| format!("{} = {}", field.name(), literal(&field, value)))
        .collect()
}

fn literal(field: &FieldDescriptor, value: &Value) -> String {
    match (field.kind(), value) {
        (Kind::Enum(kind), Value::EnumNumber(number)) => kind
            .get_value(*number)
            .map_or_else(|| number.to_string(), |value| value.name().to_owned()),
        (_, value) => value.to_string(),
    }
}

pub fn bracketed(options: &[String]) -> String {
    if options.is_empty() {
        return String::new();
    }
    format!(" [{}]", options.join(", "))
}

/// Returns `reserved` statements of inclusive ranges and of names.
pub fn reserved(ranges: impl Iterator<Item = (i32, i32)>, names: &[String]) -> Vec<String> {
    let range = |(first, last): (i32, i32)| {
        if first == last {
            first.to_string()
        } else {
            format!("{first} to {last}")
        }
    };
    let lists = [
        ranges.map(range).collect::<Vec<_>>(),
        names.iter().map(|name| format!("\"{name}\"")).collect(),
    ];
    let used = lists.into_iter().filter(|list| !list.is_empty());
    used.map(|list| format!("reserved {};", list.join(", ")))
        .collect()
}
