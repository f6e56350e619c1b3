//! The key set that auth serves over gRPC.

use carshare_proto::auth::v1::auth_service_client::AuthServiceClient;
use carshare_proto::auth::v1::{GetJwksRequest, Jwk as JwkMessage};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::PeerChannel;
use crate::error::Error;
use crate::identity::{Jwk, JwksSource};

#[derive(Clone)]
pub struct RemoteJwks(AuthServiceClient<PeerChannel>);

impl RemoteJwks {
    /// `channel` leads to auth.
    pub fn new(channel: PeerChannel) -> Self {
        Self(AuthServiceClient::new(channel))
    }
}

impl JwksSource for RemoteJwks {
    fn fetch(&self) -> BoxFuture<'_, Result<Vec<Jwk>, Error>> {
        let mut auth = self.0.clone();
        async move {
            let reply = auth.get_jwks(GetJwksRequest {}).await?.into_inner();
            Ok(reply.keys.into_iter().filter_map(ed25519).collect())
        }
        .boxed()
    }
}

/// Skips keys of other types, which a later version of auth may publish too.
fn ed25519(key: JwkMessage) -> Option<Jwk> {
    (key.kty == "OKP" && key.crv == "Ed25519").then_some(Jwk {
        kid: key.kid,
        x: key.x,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_ed25519_keys_are_used() {
        let key = |kty: &str, crv: &str| JwkMessage {
            kty: kty.into(),
            crv: crv.into(),
            x: "x".into(),
            kid: "k".into(),
            ..Default::default()
        };
        assert_eq!(
            ed25519(key("OKP", "Ed25519")),
            Some(Jwk {
                kid: "k".into(),
                x: "x".into()
            })
        );
        assert_eq!(ed25519(key("OKP", "X25519")), None);
        assert_eq!(ed25519(key("EC", "P-256")), None);
    }
}
