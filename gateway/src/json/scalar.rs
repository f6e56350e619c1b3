//! Writes single values (numbers, texts, enums, well-known types) from JSON and from the text of a URL.

mod well_known;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use carshare_proto::enum_names;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::EnumDescriptor;
use serde_json::Value as Json;

use super::schema::{Field, Kind, Label, MessageType, Schema, Shape};
use super::{DecodeError, Expected, MAX_DEPTH};

impl MessageType {
    /// Appends the field at a path, `period.from`, from a text; a list from several.
    ///
    /// # Errors
    /// An unknown field, a wrong text, several texts of a single field.
    pub fn assign(&self, path: &str, texts: &[String], out: &mut Vec<u8>) -> Result<(), DecodeError> {
        assign(&self.schema, &self.table().fields, path, texts, 0, out)
    }

    /// Appends a field of type `bytes`.
    pub fn assign_bytes(&self, field: usize, content: &[u8], out: &mut Vec<u8>) {
        encode_key(self.table().fields[field].number, WireType::LengthDelimited, out);
        encode_varint(content.len() as u64, out);
        out.extend_from_slice(content);
    }
}

fn assign(
    schema: &Schema,
    fields: &[Field],
    path: &str,
    texts: &[String],
    depth: usize,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let (name, rest) = path
        .split_once('.')
        .map_or((path, None), |(name, rest)| (name, Some(rest)));
    let field = fields.iter().find(|field| *field.name == *name);
    let field = field.ok_or(DecodeError::UnknownField)?;
    match (rest, field.label, field.kind, texts) {
        (Some(rest), Label::Single, Kind::Message(index), _) if depth < MAX_DEPTH => {
            let fields = &schema.messages[index].fields;
            block(out, field.number, |out| {
                assign(schema, fields, rest, texts, depth + 1, out)
            })
        }
        (Some(_), ..) | (None, Label::Map, ..) => Err(DecodeError::UnknownField),
        (None, Label::List, ..) => texts
            .iter()
            .try_for_each(|text| from_text(schema, field, text, out)),
        (None, Label::Single, _, [text]) => from_text(schema, field, text, out),
        (None, Label::Single, ..) => Err(DecodeError::Repeated),
    }
}

/// Writes the key of a length-delimited field, what `write` writes, and the length before it.
pub(super) fn block<T>(out: &mut Vec<u8>, number: u32, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    encode_key(number, WireType::LengthDelimited, out);
    let start = out.len();
    let result = write(out);
    let length = out.len() - start;
    encode_varint(length as u64, out);
    let prefix = out.len() - start - length;
    out[start..].rotate_right(prefix);
    result
}

/// Writes a field with one value: a scalar, enum or well-known type.
pub(super) fn from_json(
    schema: &Schema,
    field: &Field,
    json: &Json,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    match field.kind {
        Kind::String => bytes(out, field, text(json, Expected::Text)?.as_bytes()),
        Kind::Bytes => bytes(out, field, &base64(text(json, Expected::Base64)?)?),
        Kind::Message(index) => return well_known::from_json(schema, field, index, json, out),
        kind => {
            let bits = bits(schema, kind, json)?;
            encode_key(field.number, field.wire, out);
            match field.wire {
                WireType::ThirtyTwoBit => out.extend_from_slice(&(bits as u32).to_le_bytes()),
                WireType::SixtyFourBit => out.extend_from_slice(&bits.to_le_bytes()),
                _ => encode_varint(bits, out),
            }
        }
    }
    Ok(())
}

/// Writes the empty value of a field: an empty text, zero, false, the enum value without a word.
///
/// # Errors
/// A field that has none.
pub(super) fn clear(field: &Field, out: &mut Vec<u8>) -> Result<(), DecodeError> {
    if matches!(field.kind, Kind::Message(_)) || field.label != Label::Single || field.oneof.is_some() {
        return Err(DecodeError::NotClearable);
    }
    encode_key(field.number, field.wire, out);
    let zeros = match field.wire {
        WireType::ThirtyTwoBit => 4,
        WireType::SixtyFourBit => 8,
        // A varint, or a length.
        _ => 1,
    };
    out.resize(out.len() + zeros, 0);
    Ok(())
}

fn bytes(out: &mut Vec<u8>, field: &Field, bytes: &[u8]) {
    encode_key(field.number, WireType::LengthDelimited, out);
    encode_varint(bytes.len() as u64, out);
    out.extend_from_slice(bytes);
}

