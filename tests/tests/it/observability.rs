//! Telemetry of a fleet: traces, logs, metrics, probes, exit codes. One fleet runs once through a journey with failing requests
//! and an outage; the tests assert what it wrote.

mod alerts;
mod capture;
mod collector;
mod commands;
mod correlation;
mod dashboards;
mod journey;
mod metrics;
mod outage;
mod probes;
mod promql;
mod secrets;
mod traces;
