//! Deletes photos that were announced and not completed in time, or deleted by their host, with their files.

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::error::Result;
use crate::store::vehicle_images::{self, VehicleImage};

/// Photos in one run.
const BATCH: u64 = 500;

pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.images.sweep_every;
    Schedule::run_every(&app.db, "sweep_uploads", period, || sweep(app), shutdown).await;
}

async fn sweep(app: &App) -> Result<()> {
    let now = app.environment.clock.now();
    for image in vehicle_images::list_abandoned(app.db.conn(), now, BATCH).await? {
        delete(app, &image).await?;
    }
    Ok(())
}

/// Deletes the files of an abandoned photo before its row, so that the next run finds what a crash has left.
pub async fn delete(app: &App, image: &VehicleImage) -> Result<()> {
    app.objects.delete(&image.upload_key()).await?;
    app.objects.delete(&image.object_key).await?;
    vehicle_images::delete_announced(app.db.conn(), image.id).await
}
