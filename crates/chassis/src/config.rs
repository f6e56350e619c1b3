//! Layered configuration: a service's embedded defaults < its file < the environment.
//!
//! Unknown keys are refused, secrets print `***`, and nothing else in the workspace reads the environment.

mod duration;
mod layers;
mod network;
mod secret;
mod sections;

pub use duration::{millis, seconds};
pub use layers::{ServiceConfig, Sources, load, redacted};
pub use network::{Peer, Redis, Tls};
pub use secret::Secret;
pub use sections::{Admin, Common, Identity, LogFormat, RevocationPolicy, Seal, Server, Telemetry};
