//! Characters of the texts in requests. Texts of one user are shown to others, whom characters that nobody sees deceive: bidirectional
//! controls reorder what surrounds them, and zero-width ones make two names look alike.

use std::ops::RangeInclusive;

use prost_reflect::FieldDescriptor;

use crate::contract;
use crate::options::v1::Text;

/// Characters of the Unicode categories format (Cf), line and paragraph separator (Zl, Zp), and letters that are shown as nothing: the
/// fillers of Hangul and the blank Braille pattern. Unicode 16.
const INVISIBLE: [RangeInclusive<char>; 26] = [
    '\u{ad}'..='\u{ad}',
    '\u{34f}'..='\u{34f}',
    '\u{600}'..='\u{605}',
    '\u{61c}'..='\u{61c}',
    '\u{6dd}'..='\u{6dd}',
    '\u{70f}'..='\u{70f}',
    '\u{890}'..='\u{891}',
    '\u{8e2}'..='\u{8e2}',
    '\u{115f}'..='\u{1160}',
    '\u{17b4}'..='\u{17b5}',
    '\u{180b}'..='\u{180f}',
    '\u{200b}'..='\u{200f}',
    '\u{2028}'..='\u{202e}',
    '\u{2060}'..='\u{206f}',
    '\u{2800}'..='\u{2800}',
    '\u{3164}'..='\u{3164}',
    '\u{fe00}'..='\u{fe0e}',
    '\u{feff}'..='\u{feff}',
    '\u{ffa0}'..='\u{ffa0}',
    '\u{fff9}'..='\u{fffb}',
    '\u{110bd}'..='\u{110bd}',
    '\u{110cd}'..='\u{110cd}',
    '\u{13430}'..='\u{1343f}',
    '\u{1bca0}'..='\u{1bca3}',
    '\u{1d173}'..='\u{1d17a}',
    '\u{e0000}'..='\u{e0fff}',
];

const ZERO_WIDTH_JOINER: char = '\u{200d}';

/// Symbols of which emoji are composed.
const PICTOGRAPHS: [RangeInclusive<char>; 2] = ['\u{2190}'..='\u{2bff}', '\u{1f000}'..='\u{1faff}'];

/// Selects the picture of a character.
const EMOJI_STYLE: char = '\u{fe0f}';

/// Returns whether people see every character of the text of a field, apart from the line breaks and tabs of a text of several lines.
/// A secret may have any character. A zero-width joiner is accepted where it joins two pictographs to one emoji.
pub(super) fn is_visible(text: &str, field: &FieldDescriptor) -> bool {
    if text.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
        return true;
    }
    let kind = contract::text(field);
    if kind == Text::Secret {
        return true;
    }
    let mut before = None;
    let mut rest = text.chars();
    while let Some(character) = rest.next() {
        let is_accepted = match character {
            '\n' | '\r' | '\t' => kind == Text::Multiline,
            ZERO_WIDTH_JOINER => {
                before.is_some_and(is_pictograph) && rest.clone().next().is_some_and(is_pictograph)
            }
            EMOJI_STYLE => before.is_some_and(|character| !char::is_alphabetic(character)),
            _ => !character.is_control() && !INVISIBLE.iter().any(|range| range.contains(&character)),
        };
        if !is_accepted {
            return false;
        }
        if character != EMOJI_STYLE {
            before = Some(character);
        }
    }
    true
}

