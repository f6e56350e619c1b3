//! What must be true of the books and the payments at every moment between transactions. Asked by tests after every
//! scenario and by the doctor while the service runs.
//!
//! Each query looks at what changed at or after `$1`.

use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, Statement};

use crate::error::Error;

/// A rule and the query that lists whatever breaks it.
struct Rule {
    name: &'static str,
    sql: &'static str,
}

/// What breaks a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Breach {
    /// Name of the rule.
    pub rule: &'static str,
    /// Id of the transaction, payment or booking at fault.
    pub subject: String,
}

const RULES: [Rule; 7] = [
    Rule {
        name: "every ledger transaction sums to zero",
        sql: "SELECT t.id::text AS subject FROM ledger_transactions t LEFT JOIN ledger_entries e ON e.transaction_id = t.id \
              WHERE t.occurred_at >= $1 GROUP BY t.id HAVING coalesce(sum(e.amount_krw), 0) <> 0 OR count(e.*) < 2",
    },
    Rule {
        name: "a booking is captured at most once",
        sql: "SELECT p.booking_id::text AS subject FROM payments p JOIN ledger_transactions t ON t.payment_id = p.id \
              WHERE p.updated_at >= $1 AND t.kind = 'capture' GROUP BY p.booking_id HAVING count(*) > 1",
    },
    Rule {
        name: "captured means booked",
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
        name: "refunds that are done are what was given back",
        sql: "SELECT p.id::text AS subject FROM payments p LEFT JOIN refunds r ON r.payment_id = p.id AND r.state = 'done' \
              WHERE p.updated_at >= $1 GROUP BY p.id HAVING coalesce(sum(r.amount_krw), 0) <> p.refunded_krw",
    },
    Rule {
        name: "an unknown outcome has an open attempt and is looked after",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND ((p.state = 'unknown') <> EXISTS \
              (SELECT 1 FROM payment_attempts a WHERE a.payment_id = p.id AND a.outcome = 'open') \
              OR (p.state = 'unknown' AND p.next_check_at IS NULL))",
    },
    Rule {
        name: "money of a closed booking is settled or on its way",
        sql: "SELECT p.id::text AS subject FROM payments p WHERE p.updated_at >= $1 AND p.closed_at IS NOT NULL \
              AND (p.state IN ('due', 'requested') OR p.state = 'completed' \
                   AND coalesce(p.closing_refund_krw, p.amount_krw) > 0 \
                   AND NOT EXISTS (SELECT 1 FROM refunds r WHERE r.payment_id = p.id AND r.state <> 'void'))",
    },
];

/// Everything that changed since then and breaks a rule; empty in health.
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
