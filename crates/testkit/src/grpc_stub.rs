//! A gRPC server that answers by RPC path, for peers of the service under test.
//!
//! It does not implement a generated service trait, so an RPC that is added to a proto changes no test double.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use anyhow::Result;
use carshare_proto::auth::v1::{GetJwksRequest, GetJwksResponse, Jwk};
use carshare_proto::codec::ValidatingCodec;
use prost_reflect::ReflectMessage;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_stream::Stream;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::codec::CompressionEncoding;
use tonic::server::Grpc;
use tonic::service::Routes;
use tonic::{Request, Response, Status};
use tower::service_fn;

use crate::tokens::Tokens;

/// RPC paths and their handlers. Other paths answer UNIMPLEMENTED. Requests are validated and may be compressed, as with a generated
/// server.
#[derive(Default)]
pub struct GrpcStub(axum::Router);

impl GrpcStub {
    /// A server without RPCs.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a unary RPC. `path` is `/carshare.vehicle.v1.VehicleService/PlaceHold`.
    pub fn unary<Req, Res, F, Fut>(self, path: &str, handler: F) -> Self
    where
        Req: prost::Message + ReflectMessage + Default + 'static,
        Res: prost::Message + Default + 'static,
        F: Fn(Request<Req>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<Res, Status>> + Send + 'static,
    {
        let service = service_fn(move |request: axum::extract::Request| {
            let handler = handler.clone();
            let unary = service_fn(move |request| {
                let reply = handler(request);
                async move { reply.await.map(Response::new) }
            });
            async move {
                let mut grpc = Grpc::new(ValidatingCodec::<Res, Req>::default())
                    .accept_compressed(CompressionEncoding::Gzip);
                Ok::<_, Infallible>(grpc.unary(unary, request).await)
            }
        });
        Self(self.0.route_service(path, service))
    }

    /// Adds an RPC that streams its replies.
    pub fn server_streaming<Req, Res, S, F, Fut>(self, path: &str, handler: F) -> Self
    where
        Req: prost::Message + ReflectMessage + Default + 'static,
        Res: prost::Message + Default + 'static,
        S: Stream<Item = Result<Res, Status>> + Send + 'static,
        F: Fn(Request<Req>) -> Fut + Clone + Send + Sync + 'static,
        Fut: Future<Output = Result<S, Status>> + Send + 'static,
    {
        let service = service_fn(move |request: axum::extract::Request| {
            let handler = handler.clone();
            let streaming = service_fn(move |request| {
                let replies = handler(request);
                async move { replies.await.map(Response::new) }
            });
            async move {
                let mut grpc = Grpc::new(ValidatingCodec::<Res, Req>::default())
                    .accept_compressed(CompressionEncoding::Gzip);
                Ok::<_, Infallible>(grpc.server_streaming(streaming, request).await)
            }
        });
        Self(self.0.route_service(path, service))
    }

    /// Returns the RPCs, for a server of the test's own.
    pub fn into_routes(self) -> Routes {
        Routes::from(self.0)
    }

    /// Adds auth's `GetJwks`, which returns the key set of `tokens`.
    pub fn jwks(self, tokens: &Tokens) -> Self {
        let keys = key_set(tokens);
        let path = "/carshare.auth.v1.AuthService/GetJwks";
        self.unary(path, move |_: Request<GetJwksRequest>| {
            std::future::ready(Ok(keys.clone()))
        })
    }

    /// Serves in plain text on a free port.
    #[expect(
        clippy::disallowed_methods,
        reason = "testkit does not depend on the chassis, which has task::spawn"
    )]
    pub async fn start(self) -> Result<StubServer> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let address = listener.local_addr()?;
        let server = tonic::transport::Server::builder().add_routes(self.into_routes());
        let task = tokio::spawn(async move {
            server
                .serve_with_incoming(TcpListenerStream::new(listener))
                .await
                .expect("the stub serves until it is dropped");
        });
        Ok(StubServer { address, task })
    }
}

/// A running [`GrpcStub`]. Dropping it stops it.
pub struct StubServer {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl StubServer {
    /// Returns the URI for a peer's or `identity.jwks.uri` configuration.
    pub fn uri(&self) -> String {
        format!("http://{}", self.address)
    }
}

impl Drop for StubServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn key_set(tokens: &Tokens) -> GetJwksResponse {
    let set = tokens.jwks();
    let keys = set["keys"].as_array().into_iter().flatten().map(|key| {
        let text = |name: &str| key[name].as_str().unwrap_or_default().to_owned();
        Jwk {
            kty: text("kty"),
            crv: text("crv"),
            x: text("x"),
            kid: text("kid"),
            r#use: text("use"),
            alg: text("alg"),
        }
    });
    GetJwksResponse { keys: keys.collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use carshare_proto::auth::v1::GetMeRequest;
    use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
    use tonic::Code;

    #[tokio::test]
    async fn stub_answers_its_paths_and_refuses_others() {
        let tokens = Tokens::new().unwrap();
        let stub = GrpcStub::new().jwks(&tokens).start().await.unwrap();
        let mut auth = AuthServiceClient::connect(stub.uri()).await.unwrap();
        let keys = auth.get_jwks(GetJwksRequest {}).await.unwrap().into_inner();
        assert_eq!(keys.keys[0].x, tokens.jwks()["keys"][0]["x"]);
        let refused = auth.get_me(GetMeRequest {}).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unimplemented);
    }
}
