//! Compiles the protos: Rust types, clients and servers, and the descriptor set with all options and comments.

use std::path::{Path, PathBuf};
use std::{env, fs};

use anyhow::{Context, Result};
use prost::Message;
use prost_reflect::{DescriptorPool, EnumDescriptor, MessageDescriptor};
use prost_types::FileDescriptorSet;

const ROOT: &str = "carshare";
const INCLUDES: [&str; 3] = [".", "third_party/googleapis", "third_party/protovalidate"];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo passes OUT_DIR by the environment"
)]
fn main() -> Result<()> {
    println!("cargo::rerun-if-changed=carshare");
    println!("cargo::rerun-if-changed=third_party");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(INCLUDES)?;
    compiler.include_imports(true).include_source_info(true);
    compiler.open_files(contract_files(Path::new(ROOT))?)?;
    // No proto imports it; the gateway needs its descriptors to render error details.
    compiler.open_file("third_party/googleapis/google/rpc/error_details.proto")?;
    // `file_descriptor_set()` drops custom options.
    let bytes = compiler.encode_file_descriptor_set();
    fs::write(out.join("descriptors.bin"), &bytes)?;

    let pool = compiler.descriptor_pool();
    let mut config = prost_build::Config::new();
    config.bytes([".carshare"]);
    for message in ours(&pool) {
        let name = message.full_name();
        config.message_attribute(name, "#[derive(::prost_reflect::ReflectMessage)]");
        config.message_attribute(
            name,
            format!(
                r#"#[prost_reflect(message_name = "{name}", descriptor_pool = "crate::DESCRIPTOR_POOL")]"#
            ),
        );
    }
    let mut files = FileDescriptorSet::decode(&bytes[..])?;
    files.file.retain(|file| file.package() != "buf.validate");
    tonic_prost_build::configure()
        .include_file("mod.rs")
        .codec_path("crate::codec::ValidatingCodec")
        .compile_fds_with_config(files, config)?;

    fs::write(out.join("reasons.rs"), reasons(&pool)).context("reasons.rs")?;
    fs::write(out.join("events.rs"), events(&pool)).context("events.rs")?;
    fs::write(out.join("lists.rs"), lists(&pool)).context("lists.rs")?;
    Ok(())
}

/// Lists every `.proto` file below `dir`, sorted.
fn contract_files(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(contract_files(&path)?);
        } else if path.extension().is_some_and(|ext| ext == "proto") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn ours(pool: &DescriptorPool) -> impl Iterator<Item = MessageDescriptor> + '_ {
    pool.all_messages()
        .filter(|message| message.package_name().starts_with(ROOT) && !message.is_map_entry())
}

/// Returns the Rust path of a protobuf name: `carshare.booking.v1.Foo` → `crate::booking::v1::Foo`.
fn rust_path(full_name: &str) -> String {
    let path = full_name.strip_prefix("carshare.").unwrap_or(full_name);
    format!("crate::{}", path.replace('.', "::"))
}

/// Generates `impl Reason` for every enum named `ErrorReason`.
#[expect(clippy::format_collect, reason = "a few lines, once per build")]
fn reasons(pool: &DescriptorPool) -> String {
    let is_reason = |e: &EnumDescriptor| e.name() == "ErrorReason" && e.full_name().starts_with(ROOT);
    pool.all_enums()
        .filter(is_reason)
        .map(|e| {
            format!(
                "impl crate::errors::Reason for {} {{\n    const ENUM: &'static str = {:?};\n    fn number(self) -> i32 {{\n        self as i32\n    }}\n}}\n",
                rust_path(e.full_name()),
                e.full_name()
            )
        })
        .collect()
}

/// Generates `impl EventMessage` for every message with the event option.
fn events(pool: &DescriptorPool) -> String {
    let Some(option) = pool.get_extension_by_name("carshare.options.v1.event") else {
        return String::new();
    };
    ours(pool)
        .filter_map(|message| {
            let options = message.options();
            let event = options.has_extension(&option).then(|| options.get_extension(&option).into_owned())?;
            let event = event.as_message()?.clone();
            let text = |field: &str| event.get_field_by_name(field).and_then(|v| v.as_str().map(str::to_owned));
            let (name, key) = (text("name")?, text("key")?);
            Some(format!(
                "impl crate::events::EventMessage for {} {{\n    const NAME: &'static str = {name:?};\n    const KEY: &'static str = {key:?};\n    fn key(&self) -> &str {{\n        &self.{key}\n    }}\n}}\n",
                rust_path(message.full_name()),
            ))
        })
        .collect()
}

/// Generates `impl ListRequest` for every message with the fields `page_size` and `page_token`.
#[expect(clippy::format_collect, reason = "a few lines, once per build")]
fn lists(pool: &DescriptorPool) -> String {
    let has = |message: &MessageDescriptor, field| message.get_field_by_name(field).is_some();
    ours(pool)
        .filter(|message| has(message, "page_size") && has(message, "page_token"))
        .map(|message| {
            let fields = ["page_size", "page_token", "include_total"];
            let taken: String = fields
                .into_iter()
                .filter(|field| has(&message, field))
                .map(|field| format!("{field}: std::mem::take(&mut self.{field}), "))
                .collect();
            let rest = if has(&message, "include_total") { "" } else { "..Default::default()" };
            format!(
                "impl crate::lists::ListRequest for {} {{\n    const NAME: &'static str = {:?};\n    fn take_page(&mut self) -> crate::lists::PageFields {{\n        crate::lists::PageFields {{ {taken}{rest} }}\n    }}\n}}\n",
                rust_path(message.full_name()),
                message.full_name()
            )
        })
        .collect()
}
