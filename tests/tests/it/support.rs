//! What the journeys share: a mesh, a REST client, people with cars and cards.

mod people;
mod rest;
mod running;
mod stream;

pub use people::{Guest, Host, Slot, next_slot, put};
pub use rest::{Answer, Rest};
pub use running::Running;
pub use stream::Events;

use std::time::Duration;

use carshare_mesh::{Mesh, Options};

/// How long something that happens by itself may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A mesh of one's own in this process, on a fresh database.
pub async fn mesh() -> Mesh {
    Mesh::start(Options::temporary()).await.expect("the mesh starts")
}
