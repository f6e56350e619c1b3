//! The vehicle service binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    carshare_chassis::service::main::<carshare_vehicle::Vehicle>()
}
