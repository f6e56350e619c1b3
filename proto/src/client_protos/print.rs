//! Prints descriptors as proto3 source, with comments and without custom options, in the layout of `buf format`.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Display;

use prost_reflect::{
    DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor,
    MethodDescriptor, OneofDescriptor, ServiceDescriptor,
};

use super::options::{bracketed, options, reserved};
use super::selection::Selection;

/// Source code locations without a descriptor (`FileDescriptorProto`): the `package` and `syntax` statements.
const PACKAGE_PATH: [i32; 1] = [2];
const SYNTAX_PATH: [i32; 1] = [12];

/// Prints the selected elements of a file. Returns `None` if there are none.
pub fn file(file: &FileDescriptor, selection: &Selection) -> Option<String> {
    let mut printer = Printer::new(file, selection);
    for service in file.services().filter(|s| selection.contains(s.full_name())) {
        printer.service(&service);
    }
    for message in file.messages().filter(|m| selection.contains(m.full_name())) {
        printer.blank();
        printer.message(&message);
    }
    for printed in file.enums().filter(|e| selection.contains(e.full_name())) {
        printer.blank();
        printer.enumeration(&printed);
    }
    let (body, imports) = (printer.out, printer.imports);
    if body.is_empty() {
        return None;
    }
    let mut head = Printer::new(file, selection);
    head.head(&imports);
    Some(head.out + &body)
}

struct Printer<'a> {
    file: &'a FileDescriptor,
    selection: &'a Selection,
    /// Leading comments by source code path.
    comments: HashMap<Vec<i32>, String>,
    /// Files whose types were printed.
    imports: BTreeSet<String>,
    indent: usize,
    out: String,
}

impl<'a> Printer<'a> {
    fn new(file: &'a FileDescriptor, selection: &'a Selection) -> Self {
        let info = file.file_descriptor_proto().source_code_info.iter();
        let commented = info
            .flat_map(|info| &info.location)
            .filter_map(|location| Some((location.path.clone(), location.leading_comments.clone()?)));
        Self {
            file,
            selection,
            comments: commented.collect(),
            imports: BTreeSet::new(),
            indent: 0,
            out: String::new(),
        }
    }

    fn head(&mut self, imports: &BTreeSet<String>) {
        self.comment(&SYNTAX_PATH);
        self.line("syntax = \"proto3\";");
        self.blank();
        self.comment(&PACKAGE_PATH);
        self.line(format_args!("package {};", self.file.package_name()));
        if !imports.is_empty() {
            self.blank();
        }
        for import in imports {
            self.line(format_args!("import \"{import}\";"));
        }
        self.blank();
        self.option_statements(&self.file.options());
    }

    fn service(&mut self, service: &ServiceDescriptor) {
        self.blank();
        self.comment(service.path());
        self.line(format_args!("service {} {{", service.name()));
        self.indent += 1;
        self.option_statements(&service.options());
        let selected = service
            .methods()
            .filter(|m| self.selection.contains(m.full_name()));
        for (index, method) in selected.enumerate() {
            if index > 0 {
                self.blank();
            }
            self.method(&method);
        }
        self.close();
    }

    fn method(&mut self, method: &MethodDescriptor) {
        self.comment(method.path());
        let stream = |is_streaming| if is_streaming { "stream " } else { "" };
        let head = format!(
            "rpc {}({}{}) returns ({}{})",
            method.name(),
            stream(method.is_client_streaming()),
            self.message_name(&method.input()),
            stream(method.is_server_streaming()),
            self.message_name(&method.output()),
        );
        let options = options(&method.options());
        if options.is_empty() {
            return self.line(format_args!("{head};"));
        }
        self.line(format_args!("{head} {{"));
        self.indent += 1;
        self.option_statements(&method.options());
        self.close();
    }

