//! The public port of the mesh: native gRPC, gRPC-web, Connect, REST and server-sent events, from the contract alone.
//!
//! It knows the descriptor set and no message type: a new RPC is served over every protocol without a change here.
//!
//! | module | does |
//! |---|---|
//! | [`app`] | the column of layers around every request |
//! | [`layer`] | the layers, one a file |
//! | [`state`] | state that layers and handlers share; channels to the services |
//! | [`https`] | the HTTPS port |
//! | [`method_table`], [`routes`] | RPCs that clients may call, and their REST routes |
//! | [`grpc`] | forwards gRPC calls as raw bytes |
//! | [`rest`] | transcodes REST requests; server-sent events |
//! | [`json`] | converts any message to JSON and back |
//! | [`stream_end`] | ends streams on drain and token expiry |
//! | [`streams`], [`in_flight`] | places of open streams; what each client has in flight |
//! | [`error`], [`problem`] | errors as gRPC statuses and RFC 9457 problems |
//! | [`rate_limit`] | counts calls by address, user and class |
//! | [`headers`] | allow-list of forwarded headers |
//! | [`compression`] | content codings of replies |
//! | [`etag`] | entity tags and conditional requests |
//! | [`document`] | documents with a tag, compressed once |
//! | [`openapi`], [`docs`] | the contract as OpenAPI and as a page |

pub mod app;
mod compression;
pub mod config;
mod connections;
pub mod docs;
mod document;
pub mod error;
mod etag;
pub mod grpc;
pub mod headers;
pub mod https;
mod in_flight;
pub mod json;
pub mod layer;
pub mod method_table;
mod metrics;
pub mod openapi;
pub mod problem;
pub mod rate_limit;
mod readiness;
pub mod rest;
pub mod routes;
pub mod state;
pub mod stream_end;
mod streams;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context as _;
use carshare_chassis::config::ServiceConfig;
use carshare_chassis::http_server::{self, Options, Protocol};
use carshare_chassis::service::{Roles, Service};
use carshare_chassis::tls::Certificate;
use carshare_chassis::{Environment, Shutdown, lifecycle};
use carshare_proto::client_protos;
use futures::future::OptionFuture;
use tokio::net::TcpListener;

use crate::config::Config;
use crate::https::HttpsPort;
use crate::method_table::MethodTable;
use crate::routes::Routes;
use crate::state::AppState;

pub struct Gateway;

impl Service for Gateway {
    const NAME: &'static str = "gateway";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = Config;
    type Command = Command;

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

    fn check(config: ServiceConfig<Config>, environment: Environment) -> anyhow::Result<()> {
        HttpsPort::new(&config, &environment).map(drop)
    }

    async fn migrate(_: ServiceConfig<Config>) -> anyhow::Result<()> {
        Ok(())
    }

    async fn command(config: ServiceConfig<Config>, _: Environment, command: Command) -> anyhow::Result<()> {
        match command {
            Command::Openapi { file } => {
                let routes = Routes::read(MethodTable::read()?.iter())?;
                let document = openapi::document(&routes, &config.service.docs.public_url);
                write(&file, &format!("{document:#}\n"))
            }
            Command::ClientProtos { folder } => client_protos::files()
                .into_iter()
                .try_for_each(|proto| write(&folder.join(proto.path), &proto.text)),
        }
    }
}

/// Subcommands of the gateway.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Write the API document, which `/openapi.json` serves, to a file and exit.
    Openapi { file: PathBuf },
    /// Write the protos without custom options and internal RPCs to a folder and exit.
    ClientProtos { folder: PathBuf },
}

/// Writes a file and creates its folder.
fn write(file: &Path, text: &str) -> anyhow::Result<()> {
    let folder = file.parent().context("a file is in a folder")?;
    std::fs::create_dir_all(folder)
        .and_then(|()| std::fs::write(file, text))
        .with_context(|| format!("cannot write {}", file.display()))
}

/// Serves the public ports until the shutdown fires, then drains.
///
/// # Errors
/// An invalid configuration or contract, or a port that is taken, before the first connection is accepted.
pub async fn run(
    config: ServiceConfig<Config>,
    environment: Environment,
    listener: TcpListener,
    shutdown: Shutdown,
) -> anyhow::Result<()> {
    metrics::describe();
    let stop = Shutdown::new();
    let https = https_port(&config, &environment).await?;
    let state = Arc::new(AppState::new(&config, &environment, stop.clone())?);
    let readiness = readiness::checks(state.peers.iter());
    let service = app::service(state, readiness.clone(), &environment)?;
    let (common, address) = (&config.common, listener.local_addr()?);
    let plain = Options {
        admission: Some(connections::admission(&config.service.limits)),
        ..Options::new(&common.server, Protocol::Both, None)
    };
    let over_tls = https.map(|(listener, certificate)| {
        let options = Options {
            tls: Some(certificate),
            ..plain.clone()
        };
        http_server::serve(listener, options, service.clone(), stop.token().clone())
    });
    let plain = http_server::serve(listener, plain, service, stop.token().clone());
    let serving = Box::pin(async { _ = tokio::join!(plain, OptionFuture::from(over_tls)) });
    lifecycle::run(
        Gateway::NAME,
        common,
        readiness,
        Some(address),
        serving,
        stop,
        shutdown,
    )
    .await
}

/// Opens the HTTPS port, if there is one.
async fn https_port(
    config: &ServiceConfig<Config>,
    environment: &Environment,
) -> anyhow::Result<Option<(TcpListener, Certificate)>> {
    let Some(port) = HttpsPort::new(config, environment)? else {
        return Ok(None);
    };
    let listener = TcpListener::bind(port.listen)
        .await
        .with_context(|| format!("cannot listen on https.listen ({})", port.listen))?;
    tracing::info!(address = %port.listen, not_after = %port.certificate.not_after(), "serving HTTPS");
    Ok(Some((listener, port.certificate)))
}
