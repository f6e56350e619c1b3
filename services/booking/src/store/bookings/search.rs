//! Search for a part of the texts of a booking.

use carshare_proto::vehicle::v1::Vehicle;
use prost::Message as _;
use sea_orm::sea_query::{Expr, SimpleExpr};

use crate::domain::Booking;

/// Returns the text that is searched: the car and the messages, in lower case. Not the address, which guests may not know (ADR 0040): by
/// searching for it they could guess it.
pub(super) fn text_of(booking: &Booking) -> String {
    // A snapshot that does not decode is a defect, which reading the booking reports.
    let car = Vehicle::decode(booking.vehicle_snapshot.as_slice()).unwrap_or_default();
    let cancellation = booking.cancellation.as_ref();
    let messages = [
        booking.guest_message.as_deref(),
        booking.host_response.as_deref(),
        cancellation.and_then(|cancellation| cancellation.message.as_deref()),
    ];
    let texts = [&*car.make, &car.model].into_iter();
    let texts: Vec<&str> = texts.chain(messages.into_iter().flatten()).collect();
    texts.join("\n").to_lowercase()
}

/// Returns the condition that a booking contains a text.
pub(super) fn contains(text: &str) -> SimpleExpr {
    Expr::cust_with_values(
        "coalesce(search_text, lower(concat_ws(E'\\n', guest_message, host_response, cancellation_message))) LIKE $1",
        [pattern(text)],
    )
}

/// Returns the pattern of LIKE that texts with this part match.
fn pattern(text: &str) -> String {
    let mut pattern = String::from("%");
    for character in text.to_lowercase().chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    pattern
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pattern_matches_the_text_itself() {
        assert_eq!(pattern("Ioniq 5"), "%ioniq 5%");
        assert_eq!(pattern("50% _a\\b"), "%50\\% \\_a\\\\b%");
    }
}
