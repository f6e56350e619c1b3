//! The gRPC server of a service: its RPCs, health and reflection, behind the stack.

mod grpc_health;
mod layer;
mod stack;
mod with_worker;

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;

use anyhow::Context as _;
use http::Request;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tonic::body::Body;
use tonic::server::NamedService;
use tonic::service::{Routes, RoutesBuilder};
use tower::Service;

use self::layer::authorize::Authenticator;
use crate::config::{Common, RevocationPolicy};
use crate::environment::Environment;
use crate::health::Readiness;
use crate::http_server::{self, Protocol};
use crate::identity::{JwksSource, Revocations, StaticJwks, Verifier};
use crate::task::Shutdown;
use crate::{admin, client, config, task, tls};

/// A gRPC server being put together. See the crate's README for what the stack does around each RPC.
pub struct Server {
    name: &'static str,
    common: Common,
    environment: Environment,
    services: RoutesBuilder,
    names: Vec<&'static str>,
    readiness: Readiness,
    jwks: Option<Arc<dyn JwksSource>>,
    revocations: Option<Revocations>,
}

impl Server {
    /// The server of the service `name` (`booking`).
    pub fn new(name: &'static str, common: &Common, environment: Environment) -> Self {
        Self {
            name,
            common: common.clone(),
            environment,
            services: RoutesBuilder::default(),
            names: Vec::new(),
            readiness: Readiness::new(),
            jwks: None,
            revocations: None,
        }
    }

    /// Adds a generated tonic service.
    #[expect(
        clippy::should_implement_trait,
        reason = "it adds a service; nobody sums servers"
    )]
    pub fn add<S>(mut self, service: S) -> Self
    where
        S: Service<Request<Body>, Error = Infallible> + NamedService + Clone + Send + Sync + 'static,
        S::Response: axum::response::IntoResponse,
        S::Future: Send + 'static,
    {
        self.names.push(S::NAME);
        self.services.add_service(service);
        self
    }

    /// Adds a readiness check.
    pub fn readiness<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.readiness.check(name, check);
        self
    }

    /// Takes the keys of access tokens from here instead of from `identity.jwks`: auth itself, and tests.
    pub fn jwks(mut self, source: impl JwksSource) -> Self {
        self.jwks = Some(Arc::new(source));
        self
    }

    /// Refuses signed-out tokens by this list (which follows `identity.revocation`).
    pub fn revocations(mut self, redis: &config::Redis) -> anyhow::Result<Self> {
        let policy = self.common.identity.revocation;
        self.revocations = if policy == RevocationPolicy::Off {
            None
        } else {
            Some(Revocations::new(redis, policy)?)
        };
        Ok(self)
    }

    /// Serves until the shutdown fires, then drains: readiness says no, new calls are refused, running ones finish within
    /// `server.drain_timeout_ms`.
    ///
    /// Without a listener only the admin port is served: the worker role.
    pub async fn serve(
        self,
        listener: impl Into<Option<TcpListener>>,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let (name, readiness) = (self.name, self.readiness.clone());
        let drain_delay = self.common.server.drain_delay;
        let (stop, stopped) = (Shutdown::new(), Shutdown::new());
        // However this ends, by an error or by being dropped, nothing is left listening.
        let _guards = (
            stop.token().clone().drop_guard(),
            stopped.token().clone().drop_guard(),
        );
        let admin = admin::spawn(&self.common.admin, readiness.clone(), stopped.clone()).await?;
        let listener = listener.into();
        let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let serving = listener.map(|listener| self.start(listener, &stop)).transpose()?;
        tracing::info!(service = name, ?address, ?admin, "serving");
        shutdown.cancelled().await;
        readiness.begin_drain();
        tokio::time::sleep(drain_delay).await;
        stop.trigger();
        if let Some(serving) = serving {
            serving.await.context("the server task failed")?;
        }
        stopped.trigger();
        tracing::info!(service = name, "drained");
        Ok(())
    }

    fn start(self, listener: TcpListener, stop: &Shutdown) -> anyhow::Result<tokio::task::JoinHandle<()>> {
        let tls = tls::server(&self.common.tls)?;
        let options = http_server::Options {
            tls: tls.clone(),
            protocol: Protocol::Http2,
            max_streams_per_connection: self.common.server.max_streams_per_connection,
            drain_timeout: self.common.server.drain_timeout,
        };
        let authenticator = Authenticator {
            verifier: self.verifier()?,
            trusts_header: tls.is_none(),
        };
        let (ids, stop) = (self.environment.ids.clone(), stop.token().clone());
        let config = self.common.server.clone();
        let routes = self.routes(stop.clone())?;
        let service = stack::service(&config, authenticator, ids, stop.clone(), routes);
        Ok(task::spawn(
            "server",
            http_server::serve(listener, options, service, stop),
        ))
    }

    fn verifier(&self) -> anyhow::Result<Verifier> {
        let identity = &self.common.identity;
        let source: Arc<dyn JwksSource> = match (&self.jwks, &identity.jwks) {
            (Some(source), _) => Arc::clone(source),
            (None, Some(peer)) => Arc::new(client::RemoteJwks::new(client::connect(
                "auth",
                peer,
                &self.common.tls,
                self.environment.clone(),
            )?)),
            (None, None) => {
                tracing::warn!(
                    service = self.name,
                    "identity.jwks is not set, every access token is refused"
                );
                Arc::new(StaticJwks::default())
            }
        };
        let verifier = Verifier::new(identity, source, self.environment.clock.clone());
        Ok(match &self.revocations {
            Some(revocations) => verifier.with_revocations(revocations.clone()),
            None => verifier,
        })
    }

    fn routes(self, stop: CancellationToken) -> anyhow::Result<Routes> {
        let mut services = self.services;
        services.add_service(grpc_health::service(&self.names, self.readiness, stop));
        if self.common.server.reflection {
            add_reflection(&mut services, &self.names)?;
        }
        Ok(services.routes().prepare())
    }
}

/// Adds reflection in both versions: tools still ask the older one.
fn add_reflection(services: &mut RoutesBuilder, names: &[&'static str]) -> anyhow::Result<()> {
    let builder = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(carshare_proto::DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let names = names.iter().copied().chain(["grpc.health.v1.Health"]);
        names.fold(builder, tonic_reflection::server::Builder::with_service_name)
    };
    services
        .add_service(builder().build_v1()?)
        .add_service(builder().build_v1alpha()?);
    Ok(())
}
