//! The booking journey on a fleet, with a crash at one of its moments.

use std::fmt;

use carshare_chassis::World;
use carshare_mesh::{Fleet, Options};
use carshare_sandbox::{Fault, PaymentStatus, Provider};
use carshare_testkit::process::built;
use carshare_testkit::{eventually, eventually_true};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{
    Answer, BOOKINGS, Guest, Host, OCCUPANCIES, PATIENCE, Rest, Slot, Sql, Table, invariants, next_slot,
};

/// A moment of the journey at which processes die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Moment {
    /// Vehicle is writing the hold that booking asked for.
    Holding,
    /// Booking is writing the request; the car is held.
    Requesting,
    /// The guest has the answer; nobody else knows of it yet.
    Requested,
    /// Booking is writing the approval.
    Approving,
    /// Toss was asked for the money and takes it only when the asker is long dead.
    Charging,
    /// Toss has taken the money; its answer was lost.
    Charged,
    /// Booking is writing the cancellation.
    Cancelling,
    /// Toss was asked to give the money back, and does so only when the asker is long dead.
    GivingBack,
    /// Toss has given the money back; its answer was lost.
    GivenBack,
}

/// All of them, in their order.
pub const MOMENTS: [Moment; 9] = [
    Moment::Holding,
    Moment::Requesting,
    Moment::Requested,
    Moment::Approving,
    Moment::Charging,
    Moment::Charged,
    Moment::Cancelling,
    Moment::GivingBack,
    Moment::GivenBack,
];

/// Who dies, and when.
#[derive(Clone, Copy)]
pub struct Crash<'a> {
    pub moment: Moment,
    pub victims: &'a [&'static str],
}

impl fmt::Display for Crash<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {:?}", self.victims.join(", "), self.moment)
    }
}

/// Money that moves at the provider.
struct Movement {
    path: &'static str,
    asked_at: Moment,
    moved_at: Moment,
    /// How the payment stands when it has moved.
    moved: PaymentStatus,
}

const CHARGE: Movement = Movement {
    path: "/v1/billing/bsbx",
    asked_at: Moment::Charging,
    moved_at: Moment::Charged,
    moved: PaymentStatus::Done,
};

const REFUND: Movement = Movement {
    path: "/cancel",
    asked_at: Moment::GivingBack,
    moved_at: Moment::GivenBack,
    moved: PaymentStatus::Canceled,
};

impl Movement {
    /// What has to go wrong at the provider for this moment to last.
    fn mishap_at(&self, moment: Moment) -> Option<Fault> {
        // Longer than a worker has a payment to itself: whoever takes over asks while the money has not moved yet.
        const SLOW_MS: u64 = 1_500;
        if moment == self.asked_at {
            Some(Fault::delay(Provider::Toss, self.path, SLOW_MS))
        } else if moment == self.moved_at {
            Some(Fault::lost_reply(Provider::Toss, self.path))
        } else {
            None
        }
    }
}

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

/// A fleet with a host, a car and a guest, for any number of journeys.
pub struct Stage {
    pub fleet: Fleet,
    pub sql: Sql,
    pub host: Host,
    pub guest: Guest,
    pub car: String,
}

/// Waits that would only be waited for, made short; hashing passwords is not the subject.
const SHORT: [(&str, &str); 4] = [
    ("PAYMENT__WORKER__CLAIM_MS", "1000"),
    ("PAYMENT__WORKER__POLL_MS", "200"),
    // Between a lost answer and the next attempt there is time to die in.
    ("PAYMENT__TOSS__HTTP__BACKOFF_MS", "600"),
    ("AUTH__PASSWORDS__BCRYPT_COST", "6"),
];

impl Stage {
    pub async fn set() -> Self {
        let gateway = built("carshare-gateway").expect("`make test` builds the binaries first");
        let binaries = gateway.parent().expect("a folder").to_owned();
        let options = SHORT.iter().fold(Options::temporary(), |options, (name, value)| {
            options.with_env(name, value)
        });
        let fleet = Fleet::start(options, binaries).await.expect("the fleet starts");
        let (host, guest) = (Host::register(&fleet).await, Guest::with_card(&fleet).await);
        let car = host.car().await;
        Self {
            sql: Sql::of(&fleet),
            fleet,
            host,
            guest,
            car,
        }
    }

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
        let slot = next_slot(World::system().clock.now());
        let mut request = slot.json();
        request["vehicle_id"] = json!(self.car);
        let asking = Call::post(&self.guest.rest, "/v1/bookings", request);
        let doors = [(Moment::Holding, OCCUPANCIES), (Moment::Requesting, BOOKINGS)];
        let booking = self.call(crash, asking, &doors).await.ok(201);
        assert_eq!(booking["status"], "pending");
        if crash.moment == Moment::Requested {
            kill_and_start(&mut self.fleet, crash.victims);
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
            eventually_true(PATIENCE, || async {
                let asked = sandbox.request_count(Provider::Toss, money.path) > asked_before;
                let moved = sandbox
                    .payments()
                    .last()
                    .is_some_and(|payment| payment.status == money.moved);
                asked && moved == (crash.moment == money.moved_at)
            })
            .await;
            kill_and_start(&mut self.fleet, crash.victims);
        }
        answer
    }

    /// Makes a call. When the crash falls into it, the victims die while it waits at the door of a table.
    async fn call(&mut self, crash: Crash<'_>, call: Call, doors: &[(Moment, Table)]) -> Answer {
        let Some((_, table)) = doors.iter().find(|(moment, _)| *moment == crash.moment) else {
            return call.made().await;
        };
        let frozen = self.sql.freeze(*table).await;
        let fleet = &mut self.fleet;
        let dying = async {
            eventually_true(PATIENCE, || async { frozen.waiting().await > 0 }).await;
            kill_and_start(fleet, crash.victims);
            frozen.thaw().await;
        };
        let (answer, ()) = tokio::join!(call.made(), dying);
        answer
    }

    /// Waits until the guest's app shows the booking like this.
    async fn reaches(&self, id: &str, wanted: &str) -> Value {
        let path = format!("/v1/bookings/{id}");
        eventually(PATIENCE, || async {
            let booking = self
                .guest
                .rest
                .insist(Method::GET, &path, &Value::Null)
                .await
                .ok(200);
            let words = |name: &str| booking[name].as_str().unwrap_or_default().to_owned();
            let reached = format!("{} {}", words("status"), words("payment_status")) == wanted;
            reached.then_some(booking)
        })
        .await
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
            eventually_true(PATIENCE, || async {
                self.sql.told(person, id).await.len() >= expected.len()
            })
            .await;
            assert_eq!(self.sql.told(person, id).await, expected);
        }
    }
}

/// A call that an app insists on.
struct Call {
    rest: Rest,
    method: Method,
    path: String,
    body: Value,
}

impl Call {
    fn post(rest: &Rest, path: &str, body: Value) -> Self {
        Self {
            rest: rest.clone(),
            method: Method::POST,
            path: path.to_owned(),
            body,
        }
    }

    fn put(rest: &Rest, path: String) -> Self {
        Self {
            rest: rest.clone(),
            method: Method::PUT,
            path,
            body: json!({}),
        }
    }

    async fn made(self) -> Answer {
        self.rest.insist(self.method, &self.path, &self.body).await
    }
}

/// All die before the first is back.
fn kill_and_start(fleet: &mut Fleet, victims: &[&'static str]) {
    for victim in victims {
        fleet.kill(victim).expect("it runs");
    }
    for victim in victims {
        fleet.spawn(victim).expect("it starts");
    }
}
