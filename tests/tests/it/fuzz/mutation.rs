//! Changes of valid requests: unusual values of fields, and malformed bytes, texts and frames.

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, ReflectMessage as _, Value};

use crate::harness::Dice;

/// Texts that are unusual or look like something else.
const TEXTS: [&str; 20] = [
    "",
    " ",
    "\0",
    "\n\r\t\u{7f}\u{1b}[31m",
    "'; DROP TABLE bookings; --",
    "%s%n{}${jndi:ldap://x}<script>",
    "../../../etc/passwd",
    "\u{202e}\u{200b}\u{feff}",
    "👩‍👩‍👧‍👦가각힣",
    "e\u{301}\u{1100}\u{1161}",
    "00000000-0000-0000-0000-000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
    "-1",
    "1e309",
    "9999-12-31T23:59:60Z",
    "24:00",
    "a@b",
    "AAAAAAAAAAAAAAAAAAAAAA",
    // Base64 of JSON, as a page token may look like.
    "eyJrZXkiOiJ4Iiwic2l6ZSI6LTF9",
    "null",
];

const NUMBERS: [i64; 12] = [
    i64::MIN,
    i64::MAX,
    i32::MIN as i64,
    i32::MAX as i64,
    -1,
    0,
    1,
    7,
    200,
    1_000_000,
    253_402_300_800,
    -62_135_596_801,
];

const FLOATS: [f64; 9] = [
    f64::NAN,
    f64::INFINITY,
    f64::MIN,
    f64::MAX,
    -0.0,
    f64::MIN_POSITIVE,
    37.5,
    126.9,
    181.0,
];

/// Replaces the value of a random field, nested ones included.
pub fn change_field(dice: &Dice, message: &mut DynamicMessage) {
    let fields: Vec<FieldDescriptor> = message.descriptor().fields().collect();
    if fields.is_empty() {
        return;
    }
    let field = &fields[dice.below(fields.len())];
    if dice.chance(0.1) {
        return message.clear_field(field);
    }
    if field.is_map() {
        return;
    }
    let value = if field.is_list() {
        let count = [0, 1, 2, 101][dice.below(4)];
        Value::List((0..count).filter_map(|_| value(dice, field)).collect())
    } else {
        let Some(value) = value(dice, field) else { return };
        value
    };
    if value.is_valid_for_field(field) {
        message.set_field(field, value);
    }
}

fn value(dice: &Dice, field: &FieldDescriptor) -> Option<Value> {
    let number = dice.pick(&NUMBERS);
    Some(match field.kind() {
        Kind::String => Value::String(text(dice)),
        Kind::Bytes => Value::Bytes(text(dice).into_bytes().into()),
        Kind::Bool => Value::Bool(dice.chance(0.5)),
        Kind::Int32 | Kind::Sint32 => Value::I32(number as i32),
        Kind::Int64 | Kind::Sint64 => Value::I64(number),
        Kind::Uint32 => Value::U32(number as u32),
        Kind::Uint64 => Value::U64(number as u64),
        Kind::Float => Value::F32(dice.pick(&FLOATS) as f32),
        Kind::Double => Value::F64(dice.pick(&FLOATS)),
        Kind::Enum(_) => Value::EnumNumber(number as i32),
        Kind::Message(kind) => {
            let mut inner = DynamicMessage::new(kind);
            change_field(dice, &mut inner);
            change_field(dice, &mut inner);
            Value::Message(inner)
        }
        _ => return None,
    })
}

/// Returns an unusual text, at times a long one.
pub fn text(dice: &Dice) -> String {
    if dice.chance(0.1) {
        return "가".repeat(dice.pick(&[20, 72, 255, 1_000, 70_000]));
    }
    let text = dice.pick(&TEXTS).to_owned();
    if dice.chance(0.2) {
        text.clone() + dice.pick(&TEXTS)
    } else {
        text
    }
}

/// Flips, removes, repeats or inserts some bytes.
pub fn change_bytes(dice: &Dice, bytes: &mut Vec<u8>) {
    for _ in 0..=dice.below(3) {
        let at = dice.below(bytes.len().max(1));
        match dice.below(5) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 => bytes.truncate(at),
            2 if at < bytes.len() => drop(bytes.remove(at)),
            3 => bytes.insert(
                at.min(bytes.len()),
                dice.pick(&[0, 0x7f, 0x80, 0xff, b'"', b'{', b'\\']),
            ),
            _ => bytes.extend_from_within(at.min(bytes.len())..),
        }
    }
}

/// Changes the text of JSON: bytes, numbers that do not fit, repeated keys, deep nesting, other types.
pub fn change_json(dice: &Dice, text: &str) -> Vec<u8> {
    let replaced = |from: &str, to: &str| text.replacen(from, to, 1).into_bytes();
    match dice.below(9) {
        0 => replaced("{", r#"{"unknown":1,"#),
        1 => text
            .replacen('{', &format!("{{{},", text.trim_matches(['{', '}'])), 1)
            .into_bytes(),
        2 => "[".repeat(dice.pick(&[1, 100, 5_000])).into_bytes(),
        3 => "{\"a\":".repeat(dice.pick(&[1, 100, 5_000])).into_bytes(),
        4 => replaced(":", ":1e999,\"x\":"),
        5 => replaced(":\"", ":\"\\ud800"),
        6 => dice
            .pick(&[
                "",
                "null",
                "[]",
                "\"text\"",
                "0",
                "{}",
                "{}{}",
                "\u{feff}{}",
                "NaN",
            ])
            .as_bytes()
            .to_vec(),
        _ => {
            let mut bytes = text.as_bytes().to_vec();
            change_bytes(dice, &mut bytes);
            bytes
        }
    }
}

/// Returns frames of gRPC: mostly one with this message, at times malformed.
pub fn frames(dice: &Dice, message: &[u8]) -> Vec<u8> {
    let length = message.len() as u32;
    let frame = |flag: u8, length: u32| [&[flag], &length.to_be_bytes()[..], message].concat();
    let whole = frame(0, length);
    if dice.chance(0.5) {
        return whole;
    }
    match dice.below(9) {
        0 => frame(1, length),
        1 => frame(dice.pick(&[2, 7, 0x80, 0x81, 0xff]), length),
        2 => frame(0, length.wrapping_add(1)),
        3 => frame(0, length.wrapping_sub(1)),
        4 => frame(0, dice.pick(&[u32::MAX, 1 << 31, 5 << 20])),
        5 => whole[..dice.below(whole.len())].to_vec(),
        6 => [whole.clone(), whole].concat(),
        7 => Vec::new(),
        _ => {
            let mut bytes = whole;
            change_bytes(dice, &mut bytes);
            bytes
        }
    }
}
