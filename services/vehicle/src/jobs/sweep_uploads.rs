//! Removes photos that were announced and never completed, with whatever file came for them.

use carshare_chassis::Shutdown;
use carshare_store::Schedule;

use crate::App;
use crate::error::Result;
use crate::store::vehicle_images;

/// Photos removed in one run at most; the rest waits for the next.
const AT_ONCE: u64 = 500;

/// Sweeps until the shutdown.
pub async fn run(app: &App, shutdown: Shutdown) {
    let period = app.config.images.sweep_every;
    Schedule::run_every(&app.db, "sweep_uploads", period, || sweep(app), shutdown).await;
}

/// First the file, then the row: what a crash leaves over is found again.
async fn sweep(app: &App) -> Result<()> {
    let now = app.environment.clock.now();
    for image in vehicle_images::list_given_up(app.db.conn(), now, AT_ONCE).await? {
        app.objects.delete(&image.upload_key()).await?;
        app.objects.delete(&image.object_key).await?;
        vehicle_images::delete_announced(app.db.conn(), image.id).await?;
    }
    Ok(())
}
