//! Channels to other services: mutual TLS, balancing over all addresses of a name or, in one process, calls in memory; a deadline on every call, the trace and
//! correlation id of the current work, and retries of what is safe to repeat.
//!
//! ```text
//! let vehicle = VehicleServiceClient::new(client::connect("vehicle", &config.vehicle, &config.tls, environment)?);
//! ```

mod layer;
mod remote_jwks;
mod resolver;
mod transport;

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use anyhow::Context as _;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use http::{HeaderValue, Request, Response, Uri};
use tokio::sync::Notify;
use tonic::Status;
use tonic::body::Body;
use tonic::transport::Channel;
use tower::{Service, ServiceBuilder, service_fn};

use crate::config::{Peer, Tls};
use crate::environment::Environment;
use crate::layer::from_fn;
use crate::random::Random;
use crate::tls::Certificate;
use crate::{local_network, task};
use layer::retry::RetryPolicy;
use layer::{ClientCall, call, deadline, headers, message, metrics, response_body};
pub use remote_jwks::RemoteJwks;
use resolver::Resolver;
use transport::{Local, Network, Transport, TransportError};

/// A channel to one service, for `XServiceClient::new(channel)` or as a plain tower service. Cheap to clone.
///
/// Its errors are statuses; those it makes itself carry the details of [`crate::error`].
#[derive(Clone)]
pub struct PeerChannel {
    name: &'static str,
    send: Arc<dyn Fn(Request<Body>) -> Sending + Send + Sync>,
}

type Sending = BoxFuture<'static, Result<Response<Body>, Status>>;

/// Returns a channel to the service `name` (`vehicle`), which connects at first use.
///
/// # Errors
/// An invalid configuration: URIs, certificates, or plain text without `tls.insecure`.
pub fn connect(
    name: &'static str,
    peer: &Peer,
    tls: &Tls,
    environment: Environment,
) -> anyhow::Result<PeerChannel> {
    let (random, own_name) = (environment.random.clone(), tls.insecure_as.as_deref());
    let own_name = own_name.map(HeaderValue::from_str).transpose()?;
    let transport = transport(name, peer, tls, environment)?;
    let service = stack(name, peer.timeout, random, own_name, transport);
    Ok(PeerChannel {
        name,
        send: Arc::new(move |request| service.clone().call(request)),
    })
}

fn transport(
    name: &'static str,
    peer: &Peer,
    tls: &Tls,
    environment: Environment,
) -> anyhow::Result<Transport> {
    let uris = peer.uri.split(',').map(|uri| uri.trim().parse());
    let uris: Vec<Uri> = uris
        .collect::<Result<_, _>>()
        .with_context(|| format!("the uri of {name} is not valid"))?;
    if let [uri] = uris.as_slice()
        && uri.scheme_str() == Some(local_network::SCHEME)
    {
        let node = environment.local;
        return Ok(Transport::Local(Local {
            node: node.with_context(|| format!("{uri}: this process hosts one service only"))?,
            peer: uri.host().unwrap_or_default().to_owned(),
        }));
    }
    let security = transport_security(name, &uris, peer, tls, &environment)?;
    let (channel, changes) = Channel::balance_channel(64);
    let resolve = Arc::new(Notify::new());
    let resolver = Resolver::new(name, &uris, security)?;
    task::spawn("resolver", resolver.run(changes, Arc::clone(&resolve)));
    Ok(Transport::Network(Network { channel, resolve }))
}

/// Returns the transport behind the layers, outermost first. [`layer`] says what each one does.
fn stack(
    name: &'static str,
    timeout: Duration,
    random: Random,
    own_name: Option<HeaderValue>,
    transport: Transport,
) -> impl Service<Request<Body>, Response = Response<Body>, Error = Status, Future = Sending>
+ Clone
+ Send
+ Sync
+ 'static {
    let transport = Arc::new(transport);
    ServiceBuilder::new()
        .layer_fn(call::layer(name, timeout))
        .layer(from_fn((), metrics::record))
        .layer(from_fn((), deadline::enforce))
        .layer(from_fn((), response_body::limit))
        .layer(from_fn((), message::read))
        .map_err(move |error: TransportError| error.into_error(name))
        .retry(RetryPolicy::new(random))
        .map_request(move |call| headers::write(call, own_name.as_ref()))
        // Boxed here, at the bottom: every layer moves the future of those below into its own.
        .service(service_fn(move |call: ClientCall| {
            Arc::clone(&transport).send(call).boxed()
        }))
}

/// Returns the own certificate and the name of the peer, or `None` for plain text, which both the scheme and `tls.insecure` have to ask for.
fn transport_security(
    name: &str,
    uris: &[Uri],
    peer: &Peer,
    tls: &Tls,
    environment: &Environment,
) -> anyhow::Result<Option<(Certificate, String)>> {
    let scheme = uris.first().and_then(Uri::scheme_str);
    if uris.iter().any(|uri| uri.scheme_str() != scheme) {
        anyhow::bail!("the uris of {name} have different schemes");
    }
    match scheme {
        Some("https") => {
            let certificate = environment.certificate(tls)?;
            let certificate = certificate
                .with_context(|| format!("the uri of {name} is https and there are no certificates"))?;
            let server_name = peer.server_name.as_deref().unwrap_or(name);
            Ok(Some((certificate, server_name.to_owned())))
        }
        Some("http") if tls.insecure => Ok(None),
        Some("http") => anyhow::bail!("the uri of {name} is plain text and tls.insecure is not set"),
        _ => anyhow::bail!("the uri of {name} is not http, https or one memory uri"),
    }
}

impl PeerChannel {
    /// Name of the called service.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = Sending;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // A call waits for its connection, see `call::OpenCall`.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Sending {
        (self.send)(request)
    }
}

impl std::fmt::Debug for PeerChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerChannel({})", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn plain_text_needs_insecure_and_https_needs_certificates() {
        let to = |uri: &str, tls: Tls| connect("vehicle", &Peer::at(uri), &tls, Environment::system()).err();
        assert!(to("http://127.0.0.1:1", Tls::insecure()).is_none());
        assert!(to("http://127.0.0.1:1", Tls::default()).is_some());
        let refused = to("https://127.0.0.1:1", Tls::insecure()).unwrap().to_string();
        assert_eq!(
            refused,
            "the uri of vehicle is https and there are no certificates"
        );
        assert!(to("not a uri", Tls::insecure()).is_some());
        assert!(to("http://127.0.0.1:1, http://127.0.0.1:2", Tls::insecure()).is_none());
        let mixed = to("http://127.0.0.1:1,https://127.0.0.1:2", Tls::insecure()).unwrap();
        assert_eq!(mixed.to_string(), "the uris of vehicle have different schemes");
    }
}
