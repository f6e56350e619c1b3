//! Handles `user.deleted`: closes the user's feed and deletes their devices. Housekeeping deletes the notifications of closed feeds,
//! because a feed may have more of them than one transaction deletes in time.

use anyhow::Context as _;
use carshare_proto::auth::v1::UserDeleted;
use carshare_store::{EventMetadata, Tx};
use uuid::Uuid;

use crate::domain::ids::UserId;
use crate::error::Error;
use crate::store::{devices, feeds};

/// The event may arrive before other events that have the user as recipient, and before a registration that was authorized earlier is
/// committed: both are refused by the closed feed.
pub(super) async fn user_deleted(tx: &Tx, _: &EventMetadata, event: &UserDeleted) -> Result<(), Error> {
    let id = Uuid::try_parse(&event.user_id).context("user.deleted has no user")?;
    let user = UserId(id);
    devices::lock(tx, user).await?;
    feeds::close(tx, user).await?;
    devices::delete_all_of_user(tx, user).await
}
