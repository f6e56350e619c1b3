//! A running server, and channels to it.

use std::net::SocketAddr;

use carshare_chassis::client::{self, PeerChannel};
use carshare_chassis::config::{Common, Peer, Tls};
use carshare_chassis::identity::StaticJwks;
use carshare_chassis::{Environment, ManualClock, Server, Shutdown};
use carshare_testkit::{Ca, Tokens};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tonic::transport::Channel;
use tonic::{Request, Status};
use tonic_types::StatusExt as _;
use uuid::Uuid;

use crate::fake::{self, Behaviour};

/// Start of the manual clocks.
pub const START: &str = "2026-11-22T12:00:00Z";
/// User of all tokens.
pub const USER: Uuid = Uuid::from_u128(7);

/// A server in this process.
pub struct TestServer {
    pub address: SocketAddr,
    pub clock: ManualClock,
    pub environment: Environment,
    pub tokens: Tokens,
    pub shutdown: Shutdown,
    pub served: JoinHandle<anyhow::Result<()>>,
}

/// Default configuration, in plain text.
pub fn plain() -> Common {
    Common {
        tls: Tls::insecure(),
        ..Common::default()
    }
}

/// Issues a certificate to a service.
pub fn certificate(ca: &Ca, service: &str) -> Tls {
    let issued = ca.issue(service).unwrap();
    Tls {
        ca_pem: Some(ca.cert_pem()),
        cert_pem: Some(issued.cert_pem),
        key_pem: Some(issued.key_pem.into()),
        ..Tls::default()
    }
}

impl TestServer {
    pub async fn start(common: Common, behaviour: &Behaviour) -> Self {
        Self::customized(common, behaviour, |server| server).await
    }

    pub async fn customized(
        common: Common,
        behaviour: &Behaviour,
        custom: impl FnOnce(Server) -> Server,
    ) -> Self {
        let (environment, clock) = Environment::manual(START.parse().unwrap(), 1);
        let tokens = Tokens::new().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shutdown = Shutdown::new();
        let server = Server::new("fake", &common, environment.clone())
            .jwks(StaticJwks::from_json(&tokens.jwks()).unwrap());
        let server = custom(fake::add_to(server, behaviour));
        let served = carshare_chassis::task::spawn("fake", server.serve(listener, shutdown.clone()));
        Self {
            address,
            clock,
            environment,
            tokens,
            shutdown,
            served,
        }
    }

    /// Returns a channel without layers, as a client outside the mesh has.
    pub fn channel(&self) -> Channel {
        Channel::from_shared(format!("http://{}", self.address))
            .unwrap()
            .connect_lazy()
    }

    /// Returns a channel as another service has it.
    pub fn peer(&self, name: &'static str, tls: &Tls) -> PeerChannel {
        let scheme = if tls.insecure { "http" } else { "https" };
        let peer = Peer::at(format!("{scheme}://{}", self.address));
        client::connect(name, &peer, tls, Environment::system()).unwrap()
    }

    /// Returns a request with a token of this role.
    pub fn request<M>(&self, role: &str, message: M) -> Request<M> {
        with_token(message, &self.tokens.mint(role, USER, self.clock.now()))
    }
}

impl Drop for TestServer {
    fn drop(&mut self) {
        self.shutdown.trigger();
    }
}

pub fn with_token<M>(message: M, token: &str) -> Request<M> {
    let mut request = Request::new(message);
    request
        .metadata_mut()
        .insert("authorization", format!("Bearer {token}").parse().unwrap());
    request
}

/// Returns reason and code of an error.
pub fn facts(status: &Status) -> (String, String) {
    let info = status
        .get_details_error_info()
        .unwrap_or_else(|| panic!("no details in {status:?}"));
    (info.reason, info.metadata["code"].clone())
}

/// Returns an expected value of [`facts`].
pub fn named(reason: &str, code: &str) -> (String, String) {
    (reason.to_owned(), code.to_owned())
}
