//! Table `customers`: guests as known to the payment provider.

use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{LockType, OnConflict};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QuerySelect as _, raw_sql};

use crate::domain::ids::GuestId;
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "customers")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub guest_id: Uuid,
    /// `None` for a guest that was closed before they needed one.
    pub customer_key: Option<String>,
    pub created_at: DateTimeUtc,
    /// Set when the account was deleted.
    pub closed_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// Finds a guest, closed or not.
pub async fn find(conn: &impl ConnectionTrait, guest: GuestId) -> Result<Option<Model>, Error> {
    Ok(Entity::find_by_id(guest.0).one(conn).await?)
}

/// Locks and returns a guest until the transaction ends. Attempts, registrations and deletions of cards take this lock, so that no attempt
/// begins with a deleted card, and no card is stored for a deleted guest.
pub async fn lock(tx: &Tx, guest: GuestId) -> Result<Option<Model>, Error> {
    let row = Entity::find_by_id(guest.0).lock(LockType::NoKeyUpdate);
    Ok(row.one(tx.conn()).await?)
}

/// Returns the guest; inserts them with `new_key` when there is none.
pub async fn find_or_insert(tx: &Tx, guest: GuestId, new_key: &str) -> Result<Model, Error> {
    let row = Model {
        guest_id: guest.0,
        customer_key: Some(new_key.to_owned()),
        created_at: tx.now(),
        closed_at: None,
    };
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::GuestId).do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    find(tx.conn(), guest)
        .await?
        .ok_or_else(|| anyhow::anyhow!("an inserted customer is missing").into())
}

/// Closes a guest whose account was deleted, also one that is not known yet, and keeps them locked.
pub async fn close(tx: &Tx, guest: GuestId) -> Result<(), Error> {
    let (guest_id, now) = (guest.0, tx.now());
    let close = raw_sql!(
        Postgres,
        r#"INSERT INTO customers (guest_id, created_at, closed_at) VALUES ({guest_id}, {now}, {now})
           ON CONFLICT (guest_id) DO UPDATE SET closed_at = COALESCE(customers.closed_at, {now})"#
    );
    tx.conn().execute_raw(close).await?;
    Ok(())
}
