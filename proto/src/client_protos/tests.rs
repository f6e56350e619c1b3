use std::collections::{BTreeMap, BTreeSet};

use prost_reflect::{DescriptorPool, FileDescriptor};
use prost_types::{DescriptorProto, EnumDescriptorProto, FieldDescriptorProto, FileDescriptorProto};
use protox::file::{ChainFileResolver, File, FileResolver, GoogleFileResolver};

use super::selection::Selection;
use super::{files, print};
use crate::{DESCRIPTOR_POOL, contract};

/// Finds files in memory.
struct Sources(BTreeMap<String, String>);

impl FileResolver for Sources {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        let text = self
            .0
            .get(name)
            .ok_or_else(|| protox::Error::file_not_found(name))?;
        File::from_source(name, text)
    }
}

fn compile(sources: impl IntoIterator<Item = (String, String)>) -> DescriptorPool {
    let sources = Sources(sources.into_iter().collect());
    let names: Vec<String> = sources.0.keys().cloned().collect();
    let mut resolver = ChainFileResolver::new();
    resolver.add(sources);
    resolver.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(resolver);
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(names).unwrap();
    compiler.descriptor_pool()
}

fn compiled_client_protos() -> DescriptorPool {
    compile(files().into_iter().map(|proto| (proto.path, proto.text)))
}

fn contract_files(pool: &DescriptorPool) -> BTreeMap<String, FileDescriptor> {
    pool.files()
        .filter(|file| file.package_name().starts_with("carshare."))
        .map(|file| (file.name().to_owned(), file))
        .collect()
}

/// Removes from a file of the contract what client protos leave out. Custom options are not part of these types.
fn reduce(file: &FileDescriptor, selection: &Selection) -> FileDescriptorProto {
    let mut proto = file.file_descriptor_proto().clone();
    let package = proto.package().to_owned();
    let selected = |name: &str| selection.contains(&format!("{package}.{name}"));
    proto.message_type.retain(|message| selected(message.name()));
    proto.enum_type.retain(|e| selected(e.name()));
    proto.extension.clear();
    proto.source_code_info = None;
    proto.message_type.iter_mut().for_each(clear_message);
    proto.enum_type.iter_mut().for_each(clear_enum);
    for service in &mut proto.service {
        let name = service.name().to_owned();
        service
            .method
            .retain(|method| selected(&format!("{name}.{}", method.name())));
        service.options.take_if(|options| *options == Default::default());
        for method in &mut service.method {
            method.options.take_if(|options| *options == Default::default());
        }
    }
    proto.service.retain(|service| !service.method.is_empty());
    let used = used_files(&proto);
    proto.dependency.retain(|import| used.contains(import));
    proto
}

fn clear_message(message: &mut DescriptorProto) {
    message.options.take_if(|options| *options == Default::default());
    for field in &mut message.field {
        field.options.take_if(|options| *options == Default::default());
    }
    message.nested_type.iter_mut().for_each(clear_message);
    message.enum_type.iter_mut().for_each(clear_enum);
}

fn clear_enum(cleared: &mut EnumDescriptorProto) {
    cleared.options.take_if(|options| *options == Default::default());
    for value in &mut cleared.value {
        value.options.take_if(|options| *options == Default::default());
    }
}

/// Files of the types that a file names.
fn used_files(proto: &FileDescriptorProto) -> BTreeSet<String> {
    let methods = proto.service.iter().flat_map(|service| &service.method);
    let mut types: Vec<&str> = methods
        .flat_map(|method| [method.input_type(), method.output_type()])
        .collect();
    let mut messages: Vec<&DescriptorProto> = proto.message_type.iter().collect();
    while let Some(message) = messages.pop() {
        messages.extend(&message.nested_type);
        types.extend(message.field.iter().map(FieldDescriptorProto::type_name));
    }
    let file_of = |name: &str| {
        let name = name.trim_start_matches('.');
        let message = DESCRIPTOR_POOL.get_message_by_name(name).map(|m| m.parent_file());
        message.or_else(|| Some(DESCRIPTOR_POOL.get_enum_by_name(name)?.parent_file()))
    };
    types
        .into_iter()
        .filter_map(file_of)
        .map(|file| file.name().to_owned())
        .collect()
}

/// Leading comments of the selected elements by full name.
fn comments(pool: &DescriptorPool, selection: &Selection) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |file: &FileDescriptor, name: &str, path: &[i32]| {
        found.insert(name.to_owned(), contract::comment_of(file, path));
    };
    for method in pool.services().flat_map(|s| s.methods().collect::<Vec<_>>()) {
        if selection.contains(method.full_name()) {
            let service = method.parent_service();
            add(&service.parent_file(), service.full_name(), service.path());
            add(&service.parent_file(), method.full_name(), method.path());
        }
    }
    for message in pool.all_messages().filter(|m| selection.contains(m.full_name())) {
        let file = message.parent_file();
        add(&file, message.full_name(), message.path());
        message
            .fields()
            .for_each(|field| add(&file, field.full_name(), field.path()));
        message
            .oneofs()
            .for_each(|oneof| add(&file, oneof.full_name(), oneof.path()));
    }
    for selected in pool.all_enums().filter(|e| selection.contains(e.full_name())) {
        let file = selected.parent_file();
        add(&file, selected.full_name(), selected.path());
        selected
            .values()
            .for_each(|value| add(&file, value.full_name(), value.path()));
    }
    found
}

