//! One handler for all events: whoever is concerned gets a row, their devices a push.

use carshare_proto::auth::v1 as auth;
use carshare_proto::booking::v1 as booking;
use carshare_proto::events::EventMessage;
use carshare_proto::payment::v1 as payment;
use carshare_proto::vehicle::v1 as vehicle;
use carshare_store::{Consumer, EventMetadata, Tx};
use serde_json::Value;
use uuid::Uuid;

use crate::domain::message::{Message, ToNotifications};
use crate::error::Error;
use crate::jobs::push_due;
use crate::store::{deliveries, notifications};

/// Registers [`notify`] for every event that has recipients.
pub fn subscribe(consumer: Consumer) -> Consumer {
    consumer
        .on("auth", notify::<auth::UserRegistered>)
        .on("auth", notify::<auth::UserUpdated>)
        .on("vehicle", notify::<vehicle::VehicleRegistered>)
        .on("vehicle", notify::<vehicle::VehicleActivated>)
        .on("vehicle", notify::<vehicle::VehicleUpdated>)
        .on("vehicle", notify::<vehicle::VehicleWithdrawn>)
        .on("vehicle", notify::<vehicle::VehicleHoldLost>)
        .on("booking", notify::<booking::BookingRequested>)
        .on("booking", notify::<booking::BookingApproved>)
        .on("booking", notify::<booking::BookingRejected>)
        .on("booking", notify::<booking::BookingExpired>)
        .on("booking", notify::<booking::BookingConfirmed>)
        .on("booking", notify::<booking::BookingCancelled>)
        .on("booking", notify::<booking::BookingStarted>)
        .on("booking", notify::<booking::BookingCompleted>)
        .on("payment", notify::<payment::PaymentRequested>)
        .on("payment", notify::<payment::PaymentCompleted>)
        .on("payment", notify::<payment::PaymentFailed>)
        .on("payment", notify::<payment::PaymentRefunded>)
}

/// Writes a notification and its deliveries for each recipient of the event; pushes are sent right after the commit.
async fn notify<E: EventMessage + ToNotifications>(
    tx: &Tx,
    metadata: &EventMetadata,
    event: &E,
) -> Result<(), Error> {
    for message in event.messages() {
        write(tx, metadata, E::NAME, message).await?;
    }
    tx.notify_job(push_due::NAME);
    Ok(())
}

async fn write(tx: &Tx, meta: &EventMetadata, name: &str, message: Message) -> Result<(), Error> {
    let Ok(user_id) = message.user_id.parse::<Uuid>() else {
        return Err(carshare_chassis::Error::internal(anyhow::anyhow!("{name} names no person")).into());
    };
    let id = tx.new_id();
    let data = message
        .data
        .into_iter()
        .map(|(key, value)| (key, Value::String(value)))
        .collect();
    let new = notifications::New {
        id,
        user_id,
        event_id: meta.id,
        kind: name.to_owned(),
        title: message.title,
        body: message.body,
        data: Value::Object(data),
    };
    notifications::insert(tx.conn(), &new, tx.now()).await?;
    deliveries::insert_for(tx.conn(), id, tx.now()).await?;
    Ok(())
}
