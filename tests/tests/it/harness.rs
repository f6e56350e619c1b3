//! What the journeys share: a mesh, a REST client, people with cars and cards.

pub mod invariants;
mod people;
mod problem;
mod rest;
mod running;
mod sql;
mod stream;
mod wire;

pub use people::{Guest, Host, PASSWORD, Slot, next_slot, photo, put};
pub use problem::Told;
pub use rest::{Answer, Rest};
pub use sql::{BOOKINGS, IMAGES, OCCUPANCIES, Sql, Table, USERS, VEHICLES};
pub use stream::{Event, Events};
pub use wire::{Form, Wire, signed, signed_as};

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::{Clock, Environment, ManualClock};
use carshare_mesh::dependencies::{SERVICES, migrate};
use carshare_mesh::{ExternalStores, Mesh, Options};
use carshare_testkit::{Database, redis_url};

/// How long something that happens by itself may take before a test gives up.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// A mesh of one's own in this process, on a fresh database.
pub async fn mesh() -> Mesh {
    start(options()).await
}

/// The same with a clock that stands still until it is moved. What does not wait for the clock goes on by itself.
pub async fn mesh_by_hand() -> (Mesh, ManualClock) {
    let (environment, clock) = Environment::manual(Clock::system().now(), 7);
    (start(options().with_environment(environment)).await, clock)
}

/// Starts a mesh in this process. Without a data folder it uses the shared servers.
pub async fn start(options: Options) -> Mesh {
    Mesh::start(on_shared_servers(options).await)
        .await
        .expect("the mesh starts")
}

/// Gives a mesh without a data folder a fresh database and an empty Redis database on the servers that all tests share.
pub async fn on_shared_servers(options: Options) -> Options {
    if options.data.is_some() {
        return options;
    }
    let (database, redis_url) = tokio::join!(Database::create_many(&SERVICES, migrate), redis_url());
    let stores = ExternalStores {
        admin_url: database.admin_url(),
        database: database.name().to_owned(),
        redis_url,
        guard: Arc::new(database),
    };
    Options {
        stores: Some(stores),
        ..options
    }
}

/// Passwords are hashed as cheaply as bcrypt can, for tests register many people. Services wait for their database and for
/// one another nearly as long as their client does: who wins is asked here, not how long a small machine takes.
fn options() -> Options {
    const PATIENCE_MS: &str = "14000";
    let options = Options::temporary()
        .with_env("AUTH__PASSWORDS__BCRYPT_COST", "4")
        .with_env("BOOKING__VEHICLE__TIMEOUT_MS", PATIENCE_MS);
    let waits = ["ACQUIRE_TIMEOUT_MS", "STATEMENT_TIMEOUT_MS", "LOCK_TIMEOUT_MS"];
    let of_all = SERVICES
        .into_iter()
        .flat_map(|service| waits.map(|wait| (service, wait)));
    of_all.fold(options, |options, (service, wait)| {
        let name = format!("{}__DATABASE__{wait}", service.to_uppercase());
        options.with_env(&name, PATIENCE_MS)
    })
}
