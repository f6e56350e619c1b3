//! The `carshare` binary: the whole mesh on a bare machine, and each of its processes in the image, where the names `carshare-auth`,
//! `carshare-gateway` and so on are links to it.

mod after_restore_command;
mod all_command;
mod banner;
mod demo_command;
mod dev_command;
mod dev_secrets;
mod process_name;
mod reconcile_command;
mod run_command;
mod settings;

use std::process::ExitCode;

use anyhow::Result;
use carshare_chassis::{config, runtime};
use clap::{Parser, Subcommand};

/// Runs the carshare mesh on this machine: for development with `run`, in production with `serve --all`. Called as
/// `carshare-auth`, `carshare-gateway` and so on it is that process.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the mesh and run until Ctrl-C.
    Run(run_command::RunArgs),
    /// Play a rental of two weeks on a temporary mesh, in seconds, and print its timeline.
    Demo,
    /// Compare bookings, occupancies, payments, ledger and provider; exit code 1 if they differ.
    Reconcile(reconcile_command::ReconcileArgs),
    /// Parts of a development mesh in containers.
    #[command(subcommand)]
    Dev(dev_command::DevCommand),
    /// Repair the consumers of services that were restored to an earlier moment, before they start again.
    AfterRestore(after_restore_command::AfterRestoreArgs),
    #[command(flatten)]
    All(all_command::AllCommand),
}

fn main() -> ExitCode {
    if let Some(process) = process_name::of_command(std::env::args_os().next().as_deref()) {
        return process();
    }
    let finished = match Cli::parse().command {
        Command::Run(args) => block_on(run_command::run(args)).map(|()| ExitCode::SUCCESS),
        Command::Demo => block_on(demo_command::run()).map(|()| ExitCode::SUCCESS),
        Command::Reconcile(args) => block_on(reconcile_command::run(args)),
        Command::Dev(command) => block_on(dev_command::run(command)).map(|()| ExitCode::SUCCESS),
        Command::AfterRestore(args) => block_on(after_restore_command::run(args)).map(|()| ExitCode::SUCCESS),
        Command::All(command) => command.run().map(|()| ExitCode::SUCCESS),
    };
    match finished {
        Ok(code) => code,
        Err(error) => {
            eprintln!("carshare: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn block_on<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    runtime::build_for_all("carshare", config::Runtime::default())?.block_on(work)
}