fn is_pictograph(character: char) -> bool {
    PICTOGRAPHS.iter().any(|range| range.contains(&character))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use prost_reflect::{Kind, MessageDescriptor};
    use tonic_types::StatusExt as _;

    use super::*;
    use crate::auth::v1::{LoginRequest, UpdateMeRequest};
    use crate::booking::v1::{Booking, CancelBookingRequest};
    use crate::codec::{message_types, validate};

    fn name(text: &str) -> Vec<String> {
        let request = UpdateMeRequest {
            name: Some(text.to_owned()),
            ..Default::default()
        };
        violations(&request)
    }

    fn violations(request: &impl prost_reflect::ReflectMessage) -> Vec<String> {
        let Err(status) = validate(request) else {
            return Vec::new();
        };
        let details = status.get_details_bad_request().expect("a BadRequest");
        let korean = |violation: &tonic_types::FieldViolation| {
            violation
                .localized_message
                .as_ref()
                .is_some_and(|text| text.locale == "ko")
        };
        assert!(details.field_violations.iter().all(korean));
        let reasons = details.field_violations.into_iter();
        reasons.map(|violation| violation.reason).collect()
    }

    #[test]
    fn control_bidirectional_and_invisible_characters_are_refused() {
        for bad in [
            '\u{1}',
            '\n',
            '\t',
            '\u{7f}',
            '\u{85}',
            '\u{ad}',
            '\u{61c}',
            '\u{200b}',
            '\u{200c}',
            '\u{200d}',
            '\u{200e}',
            '\u{200f}',
            '\u{2028}',
            '\u{202a}',
            '\u{202e}',
            '\u{2060}',
            '\u{2066}',
            '\u{2069}',
            '\u{3164}',
            '\u{feff}',
            '\u{e0041}',
        ] {
            assert_eq!(name(&format!("김{bad}민지")), ["STRING_INVISIBLE"], "{bad:?}");
        }
        for good in [
            "김민지",
            "Zoë O'Néill",
            "Nguyễn Văn A",
            "محمد",
            "👩🏽‍💻",
            "❤️‍🔥",
            "👨‍👩‍👧‍👦 가족",
            "①",
        ] {
            assert_eq!(name(good), [""; 0], "{good:?}");
        }
        assert_eq!(name("민지\u{200d}👩"), ["STRING_INVISIBLE"]);
        assert_eq!(name("👩\u{200d}"), ["STRING_INVISIBLE"]);
    }

    #[test]
    fn line_breaks_are_accepted_in_long_texts_and_everything_in_secrets() {
        let cancel = |message: &str| CancelBookingRequest {
            booking_id: "5b0e0000-0000-7000-8000-000000000000".to_owned(),
            message: Some(message.to_owned()),
            expected_refund_amount: None,
        };
        assert_eq!(violations(&cancel("첫 줄\r\n\t둘째 줄")), [""; 0]);
        assert_eq!(violations(&cancel("첫 줄\u{202e}")), ["STRING_INVISIBLE"]);
        let login = LoginRequest {
            email: "guest@example.com".to_owned(),
            password: "pass\u{200d}word\u{202e}".to_owned(),
            mfa_code: None,
        };
        assert_eq!(violations(&login), [""; 0]);
    }

    /// Replies repeat texts of the time before this check.
    #[test]
    fn texts_of_replies_are_not_checked() {
        let booking = Booking {
            guest_message: Some("\u{202e}".to_owned()),
            ..Default::default()
        };
        assert_eq!(violations(&booking), [""; 0]);
    }

    fn visit(message: &MessageDescriptor, seen: &mut BTreeSet<String>, texts: &mut Vec<FieldDescriptor>) {
        if !seen.insert(message.full_name().to_owned()) {
            return;
        }
        for field in message.fields() {
            match field.kind() {
                Kind::String => texts.push(field),
                Kind::Message(inner) if inner.package_name().starts_with("carshare.") => {
                    visit(&inner, seen, texts);
                }
                _ => {}
            }
        }
    }

    #[test]
    fn every_text_of_every_request_is_checked_but_for_passwords() {
        let (mut secrets, mut multiline) = (BTreeSet::new(), BTreeSet::new());
        for method in contract::methods() {
            let mut texts = Vec::new();
            visit(&method.input(), &mut BTreeSet::new(), &mut texts);
            assert!(
                texts.is_empty() || !message_types::is_rule_free(&method.input()),
                "{} is not validated",
                method.full_name()
            );
            assert!(message_types::is_request(&method.input()));
            for field in texts {
                let name = field.name().to_owned();
                match contract::text(&field) {
                    Text::Secret => secrets.insert(name),
                    Text::Multiline => multiline.insert(name),
                    Text::Unspecified => false,
                };
            }
        }
        assert!(
            secrets.iter().all(|name| name.ends_with("password")),
            "{secrets:?}"
        );
        assert_eq!(
            multiline.into_iter().collect::<Vec<_>>(),
            [
                "comment",
                "damage_notes",
                "description",
                "details",
                "guest_message",
                "host_response",
                "message",
                "objection",
                "reason",
                "reply",
                "response"
            ]
        );
    }
}
