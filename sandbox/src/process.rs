//! The sandbox as a process, with the command line of a service. `migrate` does nothing.

use anyhow::Context as _;
use carshare_chassis::config::ServiceConfig;
use carshare_chassis::service::{NoCommand, Roles, Service};
use carshare_chassis::{Environment, Shutdown};
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

use crate::{Config, Sandbox};

/// The sandbox as a process, run by `main`.
pub struct Process;

/// Configuration of the process.
#[derive(Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct ProcessConfig {
    /// Section `[providers]`: settings of Toss, Kakao and FCM.
    pub providers: Config,
}

impl Service for Process {
    const NAME: &'static str = "sandbox";
    const DEFAULTS: &'static str = include_str!("../config.default.toml");
    type Config = ProcessConfig;
    type Command = NoCommand;

    async fn serve(
        config: ServiceConfig<ProcessConfig>,
        environment: Environment,
        listener: Option<TcpListener>,
        shutdown: Shutdown,
        _roles: Roles,
    ) -> anyhow::Result<()> {
        let listener = listener.context("the sandbox needs the role api")?;
        let sandbox = Sandbox::start(config.service.providers, environment, listener).await?;
        tracing::info!(url = sandbox.url(), "sandbox is ready");
        shutdown.cancelled().await;
        sandbox.shutdown().await;
        Ok(())
    }

    async fn migrate(_config: ServiceConfig<ProcessConfig>) -> anyhow::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{Sources, load};

    use super::*;

    fn loaded(env: &[(&str, &str)]) -> anyhow::Result<ServiceConfig<ProcessConfig>> {
        let env = env
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        load(Sources {
            service: Process::NAME,
            defaults: Process::DEFAULTS,
            file: None,
            env,
        })
    }

    #[test]
    fn default_file_equals_the_default_config() {
        let config = loaded(&[]).unwrap();
        assert_eq!(config.common.server.listen.to_string(), "0.0.0.0:8090");
        assert_eq!(config.service.providers, Config::default());
    }

    #[test]
    fn environment_overrides_and_unknown_keys_are_rejected() {
        let config = loaded(&[("SANDBOX__PROVIDERS__KAKAO_DAILY_LIMIT", "10")]).unwrap();
        assert_eq!(config.service.providers.kakao_daily_limit, 10);
        assert!(loaded(&[("SANDBOX__PROVIDERS__TYPO", "1")]).is_err());
    }
}
