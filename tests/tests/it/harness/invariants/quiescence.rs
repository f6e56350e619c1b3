//! Quiescence: no event is in progress, no charge and no refund is open. Only then are the services' states comparable.

use carshare_testkit::eventually_true;
use tokio::time::timeout;

use crate::harness::TIMEOUT;
use crate::harness::deployment::Deployment;
use crate::harness::sql::Sql;

/// Publishers and the services that consume their events.
const CONSUMERS: [(&str, &[&str]); 4] = [
    ("auth", &["booking", "notification", "vehicle"]),
    ("vehicle", &["booking", "notification"]),
    ("booking", &["notification", "payment", "vehicle"]),
    ("payment", &["booking", "notification"]),
];

/// Open charges and refunds.
const OPEN: &str = "\
    SELECT 'payment ' || state || ' ' || id FROM payment.payments WHERE state IN ('due', 'unknown') \
    UNION ALL SELECT 'refund ' || state || ' ' || id FROM payment.refunds WHERE state IN ('due', 'unknown')";

pub async fn wait(mesh: &impl Deployment) {
    let sql = Sql::of(mesh);
    let quiescent = eventually_true(TIMEOUT * 2, || async { unfinished(&sql).await.is_empty() });
    let in_time = timeout(TIMEOUT, quiescent).await;
    assert!(in_time.is_ok(), "not quiescent: {:#?}", unfinished(&sql).await);
}

/// Lists what is not finished.
///
/// Cursors are compared between two counts of the published events: an event that a consumer published meanwhile shows in
/// the second.
pub async fn unfinished(sql: &Sql) -> Vec<String> {
    let before = sql.published().await;
    let mut open = Vec::new();
    for (source, consumers) in CONSUMERS {
        for consumer in consumers {
            open.extend(sql.query(behind(source, consumer)).await);
        }
    }
    open.extend(sql.texts(OPEN).await);
    if sql.published().await != before {
        open.push("new events".to_owned());
    }
    open
}

/// Keys whose last event the consumer has not handled.
fn behind(source: &str, consumer: &str) -> String {
    format!(
        "SELECT '{consumer} is behind {source} ' || s.key FROM {source}.event_sequences s \
         LEFT JOIN {consumer}.inbox_cursors c ON c.source = '{source}' AND c.key = s.key \
         WHERE coalesce(c.handled_seq, 0) < s.last_seq"
    )
}

/// Events that a consumer has given up.
pub(super) async fn dead_letters(sql: &Sql) -> Vec<String> {
    let mut dead = Vec::new();
    for consumer in ["booking", "notification", "payment", "vehicle"] {
        let letters = format!(
            "SELECT 'no event is dead-lettered: ' || name || ' by {consumer}' FROM {consumer}.inbox \
             WHERE dead_at IS NOT NULL"
        );
        dead.extend(sql.query(letters).await);
    }
    dead
}
