//! The service as a process: the gRPC server, and beside it relay, consumer and jobs.

use std::sync::Arc;

use carshare_chassis::config::Common;
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::{Server, Shutdown, Environment};
use carshare_proto::vehicle::v1::vehicle_service_server::VehicleServiceServer;
use carshare_store::{Relay, housekeeping, migrate};
use tokio::net::TcpListener;

use crate::rpc::Rpc;
use crate::{App, Config, DEFAULTS, NAME, events, jobs, migrator};

/// This service, for `chassis::service::main`, the mesh and tests.
pub struct Vehicle;

impl Service for Vehicle {
    const NAME: &'static str = NAME;
    const DEFAULTS: &'static str = DEFAULTS;
    type Config = Config;
    type Command = carshare_store::Command;

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
        let app = Arc::new(App::new(config, environment)?);
        let worker = roles.worker.then(|| {
            let app = Arc::clone(&app);
            |drained| work(app, drained)
        });
        let served = server(&app).serve_with_worker(worker, listener, shutdown).await;
        app.db.close().await;
        served
    }

    async fn migrate(config: Config) -> anyhow::Result<()> {
        migrate(&config.database, migrator()).await
    }

    async fn command(config: Config, _: Environment, command: Self::Command) -> anyhow::Result<()> {
        command.run(&config.redis, Self::NAME).await
    }
}

fn server(app: &Arc<App>) -> Server {
    let db = app.db.clone();
    Server::new(NAME, &app.config.common(), app.environment.clone())
        .add(VehicleServiceServer::new(Rpc::new(Arc::clone(app))))
        .readiness("postgres", move || {
            let db = db.clone();
            async move { Ok(db.ping().await?) }
        })
}

/// Sends and handles events, runs the jobs, removes what has expired.
async fn work(app: Arc<App>, shutdown: Shutdown) {
    tokio::join!(
        Relay::new(&app.db, &app.config.redis, NAME).run(shutdown.clone()),
        events::consumer(&app.db, &app.config.redis).run(shutdown.clone()),
        jobs::sweep_holds::run(&app, shutdown.clone()),
        jobs::sweep_uploads::run(&app, shutdown.clone()),
        housekeeping(&app.db, shutdown.clone()),
    );
}
