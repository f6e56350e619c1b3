//! Another service, as far as it publishes events: its schema and its relay.

use carshare_chassis::config::Redis;
use carshare_chassis::{Environment, Shutdown, task};
use carshare_proto::events::EventMessage;
use carshare_store::config::Database as DatabaseConfig;
use carshare_store::{Db, Relay, Tx};
use carshare_testkit::Database;
use tokio::task::JoinHandle;

pub(crate) struct Publisher {
    pub service: &'static str,
    db: Db,
    shutdown: Shutdown,
    relaying: JoinHandle<()>,
}

impl Publisher {
    pub(crate) fn start(
        service: &'static str,
        database: &Database,
        redis_url: &str,
        environment: &Environment,
    ) -> Self {
        let config = DatabaseConfig::at(database.url_of(service));
        let db = Db::connect(&config, environment.clone()).expect("a database URL");
        let shutdown = Shutdown::new();
        let relay = Relay::new(&db, &Redis::at(redis_url.to_owned()), service);
        Self {
            service,
            relaying: task::spawn("relay of a publisher", relay.run(shutdown.clone())),
            db,
            shutdown,
        }
    }

    /// Publishes in a transaction of its own.
    pub(crate) async fn publish<E: EventMessage>(&self, event: E) {
        let published = self
            .db
            .transaction("test.publish", event, async |tx: &Tx, event: &E| {
                tx.publish(event);
                Ok::<_, carshare_store::Error>(())
            });
        published.await.expect("the event is published");
    }

    pub(crate) async fn stop(self) {
        self.shutdown.trigger();
        self.relaying.await.expect("the relay does not panic");
        self.db.close().await;
    }
}
