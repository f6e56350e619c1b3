//! Korean number plates: two or three digits, a syllable that encodes the use, four digits. Old and taxi plates begin with
//! a region.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A number plate in normal form, without spaces: `12하3456`, `서울33바1234`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LicensePlate(String);

/// Use of the car, encoded by the syllable.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, strum::VariantArray)]
#[serde(rename_all = "lowercase")]
pub enum PlateClass {
    Private,
    Rental,
    Commercial,
    Parcel,
}

/// Malformed, or of a class that is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an acceptable number plate")]
pub struct InvalidPlate;

const REGIONS: [&str; 17] = [
    "서울", "부산", "대구", "인천", "광주", "대전", "울산", "세종", "경기", "강원", "충북", "충남", "전북",
    "전남", "경북", "경남", "제주",
];
const PRIVATE: &str = "가나다라마거너더러머버서어저고노도로모보소오조구누두루무부수우주";

impl LicensePlate {
    /// Parses a plate with spaces anywhere, of one of the `accepted` classes.
    pub fn parse(text: &str, accepted: &[PlateClass]) -> Result<Self, InvalidPlate> {
        let normal = Self::normal_form(text);
        let class = class(&normal).ok_or(InvalidPlate)?;
        if accepted.contains(&class) {
            Ok(Self(normal))
        } else {
            Err(InvalidPlate)
        }
    }

    /// Returns a part of a plate in the normal form of plates.
    pub fn normal_form(text: &str) -> String {
        composed(text.chars().filter(|c| !c.is_whitespace()))
    }

    /// Wraps a plate from the database, which was checked before it was stored.
    pub fn stored(text: String) -> Self {
        Self(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LicensePlate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Returns the class of a plate in normal form; `None` if it is malformed.
fn class(plate: &str) -> Option<PlateClass> {
    let plate = REGIONS
        .iter()
        .find_map(|region| plate.strip_prefix(region))
        .unwrap_or(plate);
    let at = plate.find(|c: char| !c.is_ascii_digit())?;
    let (kind, rest) = plate.split_at(at);
    let syllable = rest.chars().next()?;
    let serial = &rest[syllable.len_utf8()..];
    (is_kind(kind) && is_serial(serial))
        .then(|| use_of(syllable))
        .flatten()
}

/// Kind of the car: 01–99 or 100–999.
fn is_kind(digits: &str) -> bool {
    match digits.len() {
        2 => digits != "00",
        3 => !digits.starts_with('0'),
        _ => false,
    }
}

/// Serial number: 0100–9999.
fn is_serial(digits: &str) -> bool {
    digits.len() == 4 && digits.bytes().all(|b| b.is_ascii_digit()) && digits >= "0100"
}

fn use_of(syllable: char) -> Option<PlateClass> {
    match syllable {
        '하' | '허' | '호' => Some(PlateClass::Rental),
        '아' | '바' | '사' | '자' => Some(PlateClass::Commercial),
        '배' => Some(PlateClass::Parcel),
        other => PRIVATE.contains(other).then_some(PlateClass::Private),
    }
}

/// Composes conjoining jamo to syllables, as Unicode's NFC does: Apple devices send them decomposed. The regions have final
/// consonants (서울: ㄹ), so all three positions are composed.
fn composed(chars: impl Iterator<Item = char>) -> String {
    chars.fold(String::new(), |mut text, next| {
        let joined = text.chars().next_back().and_then(|last| join(last, next));
        if let Some(joined) = joined {
            text.pop();
            text.push(joined);
        } else {
            text.push(next);
        }
        text
    })
}

/// Composes two characters: Unicode, section 3.12.
fn join(last: char, next: char) -> Option<char> {
    const LEAD: u32 = 0x1100;
    const VOWEL: u32 = 0x1161;
    const TAIL: u32 = 0x11a7;
    const SYLLABLE: u32 = 0xac00;
    let (last, next) = (u32::from(last), u32::from(next));
    let lead_and_vowel = (LEAD..LEAD + 19).contains(&last) && (VOWEL..VOWEL + 21).contains(&next);
    let open_syllable = (SYLLABLE..SYLLABLE + 11_172).contains(&last) && (last - SYLLABLE).is_multiple_of(28);
    if lead_and_vowel {
        return char::from_u32(SYLLABLE + ((last - LEAD) * 21 + next - VOWEL) * 28);
    }
    if open_syllable && (TAIL + 1..TAIL + 28).contains(&next) {
        return char::from_u32(last + next - TAIL);
    }
    None
}

#[cfg(test)]
mod tests {
    use rstest::rstest;
    use strum::VariantArray as _;

    use super::*;

    const PRIVATE_AND_RENTAL: [PlateClass; 2] = [PlateClass::Private, PlateClass::Rental];

    #[rstest]
    #[case::two_digits("12하3456", "12하3456")]
    #[case::three_digits("123가4567", "123가4567")]
    #[case::spaces_anywhere(" 123 가 45 67 ", "123가4567")]
    #[case::with_region("서울 33 가 1234", "서울33가1234")]
    #[case::jamo_apart("12\u{1112}\u{1161}3456", "12하3456")]
    #[case::region_of_jamo(
        "\u{1109}\u{1165}\u{110b}\u{116e}\u{11af}33\u{1100}\u{1161}1234",
        "서울33가1234"
    )]
    #[case::lowest_serial("01호0100", "01호0100")]
    fn parse_returns_the_normal_form(#[case] written: &str, #[case] normal: &str) {
        assert_eq!(
            LicensePlate::parse(written, &PRIVATE_AND_RENTAL)
                .map(|p| p.to_string())
                .as_deref(),
            Ok(normal)
        );
    }

    #[rstest]
    #[case::empty("")]
    #[case::no_syllable("1234567")]
    #[case::one_digit("1하3456")]
    #[case::four_digits("1234하3456")]
    #[case::kind_zero("00하3456")]
    #[case::leading_zero("012하3456")]
    #[case::short_serial("12하345")]
    #[case::long_serial("12하34567")]
    #[case::serial_too_low("12하0099")]
    #[case::unused_syllable("12힣3456")]
    #[case::two_syllables("12하하3456")]
    #[case::unknown_region("평양12하3456")]
    #[case::latin("12A3456")]
    #[case::wide_digits("１２하3456")]
    #[case::hyphen("12하-3456")]
    fn parse_refuses_malformed_plates(#[case] written: &str) {
        assert_eq!(
            LicensePlate::parse(written, PlateClass::VARIANTS),
            Err(InvalidPlate)
        );
    }

    #[rstest]
    #[case("12가3456", PlateClass::Private)]
    #[case("12주3456", PlateClass::Private)]
    #[case("12허3456", PlateClass::Rental)]
    #[case("서울33바1234", PlateClass::Commercial)]
    #[case("12배3456", PlateClass::Parcel)]
    fn parse_refuses_classes_that_are_not_accepted(#[case] plate: &str, #[case] class: PlateClass) {
        assert!(LicensePlate::parse(plate, &[class]).is_ok());
        let others = PlateClass::VARIANTS.iter().copied();
        let others: Vec<PlateClass> = others.filter(|other| *other != class).collect();
        assert_eq!(LicensePlate::parse(plate, &others), Err(InvalidPlate));
    }
}
