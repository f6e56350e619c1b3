//! What is refused, and how: with the same code and texts over REST, native gRPC and gRPC-web, and telling nothing else.

mod authorization;
mod case;
mod everything;
mod fields;
mod grpc;
mod hostile;
mod identity;
mod rest;
mod rules;
mod values;
