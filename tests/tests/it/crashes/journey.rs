//! The booking journey on a fleet, with a crash at one of its moments.

use carshare_chassis::Environment;
use carshare_sandbox::{PaymentStatus, Provider};
use carshare_testkit::eventually_true;
use reqwest::Method;
use serde_json::{Value, json};

use super::kill_points::{CHARGE, Crash, Moment, Movement, REFUND};
use super::setup::{Call, Setup};
use crate::harness::{Answer, BOOKINGS, OCCUPANCIES, Slot, TIMEOUT, Table, invariants, next_slot};

/// The journey without a crash.
const NOBODY_DIES: Crash<'_> = Crash {
    moment: Moment::Requested,
    victims: &[],
};

/// A booking on its journey.
pub struct Wanted {
    pub id: String,
    slot: Slot,
    /// Charges at the provider before it.
    charges: usize,
}

impl Setup {
    /// From the request to the refund, with a crash on the way. Everything happens once, and is over at the end.
    pub async fn play(&mut self, crash: Crash<'_>) {
        println!("{crash}");
        let booking = self.ask(crash).await;
        self.approve(crash, &booking).await;
        self.call_off(crash, booking).await;
    }

    /// The guest asks for the car.
    pub async fn request(&mut self) -> Wanted {
        self.ask(NOBODY_DIES).await
    }

    /// The host says yes.
    pub async fn approval(&mut self, booking: &Wanted) {
        self.approve(NOBODY_DIES, booking).await;
    }

    /// What is left of the journey after the approval.
    pub async fn finish(&mut self, booking: Wanted) {
        self.call_off(NOBODY_DIES, booking).await;
    }

    async fn ask(&mut self, crash: Crash<'_>) -> Wanted {
        let charges = self.fleet.sandbox().payments().len();
        let slot = next_slot(Environment::system().clock.now());
        let mut request = slot.json();
        request["vehicle_id"] = json!(self.car);
        let asking = Call::post(&self.guest.rest, "/v1/bookings", request);
        let doors = [(Moment::Holding, OCCUPANCIES), (Moment::Requesting, BOOKINGS)];
        let booking = self.call(crash, asking, &doors).await.ok(201);
        assert_eq!(booking["status"], "pending");
        if crash.moment == Moment::Requested {
            self.die(crash.victims);
        }
        let id = booking["id"].as_str().expect("an id").to_owned();
        Wanted { id, slot, charges }
    }

    async fn call_off(&mut self, crash: Crash<'_>, booking: Wanted) {
        self.reaches(&booking.id, "approved paid").await;
        let taken = self.fleet.sandbox().payments().len();
        assert_eq!(taken, booking.charges + 1, "one charge");
        self.cancel(crash, &booking).await;
        self.reaches(&booking.id, "cancelled refunded").await;
        let given_back = &self.fleet.sandbox().payments()[booking.charges];
        assert_eq!(
            (given_back.status, given_back.balance_amount),
            (PaymentStatus::Canceled, 0)
        );
        assert_eq!(given_back.cancels.as_ref().map(Vec::len), Some(1), "one refund");
        self.everybody_was_told(&booking.id).await;
        invariants::hold(&self.fleet).await;
        assert!(
            self.guest.finds(&self.car, booking.slot).await,
            "the slot is free"
        );
    }

    async fn approve(&mut self, crash: Crash<'_>, booking: &Wanted) {
        let approving = Call::put(&self.host.rest, format!("/v1/bookings/{}/approve", booking.id));
        let door = (Moment::Approving, BOOKINGS);
        let approved = self.move_money(crash, &CHARGE, approving, door).await.ok(200);
        assert_eq!(approved["status"], "approved");
    }

    async fn cancel(&mut self, crash: Crash<'_>, booking: &Wanted) {
        let cancelling = Call::put(&self.guest.rest, format!("/v1/bookings/{}/cancel", booking.id));
        let door = (Moment::Cancelling, BOOKINGS);
        let cancelled = self.move_money(crash, &REFUND, cancelling, door).await.ok(200);
        assert_eq!(cancelled["cancellation"]["refund_amount"], 80_000);
    }

    /// Makes a call that leads to a movement of money, with a crash while the provider is at it.
    async fn move_money(
        &mut self,
        crash: Crash<'_>,
        money: &Movement,
        call: Call,
        door: (Moment, Table),
    ) -> Answer {
        let asked_before = self.fleet.sandbox().request_count(Provider::Toss, money.path);
        let mishap = money.mishap_at(crash.moment);
        if let Some(mishap) = &mishap {
            self.fleet.sandbox().inject(mishap.clone());
        }
        let answer = self.call(crash, call, &[door]).await;
        if mishap.is_some() {
            let sandbox = self.fleet.sandbox();
            eventually_true(TIMEOUT, || async {
                let asked = sandbox.request_count(Provider::Toss, money.path) > asked_before;
                let moved = sandbox
                    .payments()
                    .last()
                    .is_some_and(|payment| payment.status == money.moved);
                asked && moved == (crash.moment == money.moved_at)
            })
            .await;
            self.die(crash.victims);
        }
        answer
    }

    /// Makes a call, with the crash in it if it falls there.
    async fn call(&mut self, crash: Crash<'_>, call: Call, doors: &[(Moment, Table)]) -> Answer {
        let door = doors.iter().find(|(moment, _)| *moment == crash.moment);
        match door {
            Some((_, table)) => self.dying_at(*table, crash.victims, call).await,
            None => call.made().await,
        }
    }

    /// Waits until booking and money stand so; the guest's app shows it.
    async fn reaches(&self, id: &str, wanted: &str) {
        eventually_true(TIMEOUT, || async { self.sql.standing(id).await == wanted }).await;
        let path = format!("/v1/bookings/{id}");
        let shown = self.guest.rest.insist(Method::GET, &path, &Value::Null);
        let booking = shown.await.ok(200);
        let word = |name: &str| booking[name].as_str().expect("a word").to_owned();
        assert_eq!(format!("{} {}", word("status"), word("payment_status")), wanted);
    }

    /// Each side has exactly one notification of each kind.
    async fn everybody_was_told(&self, id: &str) {
        for (person, expected) in [
            (
                &self.host.id,
                &["booking.cancelled", "booking.confirmed", "booking.requested"][..],
            ),
            (
                &self.guest.id,
                &[
                    "booking.approved",
                    "booking.cancelled",
                    "booking.confirmed",
                    "payment.completed",
                    "payment.refunded",
                ][..],
            ),
        ] {
            eventually_true(TIMEOUT, || async {
                self.sql.told(person, id).await.len() >= expected.len()
            })
            .await;
            assert_eq!(self.sql.told(person, id).await, expected);
        }
    }
}
