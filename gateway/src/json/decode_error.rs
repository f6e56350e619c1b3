//! The reasons for which a value of a client is refused, with their texts in both languages.

use carshare_chassis::error::Violation;
use prost_reflect::EnumDescriptor;

use super::scalar::enum_words;

/// Reason why a field is refused. As text it is the stable name of the broken rule.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "SCREAMING_SNAKE_CASE")]
pub enum DecodeError {
    UnknownField,
    /// The value has another type.
    Type(Expected),
    /// The number does not fit the type of the field.
    #[strum(serialize = "RANGE")]
    OutOfRange,
    /// The value is not a word of this enum.
    #[strum(serialize = "ENUM")]
    EnumWord(EnumDescriptor),
    /// Another member of the same oneof was sent too.
    #[strum(serialize = "ONEOF")]
    OneOf(String),
    /// A single value was sent more than once.
    Repeated,
    /// The URL path sets the field.
    GivenByPath,
    /// The field has no empty value that null could stand for.
    NotClearable,
    #[strum(serialize = "DEPTH")]
    TooDeep,
    /// The body is not JSON; the error of the parser.
    #[strum(serialize = "JSON")]
    Malformed(String),
    /// The text is not UTF-8 after percent-decoding.
    #[strum(serialize = "UTF8")]
    NotUtf8,
}

/// The type that a value must have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// `true` or `false`.
    Boolean,
    Integer,
    Number,
    Text,
    /// Bytes in base64.
    Base64,
    Array,
    Object,
    /// An RFC 3339 time.
    Time,
    /// Seconds with the letter s.
    Duration,
    /// The form of another well-known type.
    WellFormed,
}

impl DecodeError {
    /// Returns the violation of `field`.
    pub fn at(&self, field: impl Into<String>) -> Violation {
        let (ko, en) = self.texts();
        Violation {
            field: field.into(),
            rule: <&str>::from(self).to_owned(),
            ko,
            en,
        }
    }

    fn texts(&self) -> (String, String) {
        let fixed = |ko: &str, en: &str| (ko.to_owned(), en.to_owned());
        match self {
            Self::UnknownField => fixed("알 수 없는 항목입니다.", "is not a known field"),
            Self::Type(expected) => {
                let (ko, en) = expected.texts();
                fixed(ko, en)
            }
            Self::OutOfRange => fixed("숫자의 범위를 벗어났습니다.", "is out of range"),
            Self::EnumWord(descriptor) => {
                let words = enum_words(descriptor).join(", ");
                (
                    format!("다음 중 하나여야 합니다: {words}"),
                    format!("must be one of {words}"),
                )
            }
            Self::OneOf(other) => (
                format!("{other} 항목과 함께 보낼 수 없습니다."),
                format!("cannot be sent together with {other}"),
            ),
            Self::Repeated => fixed("한 번만 보낼 수 있습니다.", "must be sent only once"),
            Self::GivenByPath => fixed("경로에서 이미 지정되었습니다.", "is given by the path"),
            Self::NotClearable => fixed("비울 수 없는 항목입니다.", "cannot be cleared"),
            Self::TooDeep => fixed("너무 깊게 중첩되었습니다.", "is nested too deeply"),
            Self::Malformed(error) => (
                format!("올바른 JSON 형식이 아닙니다. ({error})"),
                format!("is not valid JSON: {error}"),
            ),
            Self::NotUtf8 => fixed("UTF-8 문자여야 합니다.", "must be UTF-8 text"),
        }
    }
}

impl Expected {
    fn texts(self) -> (&'static str, &'static str) {
        match self {
            Self::Boolean => ("true 또는 false여야 합니다.", "must be true or false"),
            Self::Integer => ("정수여야 합니다.", "must be a whole number"),
            Self::Number => ("숫자여야 합니다.", "must be a number"),
            Self::Text => ("문자열이어야 합니다.", "must be a string"),
            Self::Base64 => ("base64 문자열이어야 합니다.", "must be a base64 string"),
            Self::Array => ("배열이어야 합니다.", "must be an array"),
            Self::Object => ("객체여야 합니다.", "must be an object"),
            Self::Time => (
                "RFC 3339 형식의 시각이어야 합니다. 예: 2026-11-23T10:00:00+09:00",
                "must be an RFC 3339 time such as 2026-11-23T10:00:00+09:00",
            ),
            Self::Duration => (
                "초 단위 기간이어야 합니다. 예: 90s",
                "must be a duration such as 90s",
            ),
            Self::WellFormed => ("형식이 올바르지 않습니다.", "is not well-formed"),
        }
    }
}
