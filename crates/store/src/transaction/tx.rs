//! The open transaction that work inside it receives: statements, time, ids, events.

use std::sync::{Mutex, MutexGuard, PoisonError};

use carshare_proto::events::EventMessage;
use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::conn::Conn;
use super::pending::{Pending, StoredReply};
use crate::db::Db;
use crate::error::{Error, Retry};
use crate::pool::Connection;

/// Name of the signal that this process has committed events.
pub(crate) const EVENTS_COMMITTED: &str = "events_committed";

type OnCommit = Box<dyn FnOnce() + Send>;

/// An open transaction, created by [`Db::transaction`].
pub struct Tx {
    conn: Conn,
    now: DateTime<Utc>,
    db: Db,
    on_commit: Mutex<Vec<OnCommit>>,
    /// What is stored at the end of the work, by one statement.
    pending: Mutex<Pending>,
}

impl Tx {
    pub(super) fn new(connection: Connection, db: &Db) -> Self {
        Self {
            conn: Conn::new(connection),
            now: db.environment().clock.now(),
            db: db.clone(),
            on_commit: Mutex::default(),
            pending: Mutex::default(),
        }
    }

    /// Returns the connection for statements: a sea-orm `ConnectionTrait`.
    pub fn conn(&self) -> &Conn {
        &self.conn
    }

    /// Returns the injected clock's time at which the transaction began, in PostgreSQL's microseconds.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// Generates an id, version 7.
    pub fn new_id(&self) -> Uuid {
        self.db.environment().ids.next()
    }

    /// Appends an event to the outbox at the end of the work. It is sent if and when the transaction commits, after earlier
    /// events of its key.
    ///
    /// Transactions that publish about one key wait for each other, so the events of a key have the order of their commits.
    pub fn publish<E: EventMessage>(&self, event: &E) {
        let id = self.new_id();
        self.pending().publish(id, event);
    }

    /// Stores the reply of the call at the end of the work.
    pub(crate) fn store_reply(&self, reply: StoredReply) {
        self.pending().set_reply(reply);
    }

    /// Stores what was published, and the reply. The relay of this process is notified after the commit.
    pub(super) async fn store_pending(&self) -> Result<(), Error> {
        let pending = std::mem::take(&mut *self.pending());
        if pending.has_events() {
            self.notify_job(EVENTS_COMMITTED);
        }
        pending.store(&self.conn, self.now).await
    }

    fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Runs the job `name` of this process right after the commit, instead of at its next due time. See
    /// [`crate::Schedule`] and [`crate::JobQueue`].
    ///
    /// The signal is lost when the process dies in between; the job's own period makes up for it.
    pub fn notify_job(&self, name: &'static str) {
        let signal = self.db.job_signal(name);
        self.on_commit(move || signal.notify_one());
    }

    /// Runs `action` after the commit, and not at all without one. It is lost when the process dies in between.
    pub fn on_commit(&self, action: impl FnOnce() + Send + 'static) {
        self.on_commit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(action));
    }

    /// Returns whether a statement failed for a reason that passes by itself: see [`Error::is_transient`].
    pub(crate) fn has_transient_failure(&self) -> bool {
        self.conn.has_transient_failure()
    }

    /// Returns why the last failed statement may succeed in another attempt.
    pub(super) fn retry(&self) -> Option<Retry> {
        self.conn.retry()
    }

    /// Returns whether a statement was refused, so that nothing of this transaction can be committed any more.
    pub(super) fn is_aborted(&self) -> bool {
        self.conn.is_aborted()
    }

    pub(super) fn into_parts(self) -> (Connection, Vec<OnCommit>) {
        let on_commit = self.on_commit.into_inner();
        (
            self.conn.into_inner(),
            on_commit.unwrap_or_else(PoisonError::into_inner),
        )
    }
}
