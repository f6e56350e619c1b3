//! Deletes the files of handover photos that were announced and not completed in time, the uploads of complete ones, and files that have been
//! kept for their time. Entries stay: they have the hashes.

use std::time::Duration;

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::error::Error;
use crate::store::handover_photos::{self, HandoverPhoto};

/// Photos in one run, of each kind.
const BATCH: u64 = 500;

/// How long the row of an abandoned photo stays: longer than a call that completes it may take, so that the files it writes are deleted. After
/// the expiry of its upload URL too, for an upload that has begun before.
const GRACE: Duration = Duration::from_mins(5);

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.handover.sweep_every;
    Schedule::run_every(&app.db, "sweep_photos", period, || sweep(app), shutdown).await;
}

/// Deletes files before their row is changed, so that the next run finds what a crash has left.
async fn sweep(app: &App) -> Result<(), Error> {
    let (conn, now) = (app.db.conn(), app.environment.clock.now());
    let (config, by) = (&app.config.handover, now - GRACE);
    for photo in handover_photos::list_abandoned(conn, by, by - config.upload_ttl, BATCH).await? {
        app.objects.delete(&photo.upload_key()).await?;
        delete_files(app, &photo).await?;
        handover_photos::delete_announced(conn, photo.id).await?;
    }
    for photo in handover_photos::list_uploaded(conn, now, BATCH).await? {
        app.objects.delete(&photo.upload_key()).await?;
        handover_photos::upload_deleted(conn, photo.id, now).await?;
    }
    for photo in handover_photos::list_kept_before(conn, now - config.keep_photos, BATCH).await? {
        delete_files(app, &photo).await?;
        handover_photos::files_deleted(conn, photo.id, now).await?;
    }
    Ok(())
}

async fn delete_files(app: &App, photo: &HandoverPhoto) -> Result<(), Error> {
    Ok(app.photos.delete(&photo.folder()).await?)
}
