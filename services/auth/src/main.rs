//! The binary of the auth service.

use std::process::ExitCode;

fn main() -> ExitCode {
    carshare_chassis::service::main::<carshare_auth::Auth>()
}
