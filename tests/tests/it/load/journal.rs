//! What was accepted during the run, and whether it reached its end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::harness::{Sql, Unanswered};

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
    pub started: Effect,
    pub completed: Effect,
    /// Whether its period begins during the run, so that its deadlines may pass.
    pub is_soon: bool,
}

#[derive(Default)]
pub struct Journal(Mutex<State>);

#[derive(Default)]
struct State {
    bookings: BTreeMap<String, Accepted>,
    /// Order ids of payments whose whole balance may have been refunded on the dashboard.
    emptied_outside: BTreeSet<String>,
    /// Won refunded on the dashboard, by order id.
    refunded_outside: BTreeMap<String, i64>,
    /// Calls by method and result.
    calls: BTreeMap<String, usize>,
    unexpected: Vec<String>,
    requests: Requests,
}

/// Requests as a client sees them.
#[derive(Clone, Debug, Default)]
pub struct Requests {
    /// Each is repeated until it is answered.
    pub count: usize,
    /// Requests that were given up.
    pub given_up: usize,
    /// Attempts that had no answer, by what was seen instead.
    pub unanswered: BTreeMap<Unanswered, usize>,
    /// Longest time from the first attempt to the answer.
    pub longest: Duration,
}

/// State of every booking: id, won refunded, order id of the payment of its price, state.
const STATES: &str = "SELECT concat_ws(' ', b.id, b.refunded_krw, coalesce(p.order_id, '-'), b.status, b.payment_status) \
                      FROM booking.bookings b LEFT JOIN payment.payments p ON p.booking_id = b.id AND p.charge_id IS NULL";

/// A booking as stored.
struct Stored<'a> {
    refunded_krw: i64,
    order: &'a str,
    /// Status and payment status.
    state: &'a str,
}

impl<'a> Stored<'a> {
    /// Returns a row of [`STATES`] by the booking's id.
    fn parse(row: &'a str) -> (&'a str, Self) {
        let columns: Vec<&str> = row.splitn(4, ' ').collect();
        let [id, refunded, order, state] = columns[..] else {
            panic!("four columns: {row}")
        };
        let refunded_krw = refunded.parse().expect("a number");
        let stored = Self {
            refunded_krw,
            order,
            state,
        };
        (id, stored)
    }
}

impl Journal {
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn count(&self, call: &str, result: &str) {
        *self.state().calls.entry(format!("{call} {result}")).or_default() += 1;
    }

    /// Notes an attempt without an answer.
    pub fn unanswered(&self, unanswered: Unanswered) {
        *self.state().requests.unanswered.entry(unanswered).or_default() += 1;
    }

    /// Notes the end of a request after `elapsed`: an answer, or none.
    pub fn ended(&self, elapsed: Duration, is_answered: bool) {
        let requests = &mut self.state().requests;
        requests.count += 1;
        requests.given_up += usize::from(!is_answered);
        requests.longest = requests.longest.max(elapsed);
    }

    pub fn requests(&self) -> Requests {
        self.state().requests.clone()
    }

    /// Notes a response that no fault explains.
    pub fn unexpected(&self, response: String) {
        self.state().unexpected.push(response);
    }

    pub fn accepted(&self, booking_id: &str, is_soon: bool) {
        let booking = Accepted {
            is_soon,
            ..Accepted::default()
        };
        self.state().bookings.insert(booking_id.to_owned(), booking);
    }

    pub fn update(&self, booking_id: &str, change: impl FnOnce(&mut Accepted)) {
        if let Some(booking) = self.state().bookings.get_mut(booking_id) {
            change(booking);
        }
    }

    pub fn emptied_outside(&self, order_id: &str) {
        self.state().emptied_outside.insert(order_id.to_owned());
    }

    pub fn refunded_outside(&self, order_id: &str, amount_krw: i64) {
        let mut state = self.state();
        *state.refunded_outside.entry(order_id.to_owned()).or_default() += amount_krw;
    }

    pub fn accepted_bookings(&self) -> usize {
        self.state().bookings.len()
    }

    pub fn print(&self) {
        let state = self.state();
        println!("{} accepted bookings", state.bookings.len());
        for (call, count) in &state.calls {
            println!("  {call}: {count}");
        }
    }

    pub fn unexpected_responses(&self) -> Vec<String> {
        self.state().unexpected.clone()
    }

    /// Accepted bookings that are lost, in a state that their calls do not explain, or without a refund made outside.
    pub async fn breaches(&self, sql: &Sql) -> Vec<String> {
        let rows = sql.texts(STATES).await;
        let states: BTreeMap<&str, Stored> = rows.iter().map(|row| Stored::parse(row)).collect();
        let state = self.state();
        let mut breaches = Vec::new();
        for (id, booking) in &state.bookings {
            let Some(stored) = states.get(id.as_str()) else {
                breaches.push(format!("lost booking {id}"));
                continue;
            };
            let allowed = booking.end_states(state.emptied_outside.contains(stored.order));
            if !allowed.contains(stored.state) {
                breaches.push(format!(
                    "booking {id} is {}, expected one of {allowed:?}: {booking:?}",
                    stored.state
                ));
            }
            let outside_krw = state.refunded_outside.get(stored.order).copied().unwrap_or(0);
            if stored.refunded_krw < outside_krw {
                breaches.push(format!(
                    "booking {id} knows of {} of {outside_krw} won refunded on the dashboard",
                    stored.refunded_krw
                ));
            }
        }
        breaches
    }
}

/// States of a booking that was cancelled before it was known to be paid.
const CANCELLED: [&str; 4] = [
    "cancelled none",
    "cancelled pending",
    "cancelled failed",
    "cancelled refunded",
];
/// The same when the refund may be nothing.
const CANCELLED_LATE: [&str; 5] = [
    "cancelled none",
    "cancelled pending",
    "cancelled failed",
    "cancelled refunded",
    "cancelled paid",
];

impl Accepted {
    /// The states that the booking may be in when nothing is under way.
    fn end_states(&self, is_emptied_outside: bool) -> BTreeSet<&'static str> {
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
        let cancelled: &[&str] = if self.is_soon { &CANCELLED_LATE } else { &CANCELLED };
        // The cancellation may have come before the payment.
        let ends: [(&str, &[&str]); 3] = [
            ("pending none", &["cancelled none"]),
            ("approved pending", cancelled),
            ("approved paid", cancelled),
        ];
        apply(&mut states, self.cancelled, &ends);
        apply(&mut states, self.started, &[("approved paid", &["active paid"])]);
        apply(
            &mut states,
            self.completed,
            &[("active paid", &["completed paid"])],
        );
        if self.is_soon {
            // A deadline may have passed.
            apply(&mut states, Effect::Unknown, &ends);
        }
        if is_emptied_outside {
            let refunded: [(&str, &[&str]); 4] = [
                ("approved paid", &["cancelled refunded"]),
                ("active paid", &["active refunded"]),
                ("completed paid", &["completed refunded"]),
                ("cancelled paid", &["cancelled refunded"]),
            ];
            apply(&mut states, Effect::Unknown, &refunded);
        }
        states
    }
}

/// Replaces the states that a call changes; one that is not known to have had an effect adds states instead.
fn apply(states: &mut BTreeSet<&'static str>, effect: Effect, changes: &[(&'static str, &[&'static str])]) {
    if effect == Effect::No {
        return;
    }
    let before = states.clone();
    for (from, to) in changes {
        if before.contains(from) {
            states.extend(*to);
            if effect == Effect::Yes {
                states.remove(from);
            }
        }
    }
}
