//! Opens connections as the service's role, also after its password has changed.
//!
//! PostgreSQL has one password per role, so it changes for all processes at one instant, and no order of restarts avoids failures. A URL
//! that came from a file is therefore read again when PostgreSQL refuses the password: an operator writes the new URL to the file first,
//! then changes the password. Connections that are open stay open.

use std::path::PathBuf;
use std::str::FromStr as _;
use std::sync::{OnceLock, PoisonError, RwLock};

use anyhow::Context as _;
use carshare_chassis::config::{Secret, read_file};
use sqlx::ConnectOptions as _;
use sqlx::postgres::{PgConnectOptions, PgConnection};

use crate::config;

/// The URL in use, and the file from which it is read again.
pub(crate) struct Connector {
    config: config::Database,
    file: OnceLock<PathBuf>,
    current: RwLock<Current>,
}

#[derive(Clone)]
struct Current {
    url: Secret,
    options: PgConnectOptions,
}

impl Connector {
    /// # Errors
    /// An invalid URL.
    pub(crate) fn new(config: &config::Database) -> anyhow::Result<Self> {
        let current = Current {
            url: config.url.clone(),
            options: connect_options(config)?,
        };
        Ok(Self {
            config: config.clone(),
            file: OnceLock::new(),
            current: RwLock::new(current),
        })
    }

    /// Sets the file from which the URL is read again.
    pub(crate) fn set_file(&self, file: PathBuf) {
        // Set once, at the start of a process.
        self.file.set(file).ok();
    }

    /// Returns the options with which connections are opened now.
    pub(crate) fn options(&self) -> PgConnectOptions {
        self.current().options
    }

    /// Opens a connection. When the password is refused and the file has another URL, that is tried, and used from then on if it is
    /// accepted.
    pub(crate) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let used = self.current();
        let refusal = match used.options.connect().await {
            Err(error) if is_password_refused(&error) => error,
            connected => return connected,
        };
        let Some(newer) = self.read_again(&used.url) else {
            return Err(refusal);
        };
        let connection = newer.options.connect().await?;
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = newer;
        tracing::info!("connected with the new URL of the database's file");
        Ok(connection)
    }

    fn current(&self) -> Current {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Returns the URL of the file, unless it is the refused one.
    fn read_again(&self, refused: &Secret) -> Option<Current> {
        let file = self.file.get()?;
        let read = read_file(file).and_then(|url| {
            let url = Secret::from(url);
            let config = config::Database {
                url: url.clone(),
                ..self.config.clone()
            };
            let options = connect_options(&config)?;
            Ok(Current { url, options })
        });
        match read {
            Ok(newer) => (newer.url != *refused).then_some(newer),
            Err(error) => {
                tracing::warn!(file = %file.display(), error = format!("{error:#}"), "cannot read the database's URL again");
                None
            }
        }
    }
}

/// Returns whether PostgreSQL refused the password, or the role.
pub(crate) fn is_password_refused(error: &sqlx::Error) -> bool {
    let sqlx::Error::Database(error) = error else {
        return false;
    };
    matches!(error.code().as_deref(), Some("28P01" | "28000"))
}

/// Returns the settings of every connection. A peer that vanished is noticed within half a minute, and one that hangs in a
/// transaction is ended after ten seconds: it may hold a lock that others wait for.
pub(crate) fn connect_options(config: &config::Database) -> anyhow::Result<PgConnectOptions> {
    let options = PgConnectOptions::from_str(config.url.expose())
        .map_err(|_| anyhow::anyhow!("database.url is not valid"))
        .context("cannot connect to PostgreSQL")?;
    let settings = [
        (
            "statement_timeout",
            config.statement_timeout.as_millis().to_string(),
        ),
        ("lock_timeout", config.lock_timeout.as_millis().to_string()),
        ("idle_in_transaction_session_timeout", "10000".to_owned()),
        ("tcp_keepalives_idle", "10".to_owned()),
        ("tcp_keepalives_interval", "5".to_owned()),
        ("tcp_keepalives_count", "3".to_owned()),
    ];
    // sqlx probes the subscriber to ask whether a statement would be logged. A probe that every filter refuses suppresses
    // the next line of that thread (lines of RPCs went missing at level debug). Slow statements are still logged.
    let off = "off".parse().context("a level of the log crate")?;
    Ok(options.options(settings).log_statements(off))
}
