//! Operator commands of a service that consumes events.

use anyhow::{Result, ensure};
use carshare_chassis::config;

use crate::consumer::DeadLetters;

/// Dead letters redriven by one `--all`.
const REDRIVE_LIMIT: usize = 10_000;

/// Subcommands for the dead letters of a service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List dead letters, oldest first, one log line each.
    DeadLetters {
        /// Maximum number of lines.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Append dead letters to their streams again, after the cause is fixed.
    Redrive {
        /// Ids as listed by `dead-letters`.
        #[arg(required_unless_present = "all")]
        ids: Vec<String>,
        /// Redrive all dead letters.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
}

impl Command {
    /// Runs the command for the consumer group `group`.
    pub async fn run(self, redis: &config::Redis, group: &str) -> Result<()> {
        let letters = DeadLetters::open(redis, group)?;
        match self {
            Self::DeadLetters { limit } => list(&letters, limit).await,
            Self::Redrive { ids, all: false } => redrive(&letters, ids).await,
            Self::Redrive { .. } => {
                let all = letters.list(REDRIVE_LIMIT).await?;
                redrive(&letters, all.into_iter().map(|letter| letter.id).collect()).await
            }
        }
    }
}

async fn list(letters: &DeadLetters, limit: usize) -> Result<()> {
    let found = letters.list(limit).await?;
    for letter in &found {
        tracing::info!(
            id = letter.id,
            stream = letter.stream,
            event = letter.name,
            event_id = letter.event_id,
            tries = letter.tries,
            error = letter.error,
            "dead letter"
        );
    }
    tracing::info!(count = found.len(), "dead letters");
    Ok(())
}

async fn redrive(letters: &DeadLetters, ids: Vec<String>) -> Result<()> {
    for id in ids {
        ensure!(letters.redrive(&id).await?, "there is no dead letter at {id}");
        tracing::info!(id, "redriven");
    }
    Ok(())
}
