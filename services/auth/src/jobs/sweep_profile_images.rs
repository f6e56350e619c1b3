//! Deletes the files of profile images that were announced and not completed in time, replaced or removed, and the uploads of shown ones.

use std::time::Duration;

use crate::App;
use crate::domain::UserId;
use crate::error::Error;
use crate::profile_image::{folder, upload_key};
use crate::store::profile_images::{self, ProfileImage};

/// Images in one run, of each kind.
const BATCH: i64 = 500;

/// How long the row of an abandoned image stays: longer than a call that completes it may take, so that the files it writes are deleted. After
/// the expiry of its upload URL too, for an upload that has begun before.
const GRACE: Duration = Duration::from_mins(5);

pub async fn handle(app: &App) -> Result<(), Error> {
    let (conn, now) = (app.db.conn(), app.db.environment().clock.now());
    let by = now - GRACE;
    let announced_before = by - app.config.profile_images.upload_ttl;
    for image in profile_images::list_abandoned(conn, None, by, announced_before, BATCH).await? {
        // Before the row, so that the next run finds what a crash has left.
        delete_files(app, &image).await?;
        profile_images::delete_abandoned(conn, image.id).await?;
    }
    for image in profile_images::list_uploaded(conn, now, BATCH).await? {
        app.objects
            .delete(&upload_key(UserId(image.user_id), image.id))
            .await?;
        profile_images::upload_deleted(conn, image.id, now).await?;
    }
    Ok(())
}

/// Deletes the files of the user's abandoned images, or leaves them to the job.
pub async fn delete_abandoned_now(app: &App, user: UserId) {
    if let Err(error) = delete_abandoned(app, user).await {
        tracing::warn!(user_id = %user, error = %error, "cannot delete the files of profile images yet");
    }
}

async fn delete_abandoned(app: &App, user: UserId) -> Result<(), Error> {
    let (conn, now) = (app.db.conn(), app.db.environment().clock.now());
    for image in profile_images::list_abandoned(conn, Some(user), now, now, BATCH).await? {
        delete_files(app, &image).await?;
    }
    Ok(())
}

async fn delete_files(app: &App, image: &ProfileImage) -> Result<(), Error> {
    app.objects
        .delete(&upload_key(UserId(image.user_id), image.id))
        .await?;
    app.photos.delete(&folder(image.id)).await?;
    Ok(())
}
