//! `carshare-bench`: what each kind of work costs, in CPU time of every process, rate and latency.
//!
//! Nothing is asserted: on a shared machine only figures of one run can be compared, so pgbench and nginx run beside the
//! mesh. It needs Linux (`/proc`), wrk, h2load, pgbench and nginx: `make bench` installs them.

mod cpu;
mod data;
mod form;
mod load;
mod nginx;
mod pgbench;
mod proc;
mod report;
mod rows;
mod smoke;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};

use form::{Form, Running};
use report::Report;

/// Measures the mesh on this machine.
#[derive(Parser)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Measure start-up time, idle memory and CPU per request of an empty mesh, in seconds.
    Smoke,
    /// Load data and measure each kind of work in both forms: one process per service, and all in one.
    Run(RunArgs),
}

#[derive(clap::Args)]
struct RunArgs {
    /// Folder of the data, which is used again by the next run with the same size.
    #[arg(long, default_value = ".carshare-bench")]
    data: PathBuf,
    /// Cars to load.
    #[arg(long, default_value_t = 100_000)]
    cars: i64,
    /// Bookings to load.
    #[arg(long, default_value_t = 1_000_000)]
    bookings: i64,
    /// Seconds of load per row.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Rows to run, by the beginning of their name; all if none is given.
    #[arg(long)]
    row: Vec<String>,
    /// Forms to run: both if none is given.
    #[arg(long, value_enum)]
    form: Vec<Form>,
    /// Print the statements of each row that took longest.
    #[arg(long)]
    statements: bool,
    /// Markdown file whose tables are replaced.
    #[arg(long)]
    write: Option<PathBuf>,
}

#[tokio::main]
async fn main() -> ExitCode {
    let finished = match Cli::parse().command {
        Command::Smoke => match binaries() {
            Ok(binaries) => smoke::run(binaries).await,
            Err(error) => Err(error),
        },
        Command::Run(args) => run(args).await,
    };
    match finished {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("carshare-bench: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(args: RunArgs) -> Result<()> {
    let binaries = binaries()?;
    let profile = binaries.file_name().unwrap_or_default().to_string_lossy();
    let mut report = Report::new(args.cars, args.bookings, &profile);
    let forms = if args.form.is_empty() {
        Form::ALL.to_vec()
    } else {
        args.form.clone()
    };
    for form in forms {
        let running = Running::start(form, binaries.clone(), &args.data).await?;
        let data = data::load(&running.admin_url, args.cars, args.bookings).await?;
        let measured = rows::run(&running, &data, &args, &mut report).await;
        running.stop().await?;
        measured?;
    }
    match &args.write {
        Some(path) => report.write(path),
        None => Ok(()),
    }
}

/// Returns the folder of the binaries to measure: that of this one.
fn binaries() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    Ok(own.parent().context("a binary without a folder")?.to_owned())
}
