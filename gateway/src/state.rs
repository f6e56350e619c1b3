//! The state that the layers and handlers share.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;

use carshare_chassis::client::{self, PeerChannel, RemoteJwks};
use carshare_chassis::config::{RevocationPolicy, ServiceConfig};
use carshare_chassis::identity::{Caller, JwksSource, Revocations, StaticJwks, Verifier};
use carshare_chassis::{Clock, Environment, Error, Shutdown};
use futures::FutureExt as _;
use tokio::sync::Semaphore;

use crate::config::{Config, Limits};
use crate::grpc::BuiltinServices;
use crate::in_flight::InFlight;
use crate::layer::request_info::RequestInfo;
use crate::method_table::{MethodTable, Rpc};
use crate::problem::DEFAULT_RETRY_AFTER;
use crate::rate_limit::RateLimiter;
use crate::routes::Routes;
use crate::stream_end::{self, StreamEnd};
use crate::streams::Streams;

/// Returns an error for networks or a limit of a class that the contract does not have: a misspelt one would be open to everybody.
fn check_classes(methods: &MethodTable, limits: &Limits) -> anyhow::Result<()> {
    let known = methods.iter().filter_map(|rpc| rpc.limit.as_ref());
    let known: BTreeSet<&str> = known.map(|class| class.name.as_str()).collect();
    let networks = limits
        .allowed_networks
        .keys()
        .map(|name| ("allowed_networks", name));
    let by_day = limits
        .per_day_by_class
        .keys()
        .map(|name| ("per_day_by_class", name));
    for (key, name) in networks.chain(by_day) {
        anyhow::ensure!(
            known.contains(name.as_str()),
            "limits.{key}: no RPC is of the class {name:?}, the classes are {known:?}"
        );
    }
    Ok(())
}

/// The service that publishes the keys of access tokens.
const AUTH: &str = "auth";

/// One for the process.
pub struct AppState {
    pub methods: MethodTable,
    pub routes: Routes,
    pub peers: Peers,
    /// Verifies access tokens against auth's JWKS.
    pub verifier: Verifier,
    pub rate_limiter: RateLimiter,
    pub builtin: BuiltinServices,
    pub config: ServiceConfig<Config>,
    pub streams: Streams,
    pub in_flight: RequestsInFlight,
    /// A permit for each form with a file that is in memory.
    pub forms: Arc<Semaphore>,
    /// Ends streams when it fires.
    pub draining: Shutdown,
    /// Ends the streams of expired tokens.
    pub clock: Clock,
}

/// Requests that wait for their response head.
#[derive(Clone, Debug)]
pub struct RequestsInFlight {
    pub all: InFlight<()>,
    pub by_address: InFlight<IpAddr>,
    /// Of the callers of a class, or without an account.
    pub by_class: InFlight<Cow<'static, str>>,
}

impl RequestsInFlight {
    fn new(max: usize, limits: &Limits) -> Self {
        Self {
            all: InFlight::new(max).measured("requests"),
            by_address: InFlight::new(limits.in_flight_by_address),
            by_class: InFlight::new(limits.in_flight_by_class),
        }
    }
}

/// Channels to the services, by name. Streams have connections of their own: a connection carries a limited number of them,
/// and a call must not wait until a stream ends.
#[derive(Clone, Debug, Default)]
pub struct Peers {
    calls: BTreeMap<String, PeerChannel>,
    streams: BTreeMap<String, PeerChannel>,
}

