//! What an operator does from the command line of a service that consumes events.

use anyhow::{Result, ensure};
use carshare_chassis::config;

use crate::consumer::DeadLetters;

/// More letters than this are repaired in several goes.
const MANY: usize = 10_000;

/// Subcommands for the dead letters of a service.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List the events that were given up, oldest first, one log line each.
    DeadLetters {
        /// At most so many.
        #[arg(long, default_value_t = 100)]
        limit: usize,
    },
    /// Put events that were given up back into their streams, after the cause is mended.
    Redrive {
        /// Their places, as `dead-letters` lists them.
        #[arg(required_unless_present = "all")]
        places: Vec<String>,
        /// All of them.
        #[arg(long, conflicts_with = "places")]
        all: bool,
    },
}

impl Command {
    /// Runs it for the consumer `group`.
    pub async fn run(self, redis: &config::Redis, group: &str) -> Result<()> {
        let letters = DeadLetters::of(redis, group)?;
        match self {
            Self::DeadLetters { limit } => list(&letters, limit).await,
            Self::Redrive { places, all: false } => redrive(&letters, places).await,
            Self::Redrive { .. } => {
                let all = letters.list(MANY).await?;
                redrive(&letters, all.into_iter().map(|letter| letter.place).collect()).await
            }
        }
    }
}

async fn list(letters: &DeadLetters, limit: usize) -> Result<()> {
    let found = letters.list(limit).await?;
    for letter in &found {
        tracing::info!(
            place = letter.place,
            stream = letter.stream,
            event = letter.name,
            id = letter.event_id,
            tries = letter.tries,
            error = letter.error,
            "dead letter"
        );
    }
    tracing::info!(count = found.len(), "dead letters");
    Ok(())
}

async fn redrive(letters: &DeadLetters, places: Vec<String>) -> Result<()> {
    for place in places {
        ensure!(
            letters.redrive(&place).await?,
            "there is no dead letter at {place}"
        );
        tracing::info!(place, "put back");
    }
    Ok(())
}
