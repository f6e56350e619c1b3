//! Table `settlements`.

use carshare_store::{Error as StoreError, Tx};
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _, raw_sql};

use crate::domain::ids::{AdminId, HostId, SettlementId};
use crate::domain::settlement::{Settlement, State, Transfer};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "settlements")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub host_id: Uuid,
    pub amount_krw: i64,
    pub payment_count: i64,
    pub state: String,
    pub transfer_reference: Option<String>,
    pub created_at: DateTimeUtc,
    pub paid_at: Option<DateTimeUtc>,
    pub paid_by: Option<Uuid>,
    pub updated_at: DateTimeUtc,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// The settlements to list; `None` matches all.
#[derive(Clone, Copy, Debug, Default)]
pub struct SettlementFilter {
    /// The host who lists their own.
    pub owner: Option<HostId>,
    pub host: Option<HostId>,
    pub state: Option<State>,
}

/// Serializes the settlements of a host: the second of two transactions at a time sees what the first one has settled.
pub async fn lock_host(tx: &Tx, host: HostId) -> Result<(), Error> {
    let key = format!("settlement:{host}");
    let lock = raw_sql!(
        Postgres,
        "SELECT pg_advisory_xact_lock(hashtextextended({key}, 0))"
    );
    tx.conn().execute_raw(lock).await?;
    Ok(())
}

pub async fn find(conn: &impl ConnectionTrait, id: SettlementId) -> Result<Option<Settlement>, Error> {
    Ok(Entity::find_by_id(id.0).one(conn).await?.map(Settlement::from))
}

/// Locks a settlement until the transaction ends.
pub async fn lock(tx: &Tx, id: SettlementId) -> Result<Option<Settlement>, Error> {
    let row = Entity::find_by_id(id.0).lock_exclusive().one(tx.conn()).await?;
    Ok(row.map(Settlement::from))
}

pub async fn insert(tx: &Tx, settlement: &Settlement) -> Result<(), Error> {
    Entity::insert(row(settlement, tx.now()).into_active_model())
        .exec_without_returning(tx.conn())
        .await?;
    Ok(())
}

/// Updates a settlement, which has to be locked.
pub async fn update(tx: &Tx, settlement: &Settlement) -> Result<(), Error> {
    let updated = Entity::update_many()
        .set(row(settlement, tx.now()).into_active_model().reset_all())
        .filter(Column::Id.eq(settlement.id.0))
        .exec(tx.conn())
        .await?;
    Ok(StoreError::expect_one(updated.rows_affected)?)
}

/// Lists up to `limit` settlements after `after`, newest first. Ids begin with the time of the creation.
pub async fn list(
    conn: &impl ConnectionTrait,
    filter: &SettlementFilter,
    after: Option<SettlementId>,
    limit: u64,
) -> Result<Vec<Settlement>, Error> {
    let mut page = select(filter).order_by_desc(Column::Id).limit(limit);
    if let Some(after) = after {
        page = page.filter(Column::Id.lt(after.0));
    }
    Ok(page.all(conn).await?.into_iter().map(Settlement::from).collect())
}

pub async fn count(conn: &impl ConnectionTrait, filter: &SettlementFilter) -> Result<u64, Error> {
    Ok(select(filter).count(conn).await?)
}

fn select(filter: &SettlementFilter) -> Select<Entity> {
    let conditions = [
        filter.owner.map(|host| Column::HostId.eq(host.0)),
        filter.host.map(|host| Column::HostId.eq(host.0)),
        filter.state.map(|state| Column::State.eq(state.as_str())),
    ];
    conditions
        .into_iter()
        .flatten()
        .fold(Entity::find(), Select::filter)
}

fn row(settlement: &Settlement, now: DateTime<Utc>) -> Model {
    let transfer = settlement.transfer.as_ref();
    Model {
        id: settlement.id.0,
        host_id: settlement.host_id.0,
        amount_krw: settlement.amount_krw,
        payment_count: settlement.payment_count,
        state: settlement.state().as_str().to_owned(),
        transfer_reference: transfer.map(|transfer| transfer.reference.clone()),
        created_at: settlement.created_at,
        paid_at: transfer.map(|transfer| transfer.paid_at),
        paid_by: transfer.map(|transfer| transfer.paid_by.0),
        updated_at: now,
    }
}

impl From<Model> for Settlement {
    fn from(row: Model) -> Self {
        let transfer = (row.transfer_reference, row.paid_at, row.paid_by);
        Self {
            id: SettlementId(row.id),
            host_id: HostId(row.host_id),
            amount_krw: row.amount_krw,
            payment_count: row.payment_count,
            // A constraint says that all or none of them are set.
            transfer: match transfer {
                (Some(reference), Some(paid_at), Some(paid_by)) => Some(Transfer {
                    reference,
                    paid_at,
                    paid_by: AdminId(paid_by),
                }),
                _ => None,
            },
            created_at: row.created_at,
        }
    }
}
