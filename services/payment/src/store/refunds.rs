//! The table `refunds`.

use carshare_chassis::request_context::RequestContext;
use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::NotSet;
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, DbBackend, EntityTrait as _, FromQueryResult,
    IntoActiveModel as _, QueryFilter as _, QuerySelect as _, Statement,
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
    let scope = Scope::current();
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

/// Takes the refund that has waited longest, for as long as `until`. Other workers pass it by meanwhile.
pub async fn claim(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    until: DateTime<Utc>,
) -> Result<Option<RefundId>, Error> {
    let sql = "UPDATE refunds SET next_look_at = $2 WHERE id = \
        (SELECT id FROM refunds WHERE next_look_at <= $1 ORDER BY next_look_at LIMIT 1 FOR UPDATE SKIP LOCKED) \
        RETURNING id";
    let claim = Statement::from_sql_and_values(DbBackend::Postgres, sql, [now.into(), until.into()]);
    let row = conn.query_one_raw(claim).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?.map(RefundId))
}

/// When the next refund is to be looked at.
pub async fn next_look_at(conn: &impl ConnectionTrait) -> Result<Option<DateTime<Utc>>, Error> {
    #[derive(FromQueryResult)]
    struct Next {
        at: Option<DateTime<Utc>>,
    }
    let next = Entity::find()
        .select_only()
        .column_as(Column::NextLookAt.min(), "at")
        .into_model::<Next>();
    Ok(next.one(conn).await?.and_then(|next| next.at))
}

/// The surroundings for work on a refund: those of what led to it.
pub async fn scope(conn: &impl ConnectionTrait, id: RefundId) -> Result<Scope, Error> {
    let row = Entity::find_by_id(id.0).one(conn).await?;
    let (correlation_id, traceparent) = row
        .map(|row| (row.correlation_id, row.traceparent))
        .unwrap_or_default();
    Ok(Scope::background(
        correlation_id.unwrap_or_else(|| id.to_string()),
        traceparent.as_deref(),
    ))
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
        next_look_at: refund.next_look_at,
        looks: refund.looks,
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
            next_look_at: row.next_look_at,
            looks: row.looks,
            created_at: row.created_at,
        })
    }
}
