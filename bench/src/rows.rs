//! The kinds of work that are measured.

mod booking;
mod event;
mod read;
mod sign_in;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_devservers::TempDir;
use tokio::time::sleep;

use crate::RunArgs;
use crate::cpu::{self, Usage};
use crate::data::Data;
use crate::form::Running;
use crate::load::Load;
use crate::pgbench::Statements;
use crate::report::{Measured, Report};

/// A fleet whose processes together use less than this share of a core is at rest.
const AT_REST: f64 = 0.05;
/// Longest wait for it.
const REST_TIMEOUT: u32 = 60;
/// Time after which consumers read the event logs at their slow interval.
const SETTLE_TIME: Duration = Duration::from_secs(45);
/// Time over which the CPU of the idle fleet is measured.
const IDLE_TIME: Duration = Duration::from_secs(20);

/// What the rows use.
pub struct Bench<'a> {
    pub running: &'a Running,
    data: &'a Data,
    pub folder: PathBuf,
    pub seconds: u64,
    tokens: Vec<String>,
    show_statements: bool,
    statements: Statements,
}

/// Runs the rows that are asked for.
pub async fn run(running: &Running, data: &Data, args: &RunArgs, report: &mut Report) -> Result<()> {
    let folder = TempDir::create("bench")?;
    let mut bench = Bench {
        running,
        data,
        folder: folder.path().to_owned(),
        seconds: args.seconds,
        tokens: sign_in::tokens(&running.gateway).await?,
        show_statements: args.statements,
        statements: Statements::connect(&running.admin_url).await?,
    };
    let is_wanted =
        |name: &str| args.row.is_empty() || args.row.iter().any(|begin| name.starts_with(begin.as_str()));
    report.begin(running.form);
    for name in ["vehicle", "search", "booking", "login", "me", "jwks", "event"] {
        if !is_wanted(name) {
            continue;
        }
        for measured in match name {
            "vehicle" => read::vehicle(&mut bench).await,
            "search" => read::search(&mut bench).await,
            "booking" => booking::create(&mut bench).await,
            "login" => sign_in::login(&mut bench).await,
            "me" => read::me(&mut bench).await,
            "jwks" => read::jwks(&mut bench).await,
            _ => event::events(&mut bench).await,
        }
        .with_context(|| format!("row {name}"))?
        {
            report.add(&measured);
        }
    }
    if is_wanted("idle") {
        sleep(SETTLE_TIME).await;
        let before = cpu::usage()?;
        bench.statements.reset().await?;
        sleep(IDLE_TIME).await;
        let statements = bench.statements.calls().await? as f64 / IDLE_TIME.as_secs_f64();
        report.idle(
            &cpu::since(&before)?,
            IDLE_TIME,
            statements,
            cpu::resident_bytes()?,
        );
    }
    Ok(())
}

impl Bench<'_> {
    /// Waits until nothing is left to do for the fleet: events are delivered, autovacuum is done.
    async fn at_rest(&self) -> Result<()> {
        for _ in 0..REST_TIMEOUT {
            let before = cpu::usage()?;
            sleep(Duration::from_secs(1)).await;
            let used: Duration = cpu::since(&before)?.values().sum();
            if used.as_secs_f64() < AT_REST {
                break;
            }
        }
        Ok(())
    }

    /// Runs `load` from rest to rest, and returns its figures with the CPU time of each server per request.
    pub async fn measure(
        &mut self,
        name: impl Into<String>,
        load: impl Future<Output = Result<Load>>,
    ) -> Result<Measured> {
        self.at_rest().await?;
        self.statements.reset().await?;
        let before = cpu::usage()?;
        let load = load.await?;
        self.at_rest().await?;
        let used = cpu::since(&before)?;
        anyhow::ensure!(load.requests > 0, "no request was answered");
        if self.show_statements {
            for line in self.statements.longest(load.requests).await? {
                println!("    {line}");
            }
        }
        Ok(Measured {
            name: name.into(),
            load,
            cpu_us: per_request(&used, load.requests),
            statements: self.statements.calls().await? as f64 / load.requests as f64,
        })
    }

    fn token(&self, number: usize) -> String {
        self.tokens[number % self.tokens.len()].clone()
    }
}

fn per_request(used: &Usage, requests: u64) -> Vec<(&'static str, f64)> {
    let each = |time: &Duration| time.as_secs_f64() * 1e6 / requests as f64;
    used.iter().map(|(name, time)| (*name, each(time))).collect()
}
