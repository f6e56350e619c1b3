//! The real gateway over real HTTP, in front of fake services over real gRPC.
#![expect(clippy::unwrap_used, reason = "helpers of a test may panic as the test may")]

mod connect;
mod errors;
mod grpc;
mod harness;
mod https;
mod layers;
mod limits;
mod pages;
mod protocol;
mod rest;
mod sse;
mod stream_end;
mod web;
