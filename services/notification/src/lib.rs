//! The notification service: tells people what happened.
//!
//! | module | gives |
//! |---|---|
//! | [`domain`] | what each event means to whom, in words |
//! | [`events`] | every event of the mesh becomes rows and pushes, once |
//! | [`rpc`] | list, mark read, register a device, live stream |
//! | [`live`] | wakes live streams on every replica |
//! | [`push`] | FCM, the outside edge |
//! | [`jobs`] | sends the pushes that are due |
//! | [`store`] | all SQL |

pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod jobs;
pub mod live;
mod measures;
pub mod push;
pub mod rpc;
pub mod store;

use std::sync::Arc;

use carshare_chassis::config::Common;
use carshare_chassis::server::Server;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Shutdown, Environment};
use carshare_proto::notification::v1::notification_service_server::NotificationServiceServer;
use carshare_store::{Db, Relay, housekeeping};
use futures::future::OptionFuture;
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

pub use config::Config;
use live::Live;
use push::{Fcm, Provider};

/// The tables of the service.
pub fn migrator() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// What handlers and jobs work with.
pub struct App {
    /// The schema of the service.
    pub db: Db,
    /// Clock, ids, chance.
    pub environment: Environment,
    /// Configuration.
    pub config: Config,
    /// Wakes live streams.
    pub live: Live,
    /// Where pushes go; `None` when they are switched off.
    pub push: Option<Arc<dyn Provider>>,
}

impl App {
    /// Puts the service together. Nothing is contacted yet.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Arc<Self>> {
        measures::describe();
        let push = Fcm::new(&config.push, &environment)?.map(|fcm| Arc::new(fcm) as Arc<dyn Provider>);
        Ok(Arc::new(Self {
            db: Db::connect(&config.database, environment.clone())?,
            environment,
            config,
            live: Live::default(),
            push,
        }))
    }
}

/// The service, for `main`, the mesh and tests.
pub struct Notification;

impl Service for Notification {
    const NAME: &'static str = "notification";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;
    type Command = carshare_store::Command;

    fn common(config: &Config) -> Common {
        Common {
            server: config.server.clone(),
            admin: config.admin.clone(),
            telemetry: config.telemetry.clone(),
            identity: config.identity.clone(),
            tls: config.tls.clone(),
        }
    }

    async fn serve(
        config: Config,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        let common = Self::common(&config);
        let app = App::new(config, environment.clone())?;
        let db = app.db.clone();
        let server = Server::new(Self::NAME, &common, environment)
            .add(NotificationServiceServer::new(rpc::Rpc::new(app.clone())))
            .readiness("postgres", move || {
                let db = db.clone();
                async move { Ok(db.ping().await?) }
            });
        let working = app.clone();
        let work = |drained| async move { Box::pin(work(&working, roles, drained)).await };
        let served = server.serve_with_worker(Some(work), listener, shutdown).await;
        app.db.close().await;
        served
    }

    async fn migrate(config: Config) -> anyhow::Result<()> {
        carshare_store::migrate(&config.database, migrator()).await
    }

    async fn command(config: Config, _: Environment, command: Self::Command) -> anyhow::Result<()> {
        command.run(&config.redis, Self::NAME).await
    }
}

/// Whoever answers RPCs listens for news; whoever works consumes, relays and sends.
async fn work(app: &Arc<App>, roles: Roles, shutdown: Shutdown) {
    let url = app.config.database.url.expose().to_owned();
    let listening = app
        .live
        .clone()
        .run(url, app.environment.clock.clone(), shutdown.clone());
    let working = async {
        tokio::join!(
            Relay::new(&app.db, &app.config.redis, Notification::NAME).run(shutdown.clone()),
            events::notify::run(app.clone(), shutdown.clone()),
            jobs::push_due::run(app.clone(), shutdown.clone()),
            housekeeping(&app.db, shutdown.clone()),
        );
    };
    let listening = OptionFuture::from(roles.api.then_some(listening));
    let working = OptionFuture::from(roles.worker.then_some(working));
    tokio::join!(listening, working);
}
