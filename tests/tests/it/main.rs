//! End-to-end tests: the source tree's rules, journeys over every protocol, faults, and crashes of the real binaries.

mod all_in_one;
mod architecture;
mod authorization;
mod chaos;
mod crashes;
mod drills;
mod erasure;
mod errors;
mod export;
mod failover;
mod faults;
mod fuzz;
mod harness;
mod identity;
mod journeys;
mod load;
mod local_data;
mod observability;
mod races;
mod reconcile;
mod retention;
mod schemas;
mod streams;
mod timers;
mod transports;
mod upgrades;