impl AppState {
    /// Reads the contract and prepares the channels.
    ///
    /// # Errors
    /// An invalid configuration, or a defect of the contract.
    pub fn new(
        config: &ServiceConfig<Config>,
        environment: &Environment,
        draining: Shutdown,
    ) -> anyhow::Result<Self> {
        let methods = MethodTable::read()?;
        check_classes(&methods, &config.service.limits)?;
        let peers = Peers::connect(config, &methods, environment)?;
        Ok(Self {
            routes: Routes::read(methods.iter())?,
            verifier: verifier(config, &peers, environment)?,
            rate_limiter: RateLimiter::new(&config.service, &environment.clock)?,
            builtin: BuiltinServices::new(&methods, &peers, &draining)?,
            streams: Streams::new(&config.service),
            in_flight: RequestsInFlight::new(config.common.server.max_in_flight, &config.service.limits),
            forms: Arc::new(Semaphore::new(config.service.edge.max_forms)),
            clock: environment.clock.clone(),
            config: config.clone(),
            draining,
            peers,
            methods,
        })
    }

    /// Returns the end of a stream that `caller` opens. It holds the places of the stream.
    ///
    /// # Errors
    /// `UNAVAILABLE` or `RATE_LIMITED` when there is no place.
    pub fn stream_end(&self, caller: &Caller, info: &RequestInfo) -> Result<StreamEnd, Error> {
        let places = self.streams.take(caller, info.client_ip)?;
        let end = stream_end::of(caller, &self.clock, &self.draining, &self.verifier);
        Ok(end.inspect(|_| drop(places)).boxed())
    }
}

fn verifier(
    config: &ServiceConfig<Config>,
    peers: &Peers,
    environment: &Environment,
) -> anyhow::Result<Verifier> {
    let source: Arc<dyn JwksSource> = if let Some(auth) = peers.calls.get(AUTH) {
        Arc::new(RemoteJwks::new(auth.clone()))
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

impl Peers {
    fn connect(
        config: &ServiceConfig<Config>,
        methods: &MethodTable,
        environment: &Environment,
    ) -> anyhow::Result<Self> {
        let connect = |name: &String| -> anyhow::Result<(String, PeerChannel)> {
            // The channels live as long as the process, and so do their names.
            let static_name = name.clone().leak();
            let channel = client::connect(
                static_name,
                &config.service.peers[name],
                &config.common.tls,
                environment.clone(),
            )?;
            Ok((name.clone(), channel))
        };
        let streaming: BTreeSet<&String> = methods
            .iter()
            .filter(|rpc| !rpc.is_unary())
            .map(|rpc| &rpc.peer)
            .collect();
        let names = config.service.peers.keys();
        Ok(Self {
            calls: names.clone().map(connect).collect::<anyhow::Result<_>>()?,
            streams: names
                .filter(|name| streaming.contains(name))
                .map(connect)
                .collect::<anyhow::Result<_>>()?,
        })
    }

    /// Returns the channel for an RPC.
    ///
    /// # Errors
    /// `UNAVAILABLE` when the service is not configured.
    pub fn channel(&self, rpc: &Rpc) -> Result<PeerChannel, Error> {
        let channels = if rpc.is_unary() {
            &self.calls
        } else {
            &self.streams
        };
        let channel = channels.get(&rpc.peer).cloned();
        channel
            .ok_or_else(|| Error::unavailable(format!("peers.{} is not set", rpc.peer), DEFAULT_RETRY_AFTER))
    }

    /// Returns the channel for unary calls to a service.
    pub fn calls(&self, service: &str) -> Option<&PeerChannel> {
        self.calls.get(service)
    }

    /// Iterates over one channel to each service.
    pub fn iter(&self) -> impl Iterator<Item = &PeerChannel> {
        self.calls.values()
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{Sources, load};

    use super::*;

    impl AppState {
        /// Returns a state with the embedded defaults and a clock that stands still, without peers.
        pub fn for_test() -> Self {
            let sources = Sources {
                service: "gateway",
                defaults: include_str!("../config.default.toml"),
                file: None,
                env: [],
            };
            let mut config = load::<Config>(sources).unwrap();
            config.service.peers.clear();
            config.service.redis = None;
            let start = "2026-11-22T12:00:00Z".parse().unwrap();
            let (environment, _) = Environment::manual(start, 1);
            Self::new(&config, &environment, Shutdown::new()).unwrap()
        }
    }
}
