//! A stand-in for the auth service that serves the keys of access tokens.

use std::net::SocketAddr;

use carshare_chassis::config::{Common, Tls};
use carshare_chassis::{Environment, Server, Shutdown, task};
use carshare_proto::auth::v1::auth_service_server::{AuthService, AuthServiceServer};
use carshare_proto::auth::v1::*;
use carshare_testkit::Tokens;
use tokio::net::TcpListener;
use tonic::{Request, Response, Status};

/// Serves the keys of these tokens; returns where.
pub async fn serve(tokens: &Tokens, environment: Environment, shutdown: Shutdown) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let common = Common {
        tls: Tls::insecure(),
        ..Common::default()
    };
    let server = Server::new("auth", &common, environment).add(AuthServiceServer::new(Keys(key_set(tokens))));
    task::spawn(
        "keys",
        async move { server.serve(listener, shutdown).await.unwrap() },
    );
    address
}

fn key_set(tokens: &Tokens) -> GetJwksResponse {
    let set = tokens.jwks();
    let text = |key: &serde_json::Value, name: &str| key[name].as_str().unwrap_or_default().to_owned();
    let keys = set["keys"].as_array().unwrap().iter().map(|key| Jwk {
        kty: text(key, "kty"),
        crv: text(key, "crv"),
        kid: text(key, "kid"),
        x: text(key, "x"),
        alg: text(key, "alg"),
        r#use: text(key, "use"),
    });
    GetJwksResponse { keys: keys.collect() }
}

struct Keys(GetJwksResponse);

type Reply<T> = Result<Response<T>, Status>;

#[tonic::async_trait]
impl AuthService for Keys {
    async fn get_jwks(&self, _: Request<GetJwksRequest>) -> Reply<GetJwksResponse> {
        Ok(Response::new(self.0.clone()))
    }

    async fn register(&self, _: Request<RegisterRequest>) -> Reply<AuthResponse> {
        Err(Status::unimplemented("never called"))
    }

    async fn login(&self, _: Request<LoginRequest>) -> Reply<AuthResponse> {
        Err(Status::unimplemented("never called"))
    }

    async fn refresh(&self, _: Request<RefreshRequest>) -> Reply<AuthResponse> {
        Err(Status::unimplemented("never called"))
    }

    async fn logout(&self, _: Request<LogoutRequest>) -> Reply<LogoutResponse> {
        Err(Status::unimplemented("never called"))
    }

    async fn get_me(&self, _: Request<GetMeRequest>) -> Reply<User> {
        Err(Status::unimplemented("never called"))
    }
}
