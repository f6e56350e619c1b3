//! The table `payment_methods`: registered cards. The newest live one of a guest is the default.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _,
    QueryOrder as _,
};

use super::entity::payment_methods::{Column, Entity, Model};
use crate::domain::ids::{GuestId, MethodId};
use crate::error::Error;

/// A registered card.
#[derive(Clone, PartialEq, Eq)]
pub struct Method {
    /// Its id.
    pub id: MethodId,
    /// Whose it is.
    pub guest_id: GuestId,
    /// How it pays.
    pub method: String,
    /// Masked number.
    pub card_number: String,
    /// Code of the card company.
    pub card_issuer_code: String,
    /// The billing key, sealed.
    pub billing_key_sealed: Vec<u8>,
    /// SHA-256 of the billing key.
    pub billing_key_hash: Vec<u8>,
    /// When it was registered.
    pub created_at: DateTime<Utc>,
}

/// The live cards of a guest, the default first.
pub async fn list(conn: &impl ConnectionTrait, guest: GuestId) -> Result<Vec<Method>, Error> {
    let live = Entity::find()
        .filter(Column::GuestId.eq(guest.0))
        .filter(Column::DisabledAt.is_null());
    let rows = live.order_by_desc(Column::Id).all(conn).await?;
    Ok(rows.into_iter().map(Method::from).collect())
}

/// The card that is charged next.
pub async fn find_default(conn: &impl ConnectionTrait, guest: GuestId) -> Result<Option<Method>, Error> {
    let live = Entity::find()
        .filter(Column::GuestId.eq(guest.0))
        .filter(Column::DisabledAt.is_null());
    Ok(live.order_by_desc(Column::Id).one(conn).await?.map(Method::from))
}

/// A card, live or not.
pub async fn find(conn: &impl ConnectionTrait, id: MethodId) -> Result<Option<Method>, Error> {
    Ok(Entity::find_by_id(id.0).one(conn).await?.map(Method::from))
}

/// Stores a card. When its billing key is known already, the stored card is returned and nothing changes.
pub async fn insert(tx: &Tx, method: &Method) -> Result<Method, Error> {
    let inserted = Entity::insert(Model::from(method.clone()).into_active_model())
        .on_conflict(OnConflict::column(Column::BillingKeyHash).do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    tracing::debug!(?inserted, "payment method");
    let stored = Entity::find()
        .filter(Column::BillingKeyHash.eq(method.billing_key_hash.clone()))
        .one(tx.conn())
        .await?;
    let stored = stored.ok_or_else(|| anyhow::anyhow!("a method that was just stored is gone"))?;
    Ok(stored.into())
}

/// Takes a card out of use: the provider says that its key is worth nothing.
pub async fn disable(tx: &Tx, id: MethodId) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::DisabledAt, Expr::value(tx.now()))
        .filter(Column::Id.eq(id.0))
        .filter(Column::DisabledAt.is_null())
        .exec(tx.conn())
        .await?;
    Ok(())
}

impl From<Model> for Method {
    fn from(row: Model) -> Self {
        Self {
            id: MethodId(row.id),
            guest_id: GuestId(row.guest_id),
            method: row.method,
            card_number: row.card_number,
            card_issuer_code: row.card_issuer_code,
            billing_key_sealed: row.billing_key_sealed,
            billing_key_hash: row.billing_key_hash,
            created_at: row.created_at,
        }
    }
}

impl From<Method> for Model {
    fn from(method: Method) -> Self {
        Self {
            id: method.id.0,
            guest_id: method.guest_id.0,
            method: method.method,
            card_number: method.card_number,
            card_issuer_code: method.card_issuer_code,
            billing_key_sealed: method.billing_key_sealed,
            billing_key_hash: method.billing_key_hash,
            created_at: method.created_at,
            disabled_at: None,
        }
    }
}
