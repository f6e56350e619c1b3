//! The real binaries as processes of their own, killed at every step of what people do, one and several at a time.

mod cold_start;
mod drain;
mod journey;
mod kill_points;
mod matrix;
mod random_kills;
mod registration;
mod setup;
mod window;
