//! Table `payment_methods`: registered cards. The enabled one of a guest with the highest rank is the default.
//!
//! A deleted card is a disabled one: attempts refer to it, and one that has begun is completed with its billing key. After that the
//! key is removed.

use carshare_chassis::request_context::RequestContext;
use carshare_store::Tx;
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Expr, ExprTrait as _, OnConflict};
use sea_orm::{
    ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, UpdateMany, raw_sql,
};

use crate::domain::ids::{GuestId, PaymentMethodId};
use crate::error::Error;
use crate::store::queue::Queue;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "payment_methods")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub guest_id: Uuid,
    pub method: String,
    pub card_number: String,
    pub card_issuer_code: String,
    pub billing_key_sealed: Option<Vec<u8>>,
    pub billing_key_hash: Vec<u8>,
    pub created_at: DateTimeUtc,
    pub disabled_at: Option<DateTimeUtc>,
    /// The default is the card with the highest one.
    pub default_rank: i64,
    pub key_removal_due_at: Option<DateTimeUtc>,
    pub key_removal_tries: i32,
    pub correlation_id: Option<String>,
    pub traceparent: Option<String>,
    pub version: i64,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A registered card.
#[derive(Clone, PartialEq, Eq)]
pub struct PaymentMethod {
    pub id: PaymentMethodId,
    pub guest_id: GuestId,
    /// Means of payment as named by the provider, for example `카드`.
    pub method: String,
    /// Masked by the provider.
    pub card_number: String,
    /// Two-digit code of the card company.
    pub card_issuer_code: String,
    /// See [`crate::billing_keys`]. `None` when it was removed.
    pub billing_key_sealed: Option<Vec<u8>>,
    /// SHA-256 of the billing key, to recognise a card that is registered again.
    pub billing_key_hash: Vec<u8>,
    pub created_at: DateTimeUtc,
}

/// Billing keys to delete.
pub const KEY_REMOVALS: Queue = Queue {
    table: "payment_methods",
    due_column: "key_removal_due_at",
    fenced: true,
};

/// A billing key to delete.
pub struct KeyRemoval {
    pub id: PaymentMethodId,
    pub billing_key_sealed: Vec<u8>,
    /// Unsuccessful tries so far.
    pub tries: i32,
    version: i64,
}

/// Lists the enabled cards of a guest, the default first.
pub async fn list(conn: &impl ConnectionTrait, guest: GuestId) -> Result<Vec<PaymentMethod>, Error> {
    let rows = enabled(guest).all(conn).await?;
    Ok(rows.into_iter().map(PaymentMethod::from).collect())
}

/// Finds the default card of a guest.
pub async fn find_default(
    conn: &impl ConnectionTrait,
    guest: GuestId,
) -> Result<Option<PaymentMethod>, Error> {
    Ok(enabled(guest).one(conn).await?.map(PaymentMethod::from))
}

/// Selects the enabled cards of a guest, the default first.
fn enabled(guest: GuestId) -> Select<Entity> {
    Entity::find()
        .filter(Column::GuestId.eq(guest.0))
        .filter(Column::DisabledAt.is_null())
        .order_by_desc(Column::DefaultRank)
        .order_by_desc(Column::Id)
}

/// Finds a card, enabled or not.
pub async fn find(conn: &impl ConnectionTrait, id: PaymentMethodId) -> Result<Option<PaymentMethod>, Error> {
    Ok(Entity::find_by_id(id.0).one(conn).await?.map(PaymentMethod::from))
}

/// Inserts a card as the default and returns it; when one with its billing key exists, returns that and changes nothing.
pub async fn insert(tx: &Tx, method: &PaymentMethod) -> Result<PaymentMethod, Error> {
    let row = Model {
        default_rank: next_rank(tx, method.guest_id).await?,
        ..Model::from(method.clone())
    };
    Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::column(Column::BillingKeyHash).do_nothing().to_owned())
        .exec_without_returning(tx.conn())
        .await?;
    let stored = Entity::find()
        .filter(Column::BillingKeyHash.eq(method.billing_key_hash.clone()))
        .one(tx.conn())
        .await?;
    let stored = stored.ok_or_else(|| anyhow::anyhow!("an inserted payment method is missing"))?;
    Ok(stored.into())
}

/// Makes an enabled card of the guest the default; `None` when there is no such card.
pub async fn update_default(
    tx: &Tx,
    guest: GuestId,
    id: PaymentMethodId,
) -> Result<Option<PaymentMethod>, Error> {
    let rank = next_rank(tx, guest).await?;
    let updated = Entity::update_many()
        .col_expr(Column::DefaultRank, Expr::value(rank))
        .filter(Column::Id.eq(id.0))
        .filter(Column::GuestId.eq(guest.0))
        .filter(Column::DisabledAt.is_null())
        .exec_with_returning(tx.conn())
        .await?;
    Ok(updated.into_iter().next().map(PaymentMethod::from))
}

