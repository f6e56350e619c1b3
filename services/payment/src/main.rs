//! The payment service binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    carshare_chassis::service::main::<carshare_payment::Payment>()
}
