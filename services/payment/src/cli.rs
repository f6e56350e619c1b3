//! Commands of the operator.

use carshare_chassis::Environment;
use carshare_chassis::encryption::Sealer;
use carshare_store::{Db, SealedColumn, reseal};

use crate::config::Config;

/// Columns that are encrypted with the keys of `[seal]`.
const SEALED: [SealedColumn; 1] = [SealedColumn {
    table: "payment_methods",
    key: "id",
    key_type: "uuid",
    column: "billing_key_sealed",
    place: "payment_methods.billing_key",
}];

/// Subcommands of the service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Encrypt all billing keys with `seal.primary`, so that older keys can be removed. May be repeated and run at any time.
    Reseal,
}

/// Runs a subcommand.
pub async fn handle(config: &Config, environment: Environment, command: Command) -> anyhow::Result<()> {
    match command {
        Command::Reseal => {
            let sealer = Sealer::new(&config.seal, environment.random.clone())?;
            let db = Db::connect(&config.database, environment)?;
            reseal(&db, &sealer, &SEALED).await
        }
    }
}
