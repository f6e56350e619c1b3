//! A mesh in this process with a host, a car and a guest with a card.

use carshare_mesh::{Mesh, Options};
use carshare_testkit::TempDir;
use serde_json::{Value, json};

use crate::harness::{Guest, Host, Sql, invariants, next_slot, start};

pub struct Scene {
    pub mesh: Mesh,
    pub sql: Sql,
    pub host: Host,
    pub guest: Guest,
    pub car: String,
}

impl Scene {
    /// On the servers that all tests share.
    pub async fn set() -> Self {
        Self::with(Options::temporary()).await
    }

    /// On PostgreSQL and Redis of its own, which can be killed. They live in the folder.
    pub async fn on_own_servers() -> (Self, TempDir) {
        Self::on_own_servers_with(Options::temporary()).await
    }

    pub async fn on_own_servers_with(options: Options) -> (Self, TempDir) {
        let folder = TempDir::create("faults").expect("a folder");
        let options = Options {
            data: Some(folder.path().to_owned()),
            ..options
        };
        (Self::with(options).await, folder)
    }

    pub async fn with(options: Options) -> Self {
        let mesh = start(options).await;
        let (host, guest) = (Host::register(&mesh).await, Guest::with_card(&mesh).await);
        let car = host.car().await;
        Self {
            sql: Sql::of(&mesh),
            mesh,
            host,
            guest,
            car,
        }
    }

    /// The id of a new booking, days ahead: whoever cancels it gives everything back.
    pub async fn requested(&self) -> String {
        let booking = self
            .guest
            .book(&self.car, next_slot(self.mesh.now()))
            .await
            .ok(201);
        booking["id"].as_str().expect("an id").to_owned()
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

    /// The booking, as soon as it is called off and the money is back.
    pub async fn refunded(&self, id: &str) -> Value {
        let refunded = json!("refunded");
        self.guest
            .booking_when(id, |booking| booking["payment_status"] == refunded)
            .await
    }

    /// Everything comes to rest and every rule holds.
    pub async fn ends_well(&self) {
        invariants::hold(&self.mesh).await;
    }
}
