//! Tables of the results, on standard output and in Markdown.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::cpu::Usage;
use crate::form::Form;
use crate::load::Load;

/// Lines of the Markdown file between which the tables stand.
const BEGIN: &str = "<!-- figures: begin -->";
const END: &str = "<!-- figures: end -->";

/// A server that used less is left out.
const LEAST_US: f64 = 0.5;

/// A row of the table.
pub struct Measured {
    pub name: String,
    pub load: Load,
    /// CPU time of each server per request, in µs.
    pub cpu_us: Vec<(&'static str, f64)>,
    /// Statements of the services per request.
    pub statements: f64,
}

/// All results of a run.
pub struct Report {
    markdown: String,
}

impl Report {
    pub fn new(cars: i64, bookings: i64, profile: &str) -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut report = Self {
            markdown: String::new(),
        };
        report.line(&format!(
            "{cars} cars, {bookings} bookings, {cores} cores for servers and clients together, build profile `{profile}`.\n"
        ));
        report
    }

    /// Begins the table of a form.
    pub fn begin(&mut self, form: Form) {
        self.line(&format!("\n**{}**\n", form.title()));
        self.line("| work | /s | p50 ms | p99 ms | CPU µs each | of these | statements |");
        self.line("|---|---|---|---|---|---|---|");
    }

    pub fn add(&mut self, row: &Measured) {
        let Load {
            requests,
            seconds,
            p50_ms,
            p99_ms,
            failed,
        } = row.load;
        let total: f64 = row.cpu_us.iter().map(|(_, us)| us).sum();
        let rate = requests as f64 / seconds;
        let parts = parts(&row.cpu_us);
        let failed = if failed == 0 {
            String::new()
        } else {
            format!(" ({failed} failed)")
        };
        self.line(&format!(
            "| {}{failed} | {rate:.0} | {p50_ms:.2} | {p99_ms:.2} | {total:.0} | {parts} | {:.2} |",
            row.name, row.statements
        ));
    }

    /// Adds what the fleet uses when nothing happens, after the load.
    pub fn idle(&mut self, used: &Usage, time: Duration, statements: f64, memory: u64) {
        let share = |used: &Duration| used.as_secs_f64() / time.as_secs_f64() * 100.0;
        let total: f64 = used.values().map(share).sum();
        let parts: Vec<_> = used
            .iter()
            .map(|(name, used)| format!("{name} {:.2}", share(used)))
            .collect();
        self.line(&format!(
            "| at rest: {total:.2} % of a core, {:.0} MB | | | | | {} | {statements:.1}/s |",
            memory as f64 / 1e6,
            parts.join(" + ")
        ));
    }

    /// Replaces the tables in a Markdown file.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let (head, rest) = text
            .split_once(BEGIN)
            .context("the file has no place for the figures")?;
        let (_, tail) = rest
            .split_once(END)
            .context("the place for the figures has no end")?;
        std::fs::write(path, format!("{head}{BEGIN}\n\n{}\n{END}{tail}", self.markdown))?;
        Ok(())
    }

    fn line(&mut self, line: &str) {
        println!("{line}");
        self.markdown.push_str(line);
        self.markdown.push('\n');
    }
}

fn parts(cpu_us: &[(&'static str, f64)]) -> String {
    let mut text = String::new();
    for (name, us) in cpu_us.iter().filter(|(_, us)| *us >= LEAST_US) {
        let separator = if text.is_empty() { "" } else { " + " };
        write!(text, "{separator}{name} {us:.0}").ok();
    }
    text
}
