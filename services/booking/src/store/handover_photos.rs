//! Table `handover_photos`: which files a photo has in the object storage. What it shows and its hashes are in its entry.

use carshare_objects::image::Announced;
use chrono::{DateTime, Utc};
use sea_orm::entity::prelude::*;
use sea_orm::sea_query::{Condition, Expr};
use sea_orm::{ConnectionTrait, IntoActiveModel as _, QueryOrder as _, QuerySelect as _};

use crate::domain::handover::{Angle, Phase};
use crate::domain::{BookingId, Party, PhotoId};
use crate::error::Error;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "handover_photos")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub booking_id: Uuid,
    #[sea_orm(column_type = "Text")]
    pub phase: String,
    #[sea_orm(column_type = "Text")]
    pub angle: String,
    #[sea_orm(column_type = "Text")]
    pub party: String,
    #[sea_orm(column_type = "Text")]
    pub content_type: String,
    pub size_bytes: i64,
    pub created_at: DateTimeUtc,
    pub expires_at: DateTimeUtc,
    pub completed_at: Option<DateTimeUtc>,
    pub upload_deleted_at: Option<DateTimeUtc>,
    pub files_deleted_at: Option<DateTimeUtc>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}

/// A photo, announced or complete.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HandoverPhoto {
    pub id: PhotoId,
    pub booking: BookingId,
    pub phase: Phase,
    pub angle: Angle,
    /// Side that uploads it.
    pub party: Party,
    pub announced: Announced,
    /// An incomplete photo is abandoned then. The upload is deleted then in any case.
    pub expires_at: DateTime<Utc>,
    pub is_complete: bool,
}

impl HandoverPhoto {
    /// Returns the key to which a client uploads.
    pub fn upload_key(&self) -> String {
        format!("uploads/{}", self.id)
    }

    pub fn folder(&self) -> String {
        folder(self.booking, self.id)
    }
}

/// Returns the folder of the files of a photo. Keys in it are read by signed URLs only.
pub fn folder(booking: BookingId, id: PhotoId) -> String {
    format!("handovers/{booking}/{id}")
}

/// Inserts an announced photo. One whose file is part of the call has no upload to delete.
pub async fn insert(
    conn: &impl ConnectionTrait,
    new: &HandoverPhoto,
    has_upload: bool,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let row = Model {
        id: new.id.0,
        booking_id: new.booking.0,
        phase: new.phase.as_str().to_owned(),
        angle: new.angle.as_str().to_owned(),
        party: new.party.as_str().to_owned(),
        content_type: new.announced.content_type.clone(),
        size_bytes: new.announced.size_bytes,
        created_at: now,
        expires_at: new.expires_at,
        completed_at: None,
        upload_deleted_at: (!has_upload).then_some(now),
        files_deleted_at: None,
    };
    Entity::insert(row.into_active_model())
        .exec_without_returning(conn)
        .await?;
    Ok(())
}

/// Finds a photo of the booking, unless it is abandoned.
pub async fn find(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    id: PhotoId,
    now: DateTime<Utc>,
) -> Result<Option<HandoverPhoto>, Error> {
    let found = Entity::find_by_id(id.0)
        .filter(Column::BookingId.eq(booking.0))
        .filter(not_abandoned(now));
    found.one(conn).await?.map(photo).transpose()
}

/// Counts the photos of a pickup or return, announced ones included.
pub async fn count(
    conn: &impl ConnectionTrait,
    booking: BookingId,
    phase: Phase,
    now: DateTime<Utc>,
) -> Result<u64, Error> {
    let photos = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .filter(Column::Phase.eq(phase.as_str()))
        .filter(not_abandoned(now));
    Ok(photos.count(conn).await?)
}

/// Lists the ids of the complete photos of a booking that have files.
pub async fn list_with_files(conn: &impl ConnectionTrait, booking: BookingId) -> Result<Vec<PhotoId>, Error> {
    let rows = Entity::find()
        .filter(Column::BookingId.eq(booking.0))
        .filter(Column::CompletedAt.is_not_null())
        .filter(Column::FilesDeletedAt.is_null());
    let rows = rows.all(conn).await?;
    Ok(rows.into_iter().map(|row| PhotoId(row.id)).collect())
}

