//! The bells of the workers.

use carshare_store::Notify;

/// Rung by whoever makes work. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Wakes {
    /// A payment is to be looked at.
    pub payments: Notify,
    /// A refund is to be looked at.
    pub refunds: Notify,
}
