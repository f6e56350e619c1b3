//! The error catalogue: what every error reason means on every transport.
//!
//! The facts stand on the enum values of the contract, `(carshare.options.v1.error)`, and nowhere else.

use std::collections::HashMap;
use std::fmt::Write as _;
use std::sync::LazyLock;

use prost_reflect::{EnumDescriptor, EnumValueDescriptor};
use tonic::Code;

use crate::{DESCRIPTOR_POOL, contract, enum_names};

/// A value of one of the contract's `ErrorReason` enums.
///
/// Implemented by the build; nobody implements it by hand.
pub trait Reason: Copy + Send + Sync + 'static {
    /// Full name of the enum.
    const ENUM: &'static str;

    /// Number of the value.
    fn number(self) -> i32;

    /// What the catalogue says about it. The unspecified value counts as an internal error.
    fn fact(self) -> &'static ErrorSpec {
        CATALOGUE
            .by_number
            .get(&(Self::ENUM, self.number()))
            .copied()
            .unwrap_or(CATALOGUE.internal)
    }
}

include!(concat!(env!("OUT_DIR"), "/reasons.rs"));

/// Everything that is fixed about one error reason.
#[derive(Debug)]
pub struct ErrorSpec {
    /// `google.rpc.ErrorInfo.domain`: the package without its version, for example `carshare.booking`.
    pub domain: String,
    /// `google.rpc.ErrorInfo.reason`, for example `SLOT_TAKEN`.
    pub reason: String,
    /// The stable code, for example `BOOKING002`.
    pub code: String,
    /// gRPC status.
    pub grpc: Code,
    /// HTTP status.
    pub http: u16,
    /// Korean text, with `{placeholders}` for metadata.
    pub ko: String,
    /// English text, with `{placeholders}` for metadata.
    pub en: String,
    /// The comment of the value: when the refusal is given.
    pub when: String,
}

/// All reasons, in the order of the contract.
pub fn all() -> impl Iterator<Item = &'static ErrorSpec> {
    CATALOGUE.all.iter().copied()
}

/// The fact behind an `ErrorInfo`, if it is one of ours.
pub fn find(domain: &str, reason: &str) -> Option<&'static ErrorSpec> {
    all().find(|fact| fact.domain == domain && fact.reason == reason)
}

/// The fact with this code, for example `BOOKING002`.
pub fn by_code(code: &str) -> Option<&'static ErrorSpec> {
    all().find(|fact| fact.code == code)
}

/// Replaces each `{name}` of a text by the metadata entry of that name; unknown names stay as they are.
pub fn fill<'a>(text: &str, metadata: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    metadata.into_iter().fold(text.to_owned(), |text, (name, value)| {
        text.replace(&format!("{{{name}}}"), value)
    })
}

/// The HTTP status a gRPC status usually becomes.
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

/// The catalogue as a page: `docs/errors.md` is this text.
pub fn markdown() -> String {
    let mut page = String::from(
        "# Error catalogue\n\nPrinted from the `ErrorReason` enums of the contract by `make docs`; edit those, not this page. `code` is what \
         clients switch on; it is the same over gRPC (`ErrorInfo.metadata.code`), gRPC-web and REST (`code`).\n",
    );
    let mut domain = "";
    for fact in all() {
        if fact.domain != domain {
            domain = &fact.domain;
            let _ = writeln!(
                page,
                "\n## {domain}\n\n| code | reason | gRPC | HTTP | Korean | English | when |\n|---|---|---|---|---|---|---|"
            );
        }
        let when = fact.when.replace('\n', " ");
        let _ = writeln!(
            page,
            "| {} | `{}` | {:?} | {} | {} | {} | {when} |",
            fact.code, fact.reason, fact.grpc, fact.http, fact.ko, fact.en
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
            if let Some(fact) = read(&descriptor, &value) {
                let fact: &'static ErrorSpec = Box::leak(Box::new(fact));
                all.push(fact);
                by_number.insert((name, value.number()), fact);
            }
        }
    }
    #[expect(
        clippy::expect_used,
        reason = "a test of this crate reads the catalogue; there is nothing to fall back to"
    )]
    let internal = all
        .iter()
        .copied()
        .find(|fact| fact.reason == "INTERNAL")
        .expect("the contract has INTERNAL");
    Catalogue {
        all,
        by_number,
        internal,
    }
});

fn read(descriptor: &EnumDescriptor, value: &EnumValueDescriptor) -> Option<ErrorSpec> {
    let facts = contract::error(value)?;
    let grpc = Code::from_i32(facts.grpc);
    let package = descriptor.package_name();
    Some(ErrorSpec {
        domain: package
            .rsplit_once('.')
            .map_or(package, |(domain, _version)| domain)
            .to_owned(),
        reason: enum_names::short_name(descriptor, value.name()).to_ascii_uppercase(),
        code: facts.code,
        grpc,
        http: if facts.http == 0 {
            http_status(grpc)
        } else {
            facts.http as u16
        },
        ko: facts.ko,
        en: facts.en,
        when: contract::comment_of(&descriptor.parent_file(), value.path()),
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::{booking, common};

    #[test]
    fn every_reason_has_a_code_of_its_own_and_both_texts() {
        let mut codes = HashSet::new();
        for fact in all() {
            assert!(codes.insert(&fact.code), "{} is used twice", fact.code);
            assert!(
                fact.code
                    .bytes()
                    .all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()),
                "{}",
                fact.code
            );
            assert!(
                fact.ko.chars().any(|c| ('가'..='힣').contains(&c)),
                "{} has no Korean text",
                fact.code
            );
            assert!(
                fact.en.is_ascii() && fact.en.ends_with('.'),
                "{} has no English text",
                fact.code
            );
            assert!(!fact.when.is_empty(), "{} has no comment", fact.code);
            assert_ne!(fact.grpc, Code::Ok, "{}", fact.code);
        }
        assert!(codes.len() > 40);
    }

    #[test]
    fn every_value_but_the_zero_carries_facts() {
        for descriptor in DESCRIPTOR_POOL.all_enums().filter(|e| e.name() == "ErrorReason") {
            for value in descriptor.values().filter(|value| value.number() != 0) {
                assert!(contract::error(&value).is_some(), "{}", value.full_name());
            }
        }
    }

    #[test]
    fn a_reason_finds_its_facts() {
        let fact = booking::v1::ErrorReason::SlotTaken.fact();
        assert_eq!(
            (fact.domain.as_str(), fact.reason.as_str()),
            ("carshare.booking", "SLOT_TAKEN")
        );
        assert_eq!(
            (fact.code.as_str(), fact.grpc, fact.http),
            ("BOOKING002", Code::Aborted, 409)
        );
        assert_eq!(
            find("carshare.booking", "SLOT_TAKEN").map(|f| f.code.as_str()),
            Some("BOOKING002")
        );
        assert_eq!(common::v1::ErrorReason::Unspecified.fact().code, "COMMON007");
        assert_eq!(common::v1::ErrorReason::IdempotencyKeyReused.fact().http, 422);
    }

    #[test]
    fn texts_are_filled_from_metadata() {
        assert_eq!(
            fill("{from} → {to} {x}", [("from", "a"), ("to", "b")]),
            "a → b {x}"
        );
    }
}
