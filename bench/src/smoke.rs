//! Start-up time, idle memory and CPU per request of a mesh in one process (`make run`) and with one
//! process per service (production).
//!
//! It prints and asserts nothing: on a shared machine only runs side by side can be compared.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_chassis::Clock;
use carshare_devservers::process::{Binary, Launch};
use carshare_mesh::{Fleet, Options, Replica};
use chrono::TimeDelta;
use tokio::time::Instant;

use crate::proc;

/// Number of measured requests, after a tenth as many for warm-up.
const REQUESTS: u32 = 2_000;

/// Idle time before memory is read.
const IDLE_TIME: Duration = Duration::from_secs(3);

/// Timeout of the start and of the stop of `carshare run`.
const START_TIMEOUT: Duration = Duration::from_mins(1);

/// Measures and prints. `binaries`: the folder of `carshare` and of the services' binaries.
pub async fn run(binaries: PathBuf) -> Result<()> {
    if cfg!(debug_assertions) {
        println!("This build is not optimised; `make bench-smoke PROFILE=release` measures one that is.\n");
    }
    let folder = carshare_devservers::TempDir::create("bench")?;
    one_process(&binaries, &folder.path().join("one"), "empty data folder").await?;
    one_process(&binaries, &folder.path().join("one"), "second start").await?;
    let options = Options {
        data: Some(folder.path().join("fleet")),
        ..Options::temporary()
    };
    std::fs::create_dir_all(folder.path().join("fleet"))?;
    let mut fleet = Fleet::start(options, binaries, 1).await?;
    tokio::time::sleep(IDLE_TIME).await;
    memory(&mut fleet)?;
    cpu(&mut fleet).await
}

/// Prints start-up time and idle memory of `carshare run`.
async fn one_process(binaries: &Path, data: &Path, what: &str) -> Result<()> {
    let data = data.display().to_string();
    let ports = [
        "--gateway-port=0",
        "--sandbox-port=0",
        "--s3-port=0",
        "--admin-port=0",
    ];
    let args = ["run", "--no-demo", "--data", &data]
        .into_iter()
        .chain(ports)
        .map(str::to_owned);
    let begin = Instant::now();
    let mut mesh = Binary::spawn(
        binaries.join("carshare"),
        Launch {
            args: args.collect(),
            ..Launch::default()
        },
    )?;
    mesh.wait_for_line(START_TIMEOUT, "carshare is running").await?;
    let seconds = begin.elapsed().as_secs_f64();
    tokio::time::sleep(IDLE_TIME).await;
    let memory = mb(proc::resident_bytes(mesh.id())?);
    println!("carshare run, {what:<22} {seconds:>6.2} s to ready {memory:>8.1} MB resident when idle");
    mesh.terminate()?;
    mesh.wait(START_TIMEOUT).await?;
    Ok(())
}

/// Prints the resident memory of every process, this one (sandbox and S3 server) included.
fn memory(fleet: &mut Fleet) -> Result<()> {
    println!("\nresident memory when idle, one process per service");
    let mut total = 0;
    for replica in fleet.replicas() {
        let bytes = proc::resident_bytes(fleet.process(replica)?.id())?;
        let name = replica.service;
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

/// Prints the CPU time of a request through the gateway to one service: the key set (no database) and a search (database).
async fn cpu(fleet: &mut Fleet) -> Result<()> {
    println!("\nCPU time of a request, mean of {REQUESTS} sequential requests");
    let day = (Clock::system().now() + TimeDelta::days(7)).format("%Y-%m-%d");
    let search = format!(
        "/v1/vehicles?lat=37.5663&lng=126.9778&radius=5\
                  &start_datetime={day}T00:00:00Z&end_datetime={day}T04:00:00Z"
    );
    for (what, service, path) in [
        ("GET key set", "auth", "/.well-known/jwks.json"),
        ("GET search, no cars", "vehicle", &search),
    ] {
        let url = format!("{}{path}", fleet.gateways()[0]);
        send_requests(&url, REQUESTS / 10).await?;
        let mut id = |service| anyhow::Ok(fleet.process(Replica { service, number: 0 })?.id());
        let (gateway_id, service_id) = (id("gateway")?, id(service)?);
        let before = (proc::cpu(gateway_id)?, proc::cpu(service_id)?);
        send_requests(&url, REQUESTS).await?;
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

async fn send_requests(url: &str, times: u32) -> Result<()> {
    let http = reqwest::Client::builder().build()?;
    for _ in 0..times {
        let reply = http
            .get(url)
            .send()
            .await?
            .error_for_status()
            .context("the request failed")?;
        reply.bytes().await?;
    }
    Ok(())
}

fn mb(bytes: u64) -> f64 {
    bytes as f64 / 1e6
}
