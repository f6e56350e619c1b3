//! `make bench-smoke`: how soon a mesh is ready, what it holds when idle, what a request costs; in one process, as
//! `make run` has it, and with a process for each service, as production has it.
//!
//! It prints and asserts nothing: on a shared machine only the comparison of two runs side by side means something.

mod proc;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use carshare_devservers::process::{Binary, Launch};
use tokio::time::Instant;

use crate::{Fleet, Options, Replica};

/// Requests measured, after a tenth as many to warm up.
const REQUESTS: u32 = 2_000;

/// How long the fleet rests before its memory is read.
const REST: Duration = Duration::from_secs(3);

/// How long `carshare run` may take to say that it is ready.
const RESPONSE_TIMEOUT: Duration = Duration::from_mins(1);

/// Measures and prints. `binaries`: the folder with `carshare` and the services.
pub async fn smoke(binaries: PathBuf) -> Result<()> {
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
    tokio::time::sleep(REST).await;
    memory(&mut fleet)?;
    cpu(&mut fleet).await
}

/// `carshare run`: seconds to ready, memory when idle.
async fn one_process(binaries: &Path, data: &Path, what: &str) -> Result<()> {
    let data = data.display().to_string();
    let ports = ["--gateway-port", "0", "--sandbox-port", "0", "--s3-port", "0"];
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
    mesh.wait_for_line(RESPONSE_TIMEOUT, "carshare is running")
        .await?;
    let seconds = begin.elapsed().as_secs_f64();
    tokio::time::sleep(REST).await;
    let memory = mb(proc::resident_bytes(mesh.id())?);
    println!("carshare run, {what:<22} {seconds:>6.2} s to ready {memory:>8.1} MB resident when idle");
    mesh.terminate()?;
    mesh.wait(RESPONSE_TIMEOUT).await?;
    Ok(())
}

/// Resident memory of everything that was started, this process (sandbox and S3 server) included.
fn memory(fleet: &mut Fleet) -> Result<()> {
    println!("\nresident memory when idle, a process each");
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

/// CPU of one request that passes the gateway and one service: the key set (no database) and a search (database).
async fn cpu(fleet: &mut Fleet) -> Result<()> {
    println!("\nCPU of one request, {REQUESTS} requests one after the other");
    let search = "/v1/vehicles?lat=37.5663&lng=126.9778&radius=5\
                  &start_datetime=2030-01-01T00:00:00Z&end_datetime=2030-01-01T04:00:00Z";
    for (what, service, path) in [
        ("GET key set", "auth", "/.well-known/jwks.json"),
        ("GET search, no cars", "vehicle", search),
    ] {
        let url = format!("{}{path}", fleet.gateways()[0]);
        ask(&url, REQUESTS / 10).await?;
        let mut id = |service| anyhow::Ok(fleet.process(Replica { service, number: 0 })?.id());
        let (gateway_id, service_id) = (id("gateway")?, id(service)?);
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