    fn message(&mut self, message: &MessageDescriptor) {
        self.comment(message.path());
        let nested: Vec<_> = message
            .child_messages()
            .filter(|m| !m.is_map_entry() && self.selection.contains(m.full_name()))
            .collect();
        let enums: Vec<_> = message
            .child_enums()
            .filter(|e| self.selection.contains(e.full_name()))
            .collect();
        let proto = message.descriptor_proto();
        let reserved = reserved(
            proto.reserved_range.iter().map(|r| (r.start(), r.end() - 1)),
            &proto.reserved_name,
        );
        let options = options(&message.options());
        if message.fields().len() + nested.len() + enums.len() + reserved.len() + options.len() == 0 {
            return self.line(format_args!("message {} {{}}", message.name()));
        }
        self.line(format_args!("message {} {{", message.name()));
        self.indent += 1;
        self.option_statements(&message.options());
        for statement in reserved {
            self.line(statement);
        }
        for nested in &nested {
            self.message(nested);
        }
        for nested in &enums {
            self.enumeration(nested);
        }
        self.fields(message);
        self.close();
    }

    fn fields(&mut self, message: &MessageDescriptor) {
        let mut printed_oneofs = BTreeSet::new();
        // In the order of the source; descriptors list them by number.
        let mut fields: Vec<_> = message.fields().collect();
        fields.sort_by(|left, right| left.path().cmp(right.path()));
        for field in fields {
            match field.containing_oneof().filter(|oneof| !oneof.is_synthetic()) {
                None => self.field(&field),
                Some(oneof) if printed_oneofs.insert(oneof.name().to_owned()) => self.oneof(&oneof),
                Some(_) => {}
            }
        }
    }

    fn oneof(&mut self, oneof: &OneofDescriptor) {
        self.comment(oneof.path());
        self.line(format_args!("oneof {} {{", oneof.name()));
        self.indent += 1;
        for field in oneof.fields() {
            self.field(&field);
        }
        self.close();
    }

    fn field(&mut self, field: &FieldDescriptor) {
        self.comment(field.path());
        let proto = field.field_descriptor_proto();
        let label = if field.is_list() {
            "repeated "
        } else if proto.proto3_optional() {
            "optional "
        } else {
            ""
        };
        let type_name = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let key = self.type_name(&entry.map_entry_key_field());
                let value = self.type_name(&entry.map_entry_value_field());
                format!("map<{key}, {value}>")
            }
            _ => self.type_name(field),
        };
        let options = bracketed(&options(&field.options()));
        self.line(format_args!(
            "{label}{type_name} {} = {}{options};",
            field.name(),
            field.number()
        ));
    }

    fn enumeration(&mut self, printed: &EnumDescriptor) {
        self.comment(printed.path());
        self.line(format_args!("enum {} {{", printed.name()));
        self.indent += 1;
        self.option_statements(&printed.options());
        let proto = printed.enum_descriptor_proto();
        let ranges = proto.reserved_range.iter().map(|r| (r.start(), r.end()));
        for statement in reserved(ranges, &proto.reserved_name) {
            self.line(statement);
        }
        let mut values: Vec<_> = printed.values().collect();
        values.sort_by(|left, right| left.path().cmp(right.path()));
        for value in values {
            self.comment(value.path());
            let options = bracketed(&options(&value.options()));
            self.line(format_args!("{} = {}{options};", value.name(), value.number()));
        }
        self.close();
    }

    fn type_name(&mut self, field: &FieldDescriptor) -> String {
        match field.kind() {
            Kind::Message(message) => self.message_name(&message),
            Kind::Enum(used) => self.reference(&used.parent_file(), used.full_name()),
            // Scalar types are displayed as in source: `int64`.
            scalar => format!("{scalar:?}"),
        }
    }

    fn message_name(&mut self, message: &MessageDescriptor) -> String {
        self.reference(&message.parent_file(), message.full_name())
    }

    /// Returns the name of a type, relative to the package, and imports its file.
    fn reference(&mut self, file: &FileDescriptor, full_name: &str) -> String {
        if file != self.file {
            self.imports.insert(file.name().to_owned());
        }
        let package = format!("{}.", self.file.package_name());
        full_name.strip_prefix(&package).unwrap_or(full_name).to_owned()
    }

    fn option_statements(&mut self, message: &DynamicMessage) {
        for option in options(message) {
            self.line(format_args!("option {option};"));
        }
    }

    fn comment(&mut self, path: &[i32]) {
        for line in self.comments.get(path).cloned().unwrap_or_default().lines() {
            self.line(format_args!("//{line}"));
        }
    }

    fn line(&mut self, text: impl Display) {
        self.out.push_str(&"  ".repeat(self.indent));
        self.out.push_str(&text.to_string());
        self.out.push('\n');
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn close(&mut self) {
        self.indent -= 1;
        self.line("}");
    }
}
