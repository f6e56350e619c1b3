//! Makes the settlements that are due, in batches. Another run at the same time, or `SettlePayments`, makes none twice.

use crate::App;
use crate::error::Error;
use crate::settlement::{self, Due};

pub(super) async fn create(app: &App) -> Result<(), Error> {
    let due = Due {
        host: None,
        hold: app.settlement.hold,
    };
    loop {
        let batch = app
            .db
            .transaction("settlements.create", due, settlement::create_due)
            .await?;
        // Without progress the rest is for the next run.
        if !batch.has_more || batch.settlements.is_empty() {
            return Ok(());
        }
    }
}
