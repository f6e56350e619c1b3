//! Interface to the push provider.

mod fcm;
mod token;

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::BoxFuture;

pub use fcm::Fcm;

use crate::domain::ids::NotificationId;

/// A push to one device.
#[derive(Clone)]
pub struct Push {
    /// A second push of the same notification replaces the first on the device.
    pub notification_id: NotificationId,
    pub token: String,
    /// Dotted name of the event.
    pub kind: String,
    pub title: String,
    pub body: String,
    /// Ids for the screen that the app opens.
    pub data: BTreeMap<String, String>,
}

/// Result of a push. Texts are error codes of the provider.
#[derive(Clone, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum PushResult {
    /// Accepted by the provider.
    Sent,
    /// The token is invalid; the device has to be deleted.
    DeviceGone(String),
    /// The provider will never accept this push.
    Rejected(String),
    /// Not accepted for now.
    Later {
        reason: String,
        /// Delay requested by the provider.
        retry_after: Option<Duration>,
    },
}

impl PushResult {
    /// Returns the value of metric labels and log fields.
    pub fn as_str(&self) -> &'static str {
        self.into()
    }

    /// Returns why the push was not sent.
    pub fn reason(&self) -> &str {
        match self {
            Self::Sent => "",
            Self::DeviceGone(reason) | Self::Rejected(reason) | Self::Later { reason, .. } => reason,
        }
    }
}

/// A push provider.
pub trait Provider: Send + Sync {
    /// Sends a push. May be repeated.
    fn send(&self, push: Push) -> BoxFuture<'_, PushResult>;
}
