//! Calls between the services of one process: a request goes from the client stack of the caller to the server stack of the service,
//! without socket, TLS or HTTP/2. The service sees the caller's name as it would see it in a certificate.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, PoisonError, RwLock};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures::future::BoxFuture;
use http::{Request, Response};
use http_body::{Frame, SizeHint};
use tokio_util::sync::CancellationToken;
use tokio_util::task::task_tracker::TaskTrackerToken;
use tokio_util::task::{AbortOnDropHandle, TaskTracker};
use tonic::Status;
use tonic::body::Body;

use crate::health::Readiness;
use crate::http_server::Connection;
use crate::task;

/// Scheme of the URI of a peer in this process: `memory://vehicle`.
pub const SCHEME: &str = "memory";

/// The services of a process, by name. Cheap to clone.
#[derive(Clone, Default)]
pub struct LocalNetwork(Arc<RwLock<BTreeMap<&'static str, Arc<Served>>>>);

/// One service in the network: it can call the others and be called by them.
#[derive(Clone)]
pub struct LocalNode {
    network: LocalNetwork,
    name: Arc<str>,
}

pub(crate) type Call =
    Arc<dyn Fn(Request<Body>) -> BoxFuture<'static, Result<Response<Body>, Infallible>> + Send + Sync>;

#[derive(Debug, thiserror::Error)]
pub(crate) enum CallError {
    #[error("the service is not served in this process")]
    NotServed,
    #[error("the layers of the service panicked")]
    Panicked,
}

struct Served {
    call: Call,
    readiness: Readiness,
    running: TaskTracker,
}

impl LocalNetwork {
    /// Returns the place of the service `name`, for its [`Environment`](crate::Environment).
    pub fn node(&self, name: &str) -> LocalNode {
        LocalNode {
            network: self.clone(),
            name: name.into(),
        }
    }

    /// Returns the names and the readiness checks of the services that are served now.
    pub fn readiness(&self) -> Vec<(&'static str, Readiness)> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let all = served.iter();
        all.map(|(name, served)| (*name, served.readiness.clone()))
            .collect()
    }

    fn find(&self, name: &str) -> Option<Arc<Served>> {
        let served = self.0.read().unwrap_or_else(PoisonError::into_inner);
        served.get(name).cloned()
    }

    fn insert(&self, name: &'static str, served: Served) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(name, Arc::new(served));
    }

    fn remove(&self, name: &str) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.remove(name);
    }
}

impl LocalNode {
    /// Serves calls until `stop` fires, then waits for those that run, for `drain_timeout` at most. `call` refuses the calls that
    /// come meanwhile.
    pub(crate) async fn serve(
        self,
        name: &'static str,
        call: Call,
        readiness: Readiness,
        drain_timeout: Duration,
        stop: CancellationToken,
    ) {
        let running = TaskTracker::new();
        let served = Served {
            call,
            readiness,
            running: running.clone(),
        };
        self.network.insert(name, served);
        stop.cancelled().await;
        running.close();
        if tokio::time::timeout(drain_timeout, running.wait()).await.is_err() {
            tracing::warn!(service = name, calls = running.len(), "drain timed out");
        }
        self.network.remove(name);
    }

    /// Calls the service `name`.
    pub(crate) async fn call(&self, name: &str, request: Request<Body>) -> Result<Response<Body>, CallError> {
        let served = self.network.find(name).ok_or(CallError::NotServed)?;
        let (mut head, body) = request.into_parts();
        // Only what goes through a socket too reaches the service.
        head.extensions = http::Extensions::new();
        head.extensions.insert(Connection {
            remote: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            peer: Some(Arc::clone(&self.name)),
            is_tls: false,
        });
        let running = served.running.token();
        // A task of its own: the futures of two or three services, one inside the other, can overflow the stack.
        let handling = task::spawn("local call", (served.call)(Request::from_parts(head, body)));
        let Ok(response) = AbortOnDropHandle::new(handling)
            .await
            .map_err(|_| CallError::Panicked)?;
        Ok(response.map(|inner| {
            Body::new(RunningBody {
                inner,
                _running: running,
            })
        }))
    }
}

impl fmt::Debug for LocalNode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "LocalNode({})", self.name)
    }
}

/// A response body, whose call runs until it is dropped.
struct RunningBody {
    inner: Body,
    _running: TaskTrackerToken,
}

impl http_body::Body for RunningBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        Pin::new(&mut self.inner).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
