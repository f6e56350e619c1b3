//! A random course of events with faults, crashes and jumps of the clock: whatever happens, the end is legal. The seed names
//! the course.

use std::time::Duration;

use carshare_chassis::Random;
use carshare_proto::booking::v1::{BookingExpired, PaymentStatus as Known};
use carshare_proto::payment::v1::ProcessPaymentRequest;
use carshare_sandbox::{Fault, Provider};
use rstest::rstest;

use crate::bench::*;

const BOOKINGS: usize = 12;
const STEPS: usize = 60;
const CARDS: [&str; 5] = [
    GOOD_CARD,
    GOOD_CARD,
    "4330000000000101",
    "4330000000000201",
    "4330000000000301",
];

struct Course {
    bench: Bench,
    random: Random,
    bookings: Vec<Booking>,
}

impl Course {
    fn below(&self, limit: usize) -> usize {
        (self.random.unit() * limit as f64) as usize
    }

    fn some_booking(&self) -> Booking {
        self.bookings[self.below(self.bookings.len())].clone()
    }

    async fn step(&mut self) {
        match self.below(12) {
            0..4 => self.bench.send(self.bench.approval(&self.some_booking())).await,
            4 | 5 => self.cancel().await,
            6 => {
                let booking = self.some_booking();
                let (booking_id, facts) = (booking.id.clone(), Some(booking.facts.clone()));
                self.bench
                    .send(BookingExpired {
                        booking_id,
                        booking: facts,
                    })
                    .await;
            }
            7 => self.fault(),
            8 => self.pay_in_the_window().await,
            9 | 10 => self
                .bench
                .clock
                .advance(Duration::from_secs(self.below(40) as u64)),
            _ if self.below(4) == 0 => self.bench.crash_and_restart().await,
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
        self.bench.send(booking.cancellation(refund_amount, known)).await;
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
        self.bench.sandbox.inject(fault.times(1 + self.below(3) as u32));
    }

    /// Whatever the answer is.
    async fn pay_in_the_window(&self) {
        let booking = self.some_booking();
        let Some(row) = self
            .bench
            .row(&booking)
            .await
            .filter(|row| row.state == "requested")
        else {
            return;
        };
        let payment_key = self
            .bench
            .pay_in_window(&row.order_id, PRICE, CARDS[self.below(CARDS.len())])
            .await;
        let (booking_id, order_id) = (booking.id.clone(), row.order_id);
        let request = ProcessPaymentRequest {
            booking_id,
            payment_key,
            order_id,
            amount: PRICE,
        };
        let _ = self.bench.process(booking.guest, request).await;
    }

    /// Everything comes to rest: faults end, time passes.
    async fn settle(&self) {
        self.bench.sandbox.clear_faults();
        self.bench.handled().await;
        soon(|| async {
            // After a quarter of an hour without an answer a request is taken for lost; none may be under way for so long.
            if self.bench.sandbox.running() > 0 {
                return false;
            }
            self.bench.clock.advance(Duration::from_secs(2));
            let open = "SELECT (SELECT count(*) FROM payments WHERE next_check_at IS NOT NULL) \
                        + (SELECT count(*) FROM refunds WHERE next_check_at IS NOT NULL) AS count";
            self.bench.count(open).await == 0
        })
        .await;
    }

    /// What Toss holds and what we say are the same to the won.
    async fn compare(&self) {
        let captured = self.bench.captured();
        for booking in &self.bookings {
            let Some(row) = self.bench.row(booking).await else {
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
async fn whatever_happens_the_end_is_legal(#[values(1, 2, 3, 4)] seed: u64) {
    let bench = Bench::start().await;
    let random = Random::seeded(seed);
    let mut bookings = Vec::new();
    for index in 0..BOOKINGS {
        let guest = match CARDS.get(index % 7) {
            Some(card) => bench.guest_with(card).await,
            None => bench.person("guest"),
        };
        bookings.push(bench.booking(guest));
    }
    let mut course = Course {
        bench,
        random,
        bookings,
    };
    for _ in 0..STEPS {
        course.step().await;
    }
    course.settle().await;
    course.compare().await;
    course.bench.finish().await;
}
