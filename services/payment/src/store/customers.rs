//! Table `customers`: guests as known to the payment provider.

use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QuerySelect as _};

use crate::domain::ids::GuestId;
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub guest_id: Uuid,
    pub customer_key: String,
    pub created_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Returns the customer key of a guest.
pub async fn find(conn: &impl ConnectionTrait, guest: GuestId) -> Result<Option<String>, Error> {
    let row = Entity::find_by_id(guest.0).one(conn).await?;
    Ok(row.map(|row| row.customer_key))
}

/// Locks a guest until the transaction ends. Attempts and deletions of cards take this lock, so that no attempt begins with a deleted card.
pub async fn lock(tx: &Tx, guest: GuestId) -> Result<(), Error> {
    let row = Entity::find_by_id(guest.0).lock(LockType::NoKeyUpdate);
    row.one(tx.conn()).await?;
    Ok(())
}

/// Returns the customer key of a guest; inserts `new_key` when there is none.
pub async fn find_or_insert(tx: &Tx, guest: GuestId, new_key: &str) -> Result<String, Error> {
    let row = Model {
        guest_id: guest.0,
        customer_key: new_key.to_owned(),
        created_at: tx.now(),
    };
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::GuestId).do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    find(tx.conn(), guest)
        .await?
        .ok_or_else(|| anyhow::anyhow!("an inserted customer is missing").into())
}
