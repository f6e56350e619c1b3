//! Handles `user.deleted`: erases the profile, and starts the job that erases the bookings of the account. It has none that is live, and none
//! is created any more.

use carshare_proto::auth::v1::UserDeleted;
use carshare_store::{EventMetadata, Tx};

use crate::domain::UserId;
use crate::error::Error;
use crate::jobs::erase_bookings;
use crate::store::user_erasures;

pub(super) async fn deleted(tx: &Tx, metadata: &EventMetadata, event: &UserDeleted) -> Result<(), Error> {
    let user = carshare_profiles::erase(tx, metadata, event).await?;
    user_erasures::insert_both(tx.conn(), UserId(user), metadata.occurred_at).await?;
    tx.notify_job(erase_bookings::NAME);
    Ok(())
}
