//! The auth service: accounts, sessions and signing keys.
//!
//! | module | content |
//! |---|---|
//! | [`domain`] | business rules: e-mail addresses, passwords, decisions about refresh tokens |
//! | [`rpc`] | one file per RPC |
//! | [`store`] | tables and SQL |
//! | [`audit`], [`login_attempts`] | the security record, and delays of logins after failures |
//! | [`session`] | steps of a session: begin, rotate, end |
//! | [`passwords`] | bcrypt |
//! | [`keys`], [`issuer`] | signing keys, and the tokens signed with them |
//! | [`email_address`], [`mail`] | who an address belongs to; mails with tokens, over SMTP |
//! | [`events`] | published and consumed events |
//! | [`deletion`] | what follows the request to delete an account |
//! | [`mfa`], [`missing_second_factor`] | second factors: enrolment, codes, attempts; an admin of a release without |
//! | [`profile_image`] | keys of profile images in the object storage |
//! | [`revoker`] | copies revoked access tokens to Redis |
//! | [`jobs`] | background work |
//! | [`sealed_reply`] | idempotency for calls that carry passwords and tokens |
//! | [`admin`], [`cli`] | commands `create-admin`, `rotate-signing-key` |

pub mod admin;
pub mod audit;
pub mod cli;
pub mod config;
mod deletion;
pub mod domain;
mod email_address;
pub mod error;
mod events;
pub mod issuer;
mod jobs;
pub mod keys;
pub mod login_attempts;
mod lost_second_factor;
mod mail;
mod metrics;
mod mfa;
mod missing_second_factor;
pub mod passwords;
mod profile_image;
mod revoker;
mod rpc;
mod sealed_reply;
mod session;
mod store;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::config::{Peer, Redis, ServiceConfig};
use carshare_chassis::encryption::Sealer;
use carshare_chassis::identity::Revocations;
use carshare_chassis::service::Roles;
use carshare_chassis::{Environment, Server, Shutdown, client};
use carshare_objects::Objects;
use carshare_objects::photo::Photos;
use carshare_proto::auth::export::v1::export_service_server::ExportServiceServer;
use carshare_proto::auth::v1::account_service_server::AccountServiceServer;
use carshare_proto::auth::v1::auth_service_server::AuthServiceServer;
use carshare_proto::auth::v1::email_service_server::EmailServiceServer;
use carshare_proto::auth::v1::mfa_service_server::MfaServiceServer;
use carshare_proto::booking::v1::booking_change_service_client::BookingChangeServiceClient;
use carshare_proto::booking::v1::booking_claim_service_client::BookingClaimServiceClient;
use carshare_proto::booking::v1::booking_service_client::BookingServiceClient;
use carshare_proto::booking::v1::coupon_service_client::CouponServiceClient;
use carshare_proto::booking::v1::handover_service_client::HandoverServiceClient;
use carshare_proto::booking::v1::review_service_client::ReviewServiceClient;
use carshare_proto::notification::v1::notification_service_client::NotificationServiceClient;
use carshare_proto::payment::v1::payment_service_client::PaymentServiceClient;
use carshare_proto::payment::v1::settlement_service_client::SettlementServiceClient;
use carshare_proto::vehicle::v1::vehicle_service_client::VehicleServiceClient;
use carshare_store::config::Database;
use carshare_store::{Consumer, Db, StoreService};
use sqlx::migrate::Migrator;
use tonic::codec::CompressionEncoding;

pub use admin::{NewAdmin, create_admin};
pub use config::Config;
pub use missing_second_factor::add_missing_second_factor;

use crate::audit::{AccountHasher, Audit};
use crate::issuer::Issuer;
use crate::keys::KeyRing;
use crate::login_attempts::LoginAttempts;
use crate::mail::{Mails, Smtp};
use crate::passwords::{Passwords, Salts};
use crate::revoker::Revoker;
use crate::sealed_reply::SealedReplies;

/// Name of the service.
pub const NAME: &str = "auth";

/// The embedded `config.default.toml`.
pub const DEFAULTS: &str = include_str!("../config.default.toml");

/// Expired rows; the README gives the reasons.
const EXPIRED: [(&str, &str); 6] = [
    ("mails", "created_at < $1 - interval '7 days'"),
    ("revocations", "expires_at <= $1"),
    (
        "login_attempts",
        "COALESCE(failed_at, '-infinity') < $1 - interval '1 day' \
         AND COALESCE(succeeded_at, '-infinity') < $1 - interval '180 days'",
    ),
    ("sessions", "expires_at < $1 - interval '30 days'"),
    (
        "refresh_tokens",
        "used_at IS NOT NULL AND expires_at < $1 - interval '30 days'",
    ),
    (
        "signing_keys",
        "EXISTS (SELECT FROM signing_keys newer WHERE newer.created_at > signing_keys.created_at \
         AND newer.created_at < $1 - interval '7 days')",
    ),
];

/// Time after which a newer signing key has replaced the older ones, as in [`EXPIRED`].
const KEY_REPLACEMENT_TIME: Duration = Duration::from_hours(7 * 24);

