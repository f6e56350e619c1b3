//! Table `payments`.

mod list;

use carshare_chassis::request_context::RequestContext;
use carshare_store::{Error as StoreError, Tx};
use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::NotSet;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

pub use list::{Owner, PaymentFilter, PaymentOrder, count, list};

use crate::domain::ids::{BookingId, ChargeId, GuestId, HostId, PaymentId};
use crate::domain::payment::{BookingEnd, Claim, Payment};
use crate::error::Error;
use crate::store::queue::Queue;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payments")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub booking_id: Uuid,
    pub charge_id: Option<Uuid>,
    pub guest_id: Uuid,
    pub host_id: Uuid,
    pub order_id: String,
    pub order_name: String,
    pub amount_krw: i64,
    pub fee_krw: i64,
    pub platform_discount_krw: i64,
    pub refunded_krw: i64,
    pub state: String,
    pub last_attempt: i32,
    pub payment_key: Option<String>,
    pub method: Option<String>,
    pub failure_code: Option<String>,
    pub due_at: DateTimeUtc,
    pub paid_at: Option<DateTimeUtc>,
    /// Written by [`super::settlement_items`] only.
    pub settled_at: Option<DateTimeUtc>,
    pub rental_ends_at: DateTimeUtc,
    pub refund_due_krw: Option<i64>,
    pub closed_at: Option<DateTimeUtc>,
    pub closing_refund_krw: Option<i64>,
    pub next_check_at: Option<DateTimeUtc>,
    pub checks: i32,
    pub next_reconciliation_at: Option<DateTimeUtc>,
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
    pub created_at: DateTimeUtc,
    pub updated_at: DateTimeUtc,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Payments to charge, or to look up because their outcome is unknown.
pub const CHECKS: Queue = Queue {
    table: "payments",
    due_column: "next_check_at",
    fenced: true,
};

/// Payments to compare with the provider.
pub const RECONCILIATIONS: Queue = Queue {
    table: "payments",
    due_column: "next_reconciliation_at",
    fenced: false,
};

pub async fn find(conn: &impl ConnectionTrait, id: PaymentId) -> Result<Option<Payment>, Error> {
    Entity::find_by_id(id.0)
        .one(conn)
        .await?
        .map(Payment::try_from)
        .transpose()
}

/// Finds the payment of the price of a booking.
pub async fn find_by_booking(
    conn: &impl ConnectionTrait,
    booking: BookingId,
) -> Result<Option<Payment>, Error> {
    let row = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .filter(Column::ChargeId.is_null())
        .one(conn)
        .await?;
    row.map(Payment::try_from).transpose()
}

/// Finds a payment by its order id, or by the provider's key when there is no order id.
pub async fn find_by_provider(
    conn: &impl ConnectionTrait,
    order_id: Option<&str>,
    payment_key: Option<&str>,
) -> Result<Option<Payment>, Error> {
    let by = match (order_id, payment_key) {
        (Some(order_id), _) => Column::OrderId.eq(order_id),
        (None, Some(payment_key)) => Column::PaymentKey.eq(payment_key),
        (None, None) => return Ok(None),
    };
    Entity::find()
        .filter(by)
        .one(conn)
        .await?
        .map(Payment::try_from)
        .transpose()
}

/// Locks a payment until the transaction ends.
pub async fn lock(tx: &Tx, id: PaymentId) -> Result<Payment, Error> {
    let row = Entity::find_by_id(id.0).lock_exclusive().one(tx.conn()).await?;
    row.ok_or(Error::PaymentNotFound)?.try_into()
}

/// Locks a payment until the transaction ends, and finds out whether the worker's claim is lost.
pub async fn lock_claimed(tx: &Tx, claim: Claim) -> Result<Payment, Error> {
    let mut payment = lock(tx, claim.id).await?;
    payment.claim_lost = payment.version != claim.version;
    Ok(payment)
}

/// Locks the payments of a booking until the transaction ends: of its price and of its changes.
pub async fn lock_all_of(tx: &Tx, booking: BookingId) -> Result<Vec<Payment>, Error> {
    let rows = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .all(tx.conn())
        .await?;
    rows.into_iter().map(Payment::try_from).collect()
}

