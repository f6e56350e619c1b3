//! The mesh from outside: laws of the tree, journeys over every protocol, crashes of the real binaries.

mod crashes;
mod faults;
mod identity;
mod journeys;
mod architecture;
mod observability;
mod races;
mod errors;
mod schemas;
mod streams;
mod harness;
mod timers;
mod transports;
