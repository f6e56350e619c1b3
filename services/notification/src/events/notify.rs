//! One handler for all events: whoever is concerned gets a row, their devices a push.

use std::sync::Arc;

use carshare_chassis::Shutdown;
use carshare_proto::auth::v1 as auth;
use carshare_proto::booking::v1 as booking;
use carshare_proto::events::EventMessage;
use carshare_proto::payment::v1 as payment;
use carshare_proto::vehicle::v1 as vehicle;
use carshare_store::{Consumer, EventMetadata, Tx, Notify};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde_json::Value;
use uuid::Uuid;

use crate::App;
use crate::domain::message::{Message, Tells};
use crate::error::Error;
use crate::store::{deliveries, notifications};

/// Consumes all events until the shutdown.
pub async fn run(app: Arc<App>, shutdown: Shutdown) {
    let wake = &app.push_wake;
    Consumer::new(&app.db, &app.config.redis, "notification")
        .on("auth", tells::<auth::UserRegistered>(wake))
        .on("auth", tells::<auth::UserUpdated>(wake))
        .on("vehicle", tells::<vehicle::VehicleRegistered>(wake))
        .on("vehicle", tells::<vehicle::VehicleActivated>(wake))
        .on("vehicle", tells::<vehicle::VehicleUpdated>(wake))
        .on("vehicle", tells::<vehicle::VehicleWithdrawn>(wake))
        .on("vehicle", tells::<vehicle::VehicleHoldLost>(wake))
        .on("booking", tells::<booking::BookingRequested>(wake))
        .on("booking", tells::<booking::BookingApproved>(wake))
        .on("booking", tells::<booking::BookingRejected>(wake))
        .on("booking", tells::<booking::BookingExpired>(wake))
        .on("booking", tells::<booking::BookingConfirmed>(wake))
        .on("booking", tells::<booking::BookingCancelled>(wake))
        .on("booking", tells::<booking::BookingStarted>(wake))
        .on("booking", tells::<booking::BookingCompleted>(wake))
        .on("payment", tells::<payment::PaymentRequested>(wake))
        .on("payment", tells::<payment::PaymentCompleted>(wake))
        .on("payment", tells::<payment::PaymentFailed>(wake))
        .on("payment", tells::<payment::PaymentRefunded>(wake))
        .run(shutdown)
        .await;
}

/// The handler of one event. Pushes are sent as soon as its transaction is committed.
fn tells<E: EventMessage + Tells>(
    wake: &Notify,
) -> impl for<'t> Fn(&'t Tx, &'t EventMetadata, &'t E) -> BoxFuture<'t, Result<(), Error>> + Send + Sync + 'static {
    let wake = wake.clone();
    move |tx, meta, event| {
        let wake = wake.clone();
        async move {
            for message in event.messages() {
                write(tx, meta, E::NAME, message).await?;
            }
            tx.on_commit(move || wake.notify());
            Ok(())
        }
        .boxed()
    }
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
