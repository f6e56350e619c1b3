//! What every process of the mesh needs, and no business noun: configuration, telemetry, server and client stacks,
//! identity, errors, clock, health, drain.
//!
//! | module | gives |
//! |---|---|
//! | [`service`] | `main` and the roles of a service binary |
//! | [`config`] | layered configuration, [`config::Secret`] |
//! | [`server`] | the gRPC server: the one place that lists what happens around a handler |
//! | [`http_server`] | accepting connections, TLS and drain, for gRPC and HTTP alike |
//! | [`client`] | channels to other services |
//! | [`rpc`] | the glue between a tonic trait and a handler; [`rpc::CallContext`] |
//! | [`method_registry`] | what the contract says about each RPC |
//! | [`identity`] | who is calling: access tokens, certificates, revocation |
//! | [`authorization`] | who may call what; deny is the default |
//! | [`error`] | the one error path |
//! | [`message_limit`] | the limit on the size of a message |
//! | [`deadline`] | the time a call may still take |
//! | [`request_context`] | correlation id, trace and deadline around a piece of work |
//! | [`environment`], [`clock`], [`ids`], [`random`] | injected time, ids and chance |
//! | [`backoff`] | delays between retries |
//! | [`task`] | supervised background work, the signal to stop |
//! | [`telemetry`] | logs, traces, metrics |
//! | [`admin`], [`health`] | `/metrics`, `/livez`, `/readyz`; readiness |
//! | [`tls`] | certificates of the mesh |
//! | [`proto_types`], [`pagination`] | timestamps, ids, pages |
//! | [`encryption`] | encryption of secrets at rest |

pub mod admin;
pub mod authorization;
pub mod backoff;
pub mod client;
pub mod clock;
pub mod config;
pub mod deadline;
pub mod encryption;
pub mod environment;
pub mod error;
pub mod health;
pub mod http_server;
pub mod identity;
pub mod ids;
pub mod lang;
mod layer;
pub mod message_limit;
pub mod method_registry;
pub mod pagination;
pub mod proto_types;
pub mod random;
pub mod request_context;
pub mod rpc;
pub mod server;
pub mod service;
pub mod task;
pub mod telemetry;
pub mod tls;
pub mod trace_context;

pub use backoff::Backoff;
pub use clock::{Clock, ManualClock};
pub use deadline::Deadline;
pub use environment::Environment;
pub use error::Error;
pub use ids::Ids;
pub use lang::Lang;
pub use random::Random;
pub use server::Server;
pub use task::Shutdown;
