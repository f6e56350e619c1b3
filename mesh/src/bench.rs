//! `make bench-smoke`: three figures of a mesh whose every service is a process of its own, as it is in production.
//!
//! It prints and asserts nothing: on a shared machine only the comparison of two runs side by side means something.

mod proc;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use tokio::time::Instant;

use crate::parts::SERVICES;
use crate::{Fleet, Options};

/// Requests measured, after a tenth as many to warm up.
const REQUESTS: u32 = 2_000;

/// How long the fleet rests before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// Measures and prints.
pub async fn smoke(binaries: PathBuf) -> Result<()> {
    let folder = carshare_testkit::TempFolder::create("bench")?;
    let begin = Instant::now();
    let options = Options {
        data: Some(folder.path().to_owned()),
        ..Options::temporary()
    };
    let mut fleet = Fleet::start(options, binaries).await?;
    println!(
        "start to ready, empty data folder     {:>8.2} s",
        begin.elapsed().as_secs_f64()
    );
    tokio::time::sleep(REST).await;
    memory(&mut fleet)?;
    cpu(&mut fleet).await
}

/// Resident memory of everything that was started, this process (sandbox and S3 server) included.
fn memory(fleet: &mut Fleet) -> Result<()> {
    println!("\nresident memory when idle");
    let mut total = 0;
    for name in SERVICES.into_iter().chain(["gateway"]) {
        let bytes = proc::resident_bytes(fleet.process(name)?.id())?;
        println!("  {name:<35} {:>8.1} MB", mb(bytes));
        total += bytes;
    }
    let own = proc::resident_bytes(std::process::id())?;
    println!("  {:<35} {:>8.1} MB", "sandbox, S3 server", mb(own));
    println!("  {:<35} {:>8.1} MB", "all our processes", mb(total + own));
    let servers = proc::private_bytes_of(&["postgres", "redis-server"], std::process::id())?;
    println!(
        "  {:<35} {:>8.1} MB",
        "PostgreSQL and Redis, private pages",
        mb(servers)
    );
    Ok(())
}

/// CPU of one request that passes the gateway and one service: the key set (no database) and a search (database).
async fn cpu(fleet: &mut Fleet) -> Result<()> {
    println!("\nCPU of one request, {REQUESTS} requests one after the other");
    let search = "/v1/vehicles?lat=37.5663&lng=126.9778&radius=5\
                  &start_datetime=2030-01-01T00:00:00Z&end_datetime=2030-01-01T04:00:00Z";
    for (what, service, path) in [
        ("GET key set", "auth", "/.well-known/jwks.json"),
        ("GET search, no cars", "vehicle", search),
    ] {
        let url = format!("{}{path}", fleet.gateway());
        ask(&url, REQUESTS / 10).await?;
        let (gateway_id, service_id) = (fleet.process("gateway")?.id(), fleet.process(service)?.id());
        let before = (proc::cpu(gateway_id)?, proc::cpu(service_id)?);
        ask(&url, REQUESTS).await?;
        let each = |after: Duration, before: Duration| {
            after.saturating_sub(before).as_secs_f64() * 1e6 / f64::from(REQUESTS)
        };
        println!(
            "  {what:<22} gateway {:>6.0} µs   {service} {:>6.0} µs",
            each(proc::cpu(gateway_id)?, before.0),
            each(proc::cpu(service_id)?, before.1)
        );
    }
    Ok(())
}

async fn ask(url: &str, times: u32) -> Result<()> {
    let http = reqwest::Client::builder().build()?;
    for _ in 0..times {
        let reply = http
            .get(url)
            .send()
            .await?
            .error_for_status()
            .context("the mesh refused")?;
        reply.bytes().await?;
    }
    Ok(())
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
