//! The mesh from outside: laws of the tree, journeys over every protocol, crashes of the real binaries.

mod crashes;
mod faults;
mod journeys;
mod laws;
mod support;
