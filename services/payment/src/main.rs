//! Binary of the payment service.

use std::process::ExitCode;

use carshare_payment::Payment;
use carshare_store::Runner;

fn main() -> ExitCode {
    carshare_chassis::service::main::<Runner<Payment>>()
}
