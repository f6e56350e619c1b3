//! Guests and hosts who book, approve, reject, pay, extend, shorten, cancel, start and complete.

mod changes;

use std::sync::atomic::{AtomicUsize, Ordering};

use carshare_chassis::Clock;
use carshare_testkit::poll_until;
use chrono::{SubsecRound as _, TimeDelta};
use reqwest::Method;
use serde_json::{Value, json};

use super::journal::{Effect, Journal};
use super::{GIVE_UP_AFTER, RETRY_DELAY, Run};
use crate::harness::Dice;
use crate::harness::{Deployment, Guest, Host, Response, Rest, Slot, id, next_slot};

const HOSTS: usize = 2;
/// Enough that rentals which are not completed leave cars to start.
const CARS_PER_HOST: usize = 8;
/// Cars whose later slots guests compete for.
const CONTESTED_CARS: usize = 4;
const GUESTS: usize = 6;
/// Every third guest pays in the payment window.
const WITHOUT_CARD: usize = 3;

/// Share of the bookings whose period begins soon, so that they can be started.
const SOON: f64 = 0.4;
/// A rental can be started 30 minutes before its period.
const SOON_LIMIT_S: usize = 25 * 60;

/// Errors of `CreateBooking` that are no fault: the slot is taken, the start has passed meanwhile.
const CREATE_ERRORS: [&str; 2] = ["BOOKING002", "BOOKING004"];
/// Wrong state, not paid, period over: an event, a deadline or another call came first.
const STATE_ERRORS: [&str; 4] = ["BOOKING003", "BOOKING005", "BOOKING007", "PAYMENT004"];

pub struct Workload {
    cars: Vec<(Host, String)>,
    guests: Vec<Guest>,
    /// The slots that guests compete for.
    slots: Vec<Slot>,
    next: AtomicUsize,
}

impl Workload {
    pub async fn prepare(mesh: &impl Deployment) -> Self {
        let mut cars = Vec::new();
        for _ in 0..HOSTS {
            let host = Host::register(mesh).await;
            for _ in 0..CARS_PER_HOST {
                let car = host.car().await;
                cars.push((host.clone(), car));
            }
        }
        let mut guests = Vec::new();
        for number in 0..GUESTS {
            guests.push(if number.is_multiple_of(WITHOUT_CARD) {
                Guest::register(mesh).await
            } else {
                Guest::with_card(mesh).await
            });
        }
        let first = next_slot(mesh.now());
        let slots = (0..1_200).map(|number| {
            let start = first.start + TimeDelta::hours(6 * number);
            Slot {
                start,
                end: start + TimeDelta::hours(4),
            }
        });
        Self {
            cars,
            guests,
            slots: slots.collect(),
            next: AtomicUsize::new(0),
        }
    }

    pub fn guests(&self) -> usize {
        self.guests.len()
    }

    pub fn car(&self, number: usize) -> &str {
        &self.cars[number].1
    }

    pub fn guest(&self, number: usize) -> &Guest {
        &self.guests[number]
    }

    /// One guest's journeys, one after the other, until the run is over.
    pub async fn run(&self, guest: usize, dice: Dice, journal: &Journal, run: &Run) {
        while !run.is_over() {
            let has_card = !guest.is_multiple_of(WITHOUT_CARD);
            // Without a card the payment may not become due before the start.
            let is_soon = has_card && dice.chance(SOON);
            let (cars, slot) = if is_soon {
                (self.cars.len(), soon(&dice))
            } else {
                (CONTESTED_CARS, self.slot(&dice))
            };
            let (host, car) = &self.cars[dice.below(cars)];
            let journey = Journey {
                guest: &self.guests[guest],
                host,
                has_card,
                is_soon,
                dice: &dice,
                journal,
            };
            journey.run(car, slot).await;
        }
    }

    /// A slot that nobody has asked for, or one of the last that somebody has.
    fn slot(&self, dice: &Dice) -> Slot {
        let next = if dice.chance(0.7) {
            self.next.fetch_add(1, Ordering::Relaxed)
        } else {
            let last = self.next.load(Ordering::Relaxed);
            last.saturating_sub(1 + dice.below(4))
        };
        self.slots[next / CONTESTED_CARS % self.slots.len()]
    }
}

/// The shortest period, beginning within [`SOON_LIMIT_S`].
fn soon(dice: &Dice) -> Slot {
    let delay_s = 15 + dice.below(SOON_LIMIT_S) as i64;
    let start = Clock::system().now().trunc_subsecs(0) + TimeDelta::seconds(delay_s);
    Slot {
        start,
        end: start + TimeDelta::hours(1),
    }
}

/// One booking of one guest.
struct Journey<'a> {
    guest: &'a Guest,
    host: &'a Host,
    has_card: bool,
    is_soon: bool,
    dice: &'a Dice,
    journal: &'a Journal,
}

