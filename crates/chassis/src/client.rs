//! Channels to other services: mutual TLS, balancing over all addresses of a name, a deadline on every call, the trace and
//! correlation id of the current work, and retries of what is safe to repeat.
//!
//! ```text
//! let vehicle = VehicleServiceClient::new(client::connect("vehicle", &config.vehicle, &config.tls, environment)?);
//! ```

mod call;
mod headers;
mod remote_jwks;
mod resolver;
mod response_body;
mod transport_error;

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
use tonic::transport::{Channel, ClientTlsConfig};
use tower::Service;
use tower::retry::budget::TpsBudget;

use crate::config::{Peer, Tls};
use crate::environment::Environment;
use crate::{task, tls};
pub use remote_jwks::RemoteJwks;
use resolver::Addresses;

/// Retries are limited to a tenth of the calls of the last ten seconds and ten more, so that they help a peer that fails now and
/// then and do not overload one that is down.
const BUDGET_WINDOW: Duration = Duration::from_secs(10);
const BUDGET_RESERVE_PER_SECOND: u32 = 1;
const BUDGET_SHARE: f32 = 0.1;

/// A channel to one service, for `XServiceClient::new(channel)` or as a plain tower service. Cheap to clone.
///
/// Its errors are statuses, and those it makes itself carry the facts of [`crate::error`].
#[derive(Clone)]
pub struct PeerChannel {
    channel: Channel,
    shared: Arc<Shared>,
}

struct Shared {
    name: &'static str,
    timeout: Duration,
    /// Who we say we are when there is no certificate to say it.
    claim: Option<HeaderValue>,
    budget: TpsBudget,
    environment: Environment,
    /// Wakes the search for addresses: one of them does not answer.
    trouble: Arc<Notify>,
}

/// A channel to the service `name` (`vehicle`). It connects at first use; the error is about the configuration.
pub fn connect(
    name: &'static str,
    peer: &Peer,
    tls: &Tls,
    environment: Environment,
) -> anyhow::Result<PeerChannel> {
    let uris = peer.uri.split(',').map(|uri| uri.trim().parse());
    let uris: Vec<Uri> = uris
        .collect::<Result<_, _>>()
        .with_context(|| format!("the uri of {name} is not valid"))?;
    let tls_config = transport_security(name, &uris, peer, tls)?;
    let claim = tls
        .insecure_as
        .as_deref()
        .map(HeaderValue::from_str)
        .transpose()?;
    let (channel, changes) = Channel::balance_channel(64);
    let trouble = Arc::new(Notify::new());
    let addresses = Addresses::new(name, &uris, tls_config)?;
    task::spawn("addresses", addresses.follow(changes, Arc::clone(&trouble)));
    let shared = Shared {
        name,
        timeout: peer.timeout,
        claim,
        budget: retry_budget(),
        environment,
        trouble,
    };
    Ok(PeerChannel {
        channel,
        shared: Arc::new(shared),
    })
}

fn retry_budget() -> TpsBudget {
    TpsBudget::new(BUDGET_WINDOW, BUDGET_RESERVE_PER_SECOND, BUDGET_SHARE)
}

/// Plain text is never an accident: both the scheme and the configuration have to say so.
fn transport_security(
    name: &str,
    uris: &[Uri],
    peer: &Peer,
    tls: &Tls,
) -> anyhow::Result<Option<ClientTlsConfig>> {
    let scheme = uris.first().and_then(Uri::scheme_str);
    if uris.iter().any(|uri| uri.scheme_str() != scheme) {
        anyhow::bail!("the uris of {name} have different schemes");
    }
    match scheme {
        Some("https") => {
            let config = tls::client(tls, peer.server_name.as_deref().unwrap_or(name))?;
            config
                .with_context(|| format!("the uri of {name} is https and there are no certificates"))
                .map(Some)
        }
        Some("http") if tls.insecure => Ok(None),
        Some("http") => anyhow::bail!("the uri of {name} is plain text and tls.insecure is not set"),
        _ => anyhow::bail!("the uri of {name} is neither http nor https"),
    }
}

impl PeerChannel {
    /// Name of the service behind it.
    pub fn name(&self) -> &'static str {
        self.shared.name
    }
}

impl Service<Request<Body>> for PeerChannel {
    type Response = Response<Body>;
    type Error = Status;
    type Future = BoxFuture<'static, Result<Response<Body>, Status>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Status>> {
        // Waiting for a connection is part of the call, so that its deadline covers it.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        call::run(self.clone(), request).boxed()
    }
}

impl std::fmt::Debug for PeerChannel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PeerChannel({})", self.shared.name)
    }
}

#[cfg(test)]
mod tests {
    use tower::retry::budget::Budget as _;

    use super::*;

    #[test]
    fn retry_budget_allows_ten_retries_and_one_for_ten_calls() {
        let budget = retry_budget();
        assert_eq!((0..20).filter(|_| budget.withdraw()).count(), 10);
        (0..9).for_each(|_| budget.deposit());
        assert!(!budget.withdraw());
        budget.deposit();
        assert!(budget.withdraw());
        assert!(!budget.withdraw());
    }

    #[tokio::test]
    async fn plain_text_must_be_asked_for_and_https_needs_certificates() {
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
