//! The vehicle service: cars, their photos, their opening hours and their calendars.
//!
//! | module | contents |
//! |---|---|
//! | [`rpc`] | RPC handlers, one file each |
//! | [`domain`] | rules: plates, opening hours, periods, locations, photos, status of a car |
//! | [`store`] | all SQL, one file per table |
//! | [`events`] | published and consumed events |
//! | [`jobs`] | deletion of expired holds and abandoned uploads, erasure of the cars of deleted hosts |
//! | [`withdraw`] | withdrawal of a car |
//! | [`geocoder`] | addresses on the map, by Kakao |
//! | [`config`], [`error`] | configuration, errors |

pub mod config;
mod confirm;
pub mod domain;
pub mod error;
pub mod events;
pub mod geocoder;
mod image_urls;
pub mod jobs;
mod metrics;
pub mod rpc;
pub mod store;
mod withdraw;

use std::collections::BTreeMap;
use std::sync::Arc;

use carshare_chassis::config::{Peer, Redis, ServiceConfig};
use carshare_chassis::service::NoCommand;
use carshare_chassis::{Environment, Server, Shutdown};
use carshare_objects::Objects;
use carshare_objects::photo::Photos;
use carshare_proto::vehicle::v1::vehicle_image_service_server::VehicleImageServiceServer;
use carshare_proto::vehicle::v1::vehicle_service_server::VehicleServiceServer;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use sqlx::migrate::Migrator;
use tonic::codec::CompressionEncoding;

pub use config::Config;

use domain::Location;
use error::{Error, Result};
use geocoder::{Geocoder, KakaoGeocoder, MapUnavailable};
use image_urls::ImageUrls;

/// Name of the service.
pub const NAME: &str = "vehicle";

/// Embedded defaults of the configuration, and its documentation.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub environment: Environment,
    /// Object storage of the photos.
    pub objects: Objects,
    pub photos: Photos,
    pub geocoder: Arc<dyn Geocoder>,
    pub config: Arc<Config>,
    urls: ImageUrls,
}

impl App {
    /// Connects at first use, so the service starts while its dependencies are unreachable. Fails on an invalid
    /// configuration.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let objects = Objects::new(&config.objects)?;
        Ok(Self {
            db: Db::connect(&config.database, environment.clone())?,
            geocoder: Arc::new(KakaoGeocoder::new(&config.kakao, environment.clone())?),
            urls: ImageUrls::new(objects.public_url("")),
            photos: Photos::new(objects.clone(), &config.objects.photos),
            objects,
            config: Arc::new(config),
            environment,
        })
    }

    /// Finds a pickup address on the map.
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
        let rpc = rpc::Rpc { app: app.clone() };
        let images = VehicleImageServiceServer::new(rpc.clone());
        let vehicles = VehicleServiceServer::new(rpc);
        let server = server.add(images.accept_compressed(CompressionEncoding::Gzip));
        Ok(server.add(vehicles.accept_compressed(CompressionEncoding::Gzip)))
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::subscribe(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        jobs::run(&app, shutdown).await;
    }
}
