//! The client of one provider.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, bail};
use carshare_chassis::Environment;
use http::Method;
use reqwest::Url;

use crate::breaker::Breaker;
use crate::config::Config;
use crate::metrics;
use crate::request::RequestBuilder;

/// Connections a provider closes while we think they are open cost a call; young ones are rarely closed.
const IDLE_CONNECTIONS: Duration = Duration::from_secs(30);

/// Calls one provider. Cheap to clone; clones share connections and breaker.
#[derive(Clone)]
pub struct HttpClient(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    /// `toss`; the label of metrics and logs.
    pub(crate) peer: &'static str,
    pub(crate) config: Config,
    /// Without a trailing slash.
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) breaker: Breaker,
    pub(crate) environment: Environment,
}

impl HttpClient {
    /// A client for `peer`. Fails when the base URL is none, or when an https one finds no trusted certificates.
    pub fn new(peer: &'static str, config: Config, environment: Environment) -> anyhow::Result<Self> {
        metrics::describe();
        let url: Url = config
            .base_url
            .parse()
            .with_context(|| format!("base_url of {peer}"))?;
        if !matches!(url.scheme(), "http" | "https") || url.query().is_some() || url.fragment().is_some() {
            bail!("base_url of {peer} must be http(s) without query and fragment");
        }
        let breaker = Breaker::new(
            peer,
            config.breaker_failures.max(1),
            config.breaker_open,
            environment.clock.clone(),
        );
        let http =
            transport(&config, url.scheme() == "https").with_context(|| format!("client for {peer}"))?;
        let base_url = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self(Arc::new(Inner {
            peer,
            config,
            base_url,
            http,
            breaker,
            environment,
        })))
    }

    /// A GET of `path`, which begins with `/` and holds what is variable as [`segment`](crate::segment)s. Repeated when it fails.
    pub fn get(&self, path: &str) -> RequestBuilder {
        self.request(Method::GET, path)
    }

    /// A POST; repeated only with an idempotency key.
    pub fn post(&self, path: &str) -> RequestBuilder {
        self.request(Method::POST, path)
    }

    /// A DELETE; never repeated.
    pub fn delete(&self, path: &str) -> RequestBuilder {
        self.request(Method::DELETE, path)
    }

    /// Any other method; never repeated.
    pub fn request(&self, method: Method, path: &str) -> RequestBuilder {
        RequestBuilder::new(self.clone(), method, path)
    }

    /// Whether calls are refused at the moment, for readiness and tests.
    pub fn is_open(&self) -> bool {
        self.0.breaker.is_open()
    }
}

fn transport(config: &Config, encrypted: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(IDLE_CONNECTIONS)
        // A redirect could carry credentials elsewhere, and a proxy from the environment would be unintentional.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("carshare/", env!("CARGO_PKG_VERSION")));
    // Without TLS no certificates are needed, and a bare machine has none.
    let builder = if encrypted {
        builder.https_only(true)
    } else {
        builder.tls_certs_only([])
    };
    builder.build()
}

impl fmt::Debug for HttpClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "HttpClient({} at {})", self.0.peer, self.0.base_url)
    }
}
