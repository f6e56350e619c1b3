//! Command line of every service.

use std::path::PathBuf;

use clap::{ArgMatches, Command, CommandFactory as _, FromArgMatches, Parser, Subcommand};

/// A service binary of the carshare mesh.
#[derive(Parser)]
pub(super) struct Cli<C: Subcommand> {
    /// TOML file that overrides the embedded defaults.
    #[arg(long, global = true, value_name = "FILE")]
    pub(super) config: Option<PathBuf>,
    #[command(subcommand)]
    pub(super) role: Role<C>,
}

#[derive(Subcommand)]
pub(super) enum Role<C: Subcommand> {
    /// Serve RPCs, and do the background work in the same process.
    Serve {
        /// Leave the background work to `worker` processes.
        #[arg(long)]
        no_worker: bool,
    },
    /// Do the background work only.
    Worker,
    /// Migrate the database to the schema of this binary, and exit.
    Migrate,
    /// Read the configuration, print it with secrets masked, and exit.
    CheckConfig,
    /// Exit with 0 if the running process is ready, else with 1.
    Healthcheck,
    #[command(flatten)]
    Extra(C),
}

impl<C: Subcommand> Cli<C> {
    pub(super) fn parse_for(name: &'static str) -> Self {
        let matches = Self::command().name(name).get_matches();
        Self::from_arg_matches(&matches).unwrap_or_else(|error| error.exit())
    }
}

/// Commands of a service without further subcommands: none.
#[derive(Clone, Copy, Debug)]
pub enum NoCommand {}

impl Subcommand for NoCommand {
    fn augment_subcommands(command: Command) -> Command {
        command
    }

    fn augment_subcommands_for_update(command: Command) -> Command {
        command
    }

    fn has_subcommand(_: &str) -> bool {
        false
    }
}

impl FromArgMatches for NoCommand {
    fn from_arg_matches(_: &ArgMatches) -> Result<Self, clap::Error> {
        Err(clap::Error::new(clap::error::ErrorKind::InvalidSubcommand))
    }

    fn update_from_arg_matches(&mut self, _: &ArgMatches) -> Result<(), clap::Error> {
        match *self {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(args: &[&str]) -> Result<Cli<NoCommand>, clap::Error> {
        Cli::try_parse_from(std::iter::once(&"booking").chain(args))
    }

    #[test]
    fn roles_are_parsed() {
        assert!(matches!(
            parse(&["serve"]).unwrap().role,
            Role::Serve { no_worker: false }
        ));
        assert!(matches!(
            parse(&["serve", "--no-worker"]).unwrap().role,
            Role::Serve { no_worker: true }
        ));
        assert!(matches!(parse(&["worker"]).unwrap().role, Role::Worker));
        assert!(matches!(parse(&["migrate"]).unwrap().role, Role::Migrate));
        assert!(matches!(
            parse(&["check-config"]).unwrap().role,
            Role::CheckConfig
        ));
        assert!(matches!(parse(&["healthcheck"]).unwrap().role, Role::Healthcheck));
        let cli = parse(&["serve", "--config", "/etc/booking.toml"]).unwrap();
        assert_eq!(cli.config, Some(PathBuf::from("/etc/booking.toml")));
    }

    #[test]
    fn other_commands_are_refused() {
        assert!(parse(&[]).is_err());
        assert!(parse(&["unknown"]).is_err());
        assert!(parse(&["worker", "--no-worker"]).is_err());
    }

    #[test]
    fn definition_is_consistent() {
        Cli::<NoCommand>::command().debug_assert();
    }
}
