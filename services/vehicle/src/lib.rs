//! The vehicle service: cars, their photos, their opening hours, and the one calendar of each car.
//!
//! | module | holds |
//! |---|---|
//! | [`rpc`] | the RPCs, a file each |
//! | [`domain`] | the rules: plates, opening hours, periods, places, photos, a car's status |
//! | [`store`] | all SQL, a file per table |
//! | [`events`] | published events, consumed events of booking and auth |
//! | [`jobs`] | removing dead holds and uploads that never came |
//! | [`geocoder`] | the edge to the map: Kakao |
//! | [`config`], [`error`] | what is configured, what is refused |
//!
//! A request goes `rpc` → `domain` and `store` and straight back.

pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod geocoder;
mod image_urls;
pub mod jobs;
mod metrics;
pub mod rpc;
pub mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use carshare_chassis::config::{Peer, Redis, ServiceConfig};
use carshare_chassis::service::NoCommand;
use carshare_chassis::{Environment, Server, Shutdown};
use carshare_objects::Objects;
use carshare_proto::vehicle::v1::vehicle_service_server::VehicleServiceServer;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use sqlx::migrate::Migrator;

pub use config::Config;

use domain::Location;
use error::{Error, Result};
use geocoder::{Geocoder, KakaoGeocoder, MapUnavailable};
use image_urls::ImageUrls;

/// The name of this service.
pub const NAME: &str = "vehicle";

/// The embedded configuration; it is the configuration's documentation too.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    /// Clock, ids and randomness.
    pub environment: Environment,
    /// The storage of the photos.
    pub objects: Objects,
    pub geocoder: Arc<dyn Geocoder>,
    pub config: Arc<Config>,
    /// Where photos can be fetched.
    urls: ImageUrls,
}

impl App {
    /// Connects to everything at first use, so a service starts while its neighbours are away.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let objects = Objects::new(&config.objects)?;
        Ok(Self {
            db: Db::connect(&config.database, environment.clone())?,
            geocoder: Arc::new(KakaoGeocoder::new(&config.kakao, environment.clone())?),
            urls: ImageUrls::below(objects.public_url("")),
            objects,
            config: Arc::new(config),
            environment,
        })
    }

    /// The place of a pickup address, or the refusal to give the host.
    async fn locate(&self, address: &str) -> Result<Location> {
        let found = self.geocoder.locate(address).await;
        let found = found
            .map_err(|MapUnavailable { retry_after, cause }| Error::MapUnavailable { retry_after, cause });
        found?.ok_or(Error::AddressNotFound)
    }
}

/// The service, run by [`carshare_store::Runner`].
pub struct Vehicle;

impl StoreService for Vehicle {
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
        Ok(server.add(VehicleServiceServer::new(rpc::Rpc { app: app.clone() })))
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::subscribe(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        jobs::run(&app, shutdown).await;
    }
}
