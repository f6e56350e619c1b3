//! Sets the fields of a request message from the parameters of a query.

use carshare_chassis::error::Violation;
use percent_encoding::percent_decode_str;

use crate::json::{DecodeError, MAX_VIOLATIONS, MessageType};

/// Appends the parameters of a query, `status=pending&period.from=…&tag=a&tag=b`, and returns every violation, of the first hundred names. `refused` returns
/// the error of a name that a query may not set.
pub(super) fn decode(
    message_type: &MessageType,
    query: &str,
    refused: impl Fn(&str) -> Option<DecodeError>,
    out: &mut Vec<u8>,
) -> Vec<Violation> {
    let mut violations = Vec::new();
    for (name, texts) in parameters(query, &mut violations) {
        let error = refused(&name).or_else(|| message_type.assign(&name, &texts, out).err());
        violations.extend(error.map(|error| error.at(name)));
    }
    violations
}

/// Groups the parameters by name, in the order of their first appearance.
fn parameters(query: &str, violations: &mut Vec<Violation>) -> Vec<(String, Vec<String>)> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, text) = pair.split_once('=').unwrap_or((pair, ""));
        match (decode_text(name), decode_text(text)) {
            (Some(name), Some(text)) => match found.iter().position(|(known, _)| *known == name) {
                Some(known) => found[known].1.push(text),
                None if found.len() < MAX_VIOLATIONS => found.push((name, vec![text])),
                // No message has as many fields. The time to find a name grows with their number.
                None => {
                    violations.push(DecodeError::UnknownField.at(name));
                    break;
                }
            },
            _ if violations.len() >= MAX_VIOLATIONS => break,
            (name, _) => violations.push(DecodeError::NotUtf8.at(name.unwrap_or_default())),
        }
    }
    found
}

/// Decodes `application/x-www-form-urlencoded`, in which a plus is a space.
fn decode_text(text: &str) -> Option<String> {
    percent_decode_str(&text.replace('+', " "))
        .decode_utf8()
        .ok()
        .map(Into::into)
}

#[cfg(test)]
mod tests {
    use carshare_proto::DESCRIPTOR_POOL;
    use serde_json::json;

    use super::*;

    fn decode_as(name: &str, query: &str) -> Result<serde_json::Value, Vec<(String, String)>> {
        let message_type = MessageType::of(&DESCRIPTOR_POOL.get_message_by_name(name).unwrap());
        let mut message = Vec::new();
        let violations = decode(&message_type, query, |_| None, &mut message);
        if violations.is_empty() {
            return Ok(serde_json::from_slice(&message_type.to_json(&message).unwrap()).unwrap());
        }
        Err(violations.into_iter().map(|v| (v.field, v.rule)).collect())
    }

    #[test]
    fn numbers_times_and_enums_are_decoded() {
        let query = "lat=37.5&lng=126.97&start_datetime=2026-11-23T10:00:00%2B09:00\
                     &end_datetime=2026-11-23T13:00:00+09:00&page_size=20&page_token=a%26b";
        let expected = json!({
            "lat": 37.5, "lng": 126.97, "start_datetime": "2026-11-23T01:00:00Z", "end_datetime": "2026-11-23T04:00:00Z",
            "page_size": 20, "page_token": "a&b",
        });
        assert_eq!(
            decode_as("carshare.vehicle.v1.SearchVehiclesRequest", query),
            Ok(expected)
        );
        let bookings = decode_as(
            "carshare.booking.v1.ListBookingsRequest",
            "status=approved&&page_token=",
        )
        .unwrap();
        assert_eq!(
            bookings,
            json!({
                "status": "approved", "statuses": [], "page_size": 0, "page_token": "", "include_total": false, "query": "",
            })
        );
        let unread = decode_as(
            "carshare.notification.v1.ListNotificationsRequest",
            "unread_only=true",
        )
        .unwrap();
        assert_eq!(unread["unread_only"], true);
    }

    #[test]
    fn nested_and_repeated_fields_are_decoded() {
        let query = "vehicle.owner.name=%EA%B9%80&vehicle.images=a&vehicle.images=b";
        let booking = decode_as("carshare.booking.v1.Booking", query).unwrap();
        assert_eq!(booking["vehicle"]["owner"]["name"], "김");
        assert_eq!(booking["vehicle"]["images"], json!(["a", "b"]));
    }

    #[test]
    fn every_violation_is_returned() {
        let query =
            "lat=north&lat=2&lng=&colour=1&start_datetime=now&page_size=1&page_size=2&vehicle.x=1&%FF=1";
        let mut violations = decode_as("carshare.vehicle.v1.SearchVehiclesRequest", query).unwrap_err();
        violations.sort();
        let expected = [
            ("", "UTF8"),
            ("colour", "UNKNOWN_FIELD"),
            ("lat", "REPEATED"),
            ("lng", "TYPE"),
            ("page_size", "REPEATED"),
            ("start_datetime", "TYPE"),
            ("vehicle.x", "UNKNOWN_FIELD"),
        ];
        assert_eq!(
            violations,
            expected.map(|(field, rule)| (field.to_owned(), rule.to_owned()))
        );
    }

    #[test]
    fn violations_of_a_query_are_bounded() {
        let unknown: Vec<String> = (0..20_000).map(|n| format!("a{n}=")).collect();
        for query in [unknown.join("&"), "%FF&".repeat(20_000)] {
            let violations = decode_as("carshare.vehicle.v1.SearchVehiclesRequest", &query).unwrap_err();
            assert!((100..=200).contains(&violations.len()), "{}", violations.len());
        }
    }

    #[test]
    fn messages_and_maps_are_unknown_fields_in_a_query() {
        for (message, query) in [
            ("carshare.booking.v1.Booking", "vehicle=x"),
            ("carshare.notification.v1.Notification", "data=x"),
            ("carshare.notification.v1.Notification", "data.key=x"),
            ("carshare.payment.v1.HandleWebhookRequest", "payload=x"),
            ("carshare.booking.v1.Booking", "id.x=1"),
        ] {
            let violations = decode_as(message, query).unwrap_err();
            assert_eq!(violations[0].1, "UNKNOWN_FIELD", "{query}");
        }
    }
}
