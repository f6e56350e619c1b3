//! Enum values as the lower-case names of the REST contract: `BOOKING_STATUS_PENDING` ⇄ `pending`.

use prost_reflect::EnumDescriptor;

/// Returns the prefix of the enum's values: `BookingStatus` → `BOOKING_STATUS_`.
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

/// Returns the short name of a value. A name without the prefix is only lower-cased.
pub fn short_name(descriptor: &EnumDescriptor, value_name: &str) -> String {
    let prefix = prefix(descriptor);
    value_name
        .strip_prefix(&prefix)
        .unwrap_or(value_name)
        .to_ascii_lowercase()
}

/// Returns the number of the value with this short name.
pub fn number(descriptor: &EnumDescriptor, name: &str) -> Option<i32> {
    descriptor
        .values()
        .find(|value| short_name(descriptor, value.name()) == name)
        .map(|value| value.number())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DESCRIPTOR_POOL;

    #[test]
    fn short_names_round_trip_for_every_enum() {
        for descriptor in DESCRIPTOR_POOL
            .all_enums()
            .filter(|e| e.full_name().starts_with("carshare."))
        {
            for value in descriptor.values() {
                let name = short_name(&descriptor, value.name());
                assert!(
                    !name.contains(&descriptor.name().to_ascii_lowercase()),
                    "{name} contains its prefix"
                );
                assert_eq!(
                    number(&descriptor, &name),
                    Some(value.number()),
                    "{}",
                    value.full_name()
                );
            }
        }
    }

    #[test]
    fn number_of_an_unknown_name_is_none() {
        let status = DESCRIPTOR_POOL
            .get_enum_by_name("carshare.booking.v1.BookingStatus")
            .expect("in the contract");
        assert_eq!(short_name(&status, "BOOKING_STATUS_PENDING"), "pending");
        assert_eq!(number(&status, "PENDING"), None);
        assert_eq!(number(&status, "confirmed"), None);
    }
}
