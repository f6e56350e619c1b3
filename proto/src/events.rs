//! Events: messages that carry the `(carshare.options.v1.event)` option.

/// A published event.
///
/// Implemented by the build for every message with the option; nobody implements it by hand.
pub trait EventMessage:
    prost::Message + prost_reflect::ReflectMessage + Default + Clone + Send + Sync + 'static
{
    /// Dotted name, for example `booking.requested`.
    const NAME: &'static str;

    /// Id of the thing the event is about. Events of one key arrive in the order they were published.
    fn key(&self) -> &str;
}

include!(concat!(env!("OUT_DIR"), "/events.rs"));