/// Makes a photo that is not complete an abandoned one.
pub async fn abandon(conn: &impl ConnectionTrait, id: PhotoId, now: DateTime<Utc>) -> Result<(), Error> {
    let announced = Entity::update_many()
        .col_expr(Column::ExpiresAt, Expr::value(now))
        .filter(Column::Id.eq(id.0))
        .filter(Column::CompletedAt.is_null());
    announced.exec(conn).await?;
    Ok(())
}

/// Marks a photo as complete. The caller has locked the booking.
pub async fn complete(conn: &impl ConnectionTrait, id: PhotoId, now: DateTime<Utc>) -> Result<(), Error> {
    set(conn, id, Column::CompletedAt, now).await
}

/// Records that the upload of a photo was deleted for good.
pub async fn upload_deleted(
    conn: &impl ConnectionTrait,
    id: PhotoId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    set(conn, id, Column::UploadDeletedAt, now).await
}

/// Records that the files of a photo were deleted.
pub async fn files_deleted(
    conn: &impl ConnectionTrait,
    id: PhotoId,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    set(conn, id, Column::FilesDeletedAt, now).await
}

async fn set(
    conn: &impl ConnectionTrait,
    id: PhotoId,
    column: Column,
    now: DateTime<Utc>,
) -> Result<(), Error> {
    let update = Entity::update_many()
        .col_expr(column, Expr::value(Some(now)))
        .filter(Column::Id.eq(id.0));
    update.exec(conn).await?;
    Ok(())
}

/// Deletes a photo unless it is complete.
pub async fn delete_announced(conn: &impl ConnectionTrait, id: PhotoId) -> Result<(), Error> {
    let announced = Entity::delete_many()
        .filter(Column::Id.eq(id.0))
        .filter(Column::CompletedAt.is_null());
    announced.exec(conn).await?;
    Ok(())
}

/// Lists up to `limit` photos that were abandoned by `time` and announced before `announced_before`, oldest first.
pub async fn list_abandoned(
    conn: &impl ConnectionTrait,
    time: DateTime<Utc>,
    announced_before: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<HandoverPhoto>, Error> {
    let rows = Entity::find()
        .filter(Column::CompletedAt.is_null())
        .filter(Column::ExpiresAt.lte(time))
        .filter(Column::CreatedAt.lt(announced_before))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit);
    rows.all(conn).await?.into_iter().map(photo).collect()
}

/// Lists up to `limit` complete photos whose upload is to be deleted for good, oldest first.
pub async fn list_uploaded(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<HandoverPhoto>, Error> {
    let rows = Entity::find()
        .filter(Column::CompletedAt.is_not_null())
        .filter(Column::UploadDeletedAt.is_null())
        .filter(Column::ExpiresAt.lte(now))
        .order_by_asc(Column::ExpiresAt)
        .limit(limit);
    rows.all(conn).await?.into_iter().map(photo).collect()
}

/// Lists up to `limit` complete photos of before `time` that have files, oldest first.
pub async fn list_kept_before(
    conn: &impl ConnectionTrait,
    time: DateTime<Utc>,
    limit: u64,
) -> Result<Vec<HandoverPhoto>, Error> {
    let rows = Entity::find()
        .filter(Column::CompletedAt.lt(time))
        .filter(Column::FilesDeletedAt.is_null())
        .order_by_asc(Column::CompletedAt)
        .limit(limit);
    rows.all(conn).await?.into_iter().map(photo).collect()
}

/// Matches photos that are complete, or announced and not abandoned.
fn not_abandoned(now: DateTime<Utc>) -> Condition {
    Condition::any()
        .add(Column::CompletedAt.is_not_null())
        .add(Column::ExpiresAt.gt(now))
}

fn photo(row: Model) -> Result<HandoverPhoto, Error> {
    Ok(HandoverPhoto {
        id: PhotoId(row.id),
        booking: BookingId(row.booking_id),
        phase: row.phase.parse().map_err(Error::internal)?,
        angle: row.angle.parse().map_err(Error::internal)?,
        party: row.party.parse().map_err(Error::internal)?,
        announced: Announced {
            content_type: row.content_type,
            size_bytes: row.size_bytes,
        },
        expires_at: row.expires_at,
        is_complete: row.completed_at.is_some(),
    })
}
