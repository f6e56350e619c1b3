//! Handles `user.deleted`: closes the customer, deletes their cards and erases what no payment needs. Payments, refunds and the ledger
//! stay, with the id of the account.

use carshare_proto::auth::v1::UserDeleted;
use carshare_store::{EventMetadata, Tx};

use crate::domain::ids::GuestId;
use crate::error::Error;
use crate::jobs;
use crate::store::{customers, payment_methods};

/// A charge that has begun is completed with the deleted card, as after `DeletePaymentMethod`. The event may arrive before a card whose
/// registration was authorized earlier is stored: that deletes it at once, because the customer is closed.
pub(super) async fn handle(tx: &Tx, _: &EventMetadata, event: &UserDeleted) -> Result<(), Error> {
    let guest = GuestId::parse("user_id", &event.user_id)?;
    customers::close(tx, guest).await?;
    payment_methods::delete_all(tx, guest).await?;
    payment_methods::erase_uncharged(tx, guest).await?;
    tx.notify_job(jobs::KEY_REMOVALS);
    Ok(())
}
