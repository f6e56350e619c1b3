//! The notification service: feeds, live streams and push notifications for users.
//!
//! | module | content |
//! |---|---|
//! | [`domain`] | business rules: recipients and texts of each event |
//! | [`rpc`] | one file per RPC |
//! | [`feed_watch`] | notifies live streams of new notifications, on every replica |
//! | [`push`] | interface to the push provider, and its implementation for FCM |
//! | [`store`] | tables and SQL |
//! | [`events`] | event handlers |
//! | [`jobs`] | background work |

pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod feed_watch;
pub mod jobs;
mod metrics;
pub mod push;
pub mod rpc;
pub mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use carshare_chassis::config::{Peer, Redis, ServiceConfig};
use carshare_chassis::service::{NoCommand, Roles};
use carshare_chassis::{Environment, Server, Shutdown};
use carshare_proto::notification::v1::notification_service_server::NotificationServiceServer;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use sqlx::migrate::Migrator;
use tonic::codec::CompressionEncoding;

pub use config::Config;
use feed_watch::FeedWatch;
use push::{Fcm, Provider};

/// Name of the service.
pub const NAME: &str = "notification";

/// The embedded `config.default.toml`.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Expired rows; the README gives the reasons.
const EXPIRED: [(&str, &str); 5] = [
    (
        "deliveries",
        "state <> 'pending' AND updated_at < $1 - interval '30 days'",
    ),
    ("notifications", "created_at < $1 - interval '180 days'"),
    // Of deleted users. A closed feed takes no notification, so that nothing is left for later runs.
    (
        "notifications",
        "user_id IN (SELECT user_id FROM feeds WHERE closed_at > $1 - interval '30 days')",
    ),
    ("devices", "updated_at < $1 - interval '270 days'"),
    ("ended_sessions", "ended_at < $1 - interval '1 day'"),
];

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub environment: Environment,
    pub config: Arc<Config>,
    pub feeds: FeedWatch,
    /// `None` when pushes are disabled.
    pub push: Option<Arc<dyn Provider>>,
}

impl App {
    /// Builds the state. Nothing is connected yet; an error is one of the configuration.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let push = Fcm::new(&config.push, &environment)?.map(|fcm| Arc::new(fcm) as Arc<dyn Provider>);
        Ok(Self {
            db: Db::connect(&config.database, environment.clone())?,
            environment,
            config: Arc::new(config),
            feeds: FeedWatch::default(),
            push,
        })
    }
}

/// The service, for [`carshare_store::Runner`].
pub struct Notification;

impl StoreService for Notification {
    const NAME: &'static str = NAME;
    const DEFAULTS: &'static str = DEFAULTS;
    const EXPIRED: &'static [(&'static str, &'static str)] = &EXPIRED;
    type Config = Config;
    type App = App;
    type Command = NoCommand;

    fn database(config: &Config) -> &Database {
        &config.database
    }

    fn redis(config: &Config) -> &Redis {
        &config.redis
    }

    fn publishers(config: &Config) -> BTreeMap<String, Peer> {
        config.publishers.clone()
    }

    fn migrator() -> Migrator {
        sqlx::migrate!("./migrations")
    }

    fn app(config: ServiceConfig<Config>, environment: Environment) -> anyhow::Result<App> {
        App::new(config.service, environment)
    }

    fn db(app: &App) -> &Db {
        &app.db
    }

    fn routes(app: &App, server: Server) -> anyhow::Result<Server> {
        let service = NotificationServiceServer::new(rpc::Rpc { app: app.clone() });
        Ok(server.add(service.accept_compressed(CompressionEncoding::Gzip)))
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::handlers(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        jobs::run(&app, shutdown).await;
    }

    /// Listens for new notifications in every process that serves live streams.
    async fn background(app: App, roles: Roles, shutdown: Shutdown) {
        if roles.api {
            let url = app.config.database.url.expose().to_owned();
            let clock = app.environment.clock.clone();
            app.feeds.run(url, clock, shutdown).await;
        }
    }
}
