//! Cars with their photos and hosts, read by one statement.

use anyhow::Context as _;
use carshare_proto::auth::v1::UserProfile;
use carshare_proto::options::v1::Role;
use sea_orm::{ConnectionTrait, DbBackend, Statement};
use uuid::Uuid;

use super::columns::Columns;
use super::vehicles;
use crate::domain::{Status, UserId, Vehicle, VehicleId};
use crate::error::Result;

/// A car as shown in replies.
#[derive(Clone, Debug, PartialEq)]
pub struct View {
    pub vehicle: Vehicle,
    /// Object keys of its complete photos, the cover first.
    pub image_keys: Vec<String>,
    /// Profile of its host.
    pub owner: UserProfile,
}

/// Photos and host of a car `v`. Together with [`vehicles::COLUMNS`] the columns of [`View::read`].
pub const PHOTOS_AND_OWNER: &str = "ARRAY(SELECT i.object_key FROM vehicle_images i \
        WHERE i.vehicle_id = v.id AND i.completed_at IS NOT NULL ORDER BY i.position, i.id), \
    (SELECT p.profile FROM user_profiles p WHERE p.user_id = v.owner_id)";

/// Finds a car, unless it is withdrawn.
pub async fn find(conn: &impl ConnectionTrait, id: VehicleId) -> Result<Option<View>> {
    let columns = vehicles::COLUMNS;
    let sql = format!(
        "SELECT {columns}, {PHOTOS_AND_OWNER} FROM vehicles v WHERE v.id = $1 AND v.withdrawn_at IS NULL"
    );
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.0.into()]);
    let row = conn.query_one_raw(statement).await?;
    row.map(|row| View::read(&mut Columns::of(&row)?)).transpose()
}

/// Lists up to `limit` cars of a host after the key, newest first: ids begin with the time of the registration.
pub async fn list_of_owner(
    conn: &impl ConnectionTrait,
    owner: UserId,
    status: Option<Status>,
    after: Option<VehicleId>,
    limit: u64,
) -> Result<Vec<View>> {
    let columns = vehicles::COLUMNS;
    let sql = format!(
        "SELECT {columns}, {PHOTOS_AND_OWNER} FROM vehicles v \
         WHERE v.owner_id = $1 AND v.withdrawn_at IS NULL AND ($2::text IS NULL OR v.status = $2) \
           AND ($3::uuid IS NULL OR v.id < $3) \
         ORDER BY v.id DESC LIMIT $4"
    );
    let values = [
        owner.0.into(),
        status.map(Status::as_str).into(),
        after.map(|id| id.0).into(),
        limit.into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = conn.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| View::read(&mut Columns::of(row)?))
        .collect()
}

/// Returns a car that the transaction has inserted or locked.
pub async fn existing(conn: &impl ConnectionTrait, id: VehicleId) -> Result<View> {
    Ok(find(conn, id).await?.context("the car of the transaction")?)
}

impl View {
    /// Reads the columns [`vehicles::COLUMNS`] and [`PHOTOS_AND_OWNER`].
    pub fn read(columns: &mut Columns<'_>) -> Result<Self> {
        let vehicle = vehicles::read(columns)?;
        let image_keys = columns.read()?;
        let profile: Option<&[u8]> = columns.read()?;
        let owner: Uuid = vehicle.owner_id.0;
        Ok(Self {
            owner: carshare_profiles::decode(Role::Host, owner, profile)?,
            vehicle,
            image_keys,
        })
    }
}
