//! The whole mesh for development and tests: five services and the gateway, on private PostgreSQL, Redis and S3, with the
//! sandbox as the outside environment.
//!
//! | module | gives |
//! |---|---|
//! | [`Mesh`] | everything in this process |
//! | [`Fleet`] | replicas of every service as processes, to be killed, suspended and started again |
//! | [`dependencies`] | what both stand on: the servers and the sandbox |
//! | [`service_env`] | the configuration that connects them, as environment variables |
//! | [`demo`] | hosts, cars and guests, made through the front door |
//!
//! It runs the same `Service` that the binaries run, configured in the same way.

pub mod bench;
pub mod demo;
pub mod dependencies;
mod in_process;
mod options;
mod processes;
mod ready;
mod secrets;
pub mod service_env;

pub use in_process::Mesh;
pub use options::{ExternalStores, Options};
pub use processes::{Fleet, Replica};
