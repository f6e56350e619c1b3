//! The mesh from outside: laws of the tree, journeys over every protocol, crashes of the real binaries.

mod journeys;
mod laws;
mod support;
