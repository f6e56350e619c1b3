//! The whole mesh on one machine: five services and the gateway, on private PostgreSQL, Redis and S3 servers, with the
//! sandbox in place of third parties.
//!
//! | item | provides |
//! |---|---|
//! | [`Mesh`] | all services in this process |
//! | [`Fleet`] | replicas of every service as processes, to be killed, suspended and started again |
//! | [`serve_all`] | all services in one process in production |
//! | [`dependencies`] | the servers and the sandbox of either |
//! | [`service_env`] | the configuration of the processes, as environment variables |
//! | [`demo`] | demo data, created through REST |
//! | [`reconcile`] | comparison of the services' data with one another and with the provider |
//!
//! A mesh runs the same [`Service`](carshare_chassis::service::Service)s as the binaries, with the same configuration.

pub mod demo;
pub mod dependencies;
mod in_process;
#[cfg(test)]
mod manifests;
mod options;
mod processes;
pub mod ready;
pub mod reconcile;
mod secrets;
pub mod serve_all;
pub mod service_env;
mod services;

pub use in_process::Mesh;
pub use options::{ExternalStores, Options, PeerTransport};
pub use processes::{Fleet, Replica};
