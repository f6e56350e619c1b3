//! Table `vehicle_images`.

use chrono::{DateTime, Utc};
use sea_orm::ActiveValue::{Set, Unchanged};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ConnectionTrait, QueryOrder as _, QuerySelect as _, raw_sql};

use carshare_objects::image::{Announced, Pixels};
use carshare_objects::photo::{self, Published};

use crate::domain::{ImageId, VehicleId};
use crate::error::Result;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "vehicle_images")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub vehicle_id: Uuid,
    pub object_key: String,
    pub content_type: String,
    pub size_bytes: i64,
    pub created_at: ChronoDateTimeUtc,
    pub expires_at: ChronoDateTimeUtc,
    pub completed_at: Option<ChronoDateTimeUtc>,
    pub width: Option<i32>,
    pub height: Option<i32>,
    /// Place in the order of the host; `None` comes last, in the order of upload.
    pub position: Option<i32>,
    /// When the upload of a complete photo was deleted for good.
    pub upload_deleted_at: Option<ChronoDateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A photo, announced or completed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VehicleImage {
    pub id: ImageId,
    pub vehicle: VehicleId,
    /// Key of the shown file; of an incomplete photo its folder.
    pub object_key: String,
    pub announced: Announced,
    /// An incomplete photo is abandoned then. The upload is deleted then in any case.
    pub expires_at: DateTime<Utc>,
    pub is_complete: bool,
    /// Of a complete photo.
    pub pixels: Option<Pixels>,
}

impl VehicleImage {
    /// Returns the key to which the host uploads. It differs from `object_key`, because the upload URL still works after the
    /// check.
    pub fn upload_key(&self) -> String {
        format!("uploads/{}", self.id)
    }

    /// Returns the folder of the keys from which it is shown.
    pub fn folder(&self) -> String {
        folder(self.vehicle, self.id)
    }
}

/// Returns the folder of the keys from which a photo is shown.
pub fn folder(vehicle: VehicleId, id: ImageId) -> String {
    format!("vehicles/{vehicle}/{id}")
}

pub async fn insert(conn: &impl ConnectionTrait, new: &VehicleImage, now: DateTime<Utc>) -> Result<()> {
    let row = ActiveModel {
        id: Set(new.id.0),
        vehicle_id: Set(new.vehicle.0),
        object_key: Set(new.object_key.clone()),
        content_type: Set(new.announced.content_type.clone()),
        size_bytes: Set(new.announced.size_bytes),
        created_at: Set(now),
        expires_at: Set(new.expires_at),
        completed_at: Set(None),
        width: Set(None),
        height: Set(None),
        position: Set(None),
        upload_deleted_at: Set(None),
    };
    Entity::insert(row).exec_without_returning(conn).await?;
    Ok(())
}

/// Finds a photo of the car, unless it is abandoned.
pub async fn find(
    conn: &impl ConnectionTrait,
    vehicle: VehicleId,
    id: ImageId,
    now: DateTime<Utc>,
) -> Result<Option<VehicleImage>> {
    let found = Entity::find_by_id(id.0)
        .filter(Column::VehicleId.eq(vehicle.0))
        .filter(not_abandoned(now));
    Ok(found.one(conn).await?.map(Into::into))
}

/// Counts the photos of the car, announced ones included.
pub async fn count(conn: &impl ConnectionTrait, vehicle: VehicleId, now: DateTime<Utc>) -> Result<u64> {
    Ok(Entity::find()
        .filter(Column::VehicleId.eq(vehicle.0))
        .filter(not_abandoned(now))
        .count(conn)
        .await?)
}

/// Lists the complete photos of the car, the cover first.
pub async fn list_complete(conn: &impl ConnectionTrait, vehicle: VehicleId) -> Result<Vec<VehicleImage>> {
    let rows = Entity::find()
        .filter(Column::VehicleId.eq(vehicle.0))
        .filter(Column::CompletedAt.is_not_null())
        .order_by_asc(Column::Position)
        .order_by_asc(Column::Id);
    Ok(rows.all(conn).await?.into_iter().map(Into::into).collect())
}

/// Stores the order of photos. The caller has locked the car.
pub async fn update_positions(conn: &impl ConnectionTrait, images: &[ImageId]) -> Result<()> {
    let ids: Vec<Uuid> = images.iter().map(|image| image.0).collect();
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE vehicle_images SET position = arranged.position
           FROM unnest({ids}::uuid[]) WITH ORDINALITY AS arranged (id, position)
           WHERE vehicle_images.id = arranged.id"#
    ))
    .await?;
    Ok(())
}