/// Returns the varint, or the bits of a fixed-width value.
fn bits(schema: &Schema, kind: Kind, json: &Json) -> Result<u64, DecodeError> {
    Ok(match kind {
        Kind::Bool => json
            .as_bool()
            .map(u64::from)
            .ok_or(DecodeError::Type(Expected::Boolean))?,
        Kind::Int32 | Kind::Sfixed32 => i64::from(integer::<i32>(json)?) as u64,
        Kind::Sint32 => u64::from(zigzag(integer::<i32>(json)?.into()) as u32),
        Kind::Int64 | Kind::Sfixed64 => integer::<i64>(json)? as u64,
        Kind::Sint64 => zigzag(integer(json)?),
        Kind::Uint32 | Kind::Fixed32 => integer::<u32>(json)?.into(),
        Kind::Float => single_precision(json)?.to_bits().into(),
        Kind::Double => number(json)?.to_bits(),
        Kind::Enum(index) => i64::from(enum_number(&schema.enums[index].descriptor, json)?) as u64,
        Kind::Uint64 | Kind::Fixed64 | Kind::String | Kind::Bytes | Kind::Message(_) => integer(json)?,
    })
}

fn zigzag(value: i64) -> u64 {
    ((value << 1) ^ (value >> 63)) as u64
}

/// Writes a field from the text of a path variable, a query parameter or the key of a map.
pub(super) fn from_text(
    schema: &Schema,
    field: &Field,
    text: &str,
    out: &mut Vec<u8>,
) -> Result<(), DecodeError> {
    let json = match field.kind {
        Kind::Bool => match text {
            "true" => Json::Bool(true),
            "false" => Json::Bool(false),
            _ => return Err(DecodeError::Type(Expected::Boolean)),
        },
        Kind::Message(index) => {
            let inner = &schema.messages[index];
            match (inner.shape, &inner.fields[..]) {
                // An unescaped plus in a query is a space, which no time contains.
                (Shape::Timestamp, _) => Json::String(text.replace(' ', "+")),
                (Shape::Duration | Shape::FieldMask, _) => Json::String(text.to_owned()),
                (Shape::Transparent, [value]) if value.label == Label::Single => {
                    return block(out, field.number, |out| from_text(schema, value, text, out));
                }
                // The others have no form as a single text.
                _ => return Err(DecodeError::UnknownField),
            }
        }
        _ => Json::String(text.to_owned()),
    };
    from_json(schema, field, &json, out)
}

/// Returns the words of an enum that a request may contain: all but that of zero.
pub(crate) fn enum_words(descriptor: &EnumDescriptor) -> Vec<String> {
    let values = descriptor.values().filter(|value| value.number() != 0);
    values
        .map(|value| enum_names::short_name(descriptor, value.name()))
        .collect()
}

/// 2^53. From here on a double may be the rounded value of another number in the text.
const EXACT_LIMIT: f64 = 9_007_199_254_740_992.0;

/// Decodes an integer. `3`, `3.0`, `3e0` and `"3"` are the same.
fn integer<T: TryFrom<i128>>(json: &Json) -> Result<T, DecodeError> {
    let widen = |float: f64| {
        if float.abs() < EXACT_LIMIT {
            float as i128
        } else {
            i128::MAX
        }
    };
    let wide_or_none = match json {
        Json::Number(number) => number
            .as_i64()
            .map(i128::from)
            .or_else(|| number.as_u64().map(i128::from))
            .or_else(|| number.as_f64().filter(|n| n.fract() == 0.0).map(widen)),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    };
    let wide = wide_or_none.ok_or(DecodeError::Type(Expected::Integer))?;
    T::try_from(wide).map_err(|_| DecodeError::OutOfRange)
}

/// Decodes a finite number.
fn number(json: &Json) -> Result<f64, DecodeError> {
    let number = match json {
        Json::Number(number) => number.as_f64(),
        Json::String(digits) => digits.parse().ok(),
        _ => None,
    };
    number
        .filter(|n: &f64| n.is_finite())
        .ok_or(DecodeError::Type(Expected::Number))
}

fn single_precision(json: &Json) -> Result<f32, DecodeError> {
    let narrow = number(json)? as f32;
    if narrow.is_finite() {
        Ok(narrow)
    } else {
        Err(DecodeError::OutOfRange)
    }
}

fn text(json: &Json, expected: Expected) -> Result<&str, DecodeError> {
    json.as_str().ok_or(DecodeError::Type(expected))
}

fn base64(text: &str) -> Result<Vec<u8>, DecodeError> {
    let decoded = STANDARD.decode(text).or_else(|_| URL_SAFE.decode(text));
    decoded.map_err(|_| DecodeError::Type(Expected::Base64))
}

fn enum_number(descriptor: &EnumDescriptor, json: &Json) -> Result<i32, DecodeError> {
    let number = json
        .as_str()
        .and_then(|word| enum_names::number(descriptor, word));
    number
        .filter(|number| *number != 0)
        .ok_or_else(|| DecodeError::EnumWord(descriptor.clone()))
}
