//! What every process of the mesh needs, and no business noun: configuration, telemetry, server and client stacks,
//! identity, errors, clock, health, drain.
//!
//! | module | gives |
//! |---|---|
//! | [`service`] | `main` and the roles of a service binary |
//! | [`config`] | layered configuration, [`config::Secret`] |
//! | [`server`] | the gRPC server: the one place that lists what happens around a handler |
//! | [`listen`] | accepting connections, TLS and drain, for gRPC and HTTP alike |
//! | [`client`] | channels to other services |
//! | [`rpc`] | the glue between a tonic trait and a handler; [`rpc::Context`] |
//! | [`methods`] | what the contract says about each RPC |
//! | [`identity`] | who is calling: access tokens, certificates, revocation |
//! | [`access`] | who may call what; deny is the default |
//! | [`error`] | the one error path |
//! | [`deadline`] | the time a call may still take |
//! | [`scope`] | correlation id, trace and deadline around a piece of work |
//! | [`world`], [`clock`], [`ids`], [`random`] | injected time, ids and chance |
//! | [`task`] | supervised background work, the signal to stop |
//! | [`telemetry`] | logs, traces, metrics |
//! | [`admin`], [`health`] | `/metrics`, `/livez`, `/readyz`; readiness |
//! | [`tls`] | certificates of the mesh |
//! | [`wire`] | moments, ids and page tokens as the contract writes them |
//! | [`seal`] | encryption of secrets at rest |

pub mod access;
pub mod admin;
pub mod client;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod error;
pub mod health;
pub mod identity;
pub mod ids;
pub mod lang;
pub mod listen;
pub mod methods;
pub mod random;
pub mod rpc;
pub mod scope;
pub mod seal;
pub mod server;
pub mod service;
pub mod task;
pub mod telemetry;
pub mod tls;
pub mod wire;
pub mod world;

pub use clock::{Clock, ManualClock};
pub use deadline::Deadline;
pub use error::Error;
pub use ids::Ids;
pub use lang::Lang;
pub use random::Random;
pub use server::Server;
pub use task::Shutdown;
pub use world::World;
