//! Completes or withdraws the deletions whose call has not: it crashed, or booking did not answer it.

use std::time::Duration;

use crate::App;
use crate::audit::Origin;
use crate::deletion;
use crate::error::Error;
use crate::store::deletions;

/// Age of a deletion whose call has ended.
const GRACE: Duration = Duration::from_mins(1);

/// Deletions in one run.
const BATCH: i64 = 100;

pub async fn handle(app: &App) -> Result<(), Error> {
    let environment = app.db.environment();
    let requested_by = environment.clock.now() - GRACE;
    let mut result = Ok(());
    for deletion in deletions::list(app.db.conn(), requested_by, BATCH).await? {
        let origin = Origin::without_client(environment.ids.next());
        match deletion::finish(app, deletion, origin).await {
            Ok(()) | Err(Error::BookingsOpen(_)) => {}
            // The others do not wait for this one.
            Err(error) => result = Err(error),
        }
    }
    result
}
