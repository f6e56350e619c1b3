//! Event handlers by stream and event name, with their message types erased.

use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;

use carshare_chassis::Error as ChassisError;
use carshare_proto::events::EventMessage;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use sea_orm::{ConnectionTrait as _, DbBackend, Statement};

use super::EventMetadata;
use crate::db::Db;
use crate::envelope::{self, Envelope};
use crate::error::Error;
use crate::transaction::Tx;

/// An `async fn(&Tx, &EventMetadata, &M) -> Result<(), E>`, passed by name to [`super::Consumer::on`].
///
/// Implemented for every such function. Unlike `AsyncFn` it can say that the future is `Send`, which erasing its type
/// needs.
pub trait EventHandler<'t, M: 't, E>: Fn(&'t Tx, &'t EventMetadata, &'t M) -> Self::Future {
    /// The future of one call.
    type Future: Future<Output = Result<(), E>> + Send;
}

impl<'t, M: 't, E, F, R> EventHandler<'t, M, E> for F
where
    F: Fn(&'t Tx, &'t EventMetadata, &'t M) -> R,
    R: Future<Output = Result<(), E>> + Send,
{
    type Future = R;
}

/// A decoded event's transaction, or the reason why the event cannot be decoded.
pub(super) type Prepared<'a> = Result<BoxFuture<'a, Result<Handled, ChassisError>>, prost::DecodeError>;

/// The effect of handling an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Handled {
    /// The handler ran and its effect is committed.
    Applied,
    /// The event was handled before, so nothing was done.
    Duplicate,
}

trait ErasedHandler: Send + Sync {
    fn prepare<'a>(&'a self, db: &'a Db, group: &'static str, envelope: &'a Envelope) -> Prepared<'a>;
}

/// The handlers of a consumer.
#[derive(Default)]
pub(super) struct Registry(HashMap<(String, &'static str), Box<dyn ErasedHandler>>);

impl Registry {
    /// # Panics
    /// When the event has a handler already: one of them would never run.
    pub(super) fn add<M, E, F>(&mut self, source: &str, handler: F)
    where
        M: EventMessage,
        E: Into<ChassisError> + Send + 'static,
        F: for<'t> EventHandler<'t, M, E> + Copy + Send + Sync + 'static,
    {
        let typed = Typed {
            handler,
            _types: PhantomData::<fn() -> (M, E)>,
        };
        let previous = self
            .0
            .insert((envelope::events_of(source), M::NAME), Box::new(typed));
        assert!(previous.is_none(), "{} has two handlers", M::NAME);
    }

    /// Decodes an event for its handler; `None` if it has none.
    pub(super) fn prepare<'a>(
        &'a self,
        db: &'a Db,
        group: &'static str,
        stream: &str,
        envelope: &'a Envelope,
    ) -> Option<Prepared<'a>> {
        let mut handlers = self.0.iter();
        let (_, handler) = handlers.find(|((of, name), _)| of == stream && *name == envelope.name)?;
        Some(handler.prepare(db, group, envelope))
    }
}

struct Typed<M, E, F> {
    handler: F,
    _types: PhantomData<fn() -> (M, E)>,
}

struct Input<M, F> {
    group: &'static str,
    metadata: EventMetadata,
    message: M,
    handler: F,
}

impl<M, E, F> ErasedHandler for Typed<M, E, F>
where
    M: EventMessage,
    E: Into<ChassisError> + Send + 'static,
    F: for<'t> EventHandler<'t, M, E> + Copy + Send + Sync + 'static,
{
    fn prepare<'a>(&'a self, db: &'a Db, group: &'static str, envelope: &'a Envelope) -> Prepared<'a> {
        const {
            assert!(
                size_of::<F>() == 0,
                "pass an async fn by name: a handler captures nothing"
            );
        };
        let input = Input {
            group,
            metadata: EventMetadata::of(envelope),
            message: M::decode(envelope.data.as_slice())?,
            handler: self.handler,
        };
        Ok(db.transaction(M::NAME, input, handle_once).boxed())
    }
}

/// Inserts the inbox row and applies the effect, or does neither.
async fn handle_once<M, E, F>(tx: &Tx, input: &Input<M, F>) -> Result<Handled, ChassisError>
where
    E: Into<ChassisError>,
    F: for<'t> EventHandler<'t, M, E>,
{
    if !insert_inbox_row(tx, input.group, &input.metadata).await? {
        return Ok(Handled::Duplicate);
    }
    let applied = (input.handler)(tx, &input.metadata, &input.message).await;
    applied.map_err(Into::into)?;
    Ok(Handled::Applied)
}

/// Returns false if the row is there already.
async fn insert_inbox_row(tx: &Tx, group: &str, metadata: &EventMetadata) -> Result<bool, Error> {
    let sql = "INSERT INTO inbox (consumer, event_id, name, handled_at) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";
    let values = [
        group.into(),
        metadata.id.into(),
        metadata.name.as_str().into(),
        tx.now().into(),
    ];
    let statement = Statement::from_sql_and_values(DbBackend::Postgres, sql, values);
    Ok(tx.conn().execute_raw(statement).await?.rows_affected() == 1)
}
