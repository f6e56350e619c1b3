//! The table `refunds`.

use carshare_chassis::request_context::RequestContext;
use carshare_store::{ClaimedRow, Tx};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::NotSet;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, raw_sql,
};

use super::entity::refunds::{Column, Entity, Model};
use crate::domain::ids::{PaymentId, RefundId};
use crate::domain::refund::{Origin, Refund, RefundState};
use crate::error::Error;

/// A refund.
pub async fn find(conn: &impl ConnectionTrait, id: RefundId) -> Result<Option<Refund>, Error> {
    Entity::find_by_id(id.0)
        .one(conn)
        .await?
        .map(Refund::try_from)
        .transpose()
}

/// A refund, locked until the transaction ends. Lock its payment first.
pub async fn lock(tx: &Tx, id: RefundId) -> Result<Option<Refund>, Error> {
    Entity::find_by_id(id.0)
        .lock_exclusive()
        .one(tx.conn())
        .await?
        .map(Refund::try_from)
        .transpose()
}

/// The refund that is the provider's cancel of this key.
pub async fn exists_by_transaction_key(conn: &impl ConnectionTrait, key: &str) -> Result<bool, Error> {
    Ok(Entity::find()
        .filter(Column::TransactionKey.eq(key))
        .one(conn)
        .await?
        .is_some())
}

/// All refunds of a payment.
pub async fn list(conn: &impl ConnectionTrait, payment: PaymentId) -> Result<Vec<Refund>, Error> {
    let rows = Entity::find()
        .filter(Column::PaymentId.eq(payment.0))
        .all(conn)
        .await?;
    rows.into_iter().map(Refund::try_from).collect()
}

/// Stores a refund, with the correlation id and trace of what led to it.
pub async fn insert(tx: &Tx, refund: &Refund) -> Result<(), Error> {
    let scope = RequestContext::current();
    let row = Model {
        correlation_id: scope.as_ref().map(|scope| scope.correlation_id().to_owned()),
        traceparent: scope.and_then(|scope| scope.traceparent()),
        ..row(refund, tx.now())
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Writes a refund back. It was locked.
pub async fn update(tx: &Tx, refund: &Refund) -> Result<(), Error> {
    let mut row = row(refund, tx.now()).into_active_model().reset_all();
    (row.correlation_id, row.traceparent) = (NotSet, NotSet);
    row.update(tx.conn()).await?;
    Ok(())
}

/// Claims up to `limit` due refunds, oldest first, until `until`; other workers skip them meanwhile.
pub async fn claim(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
    limit: usize,
) -> Result<Vec<ClaimedRow>, Error> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let claim = raw_sql!(
        Postgres,
        r#"UPDATE refunds SET next_check_at = {until} WHERE id IN (
               SELECT id FROM refunds WHERE next_check_at <= {now}
               ORDER BY next_check_at LIMIT {limit} FOR UPDATE SKIP LOCKED
           ) RETURNING id, correlation_id, traceparent"#
    );
    Ok(ClaimedRow::find_by_statement(claim).all(conn).await?)
}

/// Returns when the next refund is due for a check.
pub async fn next_check_at(conn: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, Error> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<DateTime<Utc>>,
    }
    let next = Entity::find()
        .select_only()
        .column_as(Column::NextCheckAt.min(), "at")
        .into_model::<Next>();
    Ok(next.one(conn).await?.and_then(|next| next.at))
}

fn row(refund: &Refund, now: DateTime<Utc>) -> Model {
    Model {
        id: refund.id.0,
        payment_id: refund.payment_id.0,
        amount_krw: refund.amount_krw,
        origin: refund.origin.as_str().to_owned(),
        state: refund.state.as_str().to_owned(),
        attempt: refund.attempt,
        key_spent: refund.key_spent,
        transaction_key: refund.transaction_key.clone(),
        code: refund.code.clone(),
        next_check_at: refund.next_check_at,
        checks: refund.checks,
        correlation_id: None,
        traceparent: None,
        created_at: refund.created_at,
        updated_at: now,
    }
}

impl TryFrom<Model> for Refund {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let (Some(origin), Some(state)) = (Origin::parse(&row.origin), RefundState::parse(&row.state)) else {
            return Err(anyhow::anyhow!("refund {} cannot be read", row.id).into());
        };
        Ok(Self {
            id: RefundId(row.id),
            payment_id: PaymentId(row.payment_id),
            amount_krw: row.amount_krw,
            origin,
            state,
            attempt: row.attempt,
            key_spent: row.key_spent,
            transaction_key: row.transaction_key,
            code: row.code,
            next_check_at: row.next_check_at,
            checks: row.checks,
            created_at: row.created_at,
        })
    }
}
