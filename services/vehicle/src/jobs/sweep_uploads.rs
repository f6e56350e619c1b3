//! Deletes the files of photos that were announced and not completed in time, or deleted by their host or with the car, and the uploads of
//! complete photos.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::error::Result;
use crate::store::vehicle_images::{self, VehicleImage};

/// Photos in one run, of each kind.
const BATCH: u64 = 500;

/// How long the row of an abandoned photo stays: longer than a call that completes it may take, so that the files it writes are deleted. After
/// the expiry of its upload URL too, for an upload that has begun before.
const GRACE: Duration = Duration::from_mins(5);

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.images.sweep_every;
    Schedule::run_every(&app.db, "sweep_uploads", period, || sweep(app), shutdown).await;
}

async fn sweep(app: &App) -> Result<()> {
    let (conn, now) = (app.db.conn(), app.environment.clock.now());
    let by = now - GRACE;
    for image in vehicle_images::list_abandoned(conn, by, by - app.config.images.upload_ttl, BATCH).await? {
        // Before the row, so that the next run finds what a crash has left.
        delete_files(app, &image).await?;
        vehicle_images::delete_announced(conn, image.id).await?;
    }
    for image in vehicle_images::list_uploaded(conn, now, BATCH).await? {
        app.objects.delete(&image.upload_key()).await?;
        vehicle_images::upload_deleted(conn, image.id, now).await?;
    }
    Ok(())
}

/// Deletes the files of an abandoned photo, or leaves them to the job.
pub async fn delete_files_now(app: &App, image: &VehicleImage) {
    if let Err(error) = delete_files(app, image).await {
        tracing::warn!(image_id = %image.id, error = %error, "cannot delete a photo's files yet");
    }
}

/// Deletes the upload of a complete photo, or leaves it to the job.
pub async fn delete_upload(app: &App, image: &VehicleImage) {
    if let Err(error) = app.objects.delete(&image.upload_key()).await {
        tracing::warn!(image_id = %image.id, error = %error, "cannot delete an upload yet");
    }
}

async fn delete_files(app: &App, image: &VehicleImage) -> Result<()> {
    app.objects.delete(&image.upload_key()).await?;
    app.objects.delete(&image.object_key).await?;
    app.photos.delete(&image.folder()).await?;
    Ok(())
}