impl Journey<'_> {
    async fn run(&self, car: &str, slot: Slot) {
        let mut request = slot.json();
        request["vehicle_id"] = json!(car);
        let create = self.call(&self.guest.rest, Method::POST, "/v1/bookings", &request);
        let Some(response) = create.await else { return };
        let Some(booking) = self.success("create", response, 201, &CREATE_ERRORS) else {
            return;
        };
        let id = id(&booking);
        self.journal.accepted(&id, self.is_soon);
        match self.dice.below(20) {
            0 => return,
            1 | 2 => self.cancel(&id).await,
            3 | 4 => {
                let rejected = self.change(&self.host.rest, &id, "reject").await;
                self.journal.update(&id, |booking| booking.rejected = rejected);
                return;
            }
            _ => {}
        }
        let approved = self.change(&self.host.rest, &id, "approve").await;
        self.journal.update(&id, |booking| {
            booking.approved = approved;
            if self.has_card {
                booking.paid = Effect::Yes;
            }
        });
        if approved != Effect::Yes {
            return;
        }
        if !self.has_card {
            self.pay(&id).await;
        }
        if self.dice.chance(0.4) {
            self.wait_until_paid(&id).await;
            self.agree_on_change(&id, slot).await;
        }
        if self.is_soon && self.dice.chance(0.8) {
            self.drive(&id).await;
        } else if self.dice.chance(0.5) {
            if self.dice.chance(0.7) {
                self.wait_until_paid(&id).await;
            }
            self.cancel(&id).await;
        }
    }

    /// Starts the rental as soon as it is paid, and mostly completes it. Either side may report both.
    async fn drive(&self, id: &str) {
        self.wait_until_paid(id).await;
        let sides = [&self.guest.rest, &self.host.rest];
        let started = self.change(self.dice.pick(&sides), id, "start").await;
        self.journal.update(id, |booking| booking.started = started);
        if started != Effect::No && self.dice.chance(0.9) {
            let completed = self.change(self.dice.pick(&sides), id, "complete").await;
            self.journal.update(id, |booking| booking.completed = completed);
        }
    }

    async fn cancel(&self, id: &str) {
        let cancelled = self.change(&self.guest.rest, id, "cancel").await;
        self.journal.update(id, |booking| booking.cancelled = cancelled);
    }

    /// Pays in the payment window as soon as the payment is due.
    async fn pay(&self, id: &str) {
        let paid = self.guest.checkout(id).await;
        let process = self.call(&self.guest.rest, Method::POST, "/v1/payments/process", &paid);
        let effect = match process.await {
            None => Effect::Unknown,
            Some(response) if response.body["code"] == "PAYMENT006" => Effect::Unknown,
            Some(response) => match self.success("process", response, 200, &STATE_ERRORS) {
                Some(_) => Effect::Yes,
                None => Effect::No,
            },
        };
        self.journal.update(id, |booking| booking.paid = effect);
    }

    /// Waits until the guest's app shows the payment, for as long as a guest would.
    async fn wait_until_paid(&self, id: &str) {
        let path = format!("/v1/bookings/{id}");
        let paid = poll_until(GIVE_UP_AFTER, RETRY_DELAY, || async {
            let read = self
                .call(&self.guest.rest, Method::GET, &path, &Value::Null)
                .await;
            let is_over = read.is_none_or(|response| response.body["payment_status"] != "pending");
            is_over.then_some(())
        });
        if paid.await.is_none() {
            self.journal.count("wait", "not paid in time");
        }
    }

    /// Approves, rejects, cancels, starts or completes.
    async fn change(&self, rest: &Rest, id: &str, verb: &str) -> Effect {
        let path = format!("/v1/bookings/{id}/{verb}");
        match self.call(rest, Method::PUT, &path, &json!({})).await {
            None => Effect::Unknown,
            Some(response) => match self.success(verb, response, 200, &STATE_ERRORS) {
                Some(_) => Effect::Yes,
                None => Effect::No,
            },
        }
    }

    /// Repeats a call under one key until it is answered or the guest gives up.
    async fn call(&self, rest: &Rest, method: Method, path: &str, body: &Value) -> Option<Response> {
        super::call(self.journal, rest, method, path, body).await
    }

    /// The body of a success; none for one of these errors. Every other response is a breach.
    fn success(&self, call: &str, response: Response, status: u16, errors: &[&str]) -> Option<Value> {
        let code = response.body["code"].as_str().unwrap_or_default();
        if response.status == status {
            self.journal.count(call, "ok");
            return Some(response.body);
        }
        self.journal.count(call, code);
        if !errors.contains(&code) {
            let (status, body) = (response.status, &response.body);
            self.journal.unexpected(format!("{call}: {status} {body}"));
        }
        None
    }
}
