//! Deletes the billing keys of disabled payment methods: at the provider, then here. A key that an attempt still needs is kept until the
//! attempt has ended; no later attempt can begin with it, because attempts and deletions of cards take the lock of the customer.

use carshare_store::Tx;

use crate::App;
use crate::domain::backoff;
use crate::domain::ids::PaymentMethodId;
use crate::domain::provider_report::ErrorKind;
use crate::error::Error;
use crate::store::payment_attempts;
use crate::store::payment_methods::{self, KeyRemoval};

/// Makes one step of progress with a claimed removal.
pub async fn step(app: &App, id: PaymentMethodId, version: i64) -> Result<(), Error> {
    let conn = app.db.conn();
    let Some(removal) = payment_methods::find_key_removal(conn, id, version).await? else {
        return Ok(());
    };
    let removed = !payment_attempts::exists_open_of_method(conn, id).await? && delete(app, &removal).await?;
    if removed {
        app.db
            .transaction("payment_methods.remove_key", removal, remove)
            .await
    } else {
        app.db
            .transaction("payment_methods.postpone_key_removal", removal, postpone)
            .await
    }
}

/// Deletes the key at the provider. `false` when that has to be tried again.
async fn delete(app: &App, removal: &KeyRemoval) -> Result<bool, Error> {
    let key = app.billing_keys.open(removal.id, &removal.billing_key_sealed)?;
    match app.provider.delete_billing_key(&key).await {
        Ok(()) => Ok(true),
        // Deleted before, or never of ours.
        Err(error) if error.kind == ErrorKind::KeyUnusable => Ok(true),
        Err(error) => {
            tracing::warn!(payment_method_id = %removal.id, code = error.code, tries = removal.tries, "billing key not deleted");
            Ok(false)
        }
    }
}

async fn remove(tx: &Tx, removal: &KeyRemoval) -> Result<(), Error> {
    payment_methods::remove_key(tx, removal).await
}

async fn postpone(tx: &Tx, removal: &KeyRemoval) -> Result<(), Error> {
    let due_at = tx.now() + backoff::delay(removal.tries);
    payment_methods::postpone_key_removal(tx, removal, due_at).await
}
