//! The edge of the mesh: one public port for native gRPC, gRPC-web, REST and server-sent events, from the contract alone.
//!
//! It knows the descriptor set and never a message type: a new RPC is served on every front without a change here.
//!
//! | module | is |
//! |---|---|
//! | [`app`] | the public port, put together |
//! | [`layer`] | what happens around every request |
//! | [`request_context`] | how a request was asked: front, language, correlation id |
//! | [`state`] | what the fronts share: contract, channels, the door |
//! | [`method_table`], [`routes`] | the RPCs for clients, and their REST routes |
//! | [`stream_end`] | when a stream has to end |
//! | [`grpc`] | the gRPC front: raw bytes by name; gRPC-web |
//! | [`rest`] | the REST front: HTTP ⇄ messages; server-sent events |
//! | [`json`] | the JSON of REST, for any message |
//! | [`error`], [`problem`] | refusals on their way out; RFC 9457 |
//! | [`rate_limit`] | rate limits |
//! | [`headers`] | what crosses the edge |
//! | [`openapi`], [`docs`] | the contract, for tools and for people |

pub mod app;
pub mod config;
pub mod docs;
pub mod error;
pub mod grpc;
pub mod headers;
pub mod json;
pub mod layer;
pub mod method_table;
mod metrics;
pub mod openapi;
pub mod problem;
pub mod rate_limit;
mod readiness;
pub mod request_context;
pub mod rest;
pub mod routes;
pub mod state;
pub mod stream_end;

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::Context as _;
use carshare_chassis::client::{self, PeerChannel, RemoteJwks};
use carshare_chassis::config::{RevocationPolicy, ServiceConfig};
use carshare_chassis::http_server::{self, Protocol};
use carshare_chassis::identity::{JwksSource, Revocations, StaticJwks, Verifier};
use carshare_chassis::service::{NoCommand, Roles, Service};
use carshare_chassis::{Environment, Shutdown, admin, task};
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::grpc::Infrastructure;
use crate::method_table::Rpcs;
use crate::rate_limit::Limiter;
use crate::routes::Routes;
use crate::state::{Edge, Limits, Peers};

/// The service that has the keys of access tokens.
const AUTH: &str = "auth";

/// The gateway, for the chassis to run.
pub struct Gateway;

impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;
    type Command = NoCommand;

    async fn serve(
        config: ServiceConfig<Config>,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        _: Roles,
    ) -> anyhow::Result<()> {
        let listener = listener.context("the gateway has no background work: run `serve`")?;
        run(config, environment, listener, shutdown).await
    }

    async fn migrate(_: ServiceConfig<Config>) -> anyhow::Result<()> {
        Ok(())
    }
}

/// Serves the public port until the shutdown fires, then drains.
///
/// # Errors
/// A configuration or a contract that cannot be used, before the first connection is accepted.
pub async fn run(
    config: ServiceConfig<Config>,
    environment: Environment,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    metrics::describe();
    let stop = Shutdown::new();
    let edge = Arc::new(build(&config, &environment, stop.clone())?);
    let readiness = readiness::checks(edge.peers.iter());
    let router = app::router(&config, edge, readiness.clone(), &environment)?;
    let stopped = Shutdown::new();
    let admin = admin::spawn(&config.common.admin, readiness.clone(), stopped.clone()).await?;
    let address = listener.local_addr()?;
    tracing::info!(%address, ?admin, "serving");
    let options = http_server::Options {
        tls: None,
        protocol: Protocol::Both,
        max_streams_per_connection: config.common.server.max_streams_per_connection,
        drain_timeout: config.common.server.drain_timeout,
    };
    let serving = task::spawn(
        "server",
        http_server::serve(listener, options, router, stop.token().clone()),
    );
    shutdown.cancelled().await;
    readiness.begin_drain();
    tokio::time::sleep(config.common.server.drain_delay).await;
    stop.trigger();
    let served = serving.await.context("the server task failed");
    stopped.trigger();
    tracing::info!("drained");
    served
}

fn build(
    config: &ServiceConfig<Config>,
    environment: &Environment,
    draining: Shutdown,
) -> anyhow::Result<Edge> {
    let rpcs = Rpcs::read()?;
    let routes = Routes::read(rpcs.iter())?;
    let peers = peers(config, &rpcs, environment)?;
    Ok(Edge {
        verifier: verifier(config, &peers, environment)?,
        limiter: Limiter::new(&config.service, &environment.clock)?,
        infrastructure: Infrastructure::new(&rpcs)?,
        limits: Limits {
            max_body_bytes: config.service.edge.max_body_bytes,
            max_message_bytes: config.common.server.max_message_bytes,
            max_reply_bytes: config.service.edge.max_reply_bytes,
            timeout: config.common.server.request_timeout,
        },
        keep_alive: config.service.edge.keep_alive,
        streams: Arc::new(Semaphore::new(
            config.service.edge.max_streams.min(Semaphore::MAX_PERMITS),
        )),
        clock: environment.clock.clone(),
        draining,
        peers,
        routes,
        rpcs,
    })
}

fn peers(config: &ServiceConfig<Config>, rpcs: &Rpcs, environment: &Environment) -> anyhow::Result<Peers> {
    let connect = |(name, peer): (&String, _)| -> anyhow::Result<PeerChannel> {
        // The channels live as long as the process, and so do their names.
        client::connect(name.clone().leak(), peer, &config.common.tls, environment.clone())
    };
    let streaming: BTreeSet<&str> = rpcs
        .iter()
        .filter(|rpc| !rpc.is_unary())
        .map(|rpc| rpc.peer.as_str())
        .collect();
    let calls: anyhow::Result<Vec<_>> = config.service.peers.iter().map(connect).collect();
    let streams = config
        .service
        .peers
        .iter()
        .filter(|(name, _)| streaming.contains(name.as_str()));
    let streams: anyhow::Result<Vec<_>> = streams.map(connect).collect();
    Ok(Peers::new(calls?, streams?))
}

fn verifier(
    config: &ServiceConfig<Config>,
    peers: &Peers,
    environment: &Environment,
) -> anyhow::Result<Verifier> {
    let source: Arc<dyn JwksSource> = if let Some(auth) = peers.get(AUTH) {
        Arc::new(RemoteJwks::new(auth))
    } else {
        tracing::warn!("peers.auth is not set, every access token is refused");
        Arc::new(StaticJwks::default())
    };
    let verifier = Verifier::new(&config.common.identity, source, environment.clock.clone());
    let policy = config.common.identity.revocation;
    Ok(match &config.service.redis {
        Some(redis) if policy != RevocationPolicy::Off => {
            verifier.with_revocations(Revocations::new(redis, policy)?)
        }
        _ => verifier,
    })
}
