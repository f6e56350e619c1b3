//! What is unsettled of a user, from the tables of payments, refunds, settlements and the ledger.

use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};

use crate::domain::ids::HostId;
use crate::domain::ledger::Account;
use crate::error::Error;

/// What is unsettled of a user, as guest and as host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromQueryResult)]
pub struct Unsettled {
    /// Payments that may still be charged, whose outcome is unknown, or whose refund is not finished, and settlements that are not paid.
    pub in_progress: i64,
    /// Earned as host and not paid: not settled, or in a settlement that is not paid. Negative if refunds have taken back more than is left.
    pub payable_krw: i64,
}

pub async fn find(conn: &impl ConnectionTrait, user: HostId) -> Result<Unsettled, Error> {
    let (id, account) = (user.0, Account::HostPayable(user).code());
    let find = Unsettled::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT (SELECT count(*) FROM payments p WHERE (p.guest_id = {id} OR p.host_id = {id})
                   AND (p.state IN ('due', 'requested', 'unknown')
                        OR p.paid_at IS NOT NULL AND p.refund_due_krw > p.refunded_krw
                        OR p.closed_at IS NOT NULL AND p.paid_at IS NOT NULL
                           AND least(coalesce(p.closing_refund_krw, p.amount_krw), p.amount_krw) > p.refunded_krw
                        OR EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id AND r.state IN ('due', 'unknown'))))
                  + unpaid.count AS in_progress,
                  (SELECT coalesce(-sum(e.amount_krw), 0)::bigint FROM ledger_entries e
                   JOIN ledger_accounts a ON a.id = e.account_id WHERE a.code = {account})
                  + unpaid.krw AS payable_krw
           FROM (SELECT count(*) AS count, coalesce(sum(amount_krw), 0)::bigint AS krw FROM settlements
                 WHERE host_id = {id} AND state = 'created') unpaid"#
    ));
    Ok(find.one(conn).await?.unwrap_or_default())
}
