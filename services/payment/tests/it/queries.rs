//! Queries of the service's tables.

use std::time::Duration;

use carshare_testkit::eventually;
use chrono::{DateTime, Utc};
use sea_orm::FromQueryResult;
use uuid::Uuid;

use crate::booking::Booking;
use crate::harness::{Harness, WAIT_TIMEOUT};

/// Columns of a payment.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Row {
    pub id: Uuid,
    pub order_id: String,
    pub state: String,
    pub last_attempt: i32,
    pub refunded_krw: i64,
    pub fee_krw: i64,
    pub failure_code: Option<String>,
    pub next_check_at: Option<DateTime<Utc>>,
}

impl Harness {
    /// Waits until the payment of a booking is in this state.
    pub async fn until(&self, booking: &Booking, state: &str) -> Row {
        eventually(WAIT_TIMEOUT, || async {
            self.row(booking).await.filter(|row| row.state == state)
        })
        .await
    }

    /// Returns the payment of the price of a booking.
    pub async fn row(&self, booking: &Booking) -> Option<Row> {
        self.row_where(&format!("booking_id = '{}' AND charge_id IS NULL", booking.id))
            .await
    }

    /// Returns the payment of a charge of this id.
    pub async fn charge_row(&self, charge_id: &str) -> Option<Row> {
        self.row_where(&format!("charge_id = '{charge_id}'")).await
    }

    async fn row_where(&self, condition: &str) -> Option<Row> {
        let sql = format!(
            "SELECT id, order_id, state, last_attempt, refunded_krw, fee_krw, failure_code, next_check_at FROM payments \
             WHERE {condition}"
        );
        self.rows(&sql).await.into_iter().next()
    }

    /// Advances the clock in small steps until the payment is in this state: for checks after a delay.
    pub async fn pass_time_until(&self, booking: &Booking, state: &str) -> Row {
        eventually(WAIT_TIMEOUT, || async {
            let row = self.row(booking).await.filter(|row| row.state == state);
            if row.is_none() {
                self.clock.advance(Duration::from_secs(1));
            }
            row
        })
        .await
    }

    /// Advances the clock in small steps until this much of the payment is refunded.
    pub async fn until_refunded(&self, booking: &Booking, refunded_krw: i64) -> Row {
        eventually(WAIT_TIMEOUT, || async {
            let row = self
                .row(booking)
                .await
                .filter(|row| row.refunded_krw == refunded_krw);
            if row.is_none() {
                self.clock.advance(Duration::from_secs(1));
            }
            row
        })
        .await
    }

    /// Returns the attempts of a payment: `billing captured`, `billing failed PROVIDER_ERROR`.
    pub async fn attempts(&self, row: &Row) -> Vec<String> {
        let sql = format!(
            "SELECT concat_ws(' ', kind, outcome, code) AS line FROM payment_attempts WHERE payment_id = '{}' ORDER BY number",
            row.id
        );
        self.lines(&sql).await
    }

    /// Returns the balances of the ledger: `platform_fee -6750`.
    pub async fn balances(&self) -> Vec<String> {
        let sql = "SELECT split_part(a.code, ':', 1) || ' ' || sum(e.amount_krw) AS line FROM ledger_entries e \
                   JOIN ledger_accounts a ON a.id = e.account_id GROUP BY split_part(a.code, ':', 1) ORDER BY 1";
        self.lines(sql).await
    }

    /// Returns the names of all published events of a booking, in order.
    pub async fn published_events(&self, booking: &Booking) -> Vec<String> {
        self.event_names(&booking.id).await
    }
}
