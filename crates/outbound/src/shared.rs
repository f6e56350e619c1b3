//! State that the clones of a client share.

use std::time::Duration;

use anyhow::{Context as _, bail};
use carshare_chassis::Environment;
use reqwest::Url;

use crate::breaker::Breaker;
use crate::config::Config;

/// A provider may close an idle connection while a request is on its way to it; young connections are rarely closed.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);

pub(crate) struct Shared {
    /// Name of the provider, `toss`: the label of metrics and logs.
    pub(crate) peer: &'static str,
    pub(crate) config: Config,
    /// Base URL without a trailing slash.
    pub(crate) base_url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) breaker: Breaker,
    pub(crate) environment: Environment,
}

impl Shared {
    pub(crate) fn new(peer: &'static str, config: Config, environment: Environment) -> anyhow::Result<Self> {
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
        Ok(Self {
            peer,
            config,
            base_url,
            http,
            breaker,
            environment,
        })
    }
}

fn transport(config: &Config, encrypted: bool) -> reqwest::Result<reqwest::Client> {
    let builder = reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .pool_idle_timeout(IDLE_TIMEOUT)
        // A redirect could carry credentials to another host, and so could a proxy from the environment.
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("carshare/", env!("CARGO_PKG_VERSION")));
    // Without TLS no root certificates are needed, and a bare machine has none.
    let builder = if encrypted {
        builder.https_only(true)
    } else {
        builder.tls_certs_only([])
    };
    builder.build()
}
