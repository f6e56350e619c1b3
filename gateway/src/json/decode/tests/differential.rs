//! Random JSON, read here and into a dynamic message of prost-reflect: the messages or the violations are the same.

use carshare_proto::contract;
use proptest::prelude::*;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value as Json, json};

use super::reference;
use crate::json::encode::tests::every_kind::every_kind;
use crate::json::encode::tests::reference::Json as Encoded;
use crate::json::{MessageType, is_well_known};

/// Nesting of the objects that are made.
const DEPTH: usize = 4;

/// Source of decisions; zero when it is used up, which ends every list.
struct Entropy<'a>(std::slice::Iter<'a, u8>);

impl Entropy<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().copied().unwrap_or_default().into()
    }
}

/// Returns an object that often fits the message.
fn object(descriptor: &MessageDescriptor, entropy: &mut Entropy<'_>, depth: usize) -> Json {
    let fields: Vec<FieldDescriptor> = descriptor.fields().collect();
    let mut object = Map::new();
    for _ in 0..entropy.byte() % 5 {
        let choice = entropy.byte() * 256 + entropy.byte();
        let Some(field) = fields.get(choice % fields.len().max(1)) else {
            break;
        };
        let value = match entropy.byte() {
            0..4 => any_json(entropy),
            4 => Json::Null,
            _ if field.is_list() => (0..entropy.byte() % 3)
                .map(|_| fitting(&field.kind(), entropy, depth))
                .collect(),
            _ if field.is_map() => map(field, entropy, depth),
            _ => fitting(&field.kind(), entropy, depth),
        };
        object.insert(field.name().to_owned(), value);
    }
    if entropy.byte() == 255 {
        object.insert("unknown".into(), Json::Null);
    }
    Json::Object(object)
}

fn map(field: &FieldDescriptor, entropy: &mut Entropy<'_>, depth: usize) -> Json {
    let Kind::Message(entry) = field.kind() else {
        panic!("a map has entries")
    };
    let keys = match entry.map_entry_key_field().kind() {
        Kind::Bool => ["true", "false", "1"],
        Kind::String => ["", "a", "\""],
        _ => ["7", "-7", "99999999999"],
    };
    let entries = (0..entropy.byte() % 3).map(|_| {
        let key = keys[entropy.byte() % 16 % 3].to_owned();
        (
            key,
            fitting(&entry.map_entry_value_field().kind(), entropy, depth),
        )
    });
    Json::Object(entries.collect())
}

/// Returns a value that may fit the kind.
fn fitting(kind: &Kind, entropy: &mut Entropy<'_>, depth: usize) -> Json {
    let pick = |values: &[Json], entropy: &mut Entropy<'_>| values[entropy.byte() % values.len()].clone();
    match kind {
        Kind::Message(descriptor) if is_well_known(descriptor) => match descriptor.name() {
            "Timestamp" => pick(
                &[
                    json!("2026-11-23T10:00:00+09:00"),
                    json!("0001-01-01T00:00:00.5Z"),
                    json!("soon"),
                ],
                entropy,
            ),
            "Duration" => pick(&[json!("1.5s"), json!("-90s"), json!("315576000001s")], entropy),
            "Int64Value" => json!(entropy.byte()),
            "StringValue" => json!("서울"),
            "BoolValue" => json!(true),
            "BytesValue" => json!("AA=="),
            "Empty" => json!({}),
            "ListValue" => json!([any_json(entropy), any_json(entropy)]),
            "Struct" => json!({ "a": any_json(entropy), "": any_json(entropy) }),
            _ => any_json(entropy),
        },
        Kind::Message(_) if depth == 0 => json!({}),
        Kind::Message(descriptor) => object(descriptor, entropy, depth - 1),
        Kind::Bool => json!(entropy.byte().is_multiple_of(2)),
        Kind::String => pick(&[json!(""), json!("서울 \u{0}\"")], entropy),
        Kind::Bytes => pick(&[json!(""), json!("_-8="), json!("/+8="), json!("x")], entropy),
        Kind::Enum(_) => pick(
            &[
                json!("red"),
                json!("blue"),
                json!("pending"),
                json!("unspecified"),
            ],
            entropy,
        ),
        _ => pick(
            &[
                json!(0),
                json!(7),
                json!(-7),
                json!("7"),
                json!(1.0),
                json!(0.5),
                json!(u32::MAX),
                json!(i64::MIN),
                json!(u64::MAX),
                json!(1e300),
                json!("x"),
                json!(-0.0),
            ],
            entropy,
        ),
    }
}

fn any_json(entropy: &mut Entropy<'_>) -> Json {
    match entropy.byte() % 8 {
        0 => Json::Null,
        1 => json!(true),
        2 => json!(12.5),
        3 => json!(u64::MAX),
        4 => json!("text"),
        5 => json!([null, any_json(entropy)]),
        6 => json!({ "k": any_json(entropy) }),
        _ => json!(-1),
    }
}

/// Returns the JSON of the message that was read, or the violations.
type Read = Result<String, Vec<(String, String, String)>>;

fn both(descriptor: &MessageDescriptor, json: &Json) -> (Read, Read) {
    let facts = |violations: Vec<super::Violation>| {
        let violations = violations.into_iter();
        violations.map(|v| (v.field, v.rule, v.en)).collect::<Vec<_>>()
    };
    let encoded = |message: &DynamicMessage| serde_json::to_string(&Encoded(message)).unwrap();
    let mut bytes = Vec::new();
    let ours = MessageType::of(descriptor).decode(json, &[], &mut bytes);
    let ours = ours.map(|()| encoded(&DynamicMessage::decode(descriptor.clone(), &bytes[..]).unwrap()));
    let mut message = DynamicMessage::new(descriptor.clone());
    let reference = reference::decode(&mut message, json, &[]).map(|()| encoded(&message));
    (ours.map_err(facts), reference.map_err(facts))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_kind_of_field_is_read_as_by_the_reference(entropy in prop::collection::vec(any::<u8>(), 0..200)) {
        let descriptor = every_kind();
        let json = object(&descriptor, &mut Entropy(entropy.iter()), DEPTH);
        let (ours, reference) = both(&descriptor, &json);
        prop_assert_eq!(ours, reference, "{}", json);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_request_of_the_contract_is_read_as_by_the_reference(
        entropy in prop::collection::vec(any::<u8>(), 0..200),
    ) {
        for rpc in contract::methods() {
            let descriptor = rpc.input();
            let json = object(&descriptor, &mut Entropy(entropy.iter()), DEPTH);
            let (ours, reference) = both(&descriptor, &json);
            prop_assert_eq!(ours, reference, "{} {}", descriptor.full_name(), json);
        }
    }
}