/// State of handlers and jobs. Cheap to clone.
#[derive(Clone)]
pub struct App {
    db: Db,
    config: Arc<Config>,
    passwords: Passwords,
    salts: Salts,
    keys: KeyRing,
    issuer: Issuer,
    replies: SealedReplies,
    /// Encrypts secrets of authenticator apps.
    sealer: Arc<Sealer>,
    revoker: Revoker,
    audit: Audit,
    login_attempts: LoginAttempts,
    mails: Mails,
    /// `None` without a server.
    smtp: Option<Smtp>,
    /// Object storage of the profile images.
    objects: Objects,
    photos: Photos,
    vehicle: VehicleServiceClient<client::PeerChannel>,
    booking: BookingServiceClient<client::PeerChannel>,
    booking_changes: BookingChangeServiceClient<client::PeerChannel>,
    booking_claims: BookingClaimServiceClient<client::PeerChannel>,
    coupons: CouponServiceClient<client::PeerChannel>,
    handovers: HandoverServiceClient<client::PeerChannel>,
    reviews: ReviewServiceClient<client::PeerChannel>,
    payment: PaymentServiceClient<client::PeerChannel>,
    settlements: SettlementServiceClient<client::PeerChannel>,
    notification: NotificationServiceClient<client::PeerChannel>,
}

impl App {
    /// Builds the state. Nothing is connected yet; an error is one of the configuration.
    pub fn new(config: ServiceConfig<Config>, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let ServiceConfig {
            common,
            service: config,
            ..
        } = config;
        let key_in_use = config.signing_keys.publish_ahead + config.sessions.access_token_ttl;
        anyhow::ensure!(
            key_in_use < KEY_REPLACEMENT_TIME,
            "signing_keys.publish_ahead_ms and sessions.access_token_ttl_s together must be below 7 days"
        );
        anyhow::ensure!(
            config.signing_keys.refresh < config.signing_keys.publish_ahead,
            "signing_keys.refresh_ms must be below signing_keys.publish_ahead_ms"
        );
        let db = Db::connect(&config.database, environment.clone())?;
        let objects = Objects::new(&config.objects)?;
        let sealer = Arc::new(Sealer::new(&config.seal, environment.random.clone())?);
        let keys = KeyRing::new(db.clone(), Arc::clone(&sealer), config.signing_keys.clone());
        let audit = Audit::new(db.clone(), &config.seal, &config.audit)?;
        let connect = |name, peer| client::connect(name, peer, &common.tls, environment.clone());
        let vehicle = VehicleServiceClient::new(connect("vehicle", &config.vehicle)?);
        let to_booking = connect("booking", &config.booking)?;
        let booking = BookingServiceClient::new(to_booking.clone());
        let booking_changes = BookingChangeServiceClient::new(to_booking.clone());
        let booking_claims = BookingClaimServiceClient::new(to_booking.clone());
        let coupons = CouponServiceClient::new(to_booking.clone());
        let handovers = HandoverServiceClient::new(to_booking.clone());
        let reviews = ReviewServiceClient::new(to_booking);
        let to_payment = connect("payment", &config.payment)?;
        let payment = PaymentServiceClient::new(to_payment.clone());
        let settlements = SettlementServiceClient::new(to_payment);
        let notification = NotificationServiceClient::new(connect("notification", &config.notification)?);
        let revocations = Revocations::new(&config.redis, common.identity.revocation)?;
        Ok(Self {
            mails: Mails::new(
                &config.mail,
                AccountHasher::new(&config.seal)?,
                Arc::clone(&sealer),
                environment.clone(),
            ),
            smtp: Smtp::new(&config.mail, environment.clock.clone())?,
            passwords: Passwords::new(&config.passwords)?,
            salts: Salts::new(db.clone()),
            issuer: Issuer::new(keys.clone(), &common.identity, &config.sessions, environment),
            replies: SealedReplies::new(&config.seal, Arc::clone(&sealer))?,
            sealer,
            revoker: Revoker::new(db.clone(), revocations),
            login_attempts: LoginAttempts::new(db.clone(), audit.clone(), &config.login_delay),
            audit,
            photos: Photos::new(objects.clone(), &config.objects.photos),
            objects,
            vehicle,
            booking,
            booking_changes,
            booking_claims,
            coupons,
            handovers,
            reviews,
            payment,
            settlements,
            notification,
            db,
            config: Arc::new(config),
            keys,
        })
    }
}

/// The service, for [`carshare_store::Runner`].
pub struct Auth;

impl StoreService for Auth {
    const NAME: &'static str = NAME;
    const DEFAULTS: &'static str = DEFAULTS;
    const EXPIRED: &'static [(&'static str, &'static str)] = &EXPIRED;
    type Config = Config;
    type App = App;
    type Command = cli::Command;

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
        let server = server.jwks(app.keys.clone());
        let rpc = || rpc::Rpc { app: app.clone() };
        let auth = AuthServiceServer::new(rpc()).accept_compressed(CompressionEncoding::Gzip);
        let accounts = AccountServiceServer::new(rpc()).accept_compressed(CompressionEncoding::Gzip);
        let mfa = MfaServiceServer::new(rpc()).accept_compressed(CompressionEncoding::Gzip);
        let emails = EmailServiceServer::new(rpc()).accept_compressed(CompressionEncoding::Gzip);
        let export = ExportServiceServer::new(rpc()).accept_compressed(CompressionEncoding::Gzip);
        Ok(server.add(auth).add(accounts).add(mfa).add(emails).add(export))
    }

    fn handlers(consumer: Consumer) -> Consumer {
        events::subscribe(consumer)
    }

    async fn jobs(app: App, shutdown: Shutdown) {
        Box::pin(jobs::run(&app, shutdown)).await;
    }

    /// Keeps the keys of this process current: it signs or verifies with them.
    async fn background(app: App, _: Roles, shutdown: Shutdown) {
        app.keys.run(shutdown).await;
    }

    async fn command(
        config: ServiceConfig<Config>,
        environment: Environment,
        command: cli::Command,
    ) -> anyhow::Result<()> {
        cli::handle(config, environment, command).await
    }
}
