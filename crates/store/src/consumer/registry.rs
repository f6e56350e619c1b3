//! Handlers by event name, their message types erased.

use std::collections::HashMap;

use carshare_chassis::Error as ChassisError;
use carshare_proto::events::EventMessage;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use super::EventMetadata;
use crate::db::Db;
use crate::envelope::{self, Envelope};
use crate::tx::Tx;

/// An event decoded for its handler, or the reason why it cannot be.
pub(super) type Prepared<'a> = Result<BoxFuture<'a, Result<Applied, ChassisError>>, prost::DecodeError>;

/// What became of an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Applied {
    /// It has taken effect now.
    Now,
    /// It had taken effect before.
    Before,
}

/// Runs one event in its transaction.
trait Apply: Send + Sync {
    fn prepare<'a>(&'a self, db: &'a Db, group: &'static str, envelope: &'a Envelope) -> Prepared<'a>;
}

/// Handlers of a consumer, by stream and event name.
#[derive(Default)]
pub(super) struct Handlers(HashMap<(String, &'static str), Box<dyn Apply>>);

impl Handlers {
    /// # Panics
    /// When the event has a handler already: one of them would never run.
    pub(super) fn add<M, E, F>(&mut self, source: &str, handler: F)
    where
        M: EventMessage,
        E: Into<ChassisError> + 'static,
        F: for<'t> Fn(&'t Tx, &'t EventMetadata, &'t M) -> BoxFuture<'t, Result<(), E>> + Send + Sync + 'static,
    {
        let typed = Typed {
            handler,
            _types: std::marker::PhantomData::<fn() -> (M, E)>,
        };
        let before = self
            .0
            .insert((envelope::events_of(source), M::NAME), Box::new(typed));
        assert!(before.is_none(), "{} has two handlers", M::NAME);
    }

    /// The work for an event; `None` if nobody handles it.
    pub(super) fn prepare<'a>(
        &'a self,
        db: &'a Db,
        group: &'static str,
        stream: &str,
        envelope: &'a Envelope,
    ) -> Option<Prepared<'a>> {
        let handler = self
            .0
            .iter()
            .find(|((of, name), _)| of == stream && *name == envelope.name)?
            .1;
        Some(handler.prepare(db, group, envelope))
    }
}

struct Typed<M, E, F> {
    handler: F,
    _types: std::marker::PhantomData<fn() -> (M, E)>,
}

impl<M, E, F> Apply for Typed<M, E, F>
where
    M: EventMessage,
    E: Into<ChassisError> + 'static,
    F: for<'t> Fn(&'t Tx, &'t EventMetadata, &'t M) -> BoxFuture<'t, Result<(), E>> + Send + Sync + 'static,
{
    fn prepare<'a>(&'a self, db: &'a Db, group: &'static str, envelope: &'a Envelope) -> Prepared<'a> {
        let message = M::decode(envelope.data.as_slice())?;
        let meta = EventMetadata {
            id: envelope.id,
            name: envelope.name.clone(),
            key: envelope.key.clone(),
            occurred_at: envelope.occurred_at,
            correlation_id: envelope.correlation_id.clone(),
        };
        let input = (group, meta, message, &self.handler);
        Ok(db
            .transaction(M::NAME, input, |tx, input| {
                once(tx, input.0, &input.1, &input.2, input.3).boxed()
            })
            .boxed())
    }
}

/// The inbox row and the effect, or neither.
async fn once<M, E, F>(
    tx: &Tx,
    group: &str,
    meta: &EventMetadata,
    message: &M,
    handler: &F,
) -> Result<Applied, ChassisError>
where
    M: EventMessage,
    E: Into<ChassisError>,
    F: for<'t> Fn(&'t Tx, &'t EventMetadata, &'t M) -> BoxFuture<'t, Result<(), E>>,
{
    if !super::process::enter(tx, group, meta).await? {
        return Ok(Handled::Duplicate);
    }
    handler(tx, meta, message).await.map_err(Into::into)?;
    Ok(Handled::Applied)
}
