//! Finds the fields of a message in its wire bytes, which have them in any order, repeated and with unknown ones between.

use prost::encoding::{DecodeContext, WireType, decode_key, decode_varint, skip_field};

use super::schema::{Field, Kind, Label, Message, Schema};

/// Maximum nesting of messages on the wire, as of prost.
const MAX_DEPTH: usize = 100;

/// Reason why a message has no JSON.
#[derive(Debug, thiserror::Error)]
pub enum EncodeError {
    #[error(transparent)]
    Wire(#[from] prost::DecodeError),
    #[error("a field is cut off")]
    Truncated,
    #[error("field {0} has another wire type than in the contract")]
    WireType(u32),
    #[error("a string is not UTF-8")]
    NotUtf8,
    #[error("messages are nested too deeply")]
    TooDeep,
    #[error("a time or duration is out of range")]
    TimeOutOfRange,
    #[error("a number of a google.protobuf.Value is not finite")]
    NotFinite,
    #[error("a path of a google.protobuf.FieldMask has no form in JSON")]
    FieldMask,
    #[error(transparent)]
    Json(#[from] serde_json::Error),
}

/// The value of one occurrence of a field.
#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    /// A varint, or the little-endian bits of a fixed-width value.
    Number(u64),
    Bytes(&'a [u8]),
}

/// The occurrences of one field in a message.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Slot<'a> {
    /// The last one.
    pub(super) last: Option<Payload<'a>>,
    /// Their number; a packed list is one.
    pub(super) count: usize,
    /// Position of the first one.
    pub(super) start: usize,
    /// Position after the last one.
    pub(super) end: usize,
}

/// Iterates over the known fields of a message: index, position and value of each occurrence.
pub(super) struct Occurrences<'a, 't> {
    fields: &'t [Field],
    bytes: &'a [u8],
    rest: &'a [u8],
}

/// Slots of the messages that are being written, those of the innermost last.
pub(super) struct Scanner<'a> {
    pub(super) schema: &'a Schema,
    slots: Vec<Slot<'a>>,
}

impl<'a, 't> Occurrences<'a, 't> {
    /// `fields` are ordered by number.
    pub(super) fn new(fields: &'t [Field], bytes: &'a [u8]) -> Self {
        Self {
            fields,
            bytes,
            rest: bytes,
        }
    }

    /// Returns the position after the occurrence that was returned last.
    fn offset(&self) -> usize {
        self.bytes.len() - self.rest.len()
    }

    fn try_next(&mut self) -> Result<Option<(usize, usize, Payload<'a>)>, EncodeError> {
        while !self.rest.is_empty() {
            let start = self.offset();
            let (number, wire) = decode_key(&mut self.rest)?;
            if let Some(index) = find(self.fields, number) {
                let value = value(&self.fields[index], wire, &mut self.rest)?;
                return Ok(Some((index, start, value)));
            }
            skip_field(wire, number, &mut self.rest, DecodeContext::default())?;
        }
        Ok(None)
    }
}

impl<'a> Iterator for Occurrences<'a, '_> {
    type Item = Result<(usize, usize, Payload<'a>), EncodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.try_next().transpose()
    }
}

impl<'a> Scanner<'a> {
    pub(super) fn new(schema: &'a Schema) -> Self {
        Self {
            schema,
            slots: Vec::with_capacity(64),
        }
    }

    /// Records the fields of a message and returns the position of its slots.
    pub(super) fn scan(
        &mut self,
        table: &Message,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<usize, EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        let base = self.slots.len();
        self.slots.resize(base + table.fields.len(), Slot::default());
        let mut occurrences = Occurrences::new(&table.fields, bytes);
        while let Some((index, start, value)) = occurrences.try_next()? {
            let field = &table.fields[index];
            let members = field.oneof.map_or(&[][..], |oneof| &table.oneofs[oneof]);
            for &other in members.iter().filter(|&&other| other != index) {
                let displaced = std::mem::take(&mut self.slots[base + other]);
                self.check_displaced(&table.fields[other], displaced, depth)?;
            }
            self.check_displaced(field, self.slots[base + index], depth)?;
            let slot = &mut self.slots[base + index];
            if slot.count == 0 {
                slot.start = start;
            }
            slot.count += 1;
            slot.last = Some(value);
            slot.end = occurrences.offset();
        }
        Ok(base)
    }

