//! The booking service binary.

use std::process::ExitCode;

use carshare_booking::Booking;
use carshare_store::Runner;

fn main() -> ExitCode {
    carshare_chassis::service::main::<Runner<Booking>>()
}