/// Inserts a payment, unless its charge has one, with the current correlation id and trace: the worker continues them. Which constraint
/// says that a charge has one is left open, so that a later release can replace it.
pub async fn insert(tx: &Tx, payment: &Payment) -> Result<(), Error> {
    let context = RequestContext::current();
    let row = Model {
        correlation_id: context
            .as_ref()
            .map(|context| context.correlation_id().to_owned()),
        traceparent: context.and_then(|context| context.traceparent()),
        ..row(payment, tx.now())
    };
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Updates a payment. [`StoreError::Stale`] when its version changed since it was read.
pub async fn update(tx: &Tx, payment: &mut Payment) -> Result<(), Error> {
    let expected = payment.version;
    payment.version += 1;
    let mut row = row(payment, tx.now()).into_active_model().reset_all();
    (row.correlation_id, row.traceparent, row.next_reconciliation_at) = (NotSet, NotSet, NotSet);
    row.settled_at = NotSet;
    let updated = Entity::update_many()
        .set(row)
        .filter(Column::Id.eq(payment.id.0))
        .filter(Column::Version.eq(expected))
        .exec(tx.conn())
        .await?;
    Ok(StoreError::expect_one(updated.rows_affected)?)
}

/// Schedules a check at once. A worker that is checking the payment loses its claim, so that one more check follows.
pub async fn request_check(tx: &Tx, id: PaymentId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::NextCheckAt, Expr::value(tx.now()))
        .col_expr(Column::Version, Expr::col(Column::Version).add(1))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Schedules the next reconciliation; `None` ends them.
pub async fn schedule_reconciliation(
    tx: &Tx,
    id: PaymentId,
    next_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::NextReconciliationAt, Expr::value(next_at))
        .filter(Column::Id.eq(id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

fn row(payment: &Payment, now: DateTime<Utc>) -> Model {
    let payment = payment.clone();
    Model {
        id: payment.id.0,
        booking_id: payment.booking_id.0,
        charge_id: payment.charge_id.map(|id| id.0),
        guest_id: payment.guest_id.0,
        host_id: payment.host_id.0,
        order_id: payment.order_id,
        order_name: payment.order_name,
        amount_krw: payment.amount_krw,
        fee_krw: payment.fee_krw,
        platform_discount_krw: payment.platform_discount_krw,
        refunded_krw: payment.refunded_krw,
        state: payment.state.as_str().to_owned(),
        last_attempt: payment.last_attempt,
        payment_key: payment.payment_key,
        method: payment.method,
        failure_code: payment.failure_code,
        due_at: payment.due_at,
        paid_at: payment.paid_at,
        settled_at: payment.settled_at,
        rental_ends_at: payment.rental_ends_at,
        refund_due_krw: Some(payment.refund_due_krw).filter(|due| *due > 0),
        closed_at: payment.booking_end.map(|end| end.at),
        closing_refund_krw: payment.booking_end.and_then(|end| end.refund_krw),
        next_check_at: payment.next_check_at,
        checks: payment.checks,
        next_reconciliation_at: None,
        correlation_id: None,
        traceparent: None,
        created_at: payment.created_at,
        updated_at: now,
        version: payment.version,
    }
}

impl TryFrom<Model> for Payment {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let state = row
            .state
            .parse()
            .map_err(|_| anyhow::anyhow!("unknown payment state {}", row.state))?;
        Ok(Self {
            id: PaymentId(row.id),
            booking_id: BookingId(row.booking_id),
            charge_id: row.charge_id.map(ChargeId),
            guest_id: GuestId(row.guest_id),
            host_id: HostId(row.host_id),
            order_id: row.order_id,
            order_name: row.order_name,
            amount_krw: row.amount_krw,
            fee_krw: row.fee_krw,
            platform_discount_krw: row.platform_discount_krw,
            refunded_krw: row.refunded_krw,
            state,
            last_attempt: row.last_attempt,
            payment_key: row.payment_key,
            method: row.method,
            failure_code: row.failure_code,
            due_at: row.due_at,
            paid_at: row.paid_at,
            settled_at: row.settled_at,
            rental_ends_at: row.rental_ends_at,
            refund_due_krw: row.refund_due_krw.unwrap_or(0),
            booking_end: row.closed_at.map(|at| BookingEnd {
                at,
                refund_krw: row.closing_refund_krw,
            }),
            next_check_at: row.next_check_at,
            checks: row.checks,
            claim_lost: false,
            created_at: row.created_at,
            version: row.version,
        })
    }
}