/// Makes a photo an abandoned one, whose file and row are deleted next. The caller has locked the car.
pub async fn abandon(conn: &impl ConnectionTrait, id: ImageId, now: DateTime<Utc>) -> Result<()> {
    let id = id.0;
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE vehicle_images SET completed_at = NULL, width = NULL, height = NULL, position = NULL,
               expires_at = {now}
           WHERE id = {id}"#
    ))
    .await?;
    Ok(())
}

/// Makes a photo that is not complete an abandoned one.
pub async fn abandon_announced(conn: &impl ConnectionTrait, id: ImageId, now: DateTime<Utc>) -> Result<()> {
    let announced = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(now))
        .filter(Column::Id.eq(id.0))
        .filter(Column::CompletedAt.is_null());
    announced.exec(conn).await?;
    Ok(())
}

/// Makes all photos of a car abandoned ones. The caller has locked the car.
pub async fn abandon_all(conn: &impl ConnectionTrait, vehicle: VehicleId, now: DateTime<Utc>) -> Result<()> {
    let vehicle = vehicle.0;
    conn.execute_raw(raw_sql!(
        Postgres,
        r#"UPDATE vehicle_images SET completed_at = NULL, width = NULL, height = NULL, position = NULL,
               expires_at = {now}
           WHERE vehicle_id = {vehicle}"#
    ))
    .await?;
    Ok(())
}

pub async fn count_complete(conn: &impl ConnectionTrait, vehicle: VehicleId) -> Result<u64> {
    let complete = Entity::find()
        .filter(Column::VehicleId.eq(vehicle.0))
        .filter(Column::CompletedAt.is_not_null());
    Ok(complete.count(conn).await?)
}

/// Lists up to `limit` photos that were abandoned by `time` and announced before `announced_before`, oldest first.
pub async fn list_abandoned(
    conn: &impl ConnectionTrait,
    time: DateTime<Utc>,
    announced_before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<VehicleImage>> {
    let rows = Entity::find()
        .filter(Column::CompletedAt.is_null())
        .filter(Column::ExpiresAt.lte(time))
        .filter(Column::CreatedAt.lt(announced_before))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit);
    Ok(rows.all(conn).await?.into_iter().map(Into::into).collect())
}

/// Lists up to `limit` complete photos whose upload is to be deleted for good, oldest first.
pub async fn list_uploaded(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<VehicleImage>> {
    let rows = Entity::find()
        .filter(Column::CompletedAt.is_not_null())
        .filter(Column::UploadDeletedAt.is_null())
        .filter(Column::ExpiresAt.lte(now))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit);
    Ok(rows.all(conn).await?.into_iter().map(Into::into).collect())
}

/// Records that the upload of a photo was deleted for good.
pub async fn upload_deleted(conn: &impl ConnectionTrait, id: ImageId, now: DateTime<Utc>) -> Result<()> {
    let deleted = Entity::update_many()
        .col_expr(Column::UploadDeletedAt, Expr::value(now))
        .filter(Column::Id.eq(id.0));
    deleted.exec(conn).await?;
    Ok(())
}

/// Marks a photo as complete. The caller has locked the car.
pub async fn complete(
    conn: &impl ConnectionTrait,
    image: &VehicleImage,
    published: Published,
    now: DateTime<Utc>,
) -> Result<()> {
    let completed = ActiveModel {
        id: Unchanged(image.id.0),
        object_key: Set(photo::key(&image.folder())),
        content_type: Set(photo::CONTENT_TYPE.to_owned()),
        size_bytes: Set(published.size_bytes),
        completed_at: Set(Some(now)),
        width: Set(Some(published.pixels.width)),
        height: Set(Some(published.pixels.height)),
        ..Default::default()
    };
    Entity::update(completed).exec(conn).await?;
    Ok(())
}

/// Deletes a photo unless it is complete.
pub async fn delete_announced(conn: &impl ConnectionTrait, id: ImageId) -> Result<()> {
    let announced = Entity::delete_many()
        .filter(Column::Id.eq(id.0))
        .filter(Column::CompletedAt.is_null());
    announced.exec(conn).await?;
    Ok(())
}

/// Matches photos that are complete, or announced and not abandoned.
fn not_abandoned(now: DateTime<Utc>) -> Condition {
    Condition::any()
        .add(Column::CompletedAt.is_not_null())
        .add(Column::ExpiresAt.gt(now))
}

impl From<Model> for VehicleImage {
    fn from(row: Model) -> Self {
        Self {
            id: ImageId(row.id),
            vehicle: VehicleId(row.vehicle_id),
            object_key: row.object_key,
            announced: Announced {
                content_type: row.content_type,
                size_bytes: row.size_bytes,
            },
            expires_at: row.expires_at,
            is_complete: row.completed_at.is_some(),
            pixels: row
                .width
                .zip(row.height)
                .map(|(width, height)| Pixels { width, height }),
        }
    }
}
