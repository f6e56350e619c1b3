//! The mesh from outside: laws of the tree, journeys over every protocol, crashes of the real binaries.

mod crashes;
mod faults;
mod identity;
mod journeys;
mod laws;
mod observability;
mod races;
mod refusals;
mod schemas;
mod streams;
mod support;
mod timers;
mod transports;
