//! What happens around every request, from the outside in:
//!
//! | layer | does |
//! |---|---|
//! | [`access_log`] | correlation id, language, trace, metrics, the one log line |
//! | [`connection_close`] | ends HTTP/1 connections with a request that was not read |
//! | [`cors`] | CORS: which origins browsers may call from |
//! | [`security`] | security headers |
//! | [`crate::grpc::web`] | gRPC-web to gRPC and back, so that everything inside refuses in gRPC's own form |
//! | [`panic`] | a panic is an answer |
//! | [`shed`] | refuses what is too much at once |

pub mod access_log;
pub mod connection_close;
pub mod cors;
pub mod panic;
pub mod security;
pub mod shed;
