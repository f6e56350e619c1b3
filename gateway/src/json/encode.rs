//! Writes messages as JSON, from wire bytes straight to text.
//!
//! The first pass over a message finds its fields ([`Scanner`]), the second writes them ordered by number. Lists keep the order of
//! the wire, maps are sorted by key, of a value that is sent twice the last one counts and messages are merged, as protobuf says.

mod values;
pub(super) mod well_known;

use super::schema::{Field, Kind, Message, MessageType, Schema, Shape};
use super::wire::{EncodeError, Payload, Scanner, Slot, text};

/// A message in wire bytes whose fields are found.
pub struct MessageView<'a> {
    table: &'a Message,
    bytes: &'a [u8],
    encoder: Encoder<'a>,
}

impl MessageType {
    /// Finds the fields of a message.
    ///
    /// # Errors
    /// Bytes that are not a message. Those of nested messages are checked when they are written.
    pub fn view<'a>(&'a self, bytes: &'a [u8]) -> Result<MessageView<'a>, EncodeError> {
        let mut encoder = Encoder::new(&self.schema);
        encoder.scanner.scan(self.table(), bytes, 0)?;
        Ok(MessageView {
            table: self.table(),
            bytes,
            encoder,
        })
    }

    /// Writes a whole message.
    ///
    /// # Errors
    /// Bytes that are not a message, or a time that RFC 3339 cannot express.
    pub fn to_json(&self, bytes: &[u8]) -> Result<Vec<u8>, EncodeError> {
        self.view(bytes)?.to_json()
    }
}

impl MessageView<'_> {
    /// Writes the whole message.
    pub fn to_json(&mut self) -> Result<Vec<u8>, EncodeError> {
        let mut out = self.buffer();
        self.encoder.found(&mut out, self.table, self.bytes, 0, 0)?;
        Ok(out)
    }

    /// Writes one field, also when it is not set.
    pub fn field_to_json(&mut self, field: usize) -> Result<Vec<u8>, EncodeError> {
        let mut out = self.buffer();
        let slot = self.encoder.scanner.slot(field);
        let field = &self.table.fields[field];
        self.encoder.field(&mut out, field, slot, self.bytes, 0)?;
        Ok(out)
    }

    /// Returns the value of a single string field, which is empty when it is not set.
    pub fn text(&self, field: usize) -> Result<&str, EncodeError> {
        match self.encoder.scanner.slot(field).last {
            Some(Payload::Bytes(bytes)) => text(bytes),
            _ => Ok(""),
        }
    }

    /// Returns whether a field was sent.
    pub fn has(&self, field: usize) -> bool {
        self.encoder.scanner.slot(field).last.is_some()
    }

    /// JSON is about three times as long as the wire bytes.
    fn buffer(&self) -> Vec<u8> {
        Vec::with_capacity(256 + 3 * self.bytes.len())
    }
}

struct Encoder<'a> {
    scanner: Scanner<'a>,
}

impl<'a> Encoder<'a> {
    fn new(schema: &'a Schema) -> Self {
        Self {
            scanner: Scanner::new(schema),
        }
    }

    fn message(
        &mut self,
        out: &mut Vec<u8>,
        index: usize,
        bytes: &'a [u8],
        depth: usize,
    ) -> Result<(), EncodeError> {
        let schema = self.scanner.schema;
        let table = &schema.messages[index];
        let base = self.scanner.scan(table, bytes, depth)?;
        self.found(out, table, bytes, base, depth)?;
        self.scanner.release(base);
        Ok(())
    }

    /// Writes a message whose slots begin at `base`.
    fn found(
        &mut self,
        out: &mut Vec<u8>,
        table: &Message,
        bytes: &'a [u8],
        base: usize,
        depth: usize,
    ) -> Result<(), EncodeError> {
        let number = |position| match self.scanner.slot(base + position).last {
            Some(Payload::Number(number)) => number as i64,
            _ => 0,
        };
        match table.shape {
            Shape::Object | Shape::Empty => self.object(out, table, bytes, base, depth),
            Shape::Transparent => {
                let slot = self.scanner.slot(base);
                self.field(out, &table.fields[0], slot, bytes, depth)
            }
            Shape::Timestamp => well_known::timestamp(out, number(0), number(1) as i32),
            Shape::Duration => well_known::duration(out, number(0), number(1) as i32),
            Shape::FieldMask => well_known::field_mask(out, table, bytes),
            Shape::Any => self.any(out, table, bytes, base, depth),
        }
    }

    fn object(
        &mut self,
        out: &mut Vec<u8>,
        table: &Message,
        bytes: &'a [u8],
        base: usize,
        depth: usize,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        for (position, field) in table.fields.iter().enumerate() {
            let slot = self.scanner.slot(base + position);
            if field.omitted_when_unset() && !is_set(field, slot) {
                continue;
            }
            out.extend_from_slice(&field.key);
            self.field(out, field, slot, bytes, depth)?;
        }
        // Each key begins with a comma, in whose place the first one has the brace.
        match out.get_mut(start) {
            Some(comma) => *comma = b'{',
            None => out.push(b'{'),
        }
        out.push(b'}');
        Ok(())
    }

    /// Writes a `Value`: its set member, or null.
    fn any(
        &mut self,
        out: &mut Vec<u8>,
        table: &Message,
        bytes: &'a [u8],
        base: usize,
        depth: usize,
    ) -> Result<(), EncodeError> {
        for (position, field) in table.fields.iter().enumerate() {
            let slot = self.scanner.slot(base + position);
            match (field.kind, slot.last) {
                (_, None) | (Kind::Enum(_), _) => {}
                (Kind::Double, Some(Payload::Number(bits))) if !f64::from_bits(bits).is_finite() => {
                    return Err(EncodeError::NotFinite);
                }
                _ => return self.field(out, field, slot, bytes, depth),
            }
        }
        out.extend_from_slice(b"null");
        Ok(())
    }
}

fn is_set(field: &Field, slot: Slot<'_>) -> bool {
    match slot.last {
        None => false,
        Some(Payload::Number(number)) if !field.has_presence => number as i32 != 0,
        Some(_) => true,
    }
}

#[cfg(test)]
pub(super) mod tests;
