//! What auth tells: how people look to others. A copy is kept, to show hosts who asks for their cars.

use carshare_chassis as chassis;
use carshare_chassis::proto_types;
use carshare_proto::auth::v1::{UserProfile, UserRegistered, UserUpdated};
use carshare_store::{EventMetadata, Tx};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::domain::UserId;
use crate::error::Error;
use crate::rpc::convert;
use crate::store::people;

/// There is somebody new.
pub fn registered<'t>(
    tx: &'t Tx,
    meta: &'t EventMetadata,
    event: &'t UserRegistered,
) -> BoxFuture<'t, Result<(), Error>> {
    keep(tx, meta, &event.user_id, event.profile.as_ref()).boxed()
}

/// Somebody looks different now.
pub fn updated<'t>(tx: &'t Tx, meta: &'t EventMetadata, event: &'t UserUpdated) -> BoxFuture<'t, Result<(), Error>> {
    keep(tx, meta, &event.user_id, event.profile.as_ref()).boxed()
}

async fn keep(tx: &Tx, meta: &EventMetadata, user_id: &str, profile: Option<&UserProfile>) -> Result<(), Error> {
    let id = UserId(proto_types::uuid("user_id", user_id)?);
    let profile = profile
        .ok_or_else(|| chassis::Error::internal(anyhow::anyhow!("{} tells no profile of {id}", meta.name)))?;
    people::upsert(tx.conn(), convert::person(id, profile, meta.occurred_at)?).await
}