    pub(super) fn slot(&self, position: usize) -> Slot<'a> {
        self.slots[position]
    }

    /// Removes the slots from `base` on.
    pub(super) fn release(&mut self, base: usize) {
        self.slots.truncate(base);
    }

    /// Checks a value that another one replaces, which is not written: invalid bytes are an error wherever they are.
    fn check_displaced(&self, field: &Field, slot: Slot<'_>, depth: usize) -> Result<(), EncodeError> {
        match slot.last {
            Some(value) if field.label == Label::Single => self.check_value(field, value, depth),
            _ => Ok(()),
        }
    }

    fn check_value(&self, field: &Field, value: Payload<'_>, depth: usize) -> Result<(), EncodeError> {
        match (field.kind, value) {
            (Kind::String, Payload::Bytes(bytes)) => text(bytes).map(drop),
            (Kind::Message(index), Payload::Bytes(bytes)) => self.check(index, bytes, depth + 1),
            (_, Payload::Bytes(bytes)) if field.is_packable() => {
                Packed { field, rest: bytes }.try_for_each(|value| value.map(drop))
            }
            _ => Ok(()),
        }
    }

    /// Checks that the bytes are a message of the contract.
    pub(super) fn check(&self, index: usize, bytes: &[u8], depth: usize) -> Result<(), EncodeError> {
        if depth > MAX_DEPTH {
            return Err(EncodeError::TooDeep);
        }
        let table = &self.schema.messages[index];
        for occurrence in Occurrences::new(&table.fields, bytes) {
            let (index, _, value) = occurrence?;
            self.check_value(&table.fields[index], value, depth)?;
        }
        Ok(())
    }
}

/// Iterates over the values of a packed list.
pub(super) struct Packed<'a, 'f> {
    pub(super) field: &'f Field,
    pub(super) rest: &'a [u8],
}

impl<'a> Iterator for Packed<'a, '_> {
    type Item = Result<Payload<'a>, EncodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        (!self.rest.is_empty()).then(|| payload(self.field, self.field.wire, &mut self.rest))
    }
}

fn find(fields: &[Field], number: u32) -> Option<usize> {
    let dense = (number as usize).wrapping_sub(1);
    if fields.get(dense).is_some_and(|field| field.number == number) {
        return Some(dense);
    }
    fields.binary_search_by_key(&number, |field| field.number).ok()
}

/// Returns the text of a string.
pub(super) fn text(bytes: &[u8]) -> Result<&str, EncodeError> {
    std::str::from_utf8(bytes).map_err(|_| EncodeError::NotUtf8)
}

/// Reads one occurrence, which of a list of numbers may be packed.
fn value<'a>(field: &Field, wire: WireType, rest: &mut &'a [u8]) -> Result<Payload<'a>, EncodeError> {
    if wire == field.wire || (wire == WireType::LengthDelimited && field.is_packable()) {
        payload(field, wire, rest)
    } else {
        Err(EncodeError::WireType(field.number))
    }
}

fn payload<'a>(field: &Field, wire: WireType, rest: &mut &'a [u8]) -> Result<Payload<'a>, EncodeError> {
    Ok(match wire {
        WireType::Varint => Payload::Number(decode_varint(rest)?),
        WireType::ThirtyTwoBit => Payload::Number(u32::from_le_bytes(fixed(rest)?).into()),
        WireType::SixtyFourBit => Payload::Number(u64::from_le_bytes(fixed(rest)?)),
        WireType::LengthDelimited => {
            let length = decode_varint(rest)?;
            let length = usize::try_from(length).map_err(|_| EncodeError::Truncated)?;
            let (bytes, after) = rest.split_at_checked(length).ok_or(EncodeError::Truncated)?;
            *rest = after;
            Payload::Bytes(bytes)
        }
        WireType::StartGroup | WireType::EndGroup => return Err(EncodeError::WireType(field.number)),
    })
}

fn fixed<const N: usize>(rest: &mut &[u8]) -> Result<[u8; N], EncodeError> {
    let (bytes, after) = rest.split_first_chunk().ok_or(EncodeError::Truncated)?;
    *rest = after;
    Ok(*bytes)
}
