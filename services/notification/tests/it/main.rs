//! Tests of the running notification service with all its layers, on PostgreSQL, Redis and the FCM sandbox, with a manual
//! clock. Events are published from another service's outbox.

mod device_ends;
mod devices;
mod erasure;
mod events;
mod get;
mod harness;
mod list;
mod list_devices;
mod list_filters;
mod of_booking;
mod pushes;
mod retention;
mod revoked;
mod stream;
mod unread;
