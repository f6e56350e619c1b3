//! Table `profile_images`: the files of profile images in the object storage.

use carshare_store::Tx;
use chrono::{DateTime, Utc};
use sea_orm::{ConnectionTrait, FromQueryResult, raw_sql};
use uuid::Uuid;

use crate::domain::UserId;
use crate::error::Error;

/// An image of a user, announced, shown or abandoned.
#[derive(Clone, Debug, PartialEq, Eq, FromQueryResult)]
pub struct ProfileImage {
    pub id: Uuid,
    pub user_id: Uuid,
}

pub async fn insert(tx: &Tx, user: UserId, id: Uuid, expires_at: DateTime<Utc>) -> Result<(), Error> {
    let (user, now) = (user.0, tx.now());
    let insert = raw_sql!(
        Postgres,
        "INSERT INTO profile_images (id, user_id, created_at, expires_at) VALUES ({id}, {user}, {now}, {expires_at})"
    );
    tx.conn().execute_raw(insert).await?;
    Ok(())
}

/// Returns whether the image is shown, if it is the user's and not abandoned.
pub async fn find(
    conn: &impl ConnectionTrait,
    user: UserId,
    id: Uuid,
    now: DateTime<Utc>,
) -> Result<Option<bool>, Error> {
    let user = user.0;
    let found = raw_sql!(
        Postgres,
        r#"SELECT shown_at IS NOT NULL FROM profile_images
           WHERE id = {id} AND user_id = {user} AND (shown_at IS NOT NULL OR expires_at > {now})"#
    );
    let row = conn.query_one_raw(found).await?;
    Ok(row.map(|row| row.try_get_by_index(0)).transpose()?)
}

/// Shows an image in place of the user's others, which are abandoned. `false` if it was abandoned. The caller has locked the account.
pub async fn show(tx: &Tx, user: UserId, id: Uuid) -> Result<bool, Error> {
    let (user_id, now) = (user.0, tx.now());
    let show = raw_sql!(
        Postgres,
        r#"UPDATE profile_images SET shown_at = coalesce(shown_at, {now})
           WHERE id = {id} AND user_id = {user_id} AND (shown_at IS NOT NULL OR expires_at > {now})"#
    );
    let shown = tx.conn().execute_raw(show).await?.rows_affected() > 0;
    if shown {
        abandon_shown(tx, user, Some(id)).await?;
    }
    Ok(shown)
}

/// Abandons the shown images of a user but this one. The caller has locked the account.
pub async fn abandon_shown(tx: &Tx, user: UserId, but: Option<Uuid>) -> Result<(), Error> {
    let (user, now) = (user.0, tx.now());
    let abandon = raw_sql!(
        Postgres,
        r#"UPDATE profile_images SET shown_at = NULL, expires_at = {now}
           WHERE user_id = {user} AND shown_at IS NOT NULL AND id IS DISTINCT FROM {but}::uuid"#
    );
    tx.conn().execute_raw(abandon).await?;
    Ok(())
}

/// Lists up to `limit` images that were abandoned by `time` and announced before `announced_before`, of one user or of all.
pub async fn list_abandoned(
    conn: &impl ConnectionTrait,
    user: Option<UserId>,
    time: DateTime<Utc>,
    announced_before: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ProfileImage>, Error> {
    let user = user.map(|user| user.0);
    let listed = raw_sql!(
        Postgres,
        r#"SELECT id, user_id FROM profile_images
           WHERE shown_at IS NULL AND expires_at <= {time} AND created_at <= {announced_before}
               AND ({user}::uuid IS NULL OR user_id = {user})
           ORDER BY expires_at LIMIT {limit}"#
    );
    Ok(ProfileImage::find_by_statement(listed).all(conn).await?)
}

/// Lists up to `limit` shown images whose upload is to be deleted for good.
pub async fn list_uploaded(
    conn: &impl ConnectionTrait,
    now: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ProfileImage>, Error> {
    let listed = raw_sql!(
        Postgres,
        r#"SELECT id, user_id FROM profile_images
           WHERE shown_at IS NOT NULL AND upload_deleted_at IS NULL AND expires_at <= {now}
           ORDER BY expires_at LIMIT {limit}"#
    );
    Ok(ProfileImage::find_by_statement(listed).all(conn).await?)
}

/// Records that the upload of an image was deleted for good.
pub async fn upload_deleted(conn: &impl ConnectionTrait, id: Uuid, now: DateTime<Utc>) -> Result<(), Error> {
    let deleted = raw_sql!(
        Postgres,
        "UPDATE profile_images SET upload_deleted_at = {now} WHERE id = {id}"
    );
    conn.execute_raw(deleted).await?;
    Ok(())
}

/// Deletes an image unless it is shown.
pub async fn delete_abandoned(conn: &impl ConnectionTrait, id: Uuid) -> Result<(), Error> {
    let delete = raw_sql!(
        Postgres,
        "DELETE FROM profile_images WHERE id = {id} AND shown_at IS NULL"
    );
    conn.execute_raw(delete).await?;
    Ok(())
}
