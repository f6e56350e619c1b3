//! The mesh from outside: laws of the tree, journeys over every protocol, crashes of the real binaries.

mod architecture;
mod crashes;
mod errors;
mod faults;
mod harness;
mod identity;
mod journeys;
mod observability;
mod races;
mod schemas;
mod streams;
mod timers;
mod transports;
