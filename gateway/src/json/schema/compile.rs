//! Compiles descriptors to tables.

use anyhow::{bail, ensure};
use carshare_proto::enum_names;
use prost_reflect::{
    EnumDescriptor, FieldDescriptor, Kind as DescriptorKind, MessageDescriptor, OneofDescriptor, Syntax,
};

use super::{Enum, Field, Kind, Label, Message, Schema, Shape};

pub(super) fn schema(roots: impl IntoIterator<Item = MessageDescriptor>) -> anyhow::Result<Schema> {
    let mut schema = Schema::default();
    for root in roots {
        message_index(&mut schema, &root)?;
    }
    Ok(schema)
}

/// Returns the index of the message, which is compiled at its first use.
fn message_index(schema: &mut Schema, descriptor: &MessageDescriptor) -> anyhow::Result<usize> {
    if let Some(&index) = schema.by_name.get(descriptor.full_name()) {
        return Ok(index);
    }
    ensure!(
        descriptor.parent_file().syntax() == Syntax::Proto3,
        "{} is not of proto3",
        descriptor.full_name()
    );
    let shape = shape(descriptor)?;
    // The place is taken before the fields are compiled, because the message may contain itself.
    let index = schema.messages.len();
    schema.by_name.insert(descriptor.full_name().to_owned(), index);
    schema.messages.push(Message {
        shape,
        fields: Vec::new(),
        oneofs: Vec::new(),
    });
    let oneofs: Vec<OneofDescriptor> = descriptor
        .oneofs()
        .filter(|oneof| !oneof.is_synthetic())
        .collect();
    let fields: Vec<Field> = descriptor
        .fields()
        .map(|descriptor| field(schema, &descriptor, &oneofs))
        .collect::<anyhow::Result<_>>()?;
    let mut members = vec![Vec::new(); oneofs.len()];
    for (index, field) in fields.iter().enumerate() {
        if let Some(oneof) = field.oneof {
            members[oneof].push(index);
        }
    }
    let message = &mut schema.messages[index];
    (message.fields, message.oneofs) = (fields, members);
    Ok(index)
}

fn shape(descriptor: &MessageDescriptor) -> anyhow::Result<Shape> {
    if descriptor.package_name() != "google.protobuf" {
        return Ok(Shape::Object);
    }
    Ok(match descriptor.name() {
        "Empty" => Shape::Empty,
        "Timestamp" => Shape::Timestamp,
        "Duration" => Shape::Duration,
        "FieldMask" => Shape::FieldMask,
        "Value" => Shape::Any,
        "Struct" | "ListValue" | "BoolValue" | "Int32Value" | "Int64Value" | "UInt32Value"
        | "UInt64Value" | "FloatValue" | "DoubleValue" | "StringValue" | "BytesValue" => Shape::Transparent,
        // The entries of a Struct.
        _ if descriptor.is_map_entry() => Shape::Object,
        _ => bail!("{} has no form in JSON", descriptor.full_name()),
    })
}

fn field(
    schema: &mut Schema,
    descriptor: &FieldDescriptor,
    oneofs: &[OneofDescriptor],
) -> anyhow::Result<Field> {
    ensure!(!descriptor.is_group(), "{} is a group", descriptor.full_name());
    let label = match descriptor {
        field if field.is_map() => Label::Map,
        field if field.is_list() => Label::List,
        _ => Label::Single,
    };
    let oneof = descriptor.containing_oneof();
    Ok(Field {
        number: descriptor.number(),
        name: descriptor.name().into(),
        key: format!(",\"{}\":", descriptor.name()).into_bytes().into(),
        kind: kind(schema, &descriptor.kind())?,
        label,
        wire: descriptor.kind().wire_type(),
        oneof: oneof.and_then(|oneof| oneofs.iter().position(|known| *known == oneof)),
        has_presence: descriptor.supports_presence(),
    })
}

fn kind(schema: &mut Schema, kind: &DescriptorKind) -> anyhow::Result<Kind> {
    Ok(match kind {
        DescriptorKind::Bool => Kind::Bool,
        DescriptorKind::Int32 => Kind::Int32,
        DescriptorKind::Int64 => Kind::Int64,
        DescriptorKind::Uint32 => Kind::Uint32,
        DescriptorKind::Uint64 => Kind::Uint64,
        DescriptorKind::Sint32 => Kind::Sint32,
        DescriptorKind::Sint64 => Kind::Sint64,
        DescriptorKind::Fixed32 => Kind::Fixed32,
        DescriptorKind::Fixed64 => Kind::Fixed64,
        DescriptorKind::Sfixed32 => Kind::Sfixed32,
        DescriptorKind::Sfixed64 => Kind::Sfixed64,
        DescriptorKind::Float => Kind::Float,
        DescriptorKind::Double => Kind::Double,
        DescriptorKind::String => Kind::String,
        DescriptorKind::Bytes => Kind::Bytes,
        DescriptorKind::Enum(descriptor) => Kind::Enum(enum_index(schema, descriptor)),
        DescriptorKind::Message(descriptor) => Kind::Message(message_index(schema, descriptor)?),
    })
}

fn enum_index(schema: &mut Schema, descriptor: &EnumDescriptor) -> usize {
    let known = schema
        .enums
        .iter()
        .position(|known| known.descriptor == *descriptor);
    known.unwrap_or_else(|| {
        let mut numbers: Vec<i32> = descriptor.values().map(|value| value.number()).collect();
        numbers.sort_unstable();
        numbers.dedup();
        let word = |number| {
            let value = descriptor.get_value(number)?;
            let name = enum_names::short_name(descriptor, value.name());
            Some((number, format!("\"{name}\"").into_bytes().into()))
        };
        schema.enums.push(Enum {
            descriptor: descriptor.clone(),
            words: numbers.into_iter().filter_map(word).collect(),
        });
        schema.enums.len() - 1
    })
}
