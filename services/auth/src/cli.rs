//! Commands of the operator.

use std::io::{Read as _, Write as _};
use std::path::PathBuf;

use anyhow::Context as _;
use carshare_chassis::Environment;
use carshare_chassis::config::ServiceConfig;
use carshare_store::{SealedColumn, reseal};

use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::App;
use crate::admin::{CreatedAdmin, NewAdmin, create_admin};
use crate::audit::account_hashes;
use crate::config::Config;
use crate::domain::{Email, Password};
use crate::lost_second_factor::remove_second_factor;

/// Columns that are encrypted with the keys of `[seal]`. Stored replies are too, but not longer than a day.
const SEALED: [SealedColumn; 4] = [
    SealedColumn {
        table: "signing_keys",
        key: "kid",
        key_type: "text",
        column: "sealed_private_key",
        place: "signing_keys",
    },
    SealedColumn {
        table: "totp_credentials",
        key: "user_id",
        key_type: "uuid",
        column: "sealed_secret",
        place: "totp_credentials.secret",
    },
    SealedColumn {
        table: "totp_credentials",
        key: "user_id",
        key_type: "uuid",
        column: "sealed_pending",
        place: "totp_credentials.secret",
    },
    SealedColumn {
        table: "mails",
        key: "id",
        key_type: "uuid",
        column: "sealed",
        place: "mails.sealed",
    },
];

/// Subcommands of the service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Create an account with the role admin. The password is read from standard input, or from a file. Prints the secret for an
    /// authenticator app and the recovery codes, once.
    CreateAdmin {
        /// E-mail address.
        #[arg(long)]
        email: String,
        /// Display name.
        #[arg(long, default_value = "Admin")]
        name: String,
        /// Korean mobile number.
        #[arg(long)]
        phone: String,
        /// File whose first line is the password. There is no argument for the password itself: other users of the machine could read it.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Add a signing key. It is published at once and signs after `signing_keys.publish_ahead_ms`.
    RotateSigningKey,
    /// Remove a signing key at once, because it may be stolen, and add another. Tokens that it signed are refused when the verifiers have
    /// loaded the keys again.
    RetireSigningKey {
        /// Id of the key: the header `kid` of its tokens.
        kid: String,
    },
    /// Encrypt all secrets in the database with `seal.primary`, so that older keys can be removed. May be repeated and run at any time.
    Reseal,
    /// Remove the second factor of an account and end its sessions, because its user has lost it. Make sure who asks.
    RemoveSecondFactor {
        /// E-mail address.
        email: String,
    },
    /// Print the keyed hashes of an e-mail address, one for each key of `[seal]`, to look it up in `audit_events`.
    AccountHash {
        /// E-mail address.
        email: String,
    },
}

/// Runs a subcommand.
pub fn handle(
    config: ServiceConfig<Config>,
    environment: Environment,
    command: Command,
) -> BoxFuture<'static, anyhow::Result<()>> {
    run(config, environment, command).boxed()
}

async fn run(
    config: ServiceConfig<Config>,
    environment: Environment,
    command: Command,
) -> anyhow::Result<()> {
    match command {
        Command::CreateAdmin {
            email,
            name,
            phone,
            password_file,
        } => {
            let password = read_password(password_file)?;
            let created = create_admin(
                &config.service,
                environment,
                NewAdmin {
                    email,
                    name,
                    phone,
                    password,
                    totp_secret: None,
                },
            )
            .await?;
            tracing::info!(user_id = %created.id, "admin created");
            print_second_factor(&created).context("cannot print the second factor")
        }
        Command::RotateSigningKey => App::new(config, environment)?
            .keys
            .rotate()
            .await
            .context("cannot add the signing key"),
        Command::RetireSigningKey { kid } => App::new(config, environment)?
            .keys
            .retire(kid)
            .await
            .context("cannot retire the signing key"),
        Command::Reseal => {
            let app = App::new(config, environment)?;
            reseal(&app.db, &app.sealer, &SEALED).await
        }
        Command::RemoveSecondFactor { email } => {
            remove_second_factor(&config.service, environment, &email).await
        }
        Command::AccountHash { email } => {
            for (key, hash) in account_hashes(&config.service.seal, &Email::new(&email)) {
                let mut out = std::io::stdout();
                writeln!(out, "{key} {}", hex::encode(hash.0)).context("cannot write to standard output")?;
            }
            Ok(())
        }
    }
}

/// Writes secret and recovery codes to standard output, never to the log.
fn print_second_factor(created: &CreatedAdmin) -> std::io::Result<()> {
    let (secret, mut out) = (&created.totp_secret, std::io::stdout().lock());
    writeln!(out, "secret          {}", secret.base32())?;
    writeln!(out, "otpauth URI     {}", secret.otpauth_uri(&created.email))?;
    for code in &created.recovery_codes {
        writeln!(out, "recovery code   {}", code.display())?;
    }
    out.flush()
}

fn read_password(file: Option<PathBuf>) -> anyhow::Result<Password> {
    let text = if let Some(path) = file {
        std::fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?
    } else {
        let mut text = String::new();
        let read = std::io::stdin().read_to_string(&mut text);
        read.context("cannot read the password from standard input")?;
        text
    };
    let line = text.lines().next().filter(|line| !line.is_empty());
    line.map(Password::new)
        .context("the first line contains no password")
}
