//! Enum values as the lower-case words of the REST contract: `BOOKING_STATUS_PENDING` ⇄ `pending`.

use prost_reflect::EnumDescriptor;

/// The prefix every value of the enum carries: `BookingStatus` → `BOOKING_STATUS_`.
pub fn prefix(descriptor: &EnumDescriptor) -> String {
    let mut prefix = String::new();
    for (index, letter) in descriptor.name().chars().enumerate() {
        if letter.is_ascii_uppercase() && index > 0 {
            prefix.push('_');
        }
        prefix.push(letter.to_ascii_uppercase());
    }
    prefix.push('_');
    prefix
}

/// The word for a value's full name. A name without the usual prefix is only lower-cased.
pub fn short_name(descriptor: &EnumDescriptor, value_name: &str) -> String {
    let prefix = prefix(descriptor);
    value_name
        .strip_prefix(&prefix)
        .unwrap_or(value_name)
        .to_ascii_lowercase()
}

/// The number behind a word, or `None` when the enum has no such word.
pub fn number(descriptor: &EnumDescriptor, word: &str) -> Option<i32> {
    descriptor
        .values()
        .find(|value| self::short_name(descriptor, value.name()) == word)
        .map(|value| value.number())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DESCRIPTOR_POOL;

    #[test]
    fn words_round_trip_for_every_enum_of_ours() {
        for descriptor in DESCRIPTOR_POOL
            .all_enums()
            .filter(|e| e.full_name().starts_with("carshare."))
        {
            for value in descriptor.values() {
                let word = short_name(&descriptor, value.name());
                assert!(
                    !word.contains(&descriptor.name().to_ascii_lowercase()),
                    "{word} keeps its prefix"
                );
                assert_eq!(
                    number(&descriptor, &word),
                    Some(value.number()),
                    "{}",
                    value.full_name()
                );
            }
        }
    }

    #[test]
    fn an_unknown_word_is_none() {
        let status = DESCRIPTOR_POOL
            .get_enum_by_name("carshare.booking.v1.BookingStatus")
            .expect("in the contract");
        assert_eq!(short_name(&status, "BOOKING_STATUS_PENDING"), "pending");
        assert_eq!(number(&status, "PENDING"), None);
        assert_eq!(number(&status, "confirmed"), None);
    }
}
