//! The HTTPS port: its certificate, and the URL to which the plain port redirects.

use std::net::SocketAddr;

use anyhow::{Context as _, ensure};
use carshare_chassis::Environment;
use carshare_chassis::config::ServiceConfig;
use carshare_chassis::tls::{Certificate, Source};
use http::Uri;

use crate::config::Config;

/// What `[https]` configures, checked.
#[derive(Clone, Debug)]
pub struct HttpsPort {
    pub listen: SocketAddr,
    pub certificate: Certificate,
}

impl HttpsPort {
    /// Returns the port, if there is one.
    ///
    /// # Errors
    /// An incomplete section, or a certificate that clients would not accept.
    pub fn new(config: &ServiceConfig<Config>, environment: &Environment) -> anyhow::Result<Option<Self>> {
        let https = &config.service.https;
        let Some(listen) = https.listen else {
            let has_files = https.cert_path.is_some() || https.key_path.is_some();
            ensure!(
                !has_files,
                "https.cert_path or https.key_path is set and https.listen is not"
            );
            return Ok(None);
        };
        let cert_path = https
            .cert_path
            .clone()
            .context("https.listen needs https.cert_path")?;
        let key_path = https
            .key_path
            .clone()
            .context("https.listen needs https.key_path")?;
        let source = Source::https(cert_path, key_path, https.min_version);
        let certificate = Certificate::load(source, environment.clock.clone())?;
        let url = public_url(config)?;
        let host = url.host().unwrap_or_default();
        let host = host.trim_start_matches('[').trim_end_matches(']');
        certificate.check_host(host).context("docs.public_url")?;
        Ok(Some(Self { listen, certificate }))
    }
}

/// Returns scheme and authority of the URL to which the plain port redirects; `None` when it answers itself.
///
/// # Errors
/// There is an HTTPS port and `docs.public_url` is not its URL.
pub fn redirect(config: &ServiceConfig<Config>) -> anyhow::Result<Option<String>> {
    if config.service.https.listen.is_none() || config.service.edge.behind_https_proxy {
        return Ok(None);
    }
    let authority = public_url(config)?.into_parts().authority;
    Ok(authority.map(|authority| format!("https://{authority}")))
}

fn public_url(config: &ServiceConfig<Config>) -> anyhow::Result<Uri> {
    let text = &config.service.docs.public_url;
    let url: Uri = text.parse().context("docs.public_url is no URL")?;
    ensure!(
        url.scheme_str() == Some("https"),
        "docs.public_url ({text}) has to begin with https://, because https.listen is set"
    );
    Ok(url)
}

#[cfg(test)]
mod tests {
    use carshare_chassis::config::{Sources, load};
    use carshare_testkit::{Ca, TempDir};

    use super::*;

    /// Returns what the gateway says about variables, and the redirect. `DIR` in them is a folder with a certificate for localhost.
    async fn checked(env: &[(&str, &str)]) -> Result<Option<String>, String> {
        let folder = TempDir::create("https").unwrap();
        let issued = Ca::new().unwrap().issue("gateway").unwrap();
        std::fs::write(folder.path().join("tls.crt"), issued.cert_pem).unwrap();
        std::fs::write(folder.path().join("tls.key"), issued.key_pem).unwrap();
        let path = folder.path().to_str().unwrap();
        let env = env
            .iter()
            .map(|(key, value)| (format!("GATEWAY__{key}"), value.replace("DIR", path)));
        let config = load::<Config>(Sources {
            service: "gateway",
            defaults: include_str!("../config.default.toml"),
            file: None,
            env,
        })
        .unwrap();
        let text = |error: anyhow::Error| format!("{error:#}").replace(path, "DIR");
        HttpsPort::new(&config, &Environment::system()).map_err(text)?;
        redirect(&config).map_err(text)
    }

    const LISTEN: (&str, &str) = ("HTTPS__LISTEN", "127.0.0.1:8443");
    const CERT: (&str, &str) = ("HTTPS__CERT_PATH", "DIR/tls.crt");
    const KEY: (&str, &str) = ("HTTPS__KEY_PATH", "DIR/tls.key");
    const URL: (&str, &str) = ("DOCS__PUBLIC_URL", "https://localhost:8443");

    #[tokio::test]
    async fn incomplete_or_contradictory_configuration_is_refused_by_key() {
        for (env, expected) in [
            (
                vec![CERT],
                "https.cert_path or https.key_path is set and https.listen is not",
            ),
            (vec![LISTEN, KEY], "https.listen needs https.cert_path"),
            (vec![LISTEN, CERT], "https.listen needs https.key_path"),
            (
                vec![LISTEN, CERT, KEY],
                "docs.public_url (http://localhost:8080) has to begin with https://, because https.listen is set",
            ),
            (
                vec![LISTEN, CERT, KEY, ("DOCS__PUBLIC_URL", "https://api.carshare.kr")],
                "docs.public_url: https.cert_path (DIR/tls.crt): the certificate is not for api.carshare.kr",
            ),
            (
                vec![LISTEN, CERT, ("HTTPS__KEY_PATH", "DIR/none"), URL],
                "https.key_path (DIR/none) cannot be read: No such file or directory",
            ),
            (
                vec![LISTEN, CERT, ("HTTPS__KEY_PATH", "DIR/tls.crt"), URL],
                "https.key_path (DIR/tls.crt) has no private key in PEM",
            ),
        ] {
            let refused = checked(&env).await.unwrap_err();
            assert!(refused.starts_with(expected), "{refused}");
        }
    }

    #[tokio::test]
    async fn plain_port_redirects_unless_it_is_behind_a_proxy() {
        let https = [LISTEN, CERT, KEY, URL];
        assert_eq!(checked(&[]).await, Ok(None));
        assert_eq!(
            checked(&https).await,
            Ok(Some("https://localhost:8443".to_owned()))
        );
        let proxy = ("EDGE__BEHIND_HTTPS_PROXY", "true");
        assert_eq!(checked(&[&https[..], &[proxy]].concat()).await, Ok(None));
    }
}
