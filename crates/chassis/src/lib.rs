//! Parts of every process of the mesh, without business nouns: configuration, telemetry, server and client stacks, identity, errors,
//! clock, health, shutdown.
//!
//! | module | has |
//! |---|---|
//! | [`service`] | `main` and the roles of a service binary |
//! | [`config`] | layered configuration, [`config::Secret`] |
//! | [`server`] | the gRPC server and the layers around its handlers |
//! | [`http_server`] | serving HTTP on a listener: TLS, limits, drain |
//! | [`lifecycle`] | serving until shutdown, with the admin port |
//! | [`client`] | channels to other services |
//! | [`rpc`] | calling a handler from a tonic trait; [`rpc::CallContext`] |
//! | [`method_registry`] | each RPC of the contract: access, streaming, safety of retries |
//! | [`identity`] | the caller: access tokens, certificates, revocation |
//! | [`authorization`] | access options of RPCs; deny is the default |
//! | [`error`] | the error of handlers, and its conversion to and from statuses |
//! | [`message_limit`] | upper bound of the size of a request message |
//! | [`deadline`] | deadlines and `grpc-timeout` |
//! | [`request_context`] | task-local correlation id, trace, deadline and language |
//! | [`trace_context`] | W3C trace context of headers and storage |
//! | [`environment`], [`clock`], [`ids`], [`random`] | injected time, ids and randomness |
//! | [`backoff`] | delays between retries |
//! | [`local_network`] | calls between the services of one process |
//! | [`task`] | background tasks, the shutdown signal |
//! | [`runtime`] | worker threads and allocator of a process |
//! | [`telemetry`] | logs, traces, metrics |
//! | [`admin`], [`health`] | `/metrics`, `/livez`, `/readyz`; readiness |
//! | [`lang`] | language of a caller |
//! | [`tls`] | certificates of the mesh |
//! | [`proto_types`], [`pagination`] | timestamps and ids, pages of lists |
//! | [`signed_token`] | tokens that clients keep for a service |
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
pub mod etag;
pub mod health;
pub mod http_server;
pub mod identity;
pub mod ids;
pub mod lang;
pub mod layer;
pub mod lifecycle;
pub mod local_network;
pub mod message_limit;
pub mod method_registry;
pub mod pagination;
pub mod proto_types;
pub mod random;
pub mod request_context;
pub mod rpc;
pub mod runtime;
pub mod server;
pub mod service;
pub mod signed_token;
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
pub use local_network::LocalNetwork;
pub use random::Random;
pub use server::Server;
pub use task::Shutdown;
