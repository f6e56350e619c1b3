//! Table `refunds`.

use carshare_chassis::request_context::RequestContext;
use carshare_store::{Error as StoreError, Tx};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::NotSet;
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QuerySelect as _, raw_sql};

use crate::domain::ids::{PaymentId, RefundId};
use crate::domain::refund::{Refund, RefundState};
use crate::error::Error;
use crate::store::queue::Queue;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "refunds")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub payment_id: Uuid,
    pub amount_krw: i64,
    pub origin: String,
    pub state: String,
    pub attempt: i32,
    pub key_spent: bool,
    pub transaction_key: Option<String>,
    pub code: Option<String>,
    pub next_check_at: Option<DateTimeUtc>,
    pub checks: i32,
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Refunds to make, or to look up because their outcome is unknown.
pub const CHECKS: Queue = Queue {
    table: "refunds",
    due_column: "next_check_at",
    fenced: true,
};

pub async fn find(conn: &impl ConnectionTrait, id: RefundId) -> Result<Option<Refund>, Error> {
    Entity::find_by_id(id.0)
        .one(conn)
        .await?
        .map(Refund::try_from)
        .transpose()
}

/// Locks a refund until the transaction ends. The payment has to be locked first, in every transaction.
pub async fn lock(tx: &Tx, id: RefundId) -> Result<Option<Refund>, Error> {
    Entity::find_by_id(id.0)
        .lock_exclusive()
        .one(tx.conn())
        .await?
        .map(Refund::try_from)
        .transpose()
}

/// Returns the sum of the refunds of a payment that are not completed, and will be made.
pub async fn open_krw(conn: &impl ConnectionTrait, payment: PaymentId) -> Result<i64, Error> {
    let open = raw_sql!(
        Postgres,
        "SELECT coalesce(sum(amount_krw), 0)::bigint FROM refunds WHERE payment_id = {payment.0} AND state IN ('due', 'unknown')"
    );
    let row = conn.query_one_raw(open).await?;
    Ok(row.map_or(Ok(0), |row| row.try_get_by_index(0))?)
}

/// Returns whether the provider was called for a refund of the payment and the outcome is unknown.
pub async fn is_one_in_progress(conn: &impl ConnectionTrait, payment: PaymentId) -> Result<bool, Error> {
    let in_progress = Entity::find()
        .filter(Column::PaymentId.eq(payment.0))
        .filter(Column::State.eq(RefundState::Unknown.as_str()));
    Ok(in_progress.one(conn).await?.is_some())
}

/// Returns whether the cancel of this key is recorded.
pub async fn exists_by_transaction_key(conn: &impl ConnectionTrait, key: &str) -> Result<bool, Error> {
    Ok(Entity::find()
        .filter(Column::TransactionKey.eq(key))
        .one(conn)
        .await?
        .is_some())
}

/// Inserts a refund with the current correlation id and trace: the worker continues them.
pub async fn insert(tx: &Tx, refund: &Refund) -> Result<(), Error> {
    let context = RequestContext::current();
    let row = Model {
        correlation_id: context
            .as_ref()
            .map(|context| context.correlation_id().to_owned()),
        traceparent: context.and_then(|context| context.traceparent()),
        ..row(refund, tx.now())
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Updates a refund. [`StoreError::Stale`] when its version changed since it was read.
pub async fn update(tx: &Tx, refund: &mut Refund) -> Result<(), Error> {
    let expected = refund.version;
    refund.version += 1;
    let mut row = row(refund, tx.now()).into_active_model().reset_all();
    (row.correlation_id, row.traceparent) = (NotSet, NotSet);
    let updated = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(refund.id.0))
        .filter(Column::Version.eq(expected))
        .exec(tx.conn())
        .await?;
    Ok(StoreError::expect_one(updated.rows_affected)?)
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
        version: refund.version,
    }
}

impl TryFrom<Model> for Refund {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let (Some(origin), Some(state)) = (row.origin.parse().ok(), row.state.parse().ok()) else {
            return Err(anyhow::anyhow!("refund {} is invalid", row.id).into());
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
            version: row.version,
        })
    }
}
