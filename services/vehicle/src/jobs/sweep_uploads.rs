//! Deletes photos that were announced and not completed in time, with their files.

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::error::Result;
use crate::store::vehicle_images;

/// Photos in one run.
const BATCH: u64 = 500;

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.images.sweep_every;
    Schedule::run_every(&app.db, "sweep_uploads", period, || sweep(app), shutdown).await;
}

/// Deletes the files before the row, so that the next run finds what a crash has left.
async fn sweep(app: &App) -> Result<()> {
    let now = app.environment.clock.now();
    for image in vehicle_images::list_abandoned(app.db.conn(), now, BATCH).await? {
        app.objects.delete(&image.upload_key()).await?;
        app.objects.delete(&image.object_key).await?;
        vehicle_images::delete_announced(app.db.conn(), image.id).await?;
    }
    Ok(())
}
