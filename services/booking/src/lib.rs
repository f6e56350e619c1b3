//! The booking service: bookings from request to return.
//!
//! | module | contents |
//! |---|---|
//! | [`domain`] | rules: transitions, price, refund |
//! | [`rpc`] | RPC handlers, one file each |
//! | [`hold`] | holds of cars at the vehicle service |
//! | [`guest_limits`] | how many bookings a guest may have |
//! | [`apply_change`] | storing a change: row, history and event |
//! | [`apply_booking_change`] | the same for changes of the terms, which both sides agree on |
//! | [`apply_claim`] | the same for claims after rentals |
//! | [`store`] | all SQL, one file per table |
//! | [`handover`] | adding to the evidence of pickups and returns |
//! | [`handover_files`] | files of their photos |
//! | [`events`] | published and consumed events |
//! | [`erasure`] | what is erased of the bookings of deleted accounts |
//! | [`jobs`] | deadlines, publication of reviews, erasure, abandoned and old photos, gauges |
//! | [`config`], [`error`] | configuration, errors |

pub mod apply_booking_change;
pub mod apply_change;
pub mod apply_claim;
pub mod config;
pub mod domain;
mod erasure;
pub mod error;
pub mod events;
mod guest_limits;
mod handover;
mod handover_files;
pub mod hold;
pub mod jobs;
mod metrics;
pub mod rpc;
pub mod store;

use std::collections::BTreeMap;
use std::sync::Arc;

use carshare_chassis::config::{Peer, Redis, ServiceConfig};
use carshare_chassis::service::NoCommand;
use carshare_chassis::{Environment, Server, Shutdown, client};
use carshare_objects::Objects;
use carshare_objects::photo::Photos;
use carshare_proto::booking::v1::booking_change_service_server::BookingChangeServiceServer;
use carshare_proto::booking::v1::booking_claim_service_server::BookingClaimServiceServer;
use carshare_proto::booking::v1::booking_service_server::BookingServiceServer;
use carshare_proto::booking::v1::coupon_service_server::CouponServiceServer;
use carshare_proto::booking::v1::handover_service_server::HandoverServiceServer;
use carshare_proto::booking::v1::review_service_server::ReviewServiceServer;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use sqlx::migrate::Migrator;
use tonic::codec::CompressionEncoding;

pub use config::Config;

/// Name of the service.
pub const NAME: &str = "booking";

/// Embedded defaults of the configuration, and its documentation.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub db: Db,
    pub environment: Environment,
    pub vehicle: VehicleServiceClient<client::PeerChannel>,
    pub payment: PaymentServiceClient<client::PeerChannel>,
    pub notification: NotificationServiceClient<client::PeerChannel>,
    /// Object storage of the photos of handovers.
    pub objects: Objects,
    pub photos: Photos,
    pub config: Arc<Config>,
}

impl App {
    /// Connects at first use, so the service starts while its peers are unreachable. Fails on an invalid configuration.
    pub fn new(config: ServiceConfig<Config>, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let ServiceConfig {
            common,
            service: config,
            ..
        } = config;
        let vehicle = client::connect("vehicle", &config.vehicle, &common.tls, environment.clone())?;
        let payment = client::connect("payment", &config.payment, &common.tls, environment.clone())?;
        let notification = client::connect(
            "notification",
            &config.notification,
            &common.tls,
            environment.clone(),
        )?;
        let objects = Objects::new(&config.objects)?;
        let db = Db::connect(&config.database, environment.clone())?;
        Ok(Self {
            db,
            environment,
            vehicle: VehicleServiceClient::new(vehicle),
            payment: PaymentServiceClient::new(payment),
            notification: NotificationServiceClient::new(notification),
            photos: Photos::new(objects.clone(), &config.objects.photos),
            objects,
            config: Arc::new(config),
        })
    }
}

/// The service, run by [`carshare_store::Runner`].
pub struct Booking;

impl StoreService for Booking {
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
        App::new(config, environment)
    }

    fn db(app: &App) -> &Db {
        &app.db
    }

    fn routes(app: &App, server: Server) -> anyhow::Result<Server> {
        let rpc = rpc::Rpc { app: app.clone() };
        let handovers = HandoverServiceServer::new(rpc.clone());
        let reviews = ReviewServiceServer::new(rpc.clone());
        let changes = BookingChangeServiceServer::new(rpc.clone());
        let claims = BookingClaimServiceServer::new(rpc.clone());
        let coupons = CouponServiceServer::new(rpc.clone());
        let bookings = BookingServiceServer::new(rpc);
        let server = server
            .add(handovers.accept_compressed(CompressionEncoding::Gzip))
            .add(reviews.accept_compressed(CompressionEncoding::Gzip))
            .add(changes.accept_compressed(CompressionEncoding::Gzip))
            .add(claims.accept_compressed(CompressionEncoding::Gzip))
            .add(coupons.accept_compressed(CompressionEncoding::Gzip))
            .add(bookings.accept_compressed(CompressionEncoding::Gzip));
        Ok(server)
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::subscribe(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        Box::pin(jobs::run(&app, shutdown)).await;
    }
}
