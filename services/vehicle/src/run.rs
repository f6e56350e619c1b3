//! The service as a process: the gRPC server, and beside it relay, consumer and jobs.

use std::sync::Arc;

use carshare_chassis::config::Common;
use carshare_chassis::server::Server;
use carshare_chassis::service::{NoCommand, Roles, Service};
use carshare_chassis::{Shutdown, World, task};
use carshare_proto::vehicle::v1::vehicle_service_server::VehicleServiceServer;
use carshare_store::{Relay, housekeeping, migrate};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::rpc::Rpc;
use crate::{App, Config, DEFAULTS, MIGRATOR, events, jobs};

/// This service, for its binary and for the mesh in one process.
pub struct VehicleService;

impl Service for VehicleService {
    const NAME: &'static str = "vehicle";
    const DEFAULTS: &'static str = DEFAULTS;
    type Config = Config;
    type Command = NoCommand;

    fn common(config: &Config) -> Common {
        config.common()
    }

    async fn serve(
        config: Config,
        world: World,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        roles: Roles,
    ) -> anyhow::Result<()> {
        run(config, world, listener, shutdown, roles, |server| server).await
    }

    async fn migrate(config: Config) -> anyhow::Result<()> {
        migrate(&config.database, &MIGRATOR).await
    }
}

/// Runs until the shutdown fires and everything is drained. `dress` puts the last touch to the server: a test brings the
/// keys of its own tokens.
pub async fn run(
    config: Config,
    world: World,
    listener: Option<TcpListener>,
    shutdown: Shutdown,
    roles: Roles,
    dress: impl FnOnce(Server) -> Server + Send,
) -> anyhow::Result<()> {
    let common = config.common();
    let app = Arc::new(App::new(config, world.clone())?);
    let db = app.db.clone();
    let server = Server::new(VehicleService::NAME, &common, world)
        .add(VehicleServiceServer::new(Rpc::new(Arc::clone(&app))))
        .readiness("database", move || {
            let db = db.clone();
            async move { Ok(db.ping().await?) }
        });
    let work = if roles.worker {
        work(&app, &shutdown)
    } else {
        Vec::new()
    };
    let served = dress(server).serve(listener, shutdown.clone()).await;
    // A server that could not even start takes the background work with it.
    shutdown.trigger();
    for done in work {
        done.await?;
    }
    app.db.close().await;
    served
}

/// Everything that goes on without being asked.
fn work(app: &Arc<App>, shutdown: &Shutdown) -> Vec<JoinHandle<()>> {
    let relay = Relay::new(&app.db, &app.config.redis, VehicleService::NAME);
    let consumer = events::consumer(&app.db, &app.config.redis);
    let (db, stop) = (app.db.clone(), shutdown.clone());
    vec![
        task::spawn("relay", relay.run(shutdown.clone())),
        task::spawn("consumer", consumer.run(shutdown.clone())),
        task::spawn(
            "sweep_holds",
            jobs::sweep_holds::run(Arc::clone(app), shutdown.clone()),
        ),
        task::spawn(
            "sweep_uploads",
            jobs::sweep_uploads::run(Arc::clone(app), shutdown.clone()),
        ),
        task::spawn("housekeeping", async move { housekeeping(&db, stop).await }),
    ]
}
