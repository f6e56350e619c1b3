//! The table `customers`: guests as the provider knows them.

use carshare_store::Tx;
use sea_orm::sea_query::OnConflict;
use sea_orm::{ConnectionTrait, EntityTrait as _, IntoActiveModel as _};

use super::entity::customers::{Column, Entity, Model};
use crate::domain::ids::GuestId;
use crate::error::Error;

/// The customer key of a guest, if there is one.
pub async fn find(conn: &impl ConnectionTrait, guest: GuestId) -> Result<Option<String>, Error> {
    Ok(Entity::find_by_id(guest.0)
        .one(conn)
        .await?
        .map(|row| row.customer_key))
}

/// The customer key of a guest: `fresh` when there was none.
pub async fn ensure(tx: &Tx, guest: GuestId, fresh: &str) -> Result<String, Error> {
    let row = Model {
        guest_id: guest.0,
        customer_key: fresh.to_owned(),
        created_at: tx.now(),
    };
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::GuestId).do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    find(tx.conn(), guest)
        .await?
        .ok_or_else(|| anyhow::anyhow!("a customer that was just made is gone").into())
}
