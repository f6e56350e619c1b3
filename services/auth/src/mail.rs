//! Mails with tokens: prepares them for the table, composes and sends them.
//!
//! The service that makes a token sends it, so that no other process and no queue has it: between the two it is encrypted, and
//! afterwards only its hash is left.

mod smtp;
mod text;

use std::sync::Arc;
use std::time::Duration;

use carshare_chassis::config::{Secret, millis, seconds};
use carshare_chassis::encryption::Sealer;
use carshare_chassis::{Backoff, Environment, Error};
use prost::Message as _;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::audit::{AccountHash, AccountHasher};
use crate::domain::{Email, MailKind, MailToken, TokenHash};

pub use smtp::{Encryption, SendResult, Smtp};
pub use text::{Content, Letter, Registration};

/// `[mail]`
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// SMTP server. Without it no mail is sent.
    #[serde(default)]
    pub host: Option<String>,
    pub port: u16,
    pub encryption: Encryption,
    #[serde(default)]
    pub username: Option<String>,
    #[serde(default)]
    pub password: Option<Secret>,
    /// Sender, `name <address>`.
    pub from: String,
    /// Longest wait for a reply of the server.
    #[serde(rename = "timeout_ms", with = "millis")]
    pub timeout: Duration,
    /// Pages of the apps, to which the token is added as fragment.
    pub verify_url: String,
    pub reset_url: String,
    #[serde(rename = "verification_ttl_s", with = "seconds")]
    pub verification_ttl: Duration,
    #[serde(rename = "reset_ttl_s", with = "seconds")]
    pub reset_ttl: Duration,
    /// Most mails of one kind to an address within an hour.
    pub per_hour: i64,
    /// Most mails of one kind to an address within 24 hours.
    pub per_day: i64,
    /// Mails in progress at a time in one process.
    pub concurrency: usize,
    /// Delay after the first failed attempt; doubled after each further one, up to an hour.
    #[serde(rename = "retry_ms", with = "millis")]
    pub retry: Duration,
}

impl Config {
    /// Returns the delay after `attempts` failed attempts.
    pub fn retry_after(&self, attempts: i32) -> Duration {
        let backoff = Backoff {
            initial: self.retry,
            max: Duration::from_hours(1),
        };
        backoff.nominal_delay(u32::try_from(attempts).unwrap_or(0))
    }
}

/// Prepares mails and opens the stored ones. Cheap to clone.
#[derive(Clone)]
pub struct Mails(Arc<Parts>);

struct Parts {
    config: Config,
    environment: Environment,
    sealer: Arc<Sealer>,
    /// Mails are counted by the hash of their address, anew after a change of the primary key.
    accounts: AccountHasher,
}

/// A mail for the table.
#[derive(Clone)]
pub struct NewMail {
    pub id: Uuid,
    pub kind: MailKind,
    pub address_hash: AccountHash,
    pub sealed: Vec<u8>,
    pub token_hash: TokenHash,
    pub ttl: Duration,
}

/// The encrypted part of a stored mail.
#[derive(Clone, PartialEq, prost::Message)]
struct Stored {
    #[prost(string, tag = "1")]
    address: String,
    #[prost(string, tag = "2")]
    token: String,
}

impl Mails {
    pub fn new(
        config: &Config,
        accounts: AccountHasher,
        sealer: Arc<Sealer>,
        environment: Environment,
    ) -> Self {
        Self(Arc::new(Parts {
            config: config.clone(),
            environment,
            sealer,
            accounts,
        }))
    }

    /// Makes a mail with a new token.
    pub fn prepare(&self, kind: MailKind, email: &Email) -> Result<NewMail, Error> {
        let parts = &self.0;
        let id = parts.environment.ids.next();
        let token = MailToken::new(parts.environment.random.bytes());
        let stored = Stored {
            address: email.as_str().to_owned(),
            token: token.expose().to_owned(),
        };
        Ok(NewMail {
            id,
            kind,
            address_hash: parts.accounts.hash(email),
            sealed: parts.sealer.seal(&place(id), &stored.encode_to_vec())?,
            token_hash: token.hash(),
            ttl: match kind {
                MailKind::Verification => parts.config.verification_ttl,
                MailKind::PasswordReset => parts.config.reset_ttl,
            },
        })
    }

    /// Returns the address and the token of a stored mail.
    pub fn open(&self, id: Uuid, sealed: &[u8]) -> Result<(Email, MailToken), Error> {
        let encoded = self.0.sealer.open(&place(id), sealed)?;
        let stored = Stored::decode(encoded.as_slice()).map_err(Error::internal)?;
        Ok((Email::new(&stored.address), stored.token.into()))
    }
}

fn place(id: Uuid) -> String {
    format!("mails.sealed/{id}")
}
