//! Tables of the contract's messages for the conversion to JSON and back, compiled once at start.
//!
//! A table has the fields of a message by number, the kind of each, and the bytes of its key in JSON, so that a conversion asks no
//! descriptor. Only proto3 has the presence rules of [`Field::omitted_when_unset`]; other syntaxes are refused.

mod compile;

use std::collections::HashMap;
use std::sync::Arc;

use prost::encoding::WireType;
use prost_reflect::{EnumDescriptor, MessageDescriptor};

/// The compiled messages and enums.
#[derive(Debug, Default)]
pub struct Schema {
    pub(super) messages: Vec<Message>,
    pub(super) enums: Vec<Enum>,
    /// Indices of messages, by full name.
    by_name: HashMap<String, usize>,
}

/// One message of a schema. Cheap to clone.
#[derive(Clone, Debug)]
pub struct MessageType {
    pub(super) schema: Arc<Schema>,
    index: usize,
}

#[derive(Debug)]
pub(super) struct Message {
    pub(super) shape: Shape,
    /// Ordered by number.
    pub(super) fields: Vec<Field>,
    /// Indices of the members of each oneof that the contract spells out.
    pub(super) oneofs: Vec<Vec<usize>>,
}

/// JSON form of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    Object,
    /// An object without fields: `Empty`.
    Empty,
    /// The JSON of its only field: `Struct`, `ListValue` and the wrappers.
    Transparent,
    Timestamp,
    Duration,
    FieldMask,
    /// Any JSON: `Value`.
    Any,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) number: u32,
    pub(super) name: Box<str>,
    /// `,"name":`
    pub(super) key: Box<[u8]>,
    pub(super) kind: Kind,
    pub(super) label: Label,
    /// Wire type of one value.
    pub(super) wire: WireType,
    /// Index of the oneof, unless it has been made for `optional`.
    pub(super) oneof: Option<usize>,
    /// Whether a value that is sent is set, also when it is zero.
    pub(super) has_presence: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Label {
    Single,
    List,
    /// A list of entries, messages with the fields 1 (key) and 2 (value).
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Bool,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Float,
    Double,
    String,
    Bytes,
    /// Index in [`Schema::enums`].
    Enum(usize),
    /// Index in [`Schema::messages`].
    Message(usize),
}

#[derive(Debug)]
pub(super) struct Enum {
    pub(super) descriptor: EnumDescriptor,
    /// Words with quotes, ordered by number.
    words: Vec<(i32, Box<[u8]>)>,
}

impl Schema {
    /// Compiles `roots` and the messages that they contain.
    ///
    /// # Errors
    /// A message that has no JSON here: of another syntax than proto3, or a well-known type without support, such as `Any`.
    pub fn compile(roots: impl IntoIterator<Item = MessageDescriptor>) -> anyhow::Result<Arc<Self>> {
        compile::schema(roots).map(Arc::new)
    }

    /// Finds a message by its full name.
    pub fn message(self: &Arc<Self>, full_name: &str) -> Option<MessageType> {
        let index = *self.by_name.get(full_name)?;
        Some(MessageType {
            schema: Arc::clone(self),
            index,
        })
    }
}

impl MessageType {
    pub(super) fn table(&self) -> &Message {
        &self.schema.messages[self.index]
    }

    /// Returns the index of the field with this name.
    pub fn field(&self, name: &str) -> Option<usize> {
        self.table().fields.iter().position(|field| &*field.name == name)
    }

    /// Returns whether the field is a single string.
    pub fn is_string(&self, field: usize) -> bool {
        let field = &self.table().fields[field];
        (field.label, field.kind) == (Label::Single, Kind::String)
    }

    /// Returns whether the field is a single `bytes`.
    pub fn is_bytes(&self, field: usize) -> bool {
        let field = &self.table().fields[field];
        (field.label, field.kind) == (Label::Single, Kind::Bytes)
    }

    /// Returns the name of a field.
    pub fn name(&self, field: usize) -> &str {
        &self.table().fields[field].name
    }

    /// Returns the fields of the first oneof.
    pub fn oneof(&self) -> Option<&[usize]> {
        self.table().oneofs.first().map(Vec::as_slice)
    }
}

impl Field {
    /// Returns whether an unset field is left out of JSON. Of others, unset and empty are the same.
    pub(super) fn omitted_when_unset(&self) -> bool {
        self.has_presence || (matches!(self.kind, Kind::Enum(_)) && self.label == Label::Single)
    }

    /// Returns whether a list of such values may be one length-delimited value.
    pub(super) fn is_packable(&self) -> bool {
        self.label == Label::List && self.wire != WireType::LengthDelimited
    }
}

impl Enum {
    /// Returns the word of a number, in quotes.
    pub(super) fn word(&self, number: i32) -> Option<&[u8]> {
        let position = self
            .words
            .binary_search_by_key(&number, |(known, _)| *known)
            .ok()?;
        Some(&self.words[position].1)
    }
}

#[cfg(test)]
impl MessageType {
    /// Compiles a message for itself.
    pub fn of(descriptor: &MessageDescriptor) -> Self {
        let schema = Schema::compile([descriptor.clone()]).unwrap();
        schema.message(descriptor.full_name()).unwrap()
    }
}
