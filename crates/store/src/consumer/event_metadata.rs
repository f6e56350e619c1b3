//! What a handler may know about its event besides the message.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// About an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMetadata {
    /// The event's own id: the same each time it arrives.
    pub id: Uuid,
    /// `booking.requested`.
    pub name: String,
    /// Id of the thing it is about. Events of one key are handled in the order they were published.
    pub key: String,
    /// When the publishing transaction took place.
    pub occurred_at: DateTime<Utc>,
    /// Id of the client's request that led to it.
    pub correlation_id: String,
}
