//! The process that the name of the executable stands for.

use std::ffi::OsStr;
use std::path::Path;
use std::process::ExitCode;

use carshare_auth::Auth;
use carshare_booking::Booking;
use carshare_chassis::service::{self, Service};
use carshare_gateway::Gateway;
use carshare_notification::Notification;
use carshare_payment::Payment;
use carshare_sandbox::Process as Sandbox;
use carshare_store::Runner;
use carshare_vehicle::Vehicle;

/// Runs a process of the mesh, with the command line of its own binary.
pub type Main = fn() -> ExitCode;

/// Returns the process that a command such as `/usr/local/bin/carshare-booking` names; `None` for `carshare` itself.
pub fn of_command(command: Option<&OsStr>) -> Option<Main> {
    let name = Path::new(command?)
        .file_name()?
        .to_str()?
        .strip_prefix("carshare-")?;
    let processes = [
        named::<Runner<Auth>>(),
        named::<Runner<Vehicle>>(),
        named::<Runner<Booking>>(),
        named::<Runner<Payment>>(),
        named::<Runner<Notification>>(),
        named::<Gateway>(),
        named::<Sandbox>(),
    ];
    let found = processes.into_iter().find(|(process, _)| *process == name);
    found.map(|(_, main)| main)
}

fn named<S: Service>() -> (&'static str, Main) {
    (S::NAME, service::main::<S>)
}

#[cfg(test)]
mod tests {
    use carshare_mesh::dependencies::SERVICES;

    use super::*;

    #[test]
    fn each_process_has_a_name() {
        for name in SERVICES.into_iter().chain(["gateway", "sandbox"]) {
            let command = format!("/usr/local/bin/carshare-{name}");
            assert!(of_command(Some(command.as_ref())).is_some(), "{command}");
        }
    }

    #[test]
    fn other_names_are_the_whole_mesh() {
        for command in [
            "carshare",
            "./target/debug/carshare",
            "carshare-billing",
            "auth",
            "",
        ] {
            assert!(of_command(Some(command.as_ref())).is_none(), "{command}");
        }
        assert!(of_command(None).is_none());
    }
}
