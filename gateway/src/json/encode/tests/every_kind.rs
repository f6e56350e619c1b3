//! A message with fields of every kind and label, which the contract need not have.

use prost_reflect::{DescriptorPool, MessageDescriptor};
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{
    DescriptorProto, EnumDescriptorProto, EnumValueDescriptorProto, FieldDescriptorProto,
    FileDescriptorProto, MessageOptions, OneofDescriptorProto,
};

const KINDS: [Type; 17] = [
    Type::Bool,
    Type::Int32,
    Type::Int64,
    Type::Uint32,
    Type::Uint64,
    Type::Sint32,
    Type::Sint64,
    Type::Fixed32,
    Type::Fixed64,
    Type::Sfixed32,
    Type::Sfixed64,
    Type::Float,
    Type::Double,
    Type::String,
    Type::Bytes,
    Type::Enum,
    Type::Message,
];
const WELL_KNOWN: [(&str, &str); 10] = [
    ("timestamp", "Timestamp"),
    ("duration", "Duration"),
    ("struct", "Struct"),
    ("struct", "Value"),
    ("struct", "ListValue"),
    ("empty", "Empty"),
    ("wrappers", "Int64Value"),
    ("wrappers", "StringValue"),
    ("wrappers", "BoolValue"),
    ("wrappers", "BytesValue"),
];
/// Number of the first field of each group.
const SINGLE: i32 = 1;
const OPTIONAL: i32 = 21;
const LIST: i32 = 41;
const MAP: i32 = 61;
const ONEOF: i32 = 81;
const WELL_KNOWN_SINGLE: i32 = 101;
const WELL_KNOWN_LIST: i32 = 121;

pub(in crate::json) fn every_kind() -> MessageDescriptor {
    let mut message = DescriptorProto {
        name: Some("Every".into()),
        ..Default::default()
    };
    for (index, kind) in (0..).zip(KINDS) {
        message.field.push(field(SINGLE + index, kind, Label::Optional));
        message.field.push(field(LIST + index, kind, Label::Repeated));
        message.field.push(FieldDescriptorProto {
            proto3_optional: Some(true),
            oneof_index: Some(1 + index),
            ..field(OPTIONAL + index, kind, Label::Optional)
        });
        message.field.push(FieldDescriptorProto {
            oneof_index: Some(0),
            ..field(ONEOF + index, kind, Label::Optional)
        });
        map(&mut message, MAP + index, kind);
    }
    for (index, (_, name)) in (0..).zip(WELL_KNOWN) {
        let type_name = Some(format!(".google.protobuf.{name}"));
        message.field.push(FieldDescriptorProto {
            type_name: type_name.clone(),
            ..field(WELL_KNOWN_SINGLE + index, Type::Message, Label::Optional)
        });
        message.field.push(FieldDescriptorProto {
            type_name,
            ..field(WELL_KNOWN_LIST + index, Type::Message, Label::Repeated)
        });
    }
    let oneof = |name: String| OneofDescriptorProto {
        name: Some(name),
        ..Default::default()
    };
    message.oneof_decl = std::iter::once("choice".to_owned())
        .chain((OPTIONAL..).take(KINDS.len()).map(|number| format!("_f{number}")))
        .map(oneof)
        .collect();
    let mut pool = DescriptorPool::global();
    pool.add_file_descriptor_proto(file(message)).unwrap();
    pool.get_message_by_name("test.Every").unwrap()
}

fn file(message: DescriptorProto) -> FileDescriptorProto {
    let value = |name: &str, number| EnumValueDescriptorProto {
        name: Some(name.into()),
        number: Some(number),
        ..Default::default()
    };
    let color = EnumDescriptorProto {
        name: Some("Color".into()),
        value: vec![
            value("COLOR_UNSPECIFIED", 0),
            value("COLOR_RED", 1),
            value("COLOR_BLUE", -7),
        ],
        ..Default::default()
    };
    let mut dependency: Vec<String> = WELL_KNOWN
        .iter()
        .map(|(file, _)| format!("google/protobuf/{file}.proto"))
        .collect();
    dependency.dedup();
    FileDescriptorProto {
        name: Some("every.proto".into()),
        package: Some("test".into()),
        syntax: Some("proto3".into()),
        dependency,
        message_type: vec![message],
        enum_type: vec![color],
        ..Default::default()
    }
}

fn field(number: i32, kind: Type, label: Label) -> FieldDescriptorProto {
    let type_name = match kind {
        Type::Message => Some(".test.Every".into()),
        Type::Enum => Some(".test.Color".into()),
        _ => None,
    };
    FieldDescriptorProto {
        name: Some(format!("f{number}")),
        number: Some(number),
        label: Some(label.into()),
        r#type: Some(kind.into()),
        type_name,
        ..Default::default()
    }
}

/// Adds a map to values of the kind, from keys of another one.
fn map(message: &mut DescriptorProto, number: i32, kind: Type) {
    let key = match kind {
        Type::Bool => Type::Sint64,
        Type::Int32 | Type::Float => Type::Bool,
        Type::Double => Type::Int32,
        Type::Int64 => Type::Fixed64,
        _ => Type::String,
    };
    let entry = format!("F{number}Entry");
    let named = |name: &str, field: FieldDescriptorProto| FieldDescriptorProto {
        name: Some(name.into()),
        ..field
    };
    message.nested_type.push(DescriptorProto {
        name: Some(entry.clone()),
        field: vec![
            named("key", field(1, key, Label::Optional)),
            named("value", field(2, kind, Label::Optional)),
        ],
        options: Some(MessageOptions {
            map_entry: Some(true),
            ..Default::default()
        }),
        ..Default::default()
    });
    message.field.push(FieldDescriptorProto {
        type_name: Some(format!(".test.Every.{entry}")),
        ..field(number, Type::Message, Label::Repeated)
    });
}
