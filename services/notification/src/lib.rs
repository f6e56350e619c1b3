//! The notification service: feeds, live streams and push notifications for users.
//!
//! | module | gives |
//! |---|---|
//! | [`domain`] | what each event means to whom, in words |
//! | [`events`] | every event of the mesh becomes rows and pushes, once |
//! | [`rpc`] | list, mark read, register a device, live stream |
//! | [`feed_watch`] | wakes live streams on every replica |
//! | [`push`] | FCM, the outside edge |
//! | [`jobs`] | sends the pushes that are due |
//! | [`store`] | all SQL |

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

use std::sync::Arc;

use carshare_chassis::config::{Redis, ServiceConfig};
use carshare_chassis::service::{NoCommand, Roles};
use carshare_chassis::{Environment, Server, Shutdown};
use carshare_proto::notification::v1::notification_service_server::NotificationServiceServer;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use sqlx::migrate::Migrator;

pub use config::Config;
use feed_watch::FeedWatch;
use push::{Fcm, Provider};

/// Name of this service.
pub const NAME: &str = "notification";

/// The embedded defaults of its configuration.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    /// The schema of the service.
    pub db: Db,
    pub environment: Environment,
    pub config: Arc<Config>,
    pub live: FeedWatch,
    /// Where pushes go; `None` when they are switched off.
    pub push: Option<Arc<dyn Provider>>,
}

impl App {
    /// Puts the service together. Nothing is contacted yet.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let push = Fcm::new(&config.push, &environment)?.map(|fcm| Arc::new(fcm) as Arc<dyn Provider>);
        Ok(Self {
            db: Db::connect(&config.database, environment.clone())?,
            environment,
            config: Arc::new(config),
            live: FeedWatch::default(),
            push,
        })
    }
}

/// The service, run by [`carshare_store::Runner`].
pub struct Notification;

impl StoreService for Notification {
    const NAME: &'static str = NAME;
    const DEFAULTS: &'static str = DEFAULTS;
    type Config = Config;
    type App = App;
    type Command = NoCommand;

    fn database(config: &Config) -> &Database {
        &config.database
    }

    fn redis(config: &Config) -> &Redis {
        &config.redis
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
        Ok(server.add(NotificationServiceServer::new(rpc::Rpc { app: app.clone() })))
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::notify::subscribe(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        jobs::push_due::run(app, shutdown).await;
    }

    /// Every process that serves live streams listens for new notifications.
    async fn background(app: App, roles: Roles, shutdown: Shutdown) {
        if roles.api {
            let url = app.config.database.url.expose().to_owned();
            let clock = app.environment.clock.clone();
            app.live.run(url, clock, shutdown).await;
        }
    }
}
