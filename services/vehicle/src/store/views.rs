//! Cars with their photos, hosts and ratings, read by one statement.

use anyhow::Context as _;
use carshare_chassis::pagination::SortKey;
use carshare_proto::auth::v1::UserProfile;
use carshare_proto::common::v1::Rating;
use carshare_proto::options::v1::Role;
use sea_orm::{ConnectionTrait, DbBackend, Statement, Value};
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
    /// Of the reviews by its guests.
    pub rating: Option<Rating>,
}

/// The cars of a host to list; `None` matches all.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub owner: UserId,
    pub status: Option<Status>,
    /// Part of the license plate, in normal form.
    pub license_plate: Option<String>,
}

/// Order of a host's cars, by id among equal ones: ids begin with the time of the registration.
#[derive(Clone, Copy, Debug)]
pub enum FleetOrder {
    Newest,
    Cheapest,
    MostExpensive,
}

/// Selects the cars `v` of a [`Fleet`] by its [`Fleet::values`].
const OF_FLEET: &str = "v.owner_id = $1 AND v.withdrawn_at IS NULL AND ($2::text IS NULL OR v.status = $2) \
    AND ($3::text IS NULL OR strpos(v.license_plate, $3) > 0)";

/// Photos, host and rating of a car `v`. Together with [`vehicles::COLUMNS`] the columns of [`View::read`].
pub const EXTRAS: &str = "ARRAY(SELECT i.object_key FROM vehicle_images i \
        WHERE i.vehicle_id = v.id AND i.completed_at IS NOT NULL ORDER BY i.position, i.id), \
    (SELECT p.profile FROM user_profiles p WHERE p.user_id = v.owner_id), \
    (SELECT ARRAY[r.rating_sum, r.review_count] FROM vehicle_ratings r WHERE r.vehicle_id = v.id)";

/// Finds a car, unless it is withdrawn.
pub async fn find(conn: &impl ConnectionTrait, id: VehicleId) -> Result<Option<View>> {
    let columns = vehicles::COLUMNS;
    let sql =
        format!("SELECT {columns}, {EXTRAS} FROM vehicles v WHERE v.id = $1 AND v.withdrawn_at IS NULL");
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, [id.0.into()]);
    let row = conn.query_one_raw(statement).await?;
    row.map(|row| View::read(&mut Columns::of(&row)?)).transpose()
}

/// Lists up to `limit` cars of a fleet after the key, in its order.
pub async fn list_of_fleet(
    conn: &impl ConnectionTrait,
    fleet: &Fleet,
    order: FleetOrder,
    after: Option<SortKey>,
    limit: u64,
) -> Result<Vec<View>> {
    let columns = vehicles::COLUMNS;
    let (after_key, by) = match order {
        FleetOrder::Newest => ("v.id < $5", "v.id DESC"),
        FleetOrder::Cheapest => ("(v.hourly_rate_krw, v.id) > ($4, $5)", "v.hourly_rate_krw, v.id"),
        FleetOrder::MostExpensive => (
            "(v.hourly_rate_krw, v.id) < ($4, $5)",
            "v.hourly_rate_krw DESC, v.id DESC",
        ),
    };
    let sql = format!(
        "SELECT {columns}, {EXTRAS} FROM vehicles v \
         WHERE {OF_FLEET} AND ($4::bigint IS NULL OR $5::uuid IS NULL OR {after_key}) ORDER BY {by} LIMIT $6"
    );
    let [owner, status, plate] = fleet.values();
    let (number, id) = (after.map(|key| key.number), after.map(|key| key.id));
    let values = [owner, status, plate, number.into(), id.into(), limit.into()];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    let rows = conn.query_all_raw(statement).await?;
    rows.iter()
        .map(|row| View::read(&mut Columns::of(row)?))
        .collect()
}

/// Counts the cars of a fleet.
pub async fn count_of_fleet(conn: &impl ConnectionTrait, fleet: &Fleet) -> Result<u64> {
    let sql = format!("SELECT count(*) FROM vehicles v WHERE {OF_FLEET}");
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, fleet.values());
    let row = conn.query_one_raw(statement).await?;
    let count: i64 = Columns::of(&row.context("a count")?)?.read()?;
    Ok(count.cast_unsigned())
}

/// Returns a car that the transaction has inserted or locked.
pub async fn existing(conn: &impl ConnectionTrait, id: VehicleId) -> Result<View> {
    Ok(find(conn, id).await?.context("the car of the transaction")?)
}

impl Fleet {
    fn values(&self) -> [Value; 3] {
        [
            self.owner.0.into(),
            self.status.map(Status::as_str).into(),
            self.license_plate.clone().into(),
        ]
    }
}

impl FleetOrder {
    /// Returns the sort key of a car.
    pub fn key(self, vehicle: &Vehicle) -> SortKey {
        let number = match self {
            Self::Newest => 0,
            Self::Cheapest | Self::MostExpensive => vehicle.hourly_rate_krw,
        };
        SortKey {
            number,
            id: vehicle.id.0,
        }
    }
}

impl View {
    /// Reads the columns [`vehicles::COLUMNS`] and [`EXTRAS`].
    pub fn read(columns: &mut Columns<'_>) -> Result<Self> {
        let vehicle = vehicles::read(columns)?;
        let image_keys = columns.read()?;
        let profile: Option<&[u8]> = columns.read()?;
        let rating: Option<Vec<i64>> = columns.read()?;
        let owner: Uuid = vehicle.owner_id.0;
        Ok(Self {
            owner: carshare_profiles::decode(Role::Host, owner, profile)?,
            vehicle,
            image_keys,
            rating: match rating.as_deref() {
                Some([sum, count]) => Rating::of(*sum, *count),
                _ => None,
            },
        })
    }
}
