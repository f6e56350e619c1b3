//! Simulation: random operations with faults, crashes and clock jumps must end in a legal state. The seed determines the run.

use std::time::Duration;

use carshare_chassis::Random;
use carshare_proto::booking::v1::{BookingExpired, PaymentStatus as Known};
use carshare_proto::payment::v1::ProcessPaymentRequest;
use carshare_sandbox::{Fault, Provider};
use rstest::rstest;

use crate::harness::*;
use crate::settling::{HOLD, RENTAL};

const BOOKINGS: usize = 12;
const STEPS: usize = 60;
const CARDS: [&str; 5] = [
    GOOD_CARD,
    GOOD_CARD,
    "4330000000000101",
    "4330000000000201",
    "4330000000000301",
];

struct Simulation {
    harness: Harness,
    random: Random,
    bookings: Vec<Booking>,
}

impl Simulation {
    fn below(&self, limit: usize) -> usize {
        (self.random.unit() * limit as f64) as usize
    }

    fn some_booking(&self) -> Booking {
        self.bookings[self.below(self.bookings.len())].clone()
    }

    async fn step(&mut self) {
        match self.below(12) {
            0..4 => {
                self.harness
                    .send(self.harness.approval(&self.some_booking()))
                    .await;
            }
            4 | 5 => self.cancel().await,
            6 => {
                let booking = self.some_booking();
                let (booking_id, facts) = (booking.id.clone(), Some(booking.facts.clone()));
                self.harness
                    .send(BookingExpired {
                        booking_id,
                        booking: facts,
                    })
                    .await;
            }
            7 => self.fault(),
            8 => self.checkout().await,
            9 | 10 => self
                .harness
                .clock
                .advance(Duration::from_secs(self.below(40) as u64)),
            _ if self.below(4) == 0 => self.harness.crash_and_restart().await,
            _ => {}
        }
    }

    async fn cancel(&self) {
        let booking = self.some_booking();
        let known = [Known::Pending, Known::Paid][self.below(2)];
        let refund_amount = if known == Known::Paid {
            self.below(PRICE as usize) as i64
        } else {
            0
        };
        self.harness
            .send(booking.cancellation(refund_amount, known))
            .await;
    }

    fn fault(&self) {
        let path = ["/v1/billing/bsbx", "/confirm", "/cancel", "/v1/payments/"][self.below(4)];
        let fault = match self.below(4) {
            0 => Fault::lost_reply(Provider::Toss, path),
            1 => Fault::refuse(Provider::Toss, path),
            2 => Fault::error(Provider::Toss, path, 503),
            _ => {
                let body = serde_json::json!({"code": "FAILED_INTERNAL_SYSTEM_PROCESSING", "message": "m"});
                Fault {
                    body,
                    ..Fault::error(Provider::Toss, path, 500)
                }
            }
        };
        self.harness.sandbox.inject(fault.times(1 + self.below(3) as u32));
    }

    /// Pays and ignores the result.
    async fn checkout(&self) {
        let booking = self.some_booking();
        let Some(row) = self
            .harness
            .row(&booking)
            .await
            .filter(|row| row.state == "requested")
        else {
            return;
        };
        let payment_key = self
            .harness
            .pay_in_window(&row.order_id, PRICE, CARDS[self.below(CARDS.len())])
            .await;
        let (booking_id, order_id) = (booking.id.clone(), row.order_id);
        let request = ProcessPaymentRequest {
            booking_id,
            payment_key,
            order_id,
            amount: PRICE,
        };
        let _ = self.harness.process(booking.guest, request).await;
    }

    /// Ends the faults and advances the clock until nothing is scheduled.
    async fn settle(&self) {
        self.harness.sandbox.clear_faults();
        self.harness.handled().await;
        wait_until(|| async {
            // A request is considered lost after 15 minutes, so the clock stands still while one is running.
            if self.harness.sandbox.running() > 0 {
                return false;
            }
            self.harness.clock.advance(Duration::from_secs(2));
            let open = "SELECT (SELECT count(*) FROM payments WHERE next_check_at IS NOT NULL) \
                        + (SELECT count(*) FROM refunds WHERE next_check_at IS NOT NULL) AS count";
            self.harness.count(open).await == 0
        })
        .await;
    }

    /// Asserts that the captured and refunded amounts equal those of Toss.
    async fn compare(&self) {
        let captured = self.harness.captured();
        for booking in &self.bookings {
            let Some(row) = self.harness.row(booking).await else {
                continue;
            };
            let taken = captured.get(&row.order_id);
            let expected = taken.map(|payment| payment.total_amount - payment.balance_amount);
            let ours = ["completed", "refunded"]
                .contains(&row.state.as_str())
                .then_some(row.refunded_krw);
            assert_eq!(ours, expected, "{row:?} {taken:?}");
            assert!(
                ["requested", "completed", "failed", "refunded"].contains(&row.state.as_str()),
                "{row:?}"
            );
        }
    }
}

#[rstest]
#[tokio::test]
async fn random_operations_end_in_a_legal_state(#[values(1, 2, 3, 4)] seed: u64) {
    let harness = Harness::start().await;
    let random = Random::seeded(seed);
    let mut bookings = Vec::new();
    for index in 0..BOOKINGS {
        let guest = match CARDS.get(index % 7) {
            Some(card) => harness.guest_with(card).await,
            None => harness.person("guest"),
        };
        bookings.push(harness.booking(guest));
    }
    let mut simulation = Simulation {
        harness,
        random,
        bookings,
    };
    for _ in 0..STEPS {
        simulation.step().await;
    }
    simulation.settle().await;
    simulation.compare().await;
    simulation.harness.clock.advance(RENTAL + HOLD);
    simulation.harness.settle().await;
    let unsettled = simulation.harness.balances().await;
    assert!(
        unsettled
            .iter()
            .all(|line| !line.starts_with("host_payable") || line == "host_payable 0"),
        "{unsettled:?}"
    );
    simulation.harness.finish().await;
}
