//! The vehicle service binary.

use std::process::ExitCode;

use carshare_store::Runner;
use carshare_vehicle::Vehicle;

fn main() -> ExitCode {
    carshare_chassis::service::main::<Runner<Vehicle>>()
}
