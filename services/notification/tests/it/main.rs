//! The notification service as it runs: the real server with all its layers, PostgreSQL, Redis and the FCM sandbox, a clock
//! that is moved by hand. Events come from another service's outbox.

mod devices;
mod events;
mod harness;
mod list;
mod pushes;
mod stream;
