//! Binary of the notification service.

use std::process::ExitCode;

use carshare_notification::Notification;
use carshare_store::Runner;

fn main() -> ExitCode {
    carshare_chassis::service::main::<Runner<Notification>>()
}
