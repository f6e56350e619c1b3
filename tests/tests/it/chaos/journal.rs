//! What was accepted during the run, and whether it reached its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::harness::Sql;

/// Whether a call had an effect, as far as its caller knows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Effect {
    /// Not called, or answered with an error.
    #[default]
    No,
    /// Never answered.
    Unknown,
    /// Answered with success.
    Yes,
}

/// A booking that was accepted with 201.
#[derive(Clone, Debug, Default)]
pub struct Accepted {
    pub approved: Effect,
    pub rejected: Effect,
    /// Paid in the payment window or with the card on file.
    pub paid: Effect,
    pub cancelled: Effect,
}

#[derive(Default)]
pub struct Journal(Mutex<State>);

#[derive(Default)]
struct State {
    bookings: BTreeMap<String, Accepted>,
    /// Order ids of payments that were fully refunded on the dashboard.
    refunded_outside: BTreeSet<String>,
    /// Calls by method and result.
    calls: BTreeMap<String, usize>,
    unexpected: Vec<String>,
}

/// State of every booking: id, state, and the order id of its payment.
const STATES: &str = "SELECT b.id || ' ' || b.status || ' ' || b.payment_status || ' ' || coalesce(p.order_id, '-') \
                      FROM booking.bookings b LEFT JOIN payment.payments p ON p.booking_id = b.id";

impl Journal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self, call: &str, result: &str) {
        *self.state().calls.entry(format!("{call} {result}")).or_default() += 1;
    }

    /// Notes a response that no fault explains.
    pub fn unexpected(&self, response: String) {
        self.state().unexpected.push(response);
    }

    pub fn accepted(&self, booking_id: &str) {
        let booking = Accepted::default();
        self.state().bookings.insert(booking_id.to_owned(), booking);
    }

    pub fn update(&self, booking_id: &str, change: impl FnOnce(&mut Accepted)) {
        if let Some(booking) = self.state().bookings.get_mut(booking_id) {
            change(booking);
        }
    }

    pub fn refunded_outside(&self, order_id: &str) {
        self.state().refunded_outside.insert(order_id.to_owned());
    }

    pub fn print(&self, faults: usize) {
        let state = self.state();
        println!("{faults} faults, {} accepted bookings", state.bookings.len());
        for (call, count) in &state.calls {
            println!("  {call}: {count}");
        }
    }

    /// Accepted bookings that are lost or in a state that their calls do not explain, and unexpected responses.
    pub async fn breaches(&self, sql: &Sql) -> Vec<String> {
        let rows = sql.texts(STATES).await;
        let states: BTreeMap<&str, (&str, &str)> = rows
            .iter()
            .filter_map(|row| {
                let (id, rest) = row.split_once(' ')?;
                Some((id, rest.rsplit_once(' ')?))
            })
            .collect();
        let state = self.state();
        let mut breaches = state.unexpected.clone();
        for (id, booking) in &state.bookings {
            let Some((stored, order)) = states.get(id.as_str()) else {
                breaches.push(format!("lost booking {id}"));
                continue;
            };
            let is_refunded = state.refunded_outside.contains(*order);
            let allowed = booking.end_states(is_refunded);
            if !allowed.contains(stored) {
                breaches.push(format!(
                    "booking {id} is {stored}, expected one of {allowed:?}: {booking:?}"
                ));
            }
        }
        breaches
    }
}

impl Accepted {
    /// The states that the booking may be in when nothing is under way.
    fn end_states(&self, is_refunded_outside: bool) -> BTreeSet<&'static str> {
        let mut states = BTreeSet::from(["pending none"]);
        apply(
            &mut states,
            self.rejected,
            &[("pending none", &["rejected none"])],
        );
        let approved: &[&str] = match self.paid {
            Effect::Yes => &["approved paid"],
            Effect::Unknown => &["approved paid", "approved pending"],
            Effect::No => &["approved pending"],
        };
        apply(&mut states, self.approved, &[("pending none", approved)]);
        let unpaid = &[
            "cancelled none",
            "cancelled pending",
            "cancelled failed",
            "cancelled refunded",
        ];
        apply(
            &mut states,
            self.cancelled,
            &[
                ("pending none", &["cancelled none"]),
                ("approved pending", unpaid),
                // The cancellation may have come before the payment.
                ("approved paid", unpaid),
            ],
        );
        if is_refunded_outside {
            states.insert("cancelled refunded");
        }
        states
    }
}

/// Replaces the states that a call changes; one that is not known to have had an effect adds states instead.
fn apply(states: &mut BTreeSet<&'static str>, effect: Effect, changes: &[(&'static str, &[&'static str])]) {
    for (from, to) in changes {
        if effect != Effect::No && states.contains(from) {
            states.extend(*to);
            if effect == Effect::Yes {
                states.remove(from);
            }
        }
    }
}
