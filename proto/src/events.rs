//! Events: messages with the option `(carshare.options.v1.event)`.

/// Event message. Implemented by the build script for every message with the option.
pub trait EventMessage:
    prost::Message + prost_reflect::ReflectMessage + Default + Clone + Send + Sync + 'static
{
    /// Dotted event name, for example `booking.requested`.
    const NAME: &'static str;

    /// Name of the field that holds the key, for example `booking_id`.
    const KEY: &'static str;

    /// Returns the id of the resource. Events of one key are handled in the order of publication.
    fn key(&self) -> &str;
}

include!(concat!(env!("OUT_DIR"), "/events.rs"));
