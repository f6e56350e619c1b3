//! The service under test with everything around its instances.

use std::sync::atomic::{AtomicI64, Ordering};

use carshare_chassis::config::ServiceConfig;
use carshare_chassis::{Environment, ManualClock};
use carshare_proto::events::EventMessage;
use carshare_store::{Db, StoreService};
use carshare_testkit::{Database, StubServer, Tokens};
use tonic::Request;
use uuid::Uuid;

use crate::calls::{wait_until, with_metadata};
use crate::instance::Instance;
use crate::publisher::Publisher;

/// A user with an access token.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    /// Subject of the token.
    pub id: Uuid,
    /// Role in the token: `guest`, `host` or `admin`.
    pub role: &'static str,
}

/// Database, configuration, clock and users of a service under test.
pub struct TestService<S: StoreService> {
    /// Clock of every instance.
    pub clock: ManualClock,
    /// Clock, ids and randomness of every instance.
    pub environment: Environment,
    /// Configuration of the instances.
    pub config: ServiceConfig<S::Config>,
    /// Connections of the test to the service's schema.
    pub db: Db,
    /// Issues the access tokens that the service accepts.
    pub tokens: Tokens,
    pub(crate) publishers: Vec<Publisher>,
    /// Number of events that the test has published for the service.
    pub(crate) published: AtomicI64,
    pub(crate) database: Database,
    pub(crate) _keys: StubServer,
}

impl<S: StoreService> TestService<S>
where
    S::Config: Clone,
{
    /// Starts an instance. Several instances share the database and the clock, as replicas do.
    pub async fn start_instance(&self) -> Instance {
        Instance::start::<S>(self.config.clone(), self.environment.clone()).await
    }

    /// Returns the test's database.
    pub fn database(&self) -> &Database {
        &self.database
    }

    /// Returns a new user in `role`.
    pub fn person(&self, role: &'static str) -> Person {
        let id = self.environment.ids.next();
        Person { id, role }
    }

    /// Returns a new guest.
    pub fn guest(&self) -> Person {
        self.person("guest")
    }

    /// Returns a new host.
    pub fn host(&self) -> Person {
        self.person("host")
    }

    /// Creates a request with an access token of the user.
    pub fn request<M>(&self, person: Person, message: M) -> Request<M> {
        let token = self.tokens.mint(person.role, person.id, self.clock.now());
        with_metadata(Request::new(message), "authorization", &format!("Bearer {token}"))
    }

    /// Publishes an event as another service, one of the setup's publishers.
    pub async fn publish<E: EventMessage>(&self, service: &str, event: E) {
        let publisher = self
            .publishers
            .iter()
            .find(|publisher| publisher.service == service);
        let publisher = publisher.unwrap_or_else(|| panic!("{service} is no publisher of this setup"));
        publisher.publish(event).await;
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits until the service has handled every event that the test has published.
    pub async fn handled(&self) {
        wait_until(|| async {
            let handled = "SELECT coalesce(sum(handled_seq), 0)::bigint AS count FROM inbox_cursors";
            self.count(handled).await >= self.published.load(Ordering::Relaxed)
        })
        .await;
    }

    /// Waits until every event of the service has been sent.
    pub async fn all_sent(&self) {
        let unsent = "SELECT count(*) AS count FROM outbox WHERE position IS NULL";
        wait_until(|| async { self.count(unsent).await == 0 }).await;
    }

    /// Ends the test: waits until every event has been sent, then shuts the instances and publishers down gracefully.
    pub async fn finish(self, instances: impl IntoIterator<Item = Instance>) {
        self.all_sent().await;
        for instance in instances {
            instance.stop().await;
        }
        for publisher in self.publishers {
            publisher.stop().await;
        }
        self.db.close().await;
    }
}
