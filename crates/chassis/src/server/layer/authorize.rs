//! Authenticates the caller by certificate or access token and checks the RPC's access option. An own layer: both are rules of the
//! contract. Over TLS and within a process only peers of the mesh may call, whatever the RPC.

use std::sync::Arc;
use std::time::Duration;

use carshare_proto::common::v1::ErrorReason as Common;
use http::Request;
use http::header::AUTHORIZATION;
use tonic::body::Body;

use super::{Inner, Result, ServerCall};
use crate::authorization::{self, Credentials};
use crate::deadline::Deadline;
use crate::error::Error;
use crate::http_server::Connection;
use crate::identity::Verifier;
use crate::layer::take;
use crate::method_registry;
use crate::rpc::{AccessToken, Authorized, CLIENT_ADDRESS};
use crate::tls::INSECURE_PEER;

#[derive(Clone)]
pub struct Authenticator {
    pub verifier: Verifier,
    /// The connection has no TLS, so the header [`INSECURE_PEER`] names the calling service.
    pub trusts_header: bool,
}

impl Authenticator {
    /// Returns the service at the other end of the connection.
    fn peer(&self, request: &Request<Body>) -> Option<Arc<str>> {
        let header = request.headers().get(INSECURE_PEER);
        let named = header.filter(|_| self.trusts_header);
        match named.and_then(|name| name.to_str().ok()) {
            Some(name) => Some(name.into()),
            None => request.extensions().get::<Connection>()?.peer.clone(),
        }
    }

    /// Refuses a peer that is not of the mesh: a certificate of our authority with another name, or of another trust domain. Without TLS
    /// every client may connect.
    fn admit(&self, peer: Option<&str>) -> std::result::Result<(), Error> {
        if self.trusts_header || peer.is_some_and(method_registry::is_peer) {
            return Ok(());
        }
        Err(Error::new(Common::PermissionDenied).cause(anyhow::anyhow!("the peer is not of the mesh")))
    }
}

pub fn authorize<S: Inner + Clone>(
    authenticator: &Authenticator,
    inner: &mut S,
    mut call: ServerCall,
) -> impl Future<Output = Result> + use<S> {
    let (authenticator, mut inner) = (authenticator.clone(), take(inner));
    async move {
        let peer = authenticator.peer(&call.request);
        call.context.log_fields().peer.clone_from(&peer);
        authenticator.admit(peer.as_deref())?;
        if peer.as_deref() != Some(method_registry::GATEWAY) {
            call.request.headers_mut().remove(CLIENT_ADDRESS);
        }
        let credentials = Credentials {
            peer: peer.as_deref(),
            bearer: authorization::bearer(call.request.headers()),
        };
        let caller = authorization::authorize(call.method, credentials, &authenticator.verifier).await?;
        {
            let mut fields = call.context.log_fields();
            fields.caller = Some(caller.label());
            fields.user_id = caller.user().ok().map(|user| user.id);
        }
        // Few handlers need the token, and removing it keeps it from leaking.
        let bearer = call.request.headers_mut().remove(AUTHORIZATION);
        let token = bearer
            .filter(|_| call.method.passes_token())
            .map(AccessToken::new);
        let deadline = call.context.deadline();
        call.request.extensions_mut().insert(Authorized {
            caller,
            token,
            deadline: deadline.unwrap_or_else(|| Deadline::after(Duration::MAX)),
            method: call.method,
        });
        inner.call(call).await
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{LOGIN, RELEASE_HOLD, call, never, ok, run};
    use super::*;
    use crate::clock::Clock;
    use crate::config;
    use crate::identity::{Caller, StaticJwks};

    fn authenticator(trusts_header: bool) -> Authenticator {
        let keys = Arc::new(StaticJwks::default());
        Authenticator {
            verifier: Verifier::new(&config::Identity::default(), keys, Clock::system()),
            trusts_header,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn handler_gets_the_caller_and_not_the_token() {
        let mut public = call(LOGIN);
        let token = "Bearer x".parse().unwrap();
        public.request.headers_mut().insert(AUTHORIZATION, token);
        let handler = async |call: ServerCall| {
            assert!(call.request.headers().get(AUTHORIZATION).is_none());
            let authorized: &Authorized = call.request.extensions().get().expect("no caller");
            assert_eq!(authorized.caller, Caller::Anonymous);
            assert!(authorized.token.is_none());
            ok(call).await
        };
        run(authenticator(true), authorize, public, handler)
            .await
            .unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn peer_header_counts_without_tls_only() {
        let internal = || {
            let mut call = call(RELEASE_HOLD);
            let name = "booking".parse().unwrap();
            call.request.headers_mut().insert(INSECURE_PEER, name);
            call
        };
        let handler = async |call: ServerCall| {
            assert_eq!(call.context.log_fields().caller.as_deref(), Some("booking"));
            assert_eq!(call.context.log_fields().peer.as_deref(), Some("booking"));
            ok(call).await
        };
        run(authenticator(true), authorize, internal(), handler)
            .await
            .unwrap();
        let error = run(authenticator(false), authorize, internal(), never)
            .await
            .unwrap_err();
        assert!(error.is(Common::PermissionDenied));
    }

    #[tokio::test(start_paused = true)]
    async fn client_address_of_the_gateway_alone_is_passed_on() {
        for (peer, expected) in [(Some("gateway"), true), (Some("booking"), false), (None, false)] {
            let mut public = call(LOGIN);
            let headers = public.request.headers_mut();
            headers.insert(CLIENT_ADDRESS, "1.2.3.4".parse().unwrap());
            if let Some(name) = peer {
                headers.insert(INSECURE_PEER, name.parse().unwrap());
            }
            let handler = move |call: ServerCall| async move {
                let is_passed_on = call.request.headers().contains_key(CLIENT_ADDRESS);
                assert_eq!(is_passed_on, expected, "{peer:?}");
                ok(call).await
            };
            run(authenticator(true), authorize, public, handler)
                .await
                .unwrap();
        }
    }
}
