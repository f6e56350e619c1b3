//! Access tokens of Google: a JWT signed by the service account is exchanged for a bearer token of about an hour (RFC 7523).

use anyhow::{Context as _, Result, ensure};
use carshare_chassis::Environment;
use carshare_chassis::config::Secret;
use carshare_outbound::{Config, HttpClient};
use chrono::{DateTime, Duration, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

const SCOPE: &str = "https://www.googleapis.com/auth/firebase.messaging";
const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// Longest lifetime of an assertion that Google accepts.
const ASSERTION_TTL: Duration = Duration::minutes(60);

/// How long before its expiry a token is renewed.
const RENEWAL_MARGIN: Duration = Duration::minutes(5);

/// The fields in use of a service account file.
#[derive(Deserialize)]
pub(super) struct ServiceAccount {
    pub(super) project_id: String,
    private_key_id: String,
    private_key: Secret,
    client_email: String,
    token_uri: String,
}

/// Requests tokens and caches the current one.
pub(super) struct Tokens {
    http: HttpClient,
    key: EncodingKey,
    account: ServiceAccount,
    environment: Environment,
    current: Mutex<Option<Current>>,
}

struct Current {
    token: Secret,
    renew_at: DateTime<Utc>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    scope: &'a str,
    aud: &'a str,
    iat: i64,
    exp: i64,
}

#[derive(Serialize)]
struct Grant<'a> {
    grant_type: &'a str,
    assertion: &'a str,
}

#[derive(Deserialize)]
struct Granted {
    access_token: Secret,
    expires_in: i64,
}

impl Tokens {
    pub(super) fn new(account: ServiceAccount, environment: Environment) -> Result<Self> {
        let key = EncodingKey::from_rsa_pem(account.private_key.expose().as_bytes())
            .context("the private key of the service account is invalid")?;
        let (base_url, _path) = split(&account.token_uri)?;
        let config = Config {
            base_url: base_url.to_owned(),
            ..Config::default()
        };
        let http = HttpClient::new("google_oauth", config, environment.clone())?;
        Ok(Self {
            http,
            key,
            account,
            environment,
            current: Mutex::new(None),
        })
    }

    /// Returns the current token. Concurrent callers wait for one request.
    pub(super) async fn bearer(&self) -> Result<Secret> {
        let mut current = self.current.lock().await;
        if let Some(cached) = current
            .as_ref()
            .filter(|cached| self.environment.clock.now() < cached.renew_at)
        {
            return Ok(cached.token.clone());
        }
        let requested = self.request().await?;
        let token = requested.token.clone();
        *current = Some(requested);
        Ok(token)
    }

    /// Discards a rejected token, unless it was renewed meanwhile.
    pub(super) async fn discard(&self, rejected: &Secret) {
        let mut current = self.current.lock().await;
        if current
            .as_ref()
            .is_some_and(|cached| cached.token.expose() == rejected.expose())
        {
            *current = None;
        }
    }

    async fn request(&self) -> Result<Current> {
        let now = self.environment.clock.now();
        let claims = Claims {
            iss: &self.account.client_email,
            scope: SCOPE,
            aud: &self.account.token_uri,
            iat: now.timestamp(),
            exp: (now + ASSERTION_TTL).timestamp(),
        };
        let mut header = Header::new(Algorithm::RS256);
        header.kid = Some(self.account.private_key_id.clone());
        let assertion = jsonwebtoken::encode(&header, &claims, &self.key)?;
        let (_base, path) = split(&self.account.token_uri)?;
        let form = Grant {
            grant_type: GRANT_TYPE,
            assertion: &assertion,
        };
        let reply = self.http.post(path).operation("token").form(&form).send().await?;
        ensure!(reply.is_success(), "the token endpoint returned {}", reply.status);
        let granted: Granted = reply.json()?;
        let lifetime = (Duration::seconds(granted.expires_in) - RENEWAL_MARGIN).max(Duration::seconds(1));
        Ok(Current {
            token: granted.access_token,
            renew_at: now + lifetime,
        })
    }
}

/// Splits `https://host/path` into `https://host` and `/path`.
fn split(uri: &str) -> Result<(&str, &str)> {
    let authority = uri
        .find("://")
        .map(|at| at + 3)
        .context("token_uri has no scheme")?;
    let path = uri[authority..].find('/').context("token_uri has no path")?;
    Ok(uri.split_at(authority + path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn uri_is_split_before_its_path() {
        let parts = split("https://oauth2.googleapis.com/token").expect("a URI");
        assert_eq!(parts, ("https://oauth2.googleapis.com", "/token"));
        assert!(split("oauth2.googleapis.com/token").is_err());
        assert!(split("https://oauth2.googleapis.com").is_err());
    }
}