/// Returns a rank above those of the guest's cards. Of concurrent transactions with one rank the newest card wins.
async fn next_rank(tx: &Tx, guest: GuestId) -> Result<i64, Error> {
    let highest: Option<Option<i64>> = Entity::find()
        .select_only()
        .column_as(Column::DefaultRank.max(), "rank")
        .filter(Column::GuestId.eq(guest.0))
        .into_tuple()
        .one(tx.conn())
        .await?;
    Ok(highest.flatten().unwrap_or_default() + 1)
}

/// Disables a card of the guest and schedules the removal of its billing key. `false` when there is no such enabled card. The caller has
/// locked the customer.
pub async fn delete(tx: &Tx, guest: GuestId, id: PaymentMethodId) -> Result<bool, Error> {
    let own = disabling(tx)
        .filter(Column::Id.eq(id.0))
        .filter(Column::GuestId.eq(guest.0));
    Ok(own.exec(tx.conn()).await?.rows_affected > 0)
}

/// Disables all cards of the guest and schedules the removal of their billing keys. The caller has locked the customer.
pub async fn delete_all(tx: &Tx, guest: GuestId) -> Result<(), Error> {
    let own = disabling(tx).filter(Column::GuestId.eq(guest.0));
    own.exec(tx.conn()).await?;
    Ok(())
}

/// Erases number and issuer of the guest's disabled cards that no attempt refers to; no record of a payment needs them. The caller has
/// locked the customer.
pub async fn erase_uncharged(tx: &Tx, guest: GuestId) -> Result<(), Error> {
    let guest_id = guest.0;
    let erase = raw_sql!(
        Postgres,
        r#"UPDATE payment_methods SET card_number = '', card_issuer_code = ''
           WHERE guest_id = {guest_id} AND disabled_at IS NOT NULL AND id NOT IN (
               SELECT a.method_id FROM payments p JOIN payment_attempts a ON a.payment_id = p.id
               WHERE p.guest_id = {guest_id} AND a.method_id IS NOT NULL)"#
    );
    tx.conn().execute_raw(erase).await?;
    Ok(())
}

/// Disables a card whose billing key the provider rejects permanently, and schedules the removal of the key.
pub async fn disable(tx: &Tx, id: PaymentMethodId) -> Result<(), Error> {
    let disabling = disabling(tx).filter(Column::Id.eq(id.0));
    disabling.exec(tx.conn()).await?;
    Ok(())
}

fn disabling(tx: &Tx) -> UpdateMany<Entity> {
    let context = RequestContext::current();
    let correlation_id = context
        .as_ref()
        .map(|context| context.correlation_id().to_owned());
    Entity::update_many()
        .col_expr(Column::DisabledAt, Expr::value(tx.now()))
        .col_expr(Column::KeyRemovalDueAt, Expr::value(tx.now()))
        .col_expr(Column::CorrelationId, Expr::value(correlation_id))
        .col_expr(
            Column::Traceparent,
            Expr::value(context.and_then(|context| context.traceparent())),
        )
        .filter(Column::DisabledAt.is_null())
}

/// Finds a billing key to delete, unless its claim is lost.
pub async fn find_key_removal(
    conn: &impl ConnectionTrait,
    id: PaymentMethodId,
    version: i64,
) -> Result<Option<KeyRemoval>, Error> {
    let due = Entity::find_by_id(id.0)
        .filter(Column::Version.eq(version))
        .filter(Column::KeyRemovalDueAt.is_not_null());
    let due = due.one(conn).await?;
    Ok(due.and_then(|row| {
        Some(KeyRemoval {
            id,
            billing_key_sealed: row.billing_key_sealed?,
            tries: row.key_removal_tries,
            version,
        })
    }))
}

/// Removes the key that was deleted at the provider, also if the claim is lost.
pub async fn remove_key(tx: &Tx, removal: &KeyRemoval) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::BillingKeySealed, Expr::value(None::<Vec<u8>>))
        .col_expr(Column::KeyRemovalDueAt, Expr::value(None::<DateTimeUtc>))
        .filter(Column::Id.eq(removal.id.0))
        .exec(tx.conn())
        .await?;
    Ok(())
}

/// Schedules the next try, unless the claim is lost.
pub async fn postpone_key_removal(tx: &Tx, removal: &KeyRemoval, due_at: DateTimeUtc) -> Result<(), Error> {
    Entity::update_many()
        .col_expr(Column::KeyRemovalDueAt, Expr::value(due_at))
        .col_expr(Column::KeyRemovalTries, Expr::col(Column::KeyRemovalTries).add(1))
        .filter(Column::Id.eq(removal.id.0))
        .filter(Column::Version.eq(removal.version))
        .exec(tx.conn())
        .await?;
    Ok(())
}

impl From<Model> for PaymentMethod {
    fn from(row: Model) -> Self {
        Self {
            id: PaymentMethodId(row.id),
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

impl From<PaymentMethod> for Model {
    fn from(method: PaymentMethod) -> Self {
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
            default_rank: 0,
            key_removal_due_at: None,
            key_removal_tries: 0,
            correlation_id: None,
            traceparent: None,
            version: 0,
        }
    }
}
