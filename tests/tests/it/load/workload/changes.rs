//! Changes of bookings, on which guests and hosts agree or not.

use chrono::TimeDelta;
use reqwest::Method;
use serde_json::json;

use super::Journey;
use crate::harness::{Slot, id, starts_older_release};

/// Errors that are no fault: the time is taken, the booking has ended, another change is open or this one is not any more, the end has passed.
const CHANGE_ERRORS: [&str; 6] = [
    "BOOKING002",
    "BOOKING003",
    "BOOKING007",
    "BOOKING051",
    "BOOKING052",
    "BOOKING056",
];

impl Journey<'_> {
    /// One side asks for another end, the other one mostly accepts it. The hours after the end are contested, too.
    pub(super) async fn agree_on_change(&self, booking: &str, slot: Slot) {
        let hours = self.dice.pick(&[-1, 1, 2, 3]);
        let end = (slot.end + TimeDelta::hours(hours)).max(slot.start + TimeDelta::hours(1));
        let (guest, host) = (&self.guest.rest, &self.host.rest);
        let (asks, answers) = self.dice.pick(&[(guest, host), (host, guest)]);
        let path = format!("/v1/bookings/{booking}/changes");
        let request = json!({ "end_datetime": end });
        let Some(response) = self.call(asks, Method::POST, &path, &request).await else {
            return;
        };
        let mut errors = [&CHANGE_ERRORS[..], &["BOOKING053"]].concat();
        if starts_older_release() {
            // Its gateway does not have the route yet.
            errors.push("COMMON002");
        }
        let Some(change) = self.success("change", response, 201, &errors) else {
            return;
        };
        let (verb, side) = self.dice.pick(&[
            ("accept", answers),
            ("accept", answers),
            ("accept", answers),
            ("decline", answers),
            ("withdraw", asks),
        ]);
        let path = format!("{path}/{}/{verb}", id(&change));
        if let Some(response) = self.call(side, Method::PUT, &path, &json!({})).await {
            self.success(verb, response, 200, &CHANGE_ERRORS);
        }
    }
}
