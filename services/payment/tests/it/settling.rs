//! Calls of `SettlementService`, and payments of one host.

use std::time::Duration;

use carshare_proto::payment::v1::settlement_service_client::SettlementServiceClient;
use carshare_proto::payment::v1::*;
use tonic::Status;
use tonic::transport::Channel;

use crate::harness::*;
use crate::instance::Instance;

/// From the approval of a booking to the end of its rental, and from there until it is settled.
pub const RENTAL: Duration = Duration::from_hours(72);
pub const HOLD: Duration = Duration::from_hours(72);

pub fn settlements_of(instance: &Instance) -> SettlementServiceClient<Channel> {
    let uri = format!("http://{}", instance.address);
    SettlementServiceClient::new(Channel::from_shared(uri).unwrap().connect_lazy())
}

impl Harness {
    /// Starts the service with a job that makes no settlements while a test runs: the test makes them.
    pub async fn start_settling() -> Self {
        Self::start_with(|config| config.settlement.every = Duration::from_hours(100_000)).await
    }

    pub fn settlements(&self) -> SettlementServiceClient<Channel> {
        settlements_of(&self.instance)
    }

    /// Creates a booking of the host and waits until its price is captured.
    pub async fn captured_of(&self, host: Person, amount_krw: i64) -> Booking {
        let mut booking = self.booking_of(self.guest_with(GOOD_CARD).await, amount_krw);
        booking.facts.host_id = host.id.to_string();
        booking.host = host;
        self.approve(&booking).await;
        self.until(&booking, "completed").await;
        booking
    }

    /// Copies the only captured payment, with its entries in the ledger, to 50 other hosts.
    pub async fn copy_to_other_hosts(&self) {
        let sql = "INSERT INTO payments SELECT (jsonb_populate_record(p, jsonb_build_object('id', gen_random_uuid(), \
                       'booking_id', gen_random_uuid(), 'host_id', gen_random_uuid(), 'order_id', 'copy_000' || n, \
                       'payment_key', 'copy_' || n, 'next_reconciliation_at', NULL))).* FROM payments p, generate_series(1, 50) n; \
                   INSERT INTO ledger_accounts (code, kind) SELECT 'host_payable:' || host_id, 'liability' FROM payments \
                       ON CONFLICT DO NOTHING; \
                   INSERT INTO ledger_transactions (id, payment_id, kind, ref, occurred_at) \
                       SELECT id, id, 'capture', order_id, paid_at FROM payments WHERE order_id LIKE 'copy%'; \
                   INSERT INTO ledger_entries SELECT p.id, a.id, CASE a.kind WHEN 'asset' THEN p.amount_krw \
                       WHEN 'revenue' THEN -p.fee_krw ELSE p.fee_krw - p.amount_krw END FROM payments p JOIN ledger_accounts a \
                       ON a.code IN ('provider_clearing', 'platform_fee', 'host_payable:' || p.host_id) WHERE p.order_id LIKE 'copy%'";
        assert_eq!(self.tamper(sql).await, None);
    }

    /// Makes the settlements that are due of all hosts, as an admin.
    pub async fn settle(&self) -> Vec<Settlement> {
        self.settle_batch().await.settlements
    }

    pub async fn settle_batch(&self) -> SettlePaymentsResponse {
        let request = self.request(self.person("admin"), SettlePaymentsRequest::default());
        let reply = self.settlements().settle_payments(request).await;
        reply.unwrap().into_inner()
    }

    /// Settles a captured price of 45,000 won of a host.
    pub async fn settled(&self) -> (Booking, Settlement) {
        let booking = self.captured_of(self.host(), PRICE).await;
        self.clock.advance(RENTAL + HOLD);
        let mut settled = self.settle().await;
        assert_eq!(settled.len(), 1);
        (booking, settled.remove(0))
    }

    pub async fn list_settlements(
        &self,
        person: Person,
        request: ListSettlementsRequest,
    ) -> Result<ListSettlementsResponse, Status> {
        let request = self.request(person, request);
        into_message(self.settlements().list_settlements(request).await)
    }

    pub async fn settlement(&self, person: Person, id: &str) -> Result<SettlementDetails, Status> {
        let settlement_id = id.to_owned();
        let request = self.request(person, GetSettlementRequest { settlement_id });
        into_message(self.settlements().get_settlement(request).await)
    }

    /// Reports the bank transfer of a settlement.
    pub async fn complete_payout(
        &self,
        person: Person,
        id: &str,
        reference: &str,
    ) -> Result<Settlement, Status> {
        let request = CompletePayoutRequest {
            settlement_id: id.to_owned(),
            transfer_reference: reference.to_owned(),
        };
        let request = self.request(person, request);
        into_message(self.settlements().complete_payout(request).await)
    }
}
