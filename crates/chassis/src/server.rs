//! The gRPC server of a service: its RPCs, health and reflection behind the layers of [`stack`].

pub mod grpc_health;
mod layer;
mod routes;
mod stack;
mod with_worker;

use std::future::Future;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::OptionFuture;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower::Service as _;

use self::layer::authorize::Authenticator;
use self::routes::{Routes, RoutesBuilder};
use crate::config::{Common, RevocationPolicy};
use crate::environment::Environment;
use crate::health::Readiness;
use crate::http_server::{self, Options, Protocol};
use crate::identity::{JwksSource, Revocations, StaticJwks, Verifier};
use crate::task::Shutdown;
use crate::{client, config, lifecycle};

pub use self::routes::RpcService;

/// Builder of a gRPC server. The crate's README lists the layers around each RPC.
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
    /// `name` is that of the service: `booking`.
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
    #[expect(clippy::should_implement_trait, reason = "it adds a service to a server")]
    pub fn add(mut self, service: impl RpcService) -> Self {
        self.add_named(service);
        self
    }

    fn add_named<S: RpcService>(&mut self, service: S) {
        self.names.push(S::NAME);
        self.services.add(service);
    }

    pub fn readiness<F, Fut>(mut self, name: &'static str, check: F) -> Self
    where
        F: Fn() -> Fut + Send + Sync + 'static,
        Fut: Future<Output = anyhow::Result<()>> + Send + 'static,
    {
        self.readiness.check(name, check);
        self
    }

    /// Sets the source of the keys of access tokens, instead of `identity.jwks`: for auth itself and for tests.
    pub fn jwks(mut self, source: impl JwksSource) -> Self {
        self.jwks = Some(Arc::new(source));
        self
    }

    /// Refuses revoked tokens as `identity.revocation` says.
    pub fn revocations(mut self, redis: &config::Redis) -> anyhow::Result<Self> {
        let policy = self.common.identity.revocation;
        self.revocations = match policy {
            RevocationPolicy::Off => None,
            policy => Some(Revocations::new(redis, policy)?),
        };
        Ok(self)
    }

    /// Serves until the shutdown fires, then drains: readiness fails, new calls are refused, running ones finish within
    /// `server.drain_timeout_ms`. Without a listener only the admin port is served: the worker role.
    ///
    /// In a process that hosts several services, it serves the calls of the others too.
    pub async fn serve(
        self,
        listener: impl Into<Option<TcpListener>>,
        shutdown: Shutdown,
    ) -> anyhow::Result<()> {
        let (name, common, readiness) = (self.name, self.common.clone(), self.readiness.clone());
        let (listener, stop) = (listener.into(), Shutdown::new());
        let address = listener.as_ref().map(TcpListener::local_addr).transpose()?;
        let serving = if listener.is_some() || self.environment.local.is_some() {
            Some(self.accept(listener, &stop)?)
        } else {
            None
        };
        let serving = OptionFuture::from(serving).map(drop);
        lifecycle::run(name, &common, readiness, address, serving, stop, shutdown).await
    }

    fn accept(
        self,
        listener: Option<TcpListener>,
        stop: &Shutdown,
    ) -> anyhow::Result<impl Future<Output = ()> + Send + use<>> {
        let (name, stop) = (self.name, stop.token().clone());
        let config = self.common.server.clone();
        let (ids, verifier) = (self.environment.ids.clone(), self.verifier()?);
        let (local, readiness) = (self.environment.local.clone(), self.readiness.clone());
        let tls = match &listener {
            Some(_) => self.environment.certificate(&self.common.tls)?,
            None => None,
        };
        let routes = self.routes(stop.clone())?;
        let authenticator = |trusts_header| Authenticator {
            verifier: verifier.clone(),
            trusts_header,
        };
        let in_memory = local.map(|node| {
            let service = stack::service(
                &config,
                authenticator(false),
                ids.clone(),
                stop.clone(),
                routes.clone(),
            );
            let call = Arc::new(move |request| service.clone().call(request));
            node.serve(name, call, readiness, config.drain_timeout, stop.clone())
        });
        let on_socket = listener.map(|listener| {
            let service = stack::service(&config, authenticator(tls.is_none()), ids, stop.clone(), routes);
            let options = Options::new(&config, Protocol::Http2, tls);
            http_server::serve(listener, options, service, stop)
        });
        Ok(async move {
            tokio::join!(OptionFuture::from(in_memory), OptionFuture::from(on_socket));
        })
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
                    "identity.jwks is not set: every access token is refused"
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

    fn routes(mut self, stop: CancellationToken) -> anyhow::Result<Routes> {
        if self.common.server.reflection {
            add_reflection(&mut self.services, &self.names)?;
        }
        let status = grpc_health::CachedStatus::new(self.readiness, stop);
        let names = self.names.iter().copied().chain([""]);
        let statuses = names.map(|name| (name.to_owned(), status.clone())).collect();
        self.services.add(grpc_health::service(statuses));
        Ok(self.services.build())
    }
}

/// Adds reflection in both versions; some tools know the older one only.
fn add_reflection(services: &mut RoutesBuilder, names: &[&'static str]) -> anyhow::Result<()> {
    let builder = || {
        let builder = tonic_reflection::server::Builder::configure()
            .register_encoded_file_descriptor_set(carshare_proto::DESCRIPTOR_SET)
            .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
        let names = names.iter().copied().chain(["grpc.health.v1.Health"]);
        names.fold(builder, tonic_reflection::server::Builder::with_service_name)
    };
    services.add(builder().build_v1()?);
    services.add(builder().build_v1alpha()?);
    Ok(())
}
