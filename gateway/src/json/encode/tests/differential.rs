//! Random wire bytes, converted here and by prost-reflect: both give the same JSON, or both refuse them.

use carshare_proto::contract;
use proptest::prelude::*;
use prost::encoding::{WireType, encode_key, encode_varint};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};

use super::every_kind::every_kind;
use super::reference::Json;
use crate::json::{EncodeError, MessageType};

/// Nesting of the messages that are made.
const DEPTH: usize = 4;

const NUMBERS: [u64; 12] = [
    0,
    1,
    2,
    3,
    9,
    127,
    300,
    1_795_395_600,
    0x7fff_ffff,
    0x8000_0000,
    u64::MAX,
    1 << 32,
];
const TEXTS: [&[u8]; 8] = [
    b"",
    b"a",
    b"z",
    b"\"\\/\n\x00\x7f",
    "서울 🚗\u{2028}".as_bytes(),
    b"1",
    b"-_.~",
    b"long enough",
];

/// Source of decisions; zero when it is used up, which ends every list.
struct Entropy<'a>(std::slice::Iter<'a, u8>);

impl Entropy<'_> {
    fn byte(&mut self) -> usize {
        self.0.next().copied().unwrap_or_default().into()
    }

    fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.byte() % values.len()]
    }

    /// Returns a number; one in four is made of random bits.
    fn number(&mut self) -> u64 {
        if self.byte() % 4 == 3 {
            let bytes = std::array::from_fn(|_| self.byte() as u8);
            return u64::from_le_bytes(bytes);
        }
        self.pick(&NUMBERS)
    }
}

fn message(descriptor: &MessageDescriptor, entropy: &mut Entropy<'_>, depth: usize) -> Vec<u8> {
    let fields: Vec<FieldDescriptor> = descriptor.fields().collect();
    let mut out = Vec::new();
    for _ in 0..entropy.byte() % 10 {
        match entropy.byte() {
            choice if choice >= 8 && !fields.is_empty() => {
                field(&fields[entropy.byte() % fields.len()], entropy, depth, &mut out);
            }
            // A field that the contract lacks, as a newer service sends it.
            0 => {
                encode_key(1_000, WireType::StartGroup, &mut out);
                value(WireType::Varint, &[], 7, entropy, &mut out);
                encode_key(1_000, WireType::EndGroup, &mut out);
            }
            _ => {
                let wires = [
                    WireType::Varint,
                    WireType::ThirtyTwoBit,
                    WireType::SixtyFourBit,
                    WireType::LengthDelimited,
                ];
                value(entropy.pick(&wires), b"unknown", 999, entropy, &mut out);
            }
        }
    }
    out
}

fn field(field: &FieldDescriptor, entropy: &mut Entropy<'_>, depth: usize, out: &mut Vec<u8>) {
    let (number, wire) = (field.number(), field.kind().wire_type());
    match field.kind() {
        // Of maps prost-reflect does not check the wire type.
        _ if !field.is_map() && entropy.byte() % 64 == 63 => {
            value(WireType::SixtyFourBit, b"", number, entropy, out);
        }
        Kind::Message(_) if depth == 0 => value(wire, b"", number, entropy, out),
        Kind::Message(inner) => value(wire, &message(&inner, entropy, depth - 1), number, entropy, out),
        Kind::String | Kind::Bytes => {
            let text = if entropy.byte() % 64 == 63 {
                b"\xff\xfe"
            } else {
                entropy.pick(&TEXTS)
            };
            value(wire, text, number, entropy, out);
        }
        _ if field.is_list() && entropy.byte().is_multiple_of(2) => {
            let mut packed = Vec::new();
            for _ in 0..entropy.byte() % 4 {
                bits(wire, entropy, &mut packed);
            }
            value(WireType::LengthDelimited, &packed, number, entropy, out);
        }
        _ => value(wire, &[], number, entropy, out),
    }
}

fn value(wire: WireType, bytes: &[u8], number: u32, entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
    encode_key(number, wire, out);
    if wire == WireType::LengthDelimited {
        encode_varint(bytes.len() as u64, out);
        out.extend_from_slice(bytes);
    } else {
        bits(wire, entropy, out);
    }
}

fn bits(wire: WireType, entropy: &mut Entropy<'_>, out: &mut Vec<u8>) {
    let number = entropy.number();
    match wire {
        WireType::ThirtyTwoBit => out.extend_from_slice(&(number as u32).to_le_bytes()),
        WireType::SixtyFourBit => out.extend_from_slice(&number.to_le_bytes()),
        _ => encode_varint(number, out),
    }
}

/// Converts the bytes here and by the reference.
fn both(descriptor: &MessageDescriptor, bytes: &[u8]) -> (Result<String, EncodeError>, Option<String>) {
    let text = |json: Vec<u8>| String::from_utf8(json).expect("JSON is UTF-8");
    let ours = MessageType::of(descriptor).to_json(bytes).map(text);
    let dynamic = DynamicMessage::decode(descriptor.clone(), bytes).ok();
    let reference = dynamic.and_then(|message| serde_json::to_vec(&Json(&message)).ok());
    (ours, reference.map(text))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_kind_of_field_has_the_json_of_the_reference(
        entropy in prop::collection::vec(any::<u8>(), 0..400), cut in prop::option::weighted(0.1, 0..100usize),
    ) {
        let descriptor = every_kind();
        let mut bytes = message(&descriptor, &mut Entropy(entropy.iter()), DEPTH);
        bytes.truncate(cut.map_or(bytes.len(), |cut| bytes.len() * cut / 100));
        let (ours, reference) = both(&descriptor, &bytes);
        prop_assert_eq!(ours.ok(), reference, "{:02x?}", bytes);
    }

    #[test]
    fn damaged_bytes_are_converted_or_refused_as_by_the_reference(
        entropy in prop::collection::vec(any::<u8>(), 0..200),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let descriptor = every_kind();
        let mut bytes = message(&descriptor, &mut Entropy(entropy.iter()), DEPTH);
        bytes.push(0);
        for (position, byte) in damage {
            let position = position.index(bytes.len());
            bytes[position] = byte;
        }
        match both(&descriptor, &bytes) {
            // Of maps prost-reflect does not check the wire type.
            (Err(EncodeError::WireType(_)), _) => {}
            (ours, reference) => prop_assert_eq!(ours.ok(), reference, "{:02x?}", bytes),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..Default::default() })]

    #[test]
    fn every_reply_of_the_contract_has_the_json_of_the_reference(entropy in prop::collection::vec(any::<u8>(), 0..600)) {
        for rpc in contract::methods() {
            let descriptor = rpc.output();
            let bytes = message(&descriptor, &mut Entropy(entropy.iter()), DEPTH);
            let (ours, reference) = both(&descriptor, &bytes);
            prop_assert_eq!(ours.ok(), reference, "{} {:02x?}", descriptor.full_name(), bytes);
        }
    }
}
