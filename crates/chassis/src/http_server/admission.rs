//! Decides whether a connection is served.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// Decides whether a connection from an address is served. Others are closed at once.
#[derive(Clone)]
pub struct Admission(Arc<dyn Fn(IpAddr) -> Option<Admitted> + Send + Sync>);

/// What an admitted connection keeps until it ends.
pub type Admitted = Box<dyn Send>;

impl Admission {
    /// Creates an admission that closes the connections for which `admit` returns `None`.
    pub fn new(admit: impl Fn(IpAddr) -> Option<Admitted> + Send + Sync + 'static) -> Self {
        Self(Arc::new(admit))
    }
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Admission")
    }
}

/// Admits a connection, which keeps what it returns; without an admission every one.
pub(super) fn admit(admission: Option<&Admission>, remote: IpAddr) -> Option<Admitted> {
    match admission {
        Some(Admission(admit)) => admit(remote),
        None => Some(Box::new(())),
    }
}
