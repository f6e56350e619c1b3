//! Error catalogue: code, status and messages of every error reason.
//!
//! Its only source is the option `(carshare.options.v1.error)` on the enum values of the protos.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use prost_reflect::{EnumDescriptor, EnumValueDescriptor};
use tonic::Code;

use crate::{DESCRIPTOR_POOL, contract, enum_names};

/// Value of one of the `ErrorReason` enums. Implemented by the build script.
pub trait Reason: Copy + Send + Sync + 'static {
    /// Full protobuf name of the enum.
    const ENUM: &'static str;

    /// Returns the number of the value.
    fn number(self) -> i32;

    /// Returns the catalogue entry; for the unspecified value that of `INTERNAL`.
    fn spec(self) -> &'static ErrorSpec {
        CATALOGUE
            .by_number
            .get(&(Self::ENUM, self.number()))
            .copied()
            .unwrap_or(CATALOGUE.internal)
    }
}

include!(concat!(env!("OUT_DIR"), "/reasons.rs"));

/// Catalogue entry of an error reason.
#[derive(Debug)]
pub struct ErrorSpec {
    /// Package without its version, for example `carshare.booking`: `google.rpc.ErrorInfo.domain`.
    pub domain: String,
    /// Name of the value without its prefix, for example `SLOT_TAKEN`: `google.rpc.ErrorInfo.reason`.
    pub reason: String,
    /// Stable code for clients, for example `BOOKING002`.
    pub code: String,
    /// Status code over gRPC.
    pub grpc: Code,
    /// Status code over REST.
    pub http: u16,
    /// Message in Korean, with `{placeholders}` for metadata.
    pub ko: String,
    /// Message in English, with `{placeholders}` for metadata.
    pub en: String,
    /// Comment of the enum value: the condition of the error.
    pub when: String,
}

/// Lists all entries, in the order of the protos.
pub fn all() -> impl Iterator<Item = &'static ErrorSpec> {
    CATALOGUE.all.iter().copied()
}

/// Finds the entry of an `ErrorInfo`.
pub fn find(domain: &str, reason: &str) -> Option<&'static ErrorSpec> {
    all().find(|spec| spec.domain == domain && spec.reason == reason)
}

/// Finds the entry with this code, for example `BOOKING002`.
pub fn by_code(code: &str) -> Option<&'static ErrorSpec> {
    all().find(|spec| spec.code == code)
}

/// Replaces each `{name}` in a message by the metadata entry of that name; unknown names stay.
pub fn fill<'a>(text: &str, metadata: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    metadata.into_iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// Returns the default HTTP status of a gRPC status.
pub fn http_status(code: Code) -> u16 {
    match code {
        Code::Ok => 200,
        Code::InvalidArgument | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted | Code::FailedPrecondition => 409,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Internal | Code::Unknown | Code::DataLoss => 500,
    }
}

/// Renders the catalogue as Markdown: the content of `docs/errors.md`.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Error catalogue\n\nGenerated from the `ErrorReason` enums of the protos by `make docs`; edit those, not this page. Clients compare \
         `code`, which is the same over gRPC (`ErrorInfo.metadata.code`), gRPC-web and REST (`code`).\n",
    );
    let mut domain = "";
    for spec in all() {
        if spec.domain != domain {
            domain = &spec.domain;
            let _ = writeln!(
                page,
                "\n## {domain}\n\n| code | reason | gRPC | HTTP | Korean | English | when |\n|---|---|---|---|---|---|---|"
            );
        }
        let when = spec.when.replace('\n', " ");
        let _ = writeln!(
            page,
            "| {} | `{}` | {:?} | {} | {} | {} | {when} |",
            spec.code, spec.reason, spec.grpc, spec.http, spec.ko, spec.en
        );
    }
    page
}

