//! Handles `user.deleted`: erases the profile and closes the host, whose cars a job withdraws and erases.

use carshare_proto::auth::v1::UserDeleted;
use carshare_proto::options::v1::Role;
use carshare_store::{EventMetadata, Tx};

use crate::domain::UserId;
use crate::error::Result;
use crate::jobs::erase_fleets;
use crate::store::closed_hosts;

pub async fn deleted(tx: &Tx, metadata: &EventMetadata, event: &UserDeleted) -> Result<()> {
    let user = carshare_profiles::erase(tx, metadata, event).await?;
    if event.role() == Role::Guest {
        return Ok(());
    }
    closed_hosts::insert(tx.conn(), UserId(user), tx.now()).await?;
    tx.notify_job(erase_fleets::NAME);
    Ok(())
}
