//! The booking journey on a fleet, with a kill at one of its points.

use carshare_mesh::Fleet;
use carshare_sandbox::{PaymentStatus, Provider};
use carshare_testkit::eventually_true;
use serde_json::json;

use super::kill::{Call, Kill};
use super::kill_points::{CHARGE, Crash, KillPoint, ProviderCall, REFUND};
use crate::harness::{
    BOOKINGS, Deployment as _, OCCUPANCIES, Response, Setup, Slot, TIMEOUT, Table, id, next_slot,
};

const NO_CRASH: Crash<'_> = Crash {
    kill_point: KillPoint::Requested,
    kill: Kill::all(&[]),
};

/// Kinds of the host's notifications at the end of the journey.
const HOST_NOTIFICATIONS: [&str; 3] = ["booking.cancelled", "booking.confirmed", "booking.requested"];
const GUEST_NOTIFICATIONS: [&str; 5] = [
    "booking.approved",
    "booking.cancelled",
    "booking.confirmed",
    "payment.completed",
    "payment.refunded",
];

/// A booking that was requested.
pub struct Requested {
    pub id: String,
    slot: Slot,
    /// Number of payments at the provider before it.
    payments_before: usize,
}

impl Setup<Fleet> {
    /// Requests, approves, pays, cancels and refunds a booking, with a kill on the way; asserts that each happened once.
    pub async fn run_journey(&mut self, crash: Crash<'_>) {
        println!("{crash}");
        let booking = self.request(crash).await;
        self.approve(crash, &booking).await;
        self.cancel_and_refund(crash, booking).await;
    }

    pub async fn request_booking(&mut self) -> Requested {
        self.request(NO_CRASH).await
    }

    pub async fn approve_booking(&mut self, booking: &Requested) {
        self.approve(NO_CRASH, booking).await;
    }

    /// Waits for the payment of an approved booking, cancels it and asserts the end of the journey.
    pub async fn complete_journey(&mut self, booking: Requested) {
        self.cancel_and_refund(NO_CRASH, booking).await;
    }

    async fn request(&mut self, crash: Crash<'_>) -> Requested {
        let payments_before = self.mesh.sandbox().payments().len();
        let slot = next_slot(self.mesh.now());
        let mut request = slot.json();
        request["vehicle_id"] = json!(self.car);
        let requesting = Call::post(&self.guest.rest, "/v1/bookings", request);
        let tables = [
            (KillPoint::PlacingHold, OCCUPANCIES),
            (KillPoint::InsertingBooking, BOOKINGS),
        ];
        let booking = self.send(crash, requesting, &tables).await.ok(201);
        assert_eq!(booking["status"], "pending");
        if crash.kill_point == KillPoint::Requested {
            crash.kill.run(&mut self.mesh, &[]);
        }
        Requested {
            id: id(&booking),
            slot,
            payments_before,
        }
    }

    async fn approve(&mut self, crash: Crash<'_>, booking: &Requested) {
        let approving = Call::put(&self.host.rest, format!("/v1/bookings/{}/approve", booking.id));
        let table = (KillPoint::Approving, BOOKINGS);
        let approved = self.send_and_pay(crash, &CHARGE, approving, table).await.ok(200);
        assert_eq!(approved["status"], "approved");
    }

    async fn cancel(&mut self, crash: Crash<'_>, booking: &Requested) {
        let cancelling = Call::put(&self.guest.rest, format!("/v1/bookings/{}/cancel", booking.id));
        let table = (KillPoint::Cancelling, BOOKINGS);
        let cancelled = self.send_and_pay(crash, &REFUND, cancelling, table).await.ok(200);
        assert_eq!(cancelled["cancellation"]["refund_amount"], 80_000);
    }

    async fn cancel_and_refund(&mut self, crash: Crash<'_>, booking: Requested) {
        self.wait_for_state(&booking.id, "approved paid").await;
        let payments = self.mesh.sandbox().payments().len();
        assert_eq!(payments, booking.payments_before + 1, "one charge");
        self.cancel(crash, &booking).await;
        self.wait_for_state(&booking.id, "cancelled refunded").await;
        let payment = &self.mesh.sandbox().payments()[booking.payments_before];
        assert_eq!(
            (payment.status, payment.balance_amount),
            (PaymentStatus::Canceled, 0)
        );
        assert_eq!(payment.cancels.as_ref().map(Vec::len), Some(1), "one refund");
        let expected = [
            (&self.host.id, &HOST_NOTIFICATIONS[..]),
            (&self.guest.id, &GUEST_NOTIFICATIONS),
        ];
        for (user, kinds) in expected {
            let notified = async || self.sql.notification_kinds(user, &booking.id).await;
            eventually_true(TIMEOUT, || async { notified().await.len() >= kinds.len() }).await;
            assert_eq!(notified().await, kinds);
        }
        self.assert_consistent().await;
        assert!(
            self.guest.finds(&self.car, booking.slot).await,
            "the slot is free"
        );
    }

    /// Sends a call that leads to a call of the provider, with a kill while the provider is at it.
    async fn send_and_pay(
        &mut self,
        crash: Crash<'_>,
        provider_call: &ProviderCall,
        call: Call,
        table: (KillPoint, Table),
    ) -> Response {
        let requests = |setup: &Self| {
            let sandbox = setup.mesh.sandbox();
            sandbox.request_count(Provider::Toss, provider_call.path)
        };
        let before = requests(self);
        let fault = provider_call.fault_at(crash.kill_point);
        if let Some(fault) = &fault {
            self.mesh.sandbox().inject(fault.clone());
        }
        let response = self.send(crash, call, &[table]).await;
        if fault.is_some() {
            eventually_true(TIMEOUT, || async {
                let payments = self.mesh.sandbox().payments();
                let has_moved = payments
                    .last()
                    .is_some_and(|payment| payment.status == provider_call.moved);
                requests(self) > before && has_moved == (crash.kill_point == provider_call.moved_at)
            })
            .await;
            crash.kill.run(&mut self.mesh, &[]);
        }
        response
    }

    /// Sends a call; the kill falls into it if its kill point is one of these.
    async fn send(&mut self, crash: Crash<'_>, call: Call, tables: &[(KillPoint, Table)]) -> Response {
        let table = tables
            .iter()
            .find(|(kill_point, _)| *kill_point == crash.kill_point);
        match table {
            Some((_, table)) => {
                call.send_with_kill(&mut self.mesh, &self.sql, *table, crash.kill)
                    .await
            }
            None => call.send().await,
        }
    }

    /// Waits until the booking is in this state in the database, and asserts that the API shows it.
    async fn wait_for_state(&self, id: &str, expected: &str) {
        eventually_true(TIMEOUT, || async { self.sql.booking_state(id).await == expected }).await;
        let path = format!("/v1/bookings/{id}");
        let booking = self.guest.rest.read(&path).await;
        let word = |name: &str| booking[name].as_str().expect("a word").to_owned();
        assert_eq!(format!("{} {}", word("status"), word("payment_status")), expected);
    }
}
