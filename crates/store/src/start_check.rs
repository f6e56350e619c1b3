//! Checks at the start of a process that the machine's clock is right.

use std::sync::atomic::Ordering;

use anyhow::{Result, ensure};
use chrono::TimeDelta;

use crate::db::Db;

/// Largest difference between the machine's clock and PostgreSQL's with which a process starts. With a lesser one it waits, unready, for
/// the clock to be corrected; minutes are a wrong time zone or a clock that nothing synchronises.
const SKEW_LIMIT: TimeDelta = TimeDelta::minutes(2);

impl Db {
    /// Refuses to start on a machine whose clock is minutes off, if PostgreSQL can be asked.
    pub(crate) async fn check_start_clock(&self) -> Result<()> {
        // Compares the clocks; a database that takes no writes is no reason to refuse.
        self.check_writable().await.ok();
        let ahead_ms = self.clock_ahead_ms().load(Ordering::Relaxed);
        ensure!(
            TimeDelta::milliseconds(ahead_ms).abs() <= SKEW_LIMIT,
            "the machine's clock is {} s ahead of PostgreSQL's: correct it first",
            ahead_ms / 1000
        );
        Ok(())
    }
}
