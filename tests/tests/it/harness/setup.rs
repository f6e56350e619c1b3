//! A mesh with a host, a car and a guest who has a card.

use std::path::PathBuf;

use carshare_mesh::{Fleet, Mesh, Options};
use carshare_testkit::TempDir;
use carshare_testkit::process::built;
use serde_json::{Value, json};

use super::{Deployment, Guest, Host, Servers, Sql, invariants, next_slot, on_shared_servers, start};

/// Replicas of every process of a fleet.
pub const REPLICAS: usize = 2;

pub struct Setup<M = Mesh> {
    pub mesh: M,
    pub sql: Sql,
    pub host: Host,
    pub guest: Guest,
    pub car: String,
}

impl Setup<Mesh> {
    /// In this process, on the servers that all tests share.
    pub async fn start() -> Self {
        Self::with(Options::temporary()).await
    }

    pub async fn with(options: Options) -> Self {
        Self::of(start(options).await).await
    }

    /// In this process, on PostgreSQL and Redis of its own, which can be killed. They live in the folder.
    pub async fn on_own_servers(options: Options) -> (Self, TempDir) {
        let (options, folder) = own_servers(options);
        (Self::with(options).await, folder)
    }
}

impl Setup<Fleet> {
    /// As processes.
    pub async fn fleet(options: Options) -> Self {
        Self::of(start_fleet(options, REPLICAS).await).await
    }

    /// As processes, on servers that can fail. They must outlive the fleet.
    pub async fn fleet_on(servers: &Servers, options: Options) -> Self {
        let fleet = start_fleet(servers.options(options), REPLICAS).await;
        Self::of(fleet).await
    }

    /// As processes, on PostgreSQL and Redis of their own.
    pub async fn fleet_on_own_servers(options: Options) -> (Self, TempDir) {
        let (options, folder) = own_servers(options);
        (Self::fleet(options).await, folder)
    }
}

impl<M: Deployment> Setup<M> {
    pub async fn of(mesh: M) -> Self {
        let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
        Self {
            sql: Sql::of(&mesh),
            car: host.car().await,
            mesh,
            host,
            guest,
        }
    }

    /// The id of a new booking, days ahead: a cancellation refunds everything.
    pub async fn requested(&self) -> String {
        self.guest.request(&self.car, next_slot(self.mesh.now())).await
    }

    /// The id of a new booking that the host has approved.
    pub async fn approved(&self) -> String {
        let id = self.requested().await;
        self.host.approve(&id).await.ok(200);
        id
    }

    /// The id of a new booking that is approved and paid.
    pub async fn confirmed(&self) -> String {
        let id = self.approved().await;
        self.guest.confirmed(&id).await;
        id
    }

    /// The booking, as soon as it is refunded.
    pub async fn refunded(&self, id: &str) -> Value {
        let refunded = json!("refunded");
        self.guest
            .wait_for_booking(id, |booking| booking["payment_status"] == refunded)
            .await
    }

    /// Waits until the mesh is quiescent and asserts that every invariant holds.
    pub async fn assert_consistent(&self) {
        invariants::assert_hold(&self.mesh).await;
    }
}

/// Starts processes of the release under test.
pub async fn start_fleet(options: Options, replicas: usize) -> Fleet {
    let fleet = Fleet::start(on_shared_servers(options).await, binaries(), replicas).await;
    fleet.expect("the fleet starts")
}

/// Returns the folder of the binaries that fleets start with: those of the variable `CARSHARE_BINARIES`, which `make test-upgrade` sets
/// to an older release, or [`built_binaries`].
fn binaries() -> PathBuf {
    std::env::var_os("CARSHARE_BINARIES").map_or_else(built_binaries, PathBuf::from)
}

/// Returns whether fleets start with an older release.
pub fn starts_older_release() -> bool {
    binaries() != built_binaries()
}

/// Returns the folder of the binaries that `make test` has built.
pub fn built_binaries() -> PathBuf {
    let gateway = built("carshare-gateway").expect("`make test` builds the binaries first");
    gateway.parent().expect("a folder").to_owned()
}

/// Options for a mesh whose data lives in the folder.
fn own_servers(options: Options) -> (Options, TempDir) {
    let folder = TempDir::create("tests").expect("a folder");
    let data = Some(folder.path().to_owned());
    (Options { data, ..options }, folder)
}
