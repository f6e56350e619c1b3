//! Test harness: a mesh, REST and gRPC clients, hosts with cars, guests with cards, queries and invariants.

pub mod invariants;

mod accounts;
mod deployment;
mod dice;
mod error_info;
mod example_requests;
mod fake_clock;
mod grpc;
mod rest;
mod servers;
mod setup;
mod signing_key;
mod sql;
mod sse;

pub use accounts::{Guest, Host, PASSWORD, Slot, id, next_slot, photo, put};
pub use deployment::Deployment;
pub use dice::{Dice, parameter};
pub use error_info::ErrorInfo;
pub use example_requests::{Ids, example_request, grpc_path, path_fields, path_template, rest_requests};
pub use fake_clock::FakeClock;
pub use grpc::{GrpcClient, Protocol, with_session, with_token};
pub use rest::{Response, Rest, Unanswered, new_key};
pub use servers::{Servers, fault_lasts};
pub use setup::{REPLICAS, Setup, built_binaries, start_fleet, starts_older_release};
pub use signing_key::{SEALING_KEY, tokens};
pub use sql::{BOOKINGS, IMAGES, OCCUPANCIES, Sql, Table, USERS, VEHICLES};
pub use sse::{Event, Events};

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::{Clock, Environment, ManualClock};
use carshare_mesh::dependencies::{SERVICES, migrate};
use carshare_mesh::{ExternalStores, Mesh, Options};
use carshare_testkit::{Database, redis_url};

/// Longest wait for an effect that nobody waits for on the wire.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Starts a mesh in this process, on a fresh database.
pub async fn mesh() -> Mesh {
    start(options()).await
}

/// The same with a setting of a service, `AUTH__PAYMENT__URI`.
pub async fn mesh_with(name: &str, value: &str) -> Mesh {
    start(options().with_env(name, value)).await
}

/// The same with a clock that stands still until it is moved.
pub async fn mesh_with_manual_clock() -> (Mesh, ManualClock) {
    let (environment, clock) = Environment::manual(Clock::system().now(), 7);
    (
        start(
            options()
                .with_environment(environment)
                .with_env(SEALING_KEY.0, SEALING_KEY.1),
        )
        .await,
        clock,
    )
}

/// Starts a mesh in this process. Without a data folder it uses the servers that all tests share.
pub async fn start(options: Options) -> Mesh {
    let mesh = Box::pin(Mesh::start(on_shared_servers(options).await)).await;
    mesh.expect("the mesh starts")
}

/// Gives a mesh without a data folder and servers of its own a fresh database and an empty Redis database on the servers that all tests share.
pub async fn on_shared_servers(options: Options) -> Options {
    if options.data.is_some() || options.stores.is_some() {
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

/// Cheap password hashes, and database waits nearly as long as the client's: these tests assert results, not the speed of a
/// small machine.
pub fn options() -> Options {
    const WAIT_TIMEOUT_MS: &str = "14000";
    let options = Options::temporary()
        .with_env("AUTH__PASSWORDS__BCRYPT_COST", "4")
        .with_env("BOOKING__VEHICLE__TIMEOUT_MS", WAIT_TIMEOUT_MS);
    let waits = ["ACQUIRE_TIMEOUT_MS", "STATEMENT_TIMEOUT_MS", "LOCK_TIMEOUT_MS"];
    let of_all = SERVICES
        .into_iter()
        .flat_map(|service| waits.map(|wait| (service, wait)));
    of_all.fold(options, |options, (service, wait)| {
        let name = format!("{}__DATABASE__{wait}", service.to_uppercase());
        options.with_env(&name, WAIT_TIMEOUT_MS)
    })
}
