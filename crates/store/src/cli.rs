//! Operator commands of a service that consumes events.

use anyhow::{Result, ensure};
use uuid::Uuid;

use crate::db::Db;

/// Dead letters redriven by one `--all`.
const REDRIVE_LIMIT: u64 = 10_000;

/// Subcommands for the filed events of a service that hold back their key.
#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// List dead letters and events whose predecessor is missing, oldest first, one log line each.
    DeadLetters {
        /// Maximum number of lines.
        #[arg(long, default_value_t = 100)]
        limit: u64,
    },
    /// Handle dead letters again, after the cause is fixed.
    Redrive {
        /// Ids as listed by `dead-letters`.
        #[arg(required_unless_present = "all")]
        ids: Vec<Uuid>,
        /// Redrive all dead letters.
        #[arg(long, conflicts_with = "ids")]
        all: bool,
    },
    /// Give up dead letters without their effect; later events of their keys are handled.
    Skip {
        /// Ids as listed by `dead-letters`.
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
    /// Handle events although earlier ones of their keys are lost: their publisher does not have them either.
    AcceptGap {
        /// Ids as listed by `dead-letters`.
        #[arg(required = true)]
        ids: Vec<Uuid>,
    },
}

impl Command {
    /// Runs the command on the inbox of `db`.
    pub async fn run(self, db: &Db) -> Result<()> {
        match self {
            Self::DeadLetters { limit } => list(db, limit).await,
            Self::Redrive { ids, all: false } => redrive(db, ids).await,
            Self::Redrive { .. } => {
                let blocked = db.list_blocked_events(REDRIVE_LIMIT).await?;
                let dead = blocked.into_iter().filter(|event| event.dead_at.is_some());
                redrive(db, dead.map(|event| event.id).collect()).await
            }
            Self::Skip { ids } => {
                for id in ids {
                    ensure!(db.skip_event(id).await?, "there is no dead letter {id}");
                    tracing::info!(%id, "skipped");
                }
                Ok(())
            }
            Self::AcceptGap { ids } => {
                for id in ids {
                    ensure!(
                        db.accept_gap(id).await?,
                        "there is no event {id} whose predecessor is missing"
                    );
                    tracing::info!(%id, "accepted the gap");
                }
                Ok(())
            }
        }
    }
}

async fn list(db: &Db, limit: u64) -> Result<()> {
    let blocked = db.list_blocked_events(limit).await?;
    for event in &blocked {
        let state = if event.dead_at.is_some() {
            "dead"
        } else {
            "predecessor missing"
        };
        tracing::info!(
            id = %event.id,
            state,
            source = event.source,
            event = event.name,
            key = event.key,
            key_seq = event.key_seq,
            handled_seq = event.handled_seq,
            attempts = event.attempts,
            error = event.error,
            "blocked event"
        );
    }
    tracing::info!(count = blocked.len(), "blocked events");
    Ok(())
}

async fn redrive(db: &Db, ids: Vec<Uuid>) -> Result<()> {
    for id in ids {
        ensure!(db.redrive_event(id).await?, "there is no dead letter {id}");
        tracing::info!(%id, "redriven");
    }
    Ok(())
}