#[test]
fn client_protos_compile_to_the_contract_without_custom_options_and_internal_rpcs() {
    let selection = Selection::of_clients();
    let compiled = contract_files(&compiled_client_protos());
    let expected: BTreeMap<String, FileDescriptorProto> = contract_files(&DESCRIPTOR_POOL)
        .into_iter()
        .map(|(name, file)| (name, reduce(&file, &selection)))
        .filter(|(_, proto)| proto.message_type.len() + proto.enum_type.len() + proto.service.len() > 0)
        .collect();
    assert_eq!(
        compiled.keys().collect::<Vec<_>>(),
        expected.keys().collect::<Vec<_>>()
    );
    for (name, file) in compiled {
        let mut proto = file.file_descriptor_proto().clone();
        proto.source_code_info = None;
        assert_eq!(proto, expected[&name]);
    }
}

#[test]
fn client_protos_have_the_comments_of_the_contract() {
    let selection = Selection::of_clients();
    let expected = comments(&DESCRIPTOR_POOL, &selection);
    assert!(expected["carshare.booking.v1.BookingService.CreateBooking"].starts_with("Requests"));
    assert_eq!(comments(&compiled_client_protos(), &selection), expected);
}

#[test]
fn client_protos_import_only_themselves_and_google_protobuf() {
    let files = files();
    let paths: Vec<&str> = files.iter().map(|file| file.path.as_str()).collect();
    for file in &files {
        for line in file.text.lines().filter(|line| line.starts_with("import ")) {
            let import = line.trim_start_matches("import \"").trim_end_matches("\";");
            assert!(
                import.starts_with("google/protobuf/") || paths.contains(&import),
                "{}: {line}",
                file.path
            );
        }
    }
}

#[test]
fn selection_has_client_rpcs_and_error_reasons_and_nothing_internal() {
    let selection = Selection::of_clients();
    let table = [
        ("carshare.vehicle.v1.VehicleService.SearchVehicles", true),
        ("carshare.vehicle.v1.VehicleService.PlaceHold", false),
        ("carshare.vehicle.v1.PlaceHoldRequest", false),
        ("carshare.booking.v1.BookingRequested", false),
        ("carshare.event_log.v1.EventLogService", false),
        ("carshare.options.v1.Role", true),
        ("carshare.options.v1.Access", false),
        ("carshare.common.v1.ErrorReason", true),
        ("carshare.payment.v1.ErrorReason", true),
    ];
    for (name, expected) in table {
        assert_eq!(selection.contains(name), expected, "{name}");
    }
}

/// Syntax that the contract may use later.
const EVERY_SYNTAX: &str = r#"// Detached comments are left out.

syntax = "proto3";

package carshare.example.v1;

import "google/protobuf/timestamp.proto";

option go_package = "example.com/\"quoted\"";

service Example {
  option deprecated = true;

  rpc First(stream Everything) returns (stream Everything);
  // Second.
  rpc Second(Empty) returns (Empty) {
    option deprecated = true;
    option idempotency_level = NO_SIDE_EFFECTS;
  }
}

message Everything {
  option deprecated = true;
  reserved 2, 5 to 7, 100 to max;
  reserved "old", "older";
  message Nested {
    Level level = 1;
    optional google.protobuf.Timestamp at = 2;
  }
  enum Level {
    LEVEL_UNSPECIFIED = 0;
    LEVEL_LOW = 1 [deprecated = true];
  }
  fixed64 last = 10;
  repeated Nested nested = 1 [deprecated = true];
  optional bytes bytes = 3;
  // One of two.
  oneof choice {
    // Text.
    string text = 4;
    double number = 8;
  }
  map<int32, Nested> map = 9;
}

message Empty {}

enum Alias {
  option allow_alias = true;
  reserved 3, 5 to 9;
  reserved "GONE";
  ALIAS_UNSPECIFIED = 0;
  ALIAS_OTHER = 0;
}
"#;

#[test]
fn printed_file_compiles_to_the_descriptors_of_its_source() {
    let name = "carshare/example/v1/example.proto";
    let pool = compile([(name.to_owned(), EVERY_SYNTAX.to_owned())]);
    let methods = pool.services().flat_map(|s| s.methods().collect::<Vec<_>>());
    let selection = Selection::of(methods, pool.all_enums());
    let file = pool.get_file_by_name(name).unwrap();
    let text = print::file(&file, &selection).unwrap();
    let printed = compile([(name.to_owned(), text.clone())]);
    let without_info = |pool: &DescriptorPool| {
        let file = pool.get_file_by_name(name).unwrap();
        let info = None;
        FileDescriptorProto {
            source_code_info: info,
            ..file.file_descriptor_proto().clone()
        }
    };
    assert_eq!(without_info(&printed), without_info(&pool), "{text}");
    assert_eq!(comments(&printed, &selection), comments(&pool, &selection));
}
