//! Writes the values of fields: single ones, lists and maps.

use std::borrow::Cow;
use std::io::Write as _;

use base64::display::Base64Display;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use super::Encoder;
use crate::json::schema::{Field, Kind, Label, Message};
use crate::json::wire::{EncodeError, Occurrences, Packed, Payload, Slot, text};

impl<'a> Encoder<'a> {
    /// Writes the value of a field, which is empty when it is not set. `bytes` is the message that contains it.
    pub(super) fn field(
        &mut self,
        out: &mut Vec<u8>,
        field: &Field,
        slot: Slot<'a>,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<(), EncodeError> {
        match (field.label, field.kind) {
            (Label::List, _) => self.list(out, field, slot, bytes, depth),
            (Label::Map, Kind::Message(entry)) => self.map(out, entry, field, slot, bytes, depth),
            (_, Kind::Message(index)) if slot.count > 1 => {
                let mut merged = Vec::new();
                for occurrence in occurrences(field, slot, bytes) {
                    if let Payload::Bytes(part) = occurrence? {
                        merged.extend_from_slice(part);
                    }
                }
                Encoder::new(self.scanner.schema).message(out, index, &merged, depth + 1)
            }
            _ => self.single(out, field, slot.last, depth),
        }
    }

    fn single(
        &mut self,
        out: &mut Vec<u8>,
        field: &Field,
        value: Option<Payload<'a>>,
        depth: usize,
    ) -> Result<(), EncodeError> {
        match (field.kind, value) {
            (Kind::Message(index), Some(Payload::Bytes(bytes))) => self.message(out, index, bytes, depth + 1),
            (Kind::Message(index), _) => self.message(out, index, &[], depth + 1),
            (Kind::String, Some(Payload::Bytes(bytes))) => json(out, text(bytes)?),
            (Kind::Bytes, Some(Payload::Bytes(bytes))) => {
                // Writing to a vector cannot fail.
                let _ = write!(out, "\"{}\"", Base64Display::new(bytes, &STANDARD));
                Ok(())
            }
            (Kind::String | Kind::Bytes, _) => json(out, ""),
            (kind, Some(Payload::Number(bits))) => self.number(out, kind, bits),
            (kind, _) => self.number(out, kind, 0),
        }
    }

    fn number(&self, out: &mut Vec<u8>, kind: Kind, bits: u64) -> Result<(), EncodeError> {
        match kind {
            Kind::Bool => json(out, &(bits != 0)),
            Kind::Int32 | Kind::Sfixed32 => json(out, &(bits as i32)),
            Kind::Int64 | Kind::Sfixed64 => json(out, &(bits as i64)),
            Kind::Uint32 | Kind::Fixed32 => json(out, &(bits as u32)),
            Kind::Sint32 => json(out, &(zigzag(u64::from(bits as u32)) as i32)),
            Kind::Sint64 => json(out, &zigzag(bits)),
            Kind::Float => match f32::from_bits(bits as u32) {
                value if value.is_finite() => json(out, &value),
                value => json(out, not_finite(value.into())),
            },
            Kind::Double => match f64::from_bits(bits) {
                value if value.is_finite() => json(out, &value),
                value => json(out, not_finite(value)),
            },
            // A value that this build's contract lacks is a number.
            Kind::Enum(index) => match self.scanner.schema.enums[index].word(bits as i32) {
                Some(word) => {
                    out.extend_from_slice(word);
                    Ok(())
                }
                None => json(out, &(bits as i32)),
            },
            Kind::Uint64 | Kind::Fixed64 | Kind::String | Kind::Bytes | Kind::Message(_) => json(out, &bits),
        }
    }

    fn list(
        &mut self,
        out: &mut Vec<u8>,
        field: &Field,
        slot: Slot<'a>,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<(), EncodeError> {
        out.push(b'[');
        let start = out.len();
        for occurrence in occurrences(field, slot, bytes) {
            match occurrence? {
                Payload::Bytes(packed) if field.is_packable() => {
                    for value in (Packed { field, rest: packed }) {
                        self.single(out, field, Some(value?), depth)?;
                        out.push(b',');
                    }
                }
                value => {
                    self.single(out, field, Some(value), depth)?;
                    out.push(b',');
                }
            }
        }
        close(out, start, b']');
        Ok(())
    }

    /// Writes a map sorted by key, so that equal messages have equal texts. Of equal keys the last entry counts.
    fn map(
        &mut self,
        out: &mut Vec<u8>,
        entry: usize,
        field: &Field,
        slot: Slot<'a>,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<(), EncodeError> {
        let schema = self.scanner.schema;
        let table = &schema.messages[entry];
        let mut entries = Vec::with_capacity(slot.count);
        for occurrence in occurrences(field, slot, bytes) {
            if let Payload::Bytes(bytes) = occurrence? {
                entries.push((self.key(table, bytes, depth)?, bytes));
            }
        }
        entries.sort_by(|(key, _), (other, _)| key.cmp(other));
        out.push(b'{');
        let start = out.len();
        for (position, (key, bytes)) in entries.iter().enumerate() {
            if entries.get(position + 1).is_some_and(|(next, _)| next == key) {
                self.scanner.check(entry, bytes, depth)?;
                continue;
            }
            json(out, key.as_ref())?;
            out.push(b':');
            let base = self.scanner.scan(table, bytes, depth)?;
            let value = self.scanner.slot(base + 1);
            self.field(out, &table.fields[1], value, bytes, depth)?;
            self.scanner.release(base);
            out.push(b',');
        }
        close(out, start, b'}');
        Ok(())
    }

    /// Returns the key of an entry as text.
    fn key(&mut self, table: &Message, entry: &'a [u8], depth: usize) -> Result<Cow<'a, str>, EncodeError> {
        let base = self.scanner.scan(table, entry, depth)?;
        let key = self.scanner.slot(base).last;
        self.scanner.release(base);
        let bits = match key {
            Some(Payload::Bytes(bytes)) => return Ok(text(bytes)?.into()),
            Some(Payload::Number(bits)) => bits,
            None if table.fields[0].kind == Kind::String => return Ok("".into()),
            None => 0,
        };
        let mut digits = Vec::new();
        self.number(&mut digits, table.fields[0].kind, bits)?;
        Ok(text(&digits)?.to_owned().into())
    }
}

/// Iterates over the values of one field.
fn occurrences<'a>(
    field: &Field,
    slot: Slot<'a>,
    bytes: &'a [u8],
) -> impl Iterator<Item = Result<Payload<'a>, EncodeError>> {
    Occurrences::new(std::slice::from_ref(field), &bytes[slot.start..slot.end])
        .map(|occurrence| occurrence.map(|(_, _, value)| value))
}

/// Replaces the comma after the last element, or appends to an empty list.
fn close(out: &mut Vec<u8>, start: usize, bracket: u8) {
    if out.len() > start {
        out.pop();
    }
    out.push(bracket);
}

fn json<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) -> Result<(), EncodeError> {
    Ok(serde_json::to_writer(out, value)?)
}

fn zigzag(bits: u64) -> i64 {
    ((bits >> 1) as i64) ^ -((bits & 1) as i64)
}

/// Returns the words of protobuf's own mapping.
fn not_finite(value: f64) -> &'static str {
    match (value.is_nan(), value.is_sign_positive()) {
        (true, _) => "NaN",
        (false, true) => "Infinity",
        (false, false) => "-Infinity",
    }
}
