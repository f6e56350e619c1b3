//! What the journeys share: a mesh, a REST client, people with cars and cards.

pub mod invariants;
mod people;
mod rest;
mod running;
mod sql;
mod stream;

pub use people::{Guest, Host, Slot, next_slot, put};
pub use rest::{Answer, Rest};
pub use sql::{BOOKINGS, OCCUPANCIES, Sql, Table};
pub use stream::{Event, Events};

use std::time::Duration;

use carshare_mesh::{Mesh, Options};

/// How long something that happens by itself may take before a test gives up.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// A mesh of one's own in this process, on a fresh database.
pub async fn mesh() -> Mesh {
    Mesh::start(Options::temporary()).await.expect("the mesh starts")
}
