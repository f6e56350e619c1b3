//! The mesh over gRPC, gRPC-web, reflection and the gateway's own pages.

mod booking;
mod pages;
mod reflection;
