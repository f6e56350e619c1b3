//! What a fleet tells about itself: traces, logs, metrics, probes, exit codes. One fleet is run once, through a whole journey
//! with refusals and an outage; the tests look at what it told.

mod capture;
mod collector;
mod commands;
mod correlation;
mod journey;
mod metrics;
mod outage;
mod probes;
mod secrets;
mod traces;
