//! The `carshare` binary: the whole mesh on a bare machine.

mod all_command;
mod banner;
mod reconcile_command;
mod run_command;

use std::process::ExitCode;

use anyhow::Result;
use carshare_chassis::{config, runtime};
use clap::{Parser, Subcommand};

/// Runs the carshare mesh on this machine: for development with `run`, in production with `serve --all`.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Start the mesh and run until Ctrl-C.
    Run(run_command::RunArgs),
    /// Compare bookings, occupancies, payments, ledger and provider; exit code 1 if they differ.
    Reconcile(reconcile_command::ReconcileArgs),
    #[command(flatten)]
    All(all_command::AllCommand),
}

fn main() -> ExitCode {
    let finished = match Cli::parse().command {
        Command::Run(args) => block_on(run_command::run(args)).map(|()| ExitCode::SUCCESS),
        Command::Reconcile(args) => block_on(reconcile_command::run(args)),
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
