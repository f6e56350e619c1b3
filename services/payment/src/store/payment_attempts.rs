//! Table `payment_attempts`.

use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::Expr;
use sea_orm::{ConnectionTrait, IntoActiveModel as _};

use crate::domain::attempt::{Attempt, AttemptKind, AttemptOutcome};
use crate::domain::ids::{PaymentId, PaymentMethodId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_attempts")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub payment_id: Uuid,
    #[sea_orm(primary_key, auto_increment = false)]
    pub number: i32,
    pub kind: String,
    pub method_id: Option<Uuid>,
    pub payment_key: Option<String>,
    pub preceding_key: Option<String>,
    pub idempotency_key: String,
    pub key_spent: bool,
    pub outcome: String,
    pub code: Option<String>,
    pub started_at: DateTimeUtc,
    pub ended_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

pub async fn find(
    conn: &impl ConnectionTrait,
    payment: PaymentId,
    number: i32,
) -> Result<Option<Attempt>, Error> {
    Entity::find_by_id((payment.0, number))
        .one(conn)
        .await?
        .map(Attempt::try_from)
        .transpose()
}

/// Finds the open attempt; there is at most one.
pub async fn find_open(conn: &impl ConnectionTrait, payment: PaymentId) -> Result<Option<Attempt>, Error> {
    let open = Entity::find()
        .filter(Column::PaymentId.eq(payment.0))
        .filter(Column::Outcome.eq(AttemptOutcome::Open.as_str()));
    open.one(conn).await?.map(Attempt::try_from).transpose()
}

/// Returns whether an attempt with this card is open.
pub async fn exists_open_of_method(
    conn: &impl ConnectionTrait,
    method: PaymentMethodId,
) -> Result<bool, Error> {
    let open = Entity::find()
        .filter(Column::MethodId.eq(method.0))
        .filter(Column::Outcome.eq(AttemptOutcome::Open.as_str()));
    Ok(open.one(conn).await?.is_some())
}

/// Inserts a new attempt.
pub async fn insert(tx: &Tx, attempt: &Attempt) -> Result<(), Error> {
    let (method_id, payment_key) = match &attempt.kind {
        AttemptKind::Billing { method } => (Some(method.0), None),
        AttemptKind::Checkout { payment_key } => (None, Some(payment_key.clone())),
    };
    let row = Model {
        payment_id: attempt.payment_id.0,
        number: attempt.number,
        kind: attempt.kind.as_str().to_owned(),
        method_id,
        payment_key,
        preceding_key: attempt.preceding_key.clone(),
        idempotency_key: attempt.idempotency_key(),
        key_spent: attempt.key_spent,
        outcome: attempt.outcome.as_str().to_owned(),
        code: attempt.code.clone(),
        started_at: attempt.started_at,
        ended_at: None,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Updates an attempt that stays open.
pub async fn update_open(tx: &Tx, attempt: &Attempt, key_spent: bool, code: &str) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::KeySpent, Expr::value(key_spent))
        .col_expr(Column::Code, Expr::value(code))
        .filter(Column::PaymentId.eq(attempt.payment_id.0))
        .filter(Column::Number.eq(attempt.number))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Ends an attempt and counts it.
pub async fn end(
    tx: &Tx,
    attempt: &Attempt,
    outcome: AttemptOutcome,
    code: Option<&str>,
) -> Result<(), Error> {
    metrics::counter!("payment_attempts_total", "kind" => attempt.kind.as_str(), "outcome" => outcome.as_str())
        .increment(1);
    Entity::update_many()
        .col_expr(Column::Outcome, Expr::value(outcome.as_str()))
        .col_expr(Column::Code, Expr::value(code))
        .col_expr(Column::EndedAt, Expr::value(tx.now()))
        .filter(Column::PaymentId.eq(attempt.payment_id.0))
        .filter(Column::Number.eq(attempt.number))
        .exec(tx.conn())
        .await?;
    Ok(())
}

impl TryFrom<Model> for Attempt {
    type Error = Error;

    fn try_from(row: Model) -> Result<Self, Error> {
        let outcome = row.outcome.parse().ok();
        let kind = match (row.method_id, row.payment_key) {
            (Some(method), None) => Some(AttemptKind::Billing {
                method: PaymentMethodId(method),
            }),
            (None, Some(payment_key)) => Some(AttemptKind::Checkout { payment_key }),
            _ => None,
        };
        let (Some(outcome), Some(kind)) = (outcome, kind) else {
            return Err(anyhow::anyhow!("attempt {} of {} is invalid", row.number, row.payment_id).into());
        };
        Ok(Self {
            payment_id: PaymentId(row.payment_id),
            number: row.number,
            kind,
            preceding_key: row.preceding_key,
            key_spent: row.key_spent,
            outcome,
            code: row.code,
            started_at: row.started_at,
        })
    }
}
