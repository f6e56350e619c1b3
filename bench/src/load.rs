//! Load by tools that nobody here wrote: wrk for REST, h2load for gRPC.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use tokio::process::Command;

/// What a client saw.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    pub requests: u64,
    pub seconds: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Replies with an error status, and calls without a reply.
    pub failed: u64,
}

/// A REST request.
pub struct Rest {
    pub method: &'static str,
    pub path: String,
    /// Access token.
    pub token: Option<String>,
    pub idempotency_key: Option<String>,
    /// JSON.
    pub body: Option<String>,
}

impl Rest {
    pub fn get(path: String) -> Self {
        Self {
            method: "GET",
            path,
            token: None,
            idempotency_key: None,
            body: None,
        }
    }
}

/// Sends the requests one after the other on each of `connections`, again from the first when all are sent.
pub async fn wrk(
    folder: &Path,
    gateway: &str,
    requests: &[Rest],
    connections: u32,
    seconds: u64,
) -> Result<Load> {
    let (script, list) = (folder.join("wrk.lua"), folder.join("requests.tsv"));
    let mut lines = String::new();
    for request in requests {
        let field = |value: &Option<String>| value.clone().unwrap_or_default();
        let (token, key, body) = (
            field(&request.token),
            field(&request.idempotency_key),
            field(&request.body),
        );
        writeln!(
            lines,
            "{}\t{}\t{token}\t{key}\t{body}",
            request.method, request.path
        )?;
    }
    std::fs::write(&script, include_str!("wrk.lua"))?;
    std::fs::write(&list, lines)?;
    let output = Command::new("wrk")
        .args([
            "-t1",
            &format!("-c{connections}"),
            &format!("-d{seconds}s"),
            "--timeout=10s",
            "-s",
        ])
        .arg(&script)
        .arg(gateway)
        .arg("--")
        .arg(&list)
        .output()
        .await
        .context("wrk does not start")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let result = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let result =
        result.with_context(|| format!("wrk failed: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
    let numbers: Vec<f64> = result.split(' ').map(str::parse).collect::<Result<_, _>>()?;
    let [requests, us, failed, p50, p99] = numbers[..] else {
        anyhow::bail!("wrk printed {result}");
    };
    Ok(Load {
        requests: requests as u64,
        seconds: us / 1e6,
        p50_ms: p50 / 1e3,
        p99_ms: p99 / 1e3,
        failed: failed as u64,
    })
}

/// Calls a unary method with one message, on 4 connections with 4 calls at a time each. h2load does not read `grpc-status`.
pub async fn h2load(
    folder: &Path,
    url: &str,
    message: &[u8],
    token: Option<&str>,
    seconds: u64,
) -> Result<Load> {
    let (frame, log) = (folder.join("frame.bin"), folder.join("h2load.tsv"));
    let mut bytes = vec![0];
    bytes.extend(u32::try_from(message.len())?.to_be_bytes());
    bytes.extend(message);
    std::fs::write(&frame, bytes)?;
    std::fs::remove_file(&log).ok();
    let mut command = Command::new("h2load");
    command
        .args([
            "-t1",
            "-c4",
            "-m4",
            &format!("-D{seconds}"),
            "-H",
            "content-type: application/grpc",
            "-H",
            "te: trailers",
        ])
        .arg("-d")
        .arg(&frame)
        .arg("--log-file")
        .arg(&log);
    if let Some(token) = token {
        command.args(["-H", &format!("authorization: Bearer {token}")]);
    }
    let output = command.arg(url).output().await.context("h2load does not start")?;
    ensure!(
        output.status.success(),
        "h2load failed: {}",
        String::from_utf8_lossy(&output.stdout)
    );
    // A line per call: start in µs, status, duration in µs.
    let log = std::fs::read_to_string(&log)?;
    let (mut times, mut failed) = (Vec::new(), 0);
    for line in log.lines() {
        let fields: Vec<&str> = line.split('\t').collect();
        let [_, status, time] = fields[..] else { continue };
        if status == "200" {
            times.push(time.parse::<u64>()?);
        } else {
            failed += 1;
        }
    }
    times.sort_unstable();
    let at = |share: f64| {
        let index = (times.len() as f64 * share) as usize;
        times.get(index).map_or(0.0, |us| *us as f64 / 1e3)
    };
    Ok(Load {
        requests: times.len() as u64 + failed,
        seconds: seconds as f64,
        p50_ms: at(0.5),
        p99_ms: at(0.99),
        failed,
    })
}

/// Calls a unary method with an empty message and fails unless it succeeds: h2load would not notice.
pub async fn check_grpc(url: &str, token: Option<&str>) -> Result<()> {
    let http = reqwest::Client::builder().http2_prior_knowledge().build()?;
    let mut request = http
        .post(url)
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(vec![0; 5]);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let reply = request.send().await?;
    // An error has no body and its status in the head.
    let status = reply.headers().get("grpc-status").cloned();
    ensure!(
        reply.status().is_success() && status.is_none(),
        "{url}: {} {status:?}",
        reply.status()
    );
    Ok(())
}
