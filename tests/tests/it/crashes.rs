//! A fleet of the real binaries, two replicas of each, killed with SIGKILL at every step of the journeys, one and several at a
//! time.

mod checkout;
mod cold_start;
mod drain;
mod journey;
mod kill;
mod kill_matrix;
mod kill_points;
mod random_kills;
mod registration;
