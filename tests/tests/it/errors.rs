//! Errors: the same code and texts over REST, native gRPC and gRPC-web, without internals.

mod authorization;
mod business_rules;
pub mod case;
mod fields;
mod fuzz;
mod grpc;
mod guest_limits;
mod identity;
mod invalid_values;
mod malformed_http;
mod rest;
