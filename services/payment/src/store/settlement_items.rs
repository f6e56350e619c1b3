//! Table `settlement_items`, and what is settled of each payment in `payments`.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value, raw_sql};
use uuid::Uuid;

use crate::domain::ids::{HostId, PaymentId, SettlementId};
use crate::domain::settlement::{Item, Share};
use crate::error::Error;

/// Condition of the payments `p` to settle, of rentals or bookings that ended by `$1`: their share differs from what is settled of it, and no
/// refund is in progress. It names the expression of the partial index `payments_to_settle`.
const DUE: &str = "p.paid_at IS NOT NULL AND p.amount_krw - p.refunded_krw - p.fee_krw <> p.settled_krw \
    AND coalesce(p.closed_at, p.rental_ends_at) <= $1 \
    AND NOT EXISTS (SELECT FROM refunds r WHERE r.payment_id = p.id AND r.state IN ('due', 'unknown'))";

/// An item of a settlement with its payment.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct PaidItem {
    pub payment_id: Uuid,
    pub booking_id: Uuid,
    pub charge_id: Option<Uuid>,
    /// Captured.
    pub payment_krw: i64,
    pub refunded_krw: i64,
    pub fee_krw: i64,
    /// The host's share.
    pub settled_krw: i64,
    /// What the settlement pays of it.
    pub amount_krw: i64,
}

#[derive(FromQueryResult)]
struct ShareRow {
    payment_id: Uuid,
    amount_krw: i64,
    refunded_krw: i64,
    fee_krw: i64,
    settled_krw: i64,
    items: i32,
}

/// Lists up to `limit` hosts who are to be paid for rentals and bookings that ended by `ended_by`, by id.
pub async fn list_due_hosts(
    conn: &impl ConnectionTrait,
    ended_by: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<HostId>, Error> {
    let sql = format!(
        "SELECT p.host_id FROM payments p WHERE {DUE} GROUP BY p.host_id \
         HAVING sum(p.amount_krw - p.refunded_krw - p.fee_krw - p.settled_krw) > 0 ORDER BY p.host_id LIMIT $2"
    );
    let rows = conn
        .query_all_raw(statement(&sql, [ended_by.into(), (limit as i64).into()]))
        .await?;
    rows.iter()
        .map(|row| Ok(HostId(row.try_get("", "host_id")?)))
        .collect()
}

/// Locks the payments of a host to settle until the transaction ends, and returns them in the order of their ids.
pub async fn lock_due(tx: &Tx, host: HostId, ended_by: DateTime<Utc>) -> Result<Vec<Share>, Error> {
    let sql =
        format!("SELECT p.id FROM payments p WHERE p.host_id = $2 AND {DUE} ORDER BY p.id FOR UPDATE OF p");
    let rows = tx
        .conn()
        .query_all_raw(statement(&sql, [ended_by.into(), host.0.into()]))
        .await?;
    let ids: Vec<Uuid> = rows
        .iter()
        .map(|row| row.try_get("", "id"))
        .collect::<Result<_, _>>()?;
    // A statement of its own, which sees the refunds that were committed while the first one waited for its locks.
    let sql = format!(
        "SELECT p.id AS payment_id, p.amount_krw, p.refunded_krw, p.fee_krw, p.settled_krw, \
             (SELECT coalesce(max(i.number), 0) FROM settlement_items i WHERE i.payment_id = p.id) AS items \
         FROM payments p WHERE p.id = ANY($2) AND {DUE} ORDER BY p.id"
    );
    let rows = ShareRow::find_by_statement(statement(&sql, [ended_by.into(), ids.into()]));
    let rows = rows.all(tx.conn()).await?;
    Ok(rows.into_iter().map(Share::from).collect())
}

/// Inserts the items of a settlement, and updates what is settled of their payments. Fails if one of them does not follow the last item of its
/// payment.
pub async fn insert_all(tx: &Tx, settlement: SettlementId, items: &[Item]) -> Result<(), Error> {
    let sql = "INSERT INTO settlement_items (settlement_id, payment_id, number, refunded_krw, fee_krw, settled_before_krw, settled_krw, amount_krw) \
               SELECT $1, i.payment_id, i.number, i.refunded, i.fee, i.settled_before, i.settled, i.settled - i.settled_before \
               FROM unnest($2::uuid[], $3::integer[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) \
                   AS i (payment_id, number, refunded, fee, settled_before, settled)";
    let won = |won: fn(&Item) -> i64| -> Value { items.iter().map(won).collect::<Vec<i64>>().into() };
    let values = [
        settlement.0.into(),
        items
            .iter()
            .map(|item| item.payment_id.0)
            .collect::<Vec<Uuid>>()
            .into(),
        items.iter().map(|item| item.number).collect::<Vec<i32>>().into(),
        won(|item| item.refunded_krw),
        won(|item| item.fee_krw),
        won(|item| item.settled_before_krw),
        won(|item| item.settled_krw),
    ];
    tx.conn().execute_raw(statement(sql, values)).await?;
    let (id, now) = (settlement.0, tx.now());
    let update = raw_sql!(
        Postgres,
        r#"UPDATE payments p SET settled_krw = i.settled_krw, updated_at = {now} FROM settlement_items i
           WHERE i.settlement_id = {id} AND p.id = i.payment_id AND p.settled_krw = i.settled_before_krw"#
    );
    let updated = tx.conn().execute_raw(update).await?.rows_affected();
    if updated != items.len() as u64 {
        return Err(
            anyhow::anyhow!("{updated} of {} payments of settlement {id} updated", items.len()).into(),
        );
    }
    Ok(())
}

/// Sets the time at which the payments of a settlement were paid to the host. They are locked in the order in which all transactions lock them.
pub async fn set_settled_at(tx: &Tx, settlement: SettlementId, paid_at: DateTime<Utc>) -> Result<(), Error> {
    let (id, now) = (settlement.0, tx.now());
    let update = raw_sql!(
        Postgres,
        r#"WITH paid AS (
               SELECT p.id FROM payments p JOIN settlement_items i ON i.payment_id = p.id
               WHERE i.settlement_id = {id} ORDER BY p.id FOR UPDATE OF p
           )
           UPDATE payments SET settled_at = {paid_at}, updated_at = {now} FROM paid WHERE payments.id = paid.id"#
    );
    tx.conn().execute_raw(update).await?;
    Ok(())
}

/// Lists the items of a settlement in the order in which their payments were created.
pub async fn list(conn: &impl ConnectionTrait, settlement: SettlementId) -> Result<Vec<PaidItem>, Error> {
    let id = settlement.0;
    let items = PaidItem::find_by_statement(raw_sql!(
        Postgres,
        r#"SELECT i.payment_id, p.booking_id, p.charge_id, p.amount_krw AS payment_krw, i.refunded_krw, i.fee_krw, i.settled_krw,
                  i.amount_krw
           FROM settlement_items i JOIN payments p ON p.id = i.payment_id WHERE i.settlement_id = {id} ORDER BY i.payment_id"#
    ));
    Ok(items.all(conn).await?)
}

fn statement(sql: &str, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}

impl From<ShareRow> for Share {
    fn from(row: ShareRow) -> Self {
        Self {
            payment_id: PaymentId(row.payment_id),
            amount_krw: row.amount_krw,
            refunded_krw: row.refunded_krw,
            fee_krw: row.fee_krw,
            settled_krw: row.settled_krw,
            items: row.items,
        }
    }
}
