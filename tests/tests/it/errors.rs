//! What is refused, and how: with the same code and texts over REST, native gRPC and gRPC-web, and telling nothing else.

mod authorization;
mod business_rules;
mod case;
mod fields;
mod fuzz;
mod grpc;
mod identity;
mod invalid_values;
mod malformed_http;
mod rest;
