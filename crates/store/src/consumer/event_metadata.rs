//! Metadata of an event: what a handler may use besides the message.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use crate::envelope::Envelope;

/// What the envelope of an event says besides its message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventMetadata {
    /// Id of the event, the same on every delivery.
    pub id: Uuid,
    /// Dotted name, `booking.requested`.
    pub name: String,
    /// Id of the aggregate. Events of one key are handled in the order in which they were published.
    pub key: String,
    /// Time of the publishing transaction, by the publisher's clock.
    pub occurred_at: DateTime<Utc>,
    /// Correlation id of the client request that led to it.
    pub correlation_id: String,
}

impl EventMetadata {
    pub(super) fn of(envelope: &Envelope) -> Self {
        Self {
            id: envelope.id,
            name: envelope.name.clone(),
            key: envelope.key.clone(),
            occurred_at: envelope.occurred_at,
            correlation_id: envelope.correlation_id.clone(),
        }
    }
}
