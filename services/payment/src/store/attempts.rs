//! The table `payment_attempts`.

use carshare_store::Tx;
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
};

use super::entity::payment_attempts::{Column, Entity, Model};
use crate::domain::attempt::{Attempt, Kind, Outcome};
use crate::domain::ids::{MethodId, PaymentId};
use crate::error::Error;

/// An attempt by its number.
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

/// The attempt whose outcome is not known.
pub async fn find_open(conn: &impl ConnectionTrait, payment: PaymentId) -> Result<Option<Attempt>, Error> {
    let open = Entity::find()
        .filter(Column::PaymentId.eq(payment.0))
        .filter(Column::Outcome.eq(Outcome::Open.as_str()));
    open.one(conn).await?.map(Attempt::try_from).transpose()
}

/// The attempt by the window that returned this key, the latest if there are several.
pub async fn find_by_window(
    conn: &impl ConnectionTrait,
    payment: PaymentId,
    payment_key: &str,
) -> Result<Option<Attempt>, Error> {
    let of_window = Entity::find()
        .filter(Column::PaymentId.eq(payment.0))
        .filter(Column::PaymentKey.eq(payment_key));
    of_window
        .order_by_desc(Column::Number)
        .one(conn)
        .await?
        .map(Attempt::try_from)
        .transpose()
}

/// Stores an attempt that begins.
pub async fn insert(tx: &Tx, attempt: &Attempt) -> Result<(), Error> {
    let (method_id, payment_key) = match &attempt.kind {
        Kind::Billing { method } => (Some(method.0), None),
        Kind::Window { payment_key } => (None, Some(payment_key.clone())),
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

/// Notes what kept the outcome from being known.
pub async fn note(tx: &Tx, attempt: &Attempt, key_spent: bool, code: &str) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::KeySpent, Expr::value(key_spent))
        .col_expr(Column::Code, Expr::value(code))
        .filter(Column::PaymentId.eq(attempt.payment_id.0))
        .filter(Column::Number.eq(attempt.number))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Ends an attempt.
pub async fn end(tx: &Tx, attempt: &Attempt, outcome: Outcome, code: Option<&str>) -> Result<(), Error> {
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
        let outcome = Outcome::parse(&row.outcome);
        let kind = match (row.method_id, row.payment_key) {
            (Some(method), None) => Some(Kind::Billing {
                method: MethodId(method),
            }),
            (None, Some(payment_key)) => Some(Kind::Window { payment_key }),
            _ => None,
        };
        let (Some(outcome), Some(kind)) = (outcome, kind) else {
            return Err(
                anyhow::anyhow!("attempt {} of {} cannot be read", row.number, row.payment_id).into(),
            );
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
