//! Binary of the auth service.

use std::process::ExitCode;

use carshare_auth::Auth;
use carshare_store::Runner;

fn main() -> ExitCode {
    carshare_chassis::service::main::<Runner<Auth>>()
}
