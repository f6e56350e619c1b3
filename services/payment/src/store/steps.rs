//! What became of the payments of a booking, read from the tables `payments`, `payment_attempts` and `refunds`.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::domain::ids::BookingId;
use crate::error::Error;

/// A step of a payment.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct Step {
    /// `due`, `attempt_failed`, `captured`, `refund_due` or `refunded`.
    pub kind: String,
    pub occurred_at: DateTime<Utc>,
    pub amount_krw: i64,
    /// The provider's code of a failed attempt.
    pub failure_code: Option<String>,
    /// The change that is charged.
    pub charge_id: Option<Uuid>,
    /// Of the request that led to the payment or the refund.
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
}

/// Lists the steps of the payments of a booking, oldest first. A refund that was made in the provider's console was never due. The provider
/// says when it captured in whole seconds, which may be before the payment was due by the clock of the database: then that is the time.
pub async fn list(conn: &impl ConnectionTrait, booking: BookingId) -> Result<Vec<Step>, Error> {
    let id = booking.0;
    let steps = Step::find_by_statement(raw_sql!(
        Postgres,
        r#"WITH payment AS (SELECT * FROM payments WHERE booking_id = {id}),
           refund AS (SELECT r.*, p.charge_id FROM refunds r JOIN payment p ON p.id = r.payment_id)
           SELECT 'due' AS kind, created_at AS occurred_at, amount_krw, NULL AS failure_code, charge_id, correlation_id, traceparent,
                  0 AS step
               FROM payment
           UNION ALL SELECT 'attempt_failed', a.ended_at, p.amount_krw, a.code, p.charge_id, p.correlation_id, p.traceparent, 1
               FROM payment_attempts a JOIN payment p ON p.id = a.payment_id
               WHERE a.outcome IN ('declined', 'failed', 'given_up')
           UNION ALL SELECT 'captured', greatest(paid_at, created_at), amount_krw, NULL, charge_id, correlation_id, traceparent, 2
               FROM payment WHERE paid_at IS NOT NULL
           UNION ALL SELECT 'refund_due', created_at, amount_krw, NULL, charge_id, correlation_id, traceparent, 3
               FROM refund WHERE origin <> 'provider' AND state <> 'void'
           UNION ALL SELECT 'refunded', updated_at, amount_krw, NULL, charge_id, correlation_id, traceparent, 4
               FROM refund WHERE state = 'done'
           ORDER BY occurred_at, step"#
    ));
    Ok(steps.all(conn).await?)
}
