//! Table `totp_credentials`: encrypted secrets of authenticator apps, and the attempts to use them.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, LockType, OnConflict};
use sea_orm::{IntoActiveModel as _, QuerySelect as _};

use crate::domain::UserId;
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "totp_credentials")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub user_id: Uuid,
    pub sealed_secret: Option<Vec<u8>>,
    pub sealed_pending: Option<Vec<u8>>,
    pub pending_expires_at: Option<ChronoDateTimeUtc>,
    pub last_step: i64,
    pub failures: i32,
    pub retry_at: Option<ChronoDateTimeUtc>,
}

#[derive(Clone, Copy, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Locks the credentials of a user until the transaction ends.
pub async fn lock(tx: &Tx, user: UserId) -> Result<Option<Model>, Error> {
    let found = Entity::find_by_id(user.0).lock(LockType::Update);
    Ok(found.one(tx.conn()).await?)
}

/// Stores a secret that is not used yet, in place of an earlier one.
pub async fn upsert_pending(
    tx: &Tx,
    user: UserId,
    sealed: &[u8],
    expires_at: DateTime<Utc>,
) -> Result<(), Error> {
    let row = Model {
        user_id: user.0,
        sealed_secret: None,
        sealed_pending: Some(sealed.to_vec()),
        pending_expires_at: Some(expires_at),
        last_step: 0,
        failures: 0,
        retry_at: None,
    };
    let mut replace = OnConflict::column(Column::UserId);
    replace.update_columns([Column::SealedPending, Column::PendingExpiresAt]);
    Entity::insert(row.into_active_model())
        .on_conflict(replace)
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Makes the pending secret the one in use, and its step the last accepted one.
pub async fn activate_pending(tx: &Tx, user: UserId, step: i64) -> Result<(), Error> {
    let update = Entity::update_many()
        .col_expr(Column::SealedSecret, Expr::col(Column::SealedPending))
        .col_expr(Column::SealedPending, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::PendingExpiresAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::UserId.eq(user.0));
    update.exec(tx.conn()).await?;
    accept(tx, user, step).await
}

/// Stores the step of an accepted code, and that no attempt has failed since.
pub async fn accept(tx: &Tx, user: UserId, step: i64) -> Result<(), Error> {
    let update = Entity::update_many()
        .col_expr(Column::LastStep, Expr::value(step))
        .col_expr(Column::Failures, Expr::value(0))
        .col_expr(Column::RetryAt, Expr::value(None::<DateTime<Utc>>))
        .filter(Column::UserId.eq(user.0));
    update.exec(tx.conn()).await?;
    Ok(())
}

/// Stores the number of attempts and when the next one may be made.
pub async fn update_attempts(
    tx: &Tx,
    user: UserId,
    failures: i32,
    retry_at: Option<DateTime<Utc>>,
) -> Result<(), Error> {
    let update = Entity::update_many()
        .col_expr(Column::Failures, Expr::value(failures))
        .col_expr(Column::RetryAt, Expr::value(retry_at))
        .filter(Column::UserId.eq(user.0));
    update.exec(tx.conn()).await?;
    Ok(())
}

pub async fn delete(tx: &Tx, user: UserId) -> Result<(), Error> {
    Entity::delete_by_id(user.0).exec(tx.conn()).await?;
    Ok(())
}
