//! The real gateway over real HTTP, in front of scripted services over real gRPC.

mod bounds;
mod fronts;
mod grpc;
mod guards;
mod harness;
mod refusals;
mod rest;
mod sse;
mod web;
