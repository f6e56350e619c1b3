//! Accounts, sessions and signing keys.
//!
//! | module | holds |
//! |---|---|
//! | [`domain`] | the rules: addresses, passwords, what a presented refresh token is worth |
//! | [`rpc`] | one file an RPC |
//! | [`store`] | one file a table |
//! | [`accounts`], [`session`] | what several callers do inside a transaction |
//! | [`passwords`] | bcrypt |
//! | [`keys`], [`issuer`] | signing keys, the tokens they sign |
//! | [`revoker`], [`jobs`] | revoked access tokens and their copy in Redis; removal of what is over |
//! | [`secret_reply`] | idempotency for calls that carry passwords and tokens |
//! | [`admin`], [`command`] | `create-admin`, `rotate-signing-key` |

mod accounts;
pub mod admin;
pub mod command;
pub mod config;
pub mod domain;
pub mod error;
mod events;
pub mod issuer;
mod jobs;
pub mod keys;
mod measures;
pub mod passwords;
mod revoker;
mod rpc;
mod secret_reply;
mod session;
mod store;

use std::sync::Arc;

use carshare_chassis::config::Common;
use carshare_chassis::identity::Revocations;
use carshare_chassis::encryption::Sealer;
use carshare_chassis::server::Server;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Shutdown, Environment};
use carshare_store::{Db, Lease, Relay, housekeeping};
use sqlx::migrate::Migrator;
use tokio::net::TcpListener;

pub use admin::{NewAdmin, create_admin};
pub use config::Config;

use crate::issuer::Issuer;
use crate::keys::KeyRing;
use crate::passwords::Passwords;
use crate::revoker::Revoker;
use crate::secret_reply::SecretReplies;

/// The tables of this service, in its own schema.
pub fn migrator() -> Migrator {
    sqlx::migrate!("./migrations")
}

/// What the handlers work with.
pub struct App {
    db: Db,
    environment: Environment,
    config: Config,
    passwords: Passwords,
    keys: KeyRing,
    issuer: Issuer,
    replies: SecretReplies,
    revoker: Revoker,
}

impl App {
    /// Puts it together. Nothing is connected yet: a wrong configuration is the only error.
    pub fn new(config: Config, environment: Environment) -> anyhow::Result<Self> {
        measures::describe();
        let db = Db::connect(&config.database, environment.clone())?;
        let sealer = Arc::new(Sealer::new(&config.seal, environment.random.clone())?);
        let keys = KeyRing::new(db.clone(), Arc::clone(&sealer), config.signing_keys.clone());
        let revocations = Revocations::new(&config.redis, config.identity.revocation)?;
        Ok(Self {
            passwords: Passwords::new(&config.passwords, environment.random.clone())?,
            issuer: Issuer::new(keys.clone(), &config.identity, &config.sessions, environment.clone()),
            replies: SecretReplies::new(&config.seal, sealer)?,
            revoker: Revoker::new(db.clone(), revocations),
            db,
            environment,
            config,
            keys,
        })
    }

    /// Background work, until `shutdown`.
    async fn work(&self, roles: Roles, shutdown: Shutdown) {
        let every_replica = self.keys.run(shutdown.clone());
        if !roles.worker {
            return every_replica.await;
        }
        let jobs = &self.config.jobs;
        let copying = Lease::every(&self.db, "copy_revocations", jobs.copy_revocations_every());
        let purging = Lease::every(&self.db, "purge", jobs.purge_every());
        tokio::join!(
            every_replica,
            Relay::new(&self.db, &self.config.redis, Auth::NAME).run(shutdown.clone()),
            housekeeping(&self.db, shutdown.clone()),
            copying.run(shutdown.clone(), || jobs::copy_revocations::handle(self)),
            purging.run(shutdown, || jobs::purge::handle(self)),
        );
    }
}

/// The service.
pub struct Auth;

impl Service for Auth {
    const NAME: &'static str = "auth";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;
    type Command = command::Command;

    fn common(config: &Config) -> Common {
        config.common()
    }

    async fn serve(
        config: Config,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        let app = Arc::new(App::new(config, environment.clone())?);
        let db = app.db.clone();
        let server = Server::new(Self::NAME, &app.config.common(), environment)
            .jwks(app.keys.clone())
            .revocations(&app.config.redis)?
            .readiness("postgres", move || {
                let db = db.clone();
                async move { Ok(db.ping().await?) }
            })
            .add(rpc::service(Arc::clone(&app)));
        let working = Arc::clone(&app);
        let work = |drained| async move { working.work(roles, drained).await };
        let served = server.serve_with_worker(Some(work), listener, shutdown).await;
        app.db.close().await;
        served
    }

    async fn migrate(config: Config) -> anyhow::Result<()> {
        carshare_store::migrate(&config.database, migrator()).await
    }

    async fn command(config: Config, environment: Environment, command: Self::Command) -> anyhow::Result<()> {
        command::handle(config, environment, command).await
    }
}
