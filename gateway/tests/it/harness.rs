//! A gateway on a port of its own, with scripted services behind it and a clock that is moved by hand.

mod scripted;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use carshare_chassis::config::{Peer, ServiceConfig, Sources, Tls, load};
use carshare_chassis::service::Service as _;
use carshare_chassis::{Environment, ManualClock, Shutdown, task};
use carshare_gateway::Gateway;
use carshare_gateway::config::Config;
use carshare_testkit::{Tokens, free_port};
use chrono::{DateTime, Utc};
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::Value;
use tokio::net::TcpListener;
use tonic::transport::Channel;
use uuid::Uuid;

pub use scripted::{STREAMS, Scripted};

/// The time all tests begin at.
pub const START: &str = "2026-11-22T12:00:00Z";
/// How long a test waits for something that should be there at once.
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// The user of the tokens.
pub const USER: Uuid = Uuid::from_u128(7);
/// A valid id of a vehicle.
pub const VEHICLE: &str = "5b0e0000-0000-7000-8000-000000000001";

/// A running gateway. It stops when this is dropped.
pub struct Edge {
    pub address: SocketAddr,
    pub services: Scripted,
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub shutdown: Shutdown,
    http: Client,
}

impl Edge {
    /// With the default configuration.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// With a configuration that differs.
    pub async fn start_with(change: impl FnOnce(&mut ServiceConfig<Config>)) -> Self {
        let tokens = Tokens::new().expect("a key");
        let services = Scripted::start(tokens.jwks()).await;
        let mut config = config(services.address);
        change(&mut config);
        let start: DateTime<Utc> = START.parse().expect("a time");
        let (environment, clock) = Environment::manual(start, 7);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let shutdown = Shutdown::new();
        let running = carshare_gateway::run(config, environment, listener, shutdown.clone());
        task::spawn("gateway", async move { running.await.expect("the gateway runs") });
        let http = Client::builder().no_proxy().build().expect("a client");
        Self {
            address,
            services,
            tokens,
            clock,
            shutdown,
            http,
        }
    }

    /// An access token in a role.
    pub fn token(&self, role: &str) -> String {
        self.tokens.mint(role, USER, START.parse().expect("a time"))
    }

    /// A request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.address))
    }

    /// A request of a user in a role, in English.
    pub fn request(&self, role: &str, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path)
            .bearer_auth(self.token(role))
            .header("accept-language", "en")
    }

    /// A native gRPC channel to the gateway.
    pub async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).expect("a uri");
        endpoint.connect().await.expect("the gateway speaks h2c")
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// The embedded defaults, but every service is the scripted one, and the payment service is down.
fn config(services: SocketAddr) -> ServiceConfig<Config> {
    let env = [("GATEWAY__SERVER__LISTEN".to_owned(), "127.0.0.1:0".to_owned())];
    let sources = Sources {
        service: Gateway::NAME,
        defaults: Gateway::DEFAULTS,
        file: None,
        env,
    };
    let mut config = load::<Config>(sources).expect("the defaults are valid");
    for peer in config.service.peers.values_mut() {
        *peer = Peer::at(format!("http://{services}"));
    }
    config.service.peers.insert(
        "payment".into(),
        Peer::at(format!("http://127.0.0.1:{}", free_port().expect("a port"))),
    );
    config.common.tls = Tls {
        insecure_as: Some("gateway".into()),
        ..Tls::insecure()
    };
    config.service.redis = None;
    config.common.admin.listen = None;
    config
}

/// Status and JSON body of an answer.
pub async fn told(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// A header of an answer.
pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response
        .headers()
        .get(name)
        .map(|value| value.to_str().expect("text"))
}
