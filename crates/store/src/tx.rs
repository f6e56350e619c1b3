//! What the work inside a transaction can do. It is given this and plain data, nothing else, so it cannot wait for the
//! network while it holds locks.

mod conn;

use std::sync::{Mutex, PoisonError};

use carshare_chassis::{Ids, Environment};
use carshare_proto::events::EventMessage;
use chrono::{DateTime, Utc};
use sea_orm::DatabaseTransaction;
use uuid::Uuid;

pub use conn::Conn;

use crate::error::{Error, Retry};
use crate::outbox;

type OnCommit = Box<dyn FnOnce() + Send>;

/// An open transaction. Made by [`crate::Db::transaction`].
pub struct Tx {
    conn: Conn,
    now: DateTime<Utc>,
    ids: Ids,
    on_commit: Mutex<Vec<OnCommit>>,
}

impl Tx {
    pub(crate) fn new(transaction: DatabaseTransaction, environment: &Environment) -> Self {
        let on_commit = Mutex::default();
        Self {
            conn: Conn::new(transaction),
            now: environment.clock.now(),
            ids: environment.ids.clone(),
            on_commit,
        }
    }

    /// For statements: a sea-orm `ConnectionTrait`.
    pub fn conn(&self) -> &Conn {
        &self.conn
    }

    /// The time of this transaction: the injected clock's at its begin, to PostgreSQL's microsecond.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A fresh id, version 7.
    pub fn new_id(&self) -> Uuid {
        self.ids.next()
    }

    /// Appends an event. It is sent if and when the transaction commits, after those published before it for its key.
    ///
    /// Events of one key keep their order only between transactions that wait for each other: lock the aggregate's row.
    pub async fn publish<E: EventMessage>(&self, event: &E) -> Result<(), Error> {
        outbox::append(self, event).await
    }

    /// Runs `then` after the commit, and not at all if there is none: waking a worker, telling a live subscriber.
    ///
    /// It is lost when the process dies in between, so nothing may depend on it that a timer does not do as well.
    pub fn on_commit(&self, then: impl FnOnce() + Send + 'static) {
        self.on_commit
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Box::new(then));
    }

    /// Why the last failed statement may go well in another try.
    pub(crate) fn retry(&self) -> Option<Retry> {
        self.conn.retry()
    }

    /// Whether a statement was refused, so that nothing of this transaction can be committed any more.
    pub(crate) fn is_aborted(&self) -> bool {
        self.conn.is_aborted()
    }

    pub(crate) fn into_parts(self) -> (DatabaseTransaction, Vec<OnCommit>) {
        (
            self.conn.into_inner(),
            self.on_commit
                .into_inner()
                .unwrap_or_else(PoisonError::into_inner),
        )
    }
}
