//! A gateway on a free port, with fake services behind it and a manual clock.

mod fake_services;

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use carshare_chassis::config::{Peer, ServiceConfig, Sources, Tls, load};
use carshare_chassis::service::Service as _;
use carshare_chassis::{Environment, ManualClock, Shutdown, task};
use carshare_gateway::Gateway;
use carshare_gateway::config::Config;
use carshare_proto::booking::v1::CreateBookingRequest;
use carshare_testkit::{Tokens, free_port};
use chrono::{DateTime, Utc};
use prost_types::Timestamp;
use reqwest::{Client, Method, RequestBuilder, Response};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::Request;
use tonic::transport::Channel;
use uuid::Uuid;

pub use fake_services::{FakeServices, STREAMS_PER_CONNECTION};

/// Start of the manual clock.
pub const START: &str = "2026-11-22T12:00:00Z";
pub const TIMEOUT: Duration = Duration::from_secs(10);
/// Subject of the tokens.
pub const USER: Uuid = Uuid::from_u128(7);
pub const VEHICLE: &str = "5b0e0000-0000-7000-8000-000000000001";
pub const ORIGIN: &str = "https://app.carshare.kr";

/// A running gateway. It stops on drop.
pub struct Harness {
    pub address: SocketAddr,
    pub services: FakeServices,
    pub tokens: Tokens,
    pub clock: ManualClock,
    pub shutdown: Shutdown,
    http: Client,
}

impl Harness {
    /// Starts with the default configuration.
    pub async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    /// Starts with a changed configuration.
    pub async fn start_with(change: impl FnOnce(&mut ServiceConfig<Config>)) -> Self {
        let tokens = Tokens::new().unwrap();
        let services = FakeServices::start(&tokens).await;
        let mut config = config(services.address);
        change(&mut config);
        let start: DateTime<Utc> = START.parse().unwrap();
        let (environment, clock) = Environment::manual(start, 7);
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let running = carshare_gateway::run(config, environment, listener, shutdown.clone());
        task::spawn("gateway", async move { running.await.expect("the gateway runs") });
        Self {
            address,
            services,
            tokens,
            clock,
            shutdown,
            http: Client::builder().no_proxy().build().unwrap(),
        }
    }

    /// Returns a fresh access token.
    pub fn token(&self, role: &str) -> String {
        self.tokens.mint(role, USER, START.parse().unwrap())
    }

    /// Returns a request without a token.
    pub fn anonymous(&self, method: Method, path: &str) -> RequestBuilder {
        self.http
            .request(method, format!("http://{}{path}", self.address))
    }

    /// Returns a request of a user, in English.
    pub fn request(&self, role: &str, method: Method, path: &str) -> RequestBuilder {
        self.anonymous(method, path)
            .bearer_auth(self.token(role))
            .header("accept-language", "en")
    }

    /// Returns a request of a guest for a booking, in English; see [`FakeServices`] for `message`.
    pub fn create_booking(&self, message: &str) -> RequestBuilder {
        self.request("guest", Method::POST, "/v1/bookings")
            .json(&booking_json(message))
    }

    /// Connects a native gRPC channel.
    pub async fn channel(&self) -> Channel {
        let endpoint = Channel::from_shared(format!("http://{}", self.address)).unwrap();
        endpoint.connect().await.expect("the gateway speaks h2c")
    }

    /// Returns a gRPC request of a user.
    pub fn grpc_request<T>(&self, role: &str, message: T) -> Request<T> {
        let mut request = Request::new(message);
        let bearer = format!("Bearer {}", self.token(role));
        request
            .metadata_mut()
            .insert("authorization", bearer.parse().unwrap());
        request
    }
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

/// Returns the embedded defaults with every peer at the fake services, but for payment, which is down.
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
    let nowhere = Peer::at(format!("http://127.0.0.1:{}", free_port().unwrap()));
    config.service.peers.insert("payment".into(), nowhere);
    config.common.tls = Tls {
        insecure_as: Some("gateway".into()),
        ..Tls::insecure()
    };
    config.service.redis = None;
    config.common.admin.listen = None;
    config
}

pub fn booking(message: &str) -> CreateBookingRequest {
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    CreateBookingRequest {
        vehicle_id: VEHICLE.into(),
        start_datetime: at(1_795_400_000),
        end_datetime: at(1_795_410_000),
        guest_message: Some(message.into()),
        quote_token: None,
        coupon_code: None,
    }
}

pub fn booking_json(message: &str) -> Value {
    json!({
        "vehicle_id": VEHICLE, "start_datetime": "2026-11-23T01:00:00Z", "end_datetime": "2026-11-23T05:00:00Z",
        "guest_message": message,
    })
}

pub async fn send(request: RequestBuilder) -> Response {
    request.send().await.expect("a response")
}

/// Sends a request and returns status and JSON body of its response.
pub async fn send_for_json(request: RequestBuilder) -> (u16, Value) {
    into_json(send(request).await).await
}

/// Returns status and JSON body, which is null when the body is empty.
pub async fn into_json(response: Response) -> (u16, Value) {
    let status = response.status().as_u16();
    let bytes = response.bytes().await.expect("a body");
    (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
}

/// Sends a request and returns status and `code` of its problem.
pub async fn send_for_code(request: RequestBuilder) -> (u16, String) {
    let (status, problem) = send_for_json(request).await;
    (status, problem["code"].as_str().unwrap_or_default().to_owned())
}

/// Returns a pair to compare with the result of [`send_for_code`].
pub fn code(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

pub fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).map(|value| value.to_str().unwrap())
}
