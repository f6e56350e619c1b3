//! Auth as far as the other services need it: it tells the keys that verify access tokens, and nothing else.

use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use carshare_proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use carshare_proto::auth::v1::{
    AuthResponse, GetJwksRequest, GetJwksResponse, GetMeRequest, Jwk, LoginRequest, LogoutRequest,
    LogoutResponse, RefreshRequest, RegisterRequest, User,
};
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status};

use crate::tokens::Tokens;

/// A running key server. Dropping it stops it.
pub struct JwksServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl JwksServer {
    /// Serves the key of `tokens` in plain text on a free port.
    #[expect(
        clippy::disallowed_methods,
        reason = "testkit is below the chassis and has no task::spawn"
    )]
    pub async fn start(tokens: &Tokens) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let service = AuthServiceServer::new(Keys(key_set(&tokens.jwks())));
        let server = tonic::transport::Server::builder().add_service(service);
        let task = tokio::spawn(async move {
            // It ends with its task; there is nobody to tell.
            let _ = server.serve_with_incoming(TcpListenerStream::new(listener)).await;
        });
        Ok(Self { address, task })
    }

    /// For `identity.jwks.uri`.
    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for JwksServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key_set(jwks: &Value) -> GetJwksResponse {
    let text = |key: &Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let keys = jwks["keys"].as_array().into_iter().flatten().map(|key| Jwk {
        kty: text(key, "kty"),
        crv: text(key, "crv"),
        x: text(key, "x"),
        kid: text(key, "kid"),
        r#use: text(key, "use"),
        alg: text(key, "alg"),
    });
    GetJwksResponse { keys: keys.collect() }
}

struct Keys(GetJwksResponse);

fn not_here<T>() -> Result<Response<T>, Status> {
    Err(Status::unimplemented("this server only tells keys"))
}

#[tonic::async_trait]
impl AuthService for Keys {
    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Result<Response<GetJwksResponse>, Status> {
        Ok(Response::new(self.0.clone()))
    }

    async fn register(&self, _: Request<RegisterRequest>) -> Result<Response<AuthResponse>, Status> {
        not_here()
    }

    async fn login(&self, _: Request<LoginRequest>) -> Result<Response<AuthResponse>, Status> {
        not_here()
    }

    async fn refresh(&self, _: Request<RefreshRequest>) -> Result<Response<AuthResponse>, Status> {
        not_here()
    }

    async fn logout(&self, _: Request<LogoutRequest>) -> Result<Response<LogoutResponse>, Status> {
        not_here()
    }

    async fn get_me(&self, _: Request<GetMeRequest>) -> Result<Response<User>, Status> {
        not_here()
    }
}
