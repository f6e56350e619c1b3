//! Handles every event: inserts a notification for each recipient, and a push for each of their devices.

use anyhow::Context as _;
use carshare_proto::events::EventMessage;
use carshare_store::{EventMetadata, Tx};
use uuid::Uuid;

use crate::domain::ids::{NotificationId, UserId};
use crate::domain::message::{Message, ToNotifications};
use crate::error::Error;
use crate::jobs::pushes;
use crate::store::{deliveries, notifications};

/// Inserts the notifications and pushes of an event; the pushes are sent right after the commit.
pub(super) async fn notify<E: EventMessage + ToNotifications>(
    tx: &Tx,
    metadata: &EventMetadata,
    event: &E,
) -> Result<(), Error> {
    for message in event.messages() {
        insert(tx, metadata.id, E::NAME, message).await?;
    }
    tx.notify_job(pushes::NAME);
    Ok(())
}

async fn insert(tx: &Tx, event_id: Uuid, kind: &str, message: Message) -> Result<(), Error> {
    let user_id = Uuid::try_parse(&message.user_id).with_context(|| format!("{kind} has no recipient"))?;
    let id = NotificationId(tx.new_id());
    let new = notifications::NewNotification {
        id,
        user_id: UserId(user_id),
        event_id,
        kind: kind.to_owned(),
        message,
    };
    notifications::insert(tx, &new).await?;
    deliveries::insert_all(tx, id).await
}
