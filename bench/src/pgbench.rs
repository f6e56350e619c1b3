//! Statements of the services: how many run, and what one costs alone.

use anyhow::{Context as _, Result};
use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::process::Command;

use crate::load::Load;
use crate::report::Measured;
use crate::rows::Bench;

/// Counts the statements of the services' roles, by `pg_stat_statements`.
pub struct Statements(PgConnection);

impl Statements {
    pub async fn connect(admin_url: &str) -> Result<Self> {
        let mut connection = PgConnection::connect(admin_url).await?;
        sqlx::query("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
            .execute(&mut connection)
            .await?;
        Ok(Self(connection))
    }

    /// Starts to count from zero.
    pub async fn reset(&mut self) -> Result<()> {
        sqlx::query("SELECT pg_stat_statements_reset()")
            .execute(&mut self.0)
            .await?;
        Ok(())
    }

    /// Returns the number of statements, BEGIN and COMMIT included.
    pub async fn calls(&mut self) -> Result<i64> {
        let sql = "SELECT coalesce(sum(calls), 0)::bigint FROM pg_stat_statements s \
            JOIN pg_roles r ON r.oid = s.userid WHERE r.rolname <> 'postgres' AND s.toplevel";
        Ok(sqlx::query_scalar(sql).fetch_one(&mut self.0).await?)
    }

    /// Returns the statements that took longest: executions per request, µs of each, role and text.
    pub async fn longest(&mut self, requests: u64) -> Result<Vec<String>> {
        let sql = "SELECT format('%s x %s us  %s: %s', round((calls / $1)::numeric, 2), \
                round((total_exec_time / calls * 1000)::numeric), r.rolname, left(regexp_replace(query, '[[:space:]]+', ' ', 'g'), 110)) \
            FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid \
            WHERE r.rolname <> 'postgres' AND s.toplevel ORDER BY total_exec_time DESC LIMIT 20";
        Ok(sqlx::query_scalar(sql)
            .bind(requests as f64)
            .fetch_all(&mut self.0)
            .await?)
    }

    /// Returns the statement that a service ran most often, if it has parameters.
    pub async fn main(&mut self, service: &str) -> Result<Option<String>> {
        let sql = "SELECT query FROM pg_stat_statements s JOIN pg_roles r ON r.oid = s.userid \
            WHERE r.rolname = $1 AND s.toplevel ORDER BY calls DESC LIMIT 1";
        let found: Option<String> = sqlx::query_scalar(sql)
            .bind(service)
            .fetch_optional(&mut self.0)
            .await?;
        Ok(found.filter(|query| query.contains("$1")))
    }
}

/// Returns a pgbench script that runs `statement` with these expressions for its parameters; `None` if their number differs.
pub fn script(statement: &str, set: &str, parameters: &[&str]) -> Option<String> {
    if statement.contains(&format!("${}", parameters.len() + 1)) {
        return None;
    }
    let mut text = statement.replace('\n', " ");
    for (index, expression) in parameters.iter().enumerate() {
        text = text.replace(&format!("${}", index + 1), expression);
    }
    Some(format!("{set}\n{text};\n"))
}

/// Runs a script on the services' database, as the role `vehicle`.
pub async fn run(bench: &mut Bench<'_>, name: &str, script: &str) -> Result<Measured> {
    let file = bench.folder.join("script.sql");
    std::fs::write(&file, script)?;
    let url = bench.running.database_url("vehicle")?;
    let seconds = bench.seconds;
    let load = async move {
        let output = Command::new("pgbench")
            .args([
                "-n",
                "-M",
                "prepared",
                "-c4",
                "-j1",
                &format!("-T{seconds}"),
                "-f",
            ])
            .arg(&file)
            .arg(&url)
            .output()
            .await
            .context("pgbench does not start")?;
        parse(&String::from_utf8_lossy(&output.stdout))
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())
    };
    bench.measure(name, load).await
}

fn parse(output: &str) -> Result<Load> {
    let number = |label: &str| -> Result<f64> {
        let line = output.lines().find_map(|line| line.strip_prefix(label));
        let text = line.with_context(|| format!("pgbench printed no {label}"))?;
        let word = text.split_ascii_whitespace().next().unwrap_or_default();
        Ok(word.parse()?)
    };
    let requests = number("number of transactions actually processed: ")?;
    Ok(Load {
        requests: requests as u64,
        seconds: requests / number("tps = ")?,
        p50_ms: number("latency average = ")?,
        p99_ms: number("latency average = ")?,
        failed: number("number of failed transactions: ")? as u64,
    })
}
