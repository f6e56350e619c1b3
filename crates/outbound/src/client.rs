//! The client of one provider.

use std::fmt;
use std::sync::Arc;

use carshare_chassis::Environment;
use http::Method;

use crate::config::Config;
use crate::metrics;
use crate::request::RequestBuilder;
use crate::shared::Shared;

/// Client of one provider. Cheap to clone; clones share connections and circuit breaker.
#[derive(Clone)]
pub struct HttpClient(Arc<Shared>);

impl HttpClient {
    /// Creates a client for `peer`. Fails when the base URL is invalid, or for https when no trusted certificates are
    /// installed.
    pub fn new(peer: &'static str, config: Config, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        Ok(Self(Arc::new(Shared::new(peer, config, environment)?)))
    }

    /// Starts a GET, which is retried. `path` begins with `/`; its variable parts are [`segment`](crate::segment)s.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// Starts a POST, which is retried only with an idempotency key.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// Starts a DELETE, which is never retried.
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// Starts a request of any method; methods other than GET and POST are never retried.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(Arc::clone(&self.0), method, path)
    }

    /// Returns whether the circuit breaker refuses calls at the moment, for readiness checks and tests.
    pub fn is_open(&self) -> bool {
        self.0.breaker.is_open()
    }
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpClient({} at {})", self.0.peer, self.0.base_url)
    }
}
