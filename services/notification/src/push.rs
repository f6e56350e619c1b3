//! Pushes to devices: the outside edge of the service.

mod fcm;
mod token;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;
use uuid::Uuid;

pub use fcm::Fcm;

/// One push to one device.
#[derive(Clone)]
pub struct Outgoing {
    /// The notification; a second push of it replaces the first on the device.
    pub notification_id: Uuid,
    pub token: String,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    /// Ids to open the right screen with.
    pub data: BTreeMap<String, String>,
}

/// What became of a push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Accepted. Delivery is the provider's business from here on.
    Sent,
    /// The token is dead or another project's: forget the device.
    DeviceGone(String),
    /// This push will never be accepted.
    Refused(String),
    /// Not now; perhaps the provider said how long to wait.
    Later(String, Option<Duration>),
}

/// A provider of pushes.
pub trait Provider: Send + Sync {
    /// Hands over one push.
    fn send(&self, push: Outgoing) -> BoxFuture<'_, Outcome>;
}
