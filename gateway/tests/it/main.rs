//! The real gateway over real HTTP, in front of fake services over real gRPC.

mod errors;
mod grpc;
mod harness;
mod layers;
mod limits;
mod pages;
mod rest;
mod sse;
mod web;
