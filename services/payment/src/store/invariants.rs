//! Invariants between payments, attempts, refunds, settlements and the ledger. Tests check them after every scenario,
//! [`crate::jobs`] while the service runs.
//!
//! Each query looks at rows changed at or after `$1`.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::error::Error;

/// An invariant and the query for its violations.
struct Rule {
    name: &'static str,
    sql: &'static str,
}

/// A violation of an invariant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Name of the invariant.
    pub rule: &'static str,
    /// Id of the ledger transaction, payment or booking.
    pub subject: String,
}

const RULES: [Rule; 13] = [
    Rule {
        name: "every ledger transaction sums to zero",
        sql: "SELECT t.id::text AS subject FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id \
              WHERE t.occurred_at >= $1 GROUP BY t.id HAVING coalesce(sum(e.amount_krw), 0) <> 0 OR count(e.*) < 2",
    },
    Rule {
        name: "a booking, and each change of it, is captured at most once",
        sql: "SELECT p.booking_id::text AS subject FROM payments p JOIN ledger_transactions t ON t.payment_id = p.id \
              WHERE p.updated_at >= $1 AND t.kind = 'capture' GROUP BY p.booking_id, p.charge_id HAVING count(*) > 1",
    },
    Rule {
        name: "captured payments are posted",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND (p.paid_at IS NOT NULL) <> EXISTS \
              (SELECT 1 FROM ledger_transactions t WHERE t.payment_id = p.id AND t.kind = 'capture')",
    },
    Rule {
        name: "captured - refunded = fee + host",
        sql: "SELECT p.id::text AS subject FROM payments p \
              JOIN ledger_transactions t ON t.payment_id = p.id \
              JOIN ledger_entries e ON e.transaction_id = t.id JOIN ledger_accounts a ON a.id = e.account_id \
              WHERE p.updated_at >= $1 GROUP BY p.id HAVING \
                coalesce(sum(e.amount_krw) FILTER (WHERE a.code = 'provider_clearing'), 0) \
                  <> p.amount_krw - p.refunded_krw \
                OR -coalesce(sum(e.amount_krw) FILTER (WHERE a.code = 'platform_fee'), 0) <> p.fee_krw \
                OR -coalesce(sum(e.amount_krw) FILTER (WHERE a.code = 'host_payable:' || p.host_id), 0) \
                  <> p.amount_krw - p.refunded_krw - p.fee_krw",
    },
    Rule {
        name: "completed refunds add up to the refunded amount",
        sql: "SELECT p.id::text AS subject FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id AND r.state = 'done' \
              WHERE p.updated_at >= $1 GROUP BY p.id HAVING coalesce(sum(r.amount_krw), 0) <> p.refunded_krw",
    },
    Rule {
        name: "an unknown outcome has an open attempt and a scheduled check",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND ((p.state = 'unknown') <> EXISTS \
              (SELECT 1 FROM payment_attempts a WHERE a.payment_id = p.id AND a.outcome = 'open') \
              OR (p.state = 'unknown' AND p.next_check_at IS NULL))",
    },
    Rule {
        name: "payments of closed bookings are settled or being refunded",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND p.closed_at IS NOT NULL \
              AND (p.state IN ('due', 'requested') OR p.paid_at IS NOT NULL \
                   AND least(coalesce(p.closing_refund_krw, p.amount_krw), p.amount_krw) > p.refunded_krw \
                   AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.state IN ('due', 'unknown')))",
    },
    Rule {
        name: "what changes of a booking take off is refunded or being refunded",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND p.paid_at IS NOT NULL \
              AND p.refund_due_krw > p.refunded_krw \
              AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.state IN ('due', 'unknown'))",
    },
    Rule {
        name: "payments refunded in part are those whose booking ended",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND p.state = 'refunded' \
              AND p.refunded_krw < p.amount_krw \
              AND (p.closed_at IS NULL OR p.refunded_krw < coalesce(p.closing_refund_krw, p.amount_krw))",
    },
    Rule {
        name: "the items of a settlement add up to it",
        sql: "SELECT s.id::text AS subject FROM settlements s LEFT JOIN settlement_items i ON i.settlement_id = s.id \
              WHERE s.updated_at >= $1 GROUP BY s.id \
              HAVING coalesce(sum(i.amount_krw), 0) <> s.amount_krw OR count(i.*) <> s.payment_count",
    },
    Rule {
        name: "settlements settle captured payments of their hosts, each by its share",
        sql: "SELECT s.id::text AS subject FROM settlements s JOIN settlement_items i ON i.settlement_id = s.id \
              JOIN payments p ON p.id = i.payment_id WHERE s.updated_at >= $1 \
              AND (p.host_id <> s.host_id OR p.paid_at IS NULL OR i.settled_krw <> p.amount_krw - i.refunded_krw - i.fee_krw)",
    },
    Rule {
        name: "a payment is settled as its last item says, which is its share but for later refunds",
        sql: "SELECT p.id::text AS subject FROM payments p LEFT JOIN LATERAL (SELECT i.settled_krw, i.refunded_krw, i.fee_krw \
              FROM settlement_items i WHERE i.payment_id = p.id ORDER BY i.number DESC LIMIT 1) i ON true \
              WHERE p.updated_at >= $1 AND (p.settled_krw <> coalesce(i.settled_krw, 0) OR i.refunded_krw > p.refunded_krw \
                OR i.refunded_krw = p.refunded_krw AND i.fee_krw <> p.fee_krw)",
    },
    Rule {
        name: "settlements and payouts are posted",
        sql: "SELECT s.id::text AS subject FROM settlements s LEFT JOIN ledger_transactions t ON t.settlement_id = s.id \
              LEFT JOIN ledger_entries e ON e.transaction_id = t.id LEFT JOIN ledger_accounts a ON a.id = e.account_id \
              WHERE s.updated_at >= $1 GROUP BY s.id HAVING \
                coalesce(sum(e.amount_krw) FILTER (WHERE a.code = 'host_payable:' || s.host_id), 0) <> s.amount_krw \
                OR -coalesce(sum(e.amount_krw) FILTER (WHERE a.code = 'payouts_in_transit'), 0) \
                  <> CASE s.state WHEN 'created' THEN s.amount_krw ELSE 0 END \
                OR -coalesce(sum(e.amount_krw) FILTER (WHERE a.code = 'provider_clearing'), 0) \
                  <> CASE s.state WHEN 'paid' THEN s.amount_krw ELSE 0 END",
    },
];

/// Returns the violations among rows changed at or after `since`.
pub async fn breaches(conn: &impl ConnectionTrait, since: DateTime<Utc>) -> Result<Vec<Breach>, Error> {
    let mut breaches = Vec::new();
    for rule in &RULES {
        let query = Statement::from_sql_and_values(DbBackend::Postgres, rule.sql, [since.into()]);
        let rows = conn.query_all_raw(query).await?;
        for row in rows {
            breaches.push(Breach {
                rule: rule.name,
                subject: row.try_get("", "subject")?,
            });
        }
    }
    Ok(breaches)
}
