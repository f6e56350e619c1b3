//! Test card numbers. The number of a card determines its behaviour; any number that is not in the table is approved.

/// A test card with a special behaviour.
#[derive(Clone, Copy, Debug)]
pub struct MagicCard {
    /// Card number, 16 digits.
    pub number: &'static str,
    /// Behaviour of the card.
    pub behaviour: Behaviour,
}

/// Behaviour of a test card.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Behaviour {
    /// Cannot be registered: issuing the billing key fails with this code.
    FailsAtRegistration(&'static str),
    /// Every charge fails with this code.
    Declines(&'static str),
    /// The first charge fails with this code, later ones are approved.
    DeclinesOnce(&'static str),
    /// Captures the money and replies with this (5xx) code.
    ChargesThenFails(&'static str),
}

/// Number of a card that is approved, as every number is that is not in [`MAGIC_CARDS`].
pub const GOOD_CARD: &str = "4330123412341234";

/// Card numbers with a special behaviour.
pub const MAGIC_CARDS: [MagicCard; 10] = [
    card("4330000000000101", Behaviour::Declines("REJECT_CARD_PAYMENT")),
    card("4330000000000102", Behaviour::Declines("INVALID_STOPPED_CARD")),
    card(
        "4330000000000103",
        Behaviour::Declines("INVALID_CARD_LOST_OR_STOLEN"),
    ),
    card("4330000000000104", Behaviour::Declines("INVALID_CARD_EXPIRATION")),
    card(
        "4330000000000105",
        Behaviour::Declines("EXCEED_MAX_DAILY_PAYMENT_COUNT"),
    ),
    card("4330000000000106", Behaviour::Declines("REJECT_CARD_COMPANY")),
    card("4330000000000201", Behaviour::DeclinesOnce("PROVIDER_ERROR")),
    card("4330000000000202", Behaviour::DeclinesOnce("REJECT_CARD_PAYMENT")),
    card(
        "4330000000000301",
        Behaviour::ChargesThenFails("FAILED_INTERNAL_SYSTEM_PROCESSING"),
    ),
    card(
        "4330000000000401",
        Behaviour::FailsAtRegistration("INVALID_REJECT_CARD"),
    ),
];

/// Finds the card that declines every charge with this code.
pub fn declining_card(code: &str) -> Option<&'static str> {
    let declines = |card: &&MagicCard| matches!(card.behaviour, Behaviour::Declines(with) if with == code);
    MAGIC_CARDS.iter().find(declines).map(|card| card.number)
}

const fn card(number: &'static str, behaviour: Behaviour) -> MagicCard {
    MagicCard { number, behaviour }
}

pub(super) fn behaviour(number: &str) -> Option<Behaviour> {
    MAGIC_CARDS
        .iter()
        .find(|card| card.number == number)
        .map(|card| card.behaviour)
}

/// Returns the digits of a card number, or `None` if it is not one.
pub(super) fn digits(number: &str) -> Option<String> {
    let digits: String = number.chars().filter(|c| !matches!(c, ' ' | '-')).collect();
    let plausible = (13..=20).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    plausible.then_some(digits)
}

/// Masks a card number as Toss does: `43301234****123*`.
pub(super) fn masked(number: &str) -> String {
    let last = number.len().saturating_sub(1);
    number
        .chars()
        .enumerate()
        .map(|(i, c)| if (8..12).contains(&i) || i == last { '*' } else { c })
        .collect()
}

/// Returns the code of the card company by the first digit: 신한, 현대, 삼성, KB국민.
pub(super) fn issuer_code(number: &str) -> &'static str {
    match number.as_bytes().first() {
        Some(b'4') => "41",
        Some(b'5') => "61",
        Some(b'3') => "51",
        _ => "11",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn magic_cards_have_unique_valid_numbers() {
        for (index, card) in MAGIC_CARDS.iter().enumerate() {
            assert_eq!(digits(card.number).as_deref(), Some(card.number));
            assert!(
                MAGIC_CARDS
                    .iter()
                    .skip(index + 1)
                    .all(|other| other.number != card.number)
            );
        }
        assert_eq!(behaviour(GOOD_CARD), None);
        assert_eq!(declining_card("REJECT_CARD_PAYMENT"), Some("4330000000000101"));
        assert_eq!(declining_card("PROVIDER_ERROR"), None);
    }

    #[test]
    fn card_numbers_are_normalised_and_masked() {
        assert_eq!(digits("4330-1234 1234-1234").as_deref(), Some(GOOD_CARD));
        assert_eq!(digits("4330"), None);
        assert_eq!(digits("not a card number"), None);
        assert_eq!(masked(GOOD_CARD), "43301234****123*");
    }
}
