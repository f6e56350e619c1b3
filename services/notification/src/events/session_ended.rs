//! Handles `session.ended`: deletes the devices that the session registered, and drops their pending pushes.

use anyhow::Context as _;
use carshare_proto::auth::v1::SessionEnded;
use carshare_store::{EventMetadata, Tx};
use uuid::Uuid;

use crate::domain::ids::SessionId;
use crate::error::Error;
use crate::store::{devices, ended_sessions};

/// The event may arrive before a registration that was authorized earlier is committed, which is therefore refused.
pub(super) async fn session_ended(
    tx: &Tx,
    _metadata: &EventMetadata,
    event: &SessionEnded,
) -> Result<(), Error> {
    let id = Uuid::try_parse(&event.session_id).context("session.ended has no session")?;
    let session = SessionId(id);
    ended_sessions::lock(tx, session).await?;
    ended_sessions::insert(tx, session).await?;
    devices::delete_of_session(tx, session).await
}
