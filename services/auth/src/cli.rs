//! What the operator does from the command line.

use std::io::Read as _;
use std::path::PathBuf;

use anyhow::Context as _;
use carshare_chassis::Environment;
use carshare_chassis::config::ServiceConfig;

use crate::App;
use crate::admin::{NewAdmin, create_admin};
use crate::config::Config;
use crate::domain::Password;

/// Subcommands of this service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Make an account with role admin. The password is read from standard input, or from a file.
    CreateAdmin {
        /// Login address.
        #[arg(long)]
        email: String,
        /// Display name.
        #[arg(long, default_value = "Admin")]
        name: String,
        /// Korean mobile number.
        #[arg(long)]
        phone: String,
        /// File whose first line is the password. It is no argument itself: others on this machine can read those.
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
    },
    /// Add a signing key. It is published at once and signs after `signing_keys.publish_ahead_ms`.
    RotateSigningKey,
}

/// Runs a subcommand.
pub async fn handle(
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
            let id = create_admin(
                &config.service,
                environment,
                NewAdmin {
                    email,
                    name,
                    phone,
                    password,
                },
            )
            .await?;
            tracing::info!(user_id = %id, "made an admin");
            Ok(())
        }
        Command::RotateSigningKey => App::new(config, environment)?
            .keys
            .rotate()
            .await
            .context("the signing key could not be added"),
    }
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
        .context("there is no password on the first line")
}
