//! What happens around every request, from the outside in:
//!
//! | layer | does |
//! |---|---|
//! | [`surroundings`] | correlation id, language, trace, metrics, the one log line |
//! | [`unread`] | ends HTTP/1 connections with a request that was not read |
//! | [`cors`] | tells browsers which origins may ask |
//! | [`security`] | security headers |
//! | [`crate::grpc::web`] | gRPC-web to gRPC and back, so that everything inside refuses in gRPC's own form |
//! | [`panic`] | a panic is an answer |
//! | [`shed`] | refuses what is too much at once |

pub mod cors;
pub mod panic;
pub mod security;
pub mod shed;
pub mod surroundings;
pub mod unread;