struct Catalogue {
    all: Vec<&'static ErrorSpec>,
    by_number: HashMap<(&'static str, i32), &'static ErrorSpec>,
    internal: &'static ErrorSpec,
}

static CATALOGUE: LazyLock<Catalogue> = LazyLock::new(|| {
    let mut all = Vec::new();
    let mut by_number = HashMap::new();
    let reasons = DESCRIPTOR_POOL
        .all_enums()
        .filter(|e| e.name() == "ErrorReason" && e.package_name().starts_with("carshare."));
    for descriptor in reasons {
        let name: &'static str = Box::leak(descriptor.full_name().to_owned().into_boxed_str());
        for value in descriptor.values() {
            if let Some(spec) = read(&descriptor, &value) {
                let spec: &'static ErrorSpec = Box::leak(Box::new(spec));
                all.push(spec);
                by_number.insert((name, value.number()), spec);
            }
        }
    }
    #[expect(clippy::expect_used, reason = "a test of this crate builds the catalogue")]
    let internal = all
        .iter()
        .copied()
        .find(|spec| spec.reason == "INTERNAL")
        .expect("the contract has INTERNAL");
    Catalogue {
        all,
        by_number,
        internal,
    }
});

fn read(descriptor: &EnumDescriptor, value: &EnumValueDescriptor) -> Option<ErrorSpec> {
    let options = contract::error(value)?;
    let grpc = Code::from_i32(options.grpc);
    let package = descriptor.package_name();
    Some(ErrorSpec {
        domain: package
            .rsplit_once('.')
            .map_or(package, |(domain, _version)| domain)
            .to_owned(),
        reason: enum_names::short_name(descriptor, value.name()).to_ascii_uppercase(),
        code: options.code,
        grpc,
        http: if options.http == 0 {
            http_status(grpc)
        } else {
            options.http as u16
        },
        ko: options.ko,
        en: options.en,
        when: contract::comment_of(&descriptor.parent_file(), value.path()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{booking, common};

    #[test]
    fn every_reason_has_a_unique_code_and_both_messages() {
        let mut codes = HashSet::new();
        for spec in all() {
            assert!(codes.insert(&spec.code), "{} is used twice", spec.code);
            assert!(
                spec.code
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
                "{}",
                spec.code
            );
            assert!(
                spec.ko.chars().any(|c| ('가'..='힣').contains(&c)),
                "{} has no Korean text",
                spec.code
            );
            assert!(
                spec.en.is_ascii() && spec.en.ends_with('.'),
                "{} has no English text",
                spec.code
            );
            assert!(!spec.when.is_empty(), "{} has no comment", spec.code);
            assert_ne!(spec.grpc, Code::Ok, "{}", spec.code);
        }
        assert!(codes.len() > 40);
    }

    #[test]
    fn every_value_except_zero_has_the_error_option() {
        for descriptor in DESCRIPTOR_POOL.all_enums().filter(|e| e.name() == "ErrorReason") {
            for value in descriptor.values().filter(|value| value.number() != 0) {
                assert!(contract::error(&value).is_some(), "{}", value.full_name());
            }
        }
    }

    #[test]
    fn reason_returns_its_entry() {
        let spec = booking::v1::ErrorReason::SlotTaken.spec();
        assert_eq!(
            (spec.domain.as_str(), spec.reason.as_str()),
            ("carshare.booking", "SLOT_TAKEN")
        );
        assert_eq!(
            (spec.code.as_str(), spec.grpc, spec.http),
            ("BOOKING002", Code::FailedPrecondition, 409)
        );
        assert_eq!(
            find("carshare.booking", "SLOT_TAKEN").map(|f| f.code.as_str()),
            Some("BOOKING002")
        );
        assert_eq!(common::v1::ErrorReason::Unspecified.spec().code, "COMMON007");
        assert_eq!(common::v1::ErrorReason::IdempotencyKeyReused.spec().http, 422);
    }

    #[test]
    fn fill_replaces_known_placeholders() {
        assert_eq!(
            fill("{from} → {to} {x}", [("from", "a"), ("to", "b")]),
            "a → b {x}"
        );
    }
}
