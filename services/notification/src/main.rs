//! The notification binary: the library, handed to the chassis.

use std::process::ExitCode;

fn main() -> ExitCode {
    carshare_chassis::service::main::<carshare_notification::Notification>()
}
