//! Event handlers by source and event name, with their message types erased.

use std::collections::HashMap;
use std::future::Future;
use std::marker::PhantomData;
use std::panic::AssertUnwindSafe;

use carshare_chassis::Error as ChassisError;
use carshare_chassis::task::panic_text;
use carshare_chassis::trace_context;
use carshare_proto::events::EventMessage;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use prost::DecodeError;

use super::EventMetadata;
use super::observation::Observation;
use crate::envelope::Envelope;
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

/// An event that could not be handled; its transaction must be rolled back.
#[derive(Debug)]
pub(super) struct HandlerError {
    /// Internal text.
    pub(super) cause: String,
    pub(super) kind: FailureKind,
}

/// What a failure means for further attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FailureKind {
    /// PostgreSQL was the cause: the same event may succeed later, so the attempt does not count.
    Transient,
    /// The handler refused the event, or panicked.
    Refused,
    /// No attempt can decode the event.
    Undecodable,
}

/// The call of a handler with a decoded message.
type Call<'a> = BoxFuture<'a, Result<(), ChassisError>>;

trait ErasedHandler: Send + Sync {
    fn decode<'a>(&'a self, tx: &'a Tx, envelope: &'a Envelope) -> Result<Call<'a>, DecodeError>;
}

/// The handlers of a consumer.
#[derive(Default)]
pub(super) struct Registry(HashMap<&'static str, HashMap<&'static str, Box<dyn ErasedHandler>>>);

impl Registry {
    /// # Panics
    /// When the event has a handler already: one of them would never run.
    pub(super) fn add<M, E, F>(&mut self, source: &'static str, handler: F)
    where
        M: EventMessage,
        E: Into<ChassisError> + Send + 'static,
        F: for<'t> EventHandler<'t, M, E> + Copy + Send + Sync + 'static,
    {
        let typed = Typed {
            handler,
            _types: PhantomData::<fn() -> (M, E)>,
        };
        let previous = self.0.entry(source).or_default().insert(M::NAME, Box::new(typed));
        assert!(previous.is_none(), "{} has two handlers", M::NAME);
    }

    /// Runs the handler of an event, if it has one, in the event's trace and under its correlation id. A panic is an error.
    /// Metrics and the log line of a handled event are written after the commit.
    pub(super) async fn handle(
        &self,
        tx: &Tx,
        group: &'static str,
        source: &str,
        envelope: &Envelope,
    ) -> Result<(), HandlerError> {
        let handlers = self.0.get(source);
        let Some(handler) = handlers.and_then(|handlers| handlers.get(envelope.name.as_str())) else {
            return Ok(());
        };
        let (context, span) = Observation::scope(group, envelope);
        let work = async {
            let observation = Observation::begin(group, envelope);
            let call = handler.decode(tx, envelope).map_err(|error| HandlerError {
                cause: format!("the event cannot be decoded: {error}"),
                kind: FailureKind::Undecodable,
            })?;
            let cause = match AssertUnwindSafe(call).catch_unwind().await {
                Ok(Ok(())) => {
                    let now = tx.now();
                    tx.on_commit(move || observation.record("handled", None, now));
                    return Ok(());
                }
                Ok(Err(error)) => format!("{error:?}"),
                Err(panic) => {
                    metrics::counter!("task_panics_total", "task" => "event_handler").increment(1);
                    format!("the handler panicked: {}", panic_text(&*panic))
                }
            };
            let kind = if tx.has_transient_failure() {
                FailureKind::Transient
            } else {
                FailureKind::Refused
            };
            Err(HandlerError { cause, kind })
        };
        context.run_in(span, work).await
    }
}

struct Typed<M, E, F> {
    handler: F,
    _types: PhantomData<fn() -> (M, E)>,
}

impl<M, E, F> ErasedHandler for Typed<M, E, F>
where
    M: EventMessage,
    E: Into<ChassisError> + Send + 'static,
    F: for<'t> EventHandler<'t, M, E> + Copy + Send + Sync + 'static,
{
    fn decode<'a>(&'a self, tx: &'a Tx, envelope: &'a Envelope) -> Result<Call<'a>, DecodeError> {
        const {
            assert!(
                size_of::<F>() == 0,
                "pass an async fn by name: a handler captures nothing"
            );
        };
        let metadata = EventMetadata::of(envelope);
        trace_context::set_resource(M::KEY, &envelope.key);
        let message = M::decode(envelope.data.as_slice())?;
        let handler = self.handler;
        Ok(async move { handler(tx, &metadata, &message).await.map_err(Into::into) }.boxed())
    }
}
