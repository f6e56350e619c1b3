//! Sign-in.

use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::task::spawn_blocking;
use tokio::time::Instant;

use super::Bench;
use crate::data::{ACTIVE_GUESTS, PASSWORD, guest_email};
use crate::load::{self, Load, Rest};
use crate::report::Measured;

/// Signs the active guests in and returns their access tokens.
pub async fn tokens(gateway: &str) -> Result<Vec<String>> {
    let http = reqwest::Client::builder().build()?;
    let mut tokens = Vec::new();
    for number in 1..ACTIVE_GUESTS {
        let reply = http
            .post(format!("{gateway}/v1/auth/login"))
            .json(&credentials(number))
            .send()
            .await?
            .error_for_status()?;
        let reply: Value = reply.json().await?;
        let token = reply["access_token"].as_str().context("no access token")?;
        tokens.push(token.to_owned());
    }
    Ok(tokens)
}

/// Signs in an account whose hash has the production cost, beside bcrypt alone on as many threads.
pub async fn login(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let request = Rest {
        method: "POST",
        body: Some(credentials(ACTIVE_GUESTS).to_string()),
        ..Rest::get("/v1/auth/login".to_owned())
    };
    let (folder, gateway, seconds) = (bench.folder.clone(), bench.running.gateway.clone(), bench.seconds);
    let cores = std::thread::available_parallelism()?.get();
    let requests = [request];
    let connections = u32::try_from(2 * cores)?;
    let load = load::wrk(&folder, &gateway, &requests, connections, seconds);
    let ours = bench.measure("login", load).await?;
    let alone = bench
        .measure("bcrypt alone", bcrypt_alone(cores, seconds))
        .await?;
    Ok(vec![ours, alone])
}

fn credentials(number: i64) -> Value {
    json!({"email": guest_email(number), "password": PASSWORD})
}

async fn bcrypt_alone(threads: usize, seconds: u64) -> Result<Load> {
    let hash = bcrypt::hash(PASSWORD, 12)?;
    let begin = Instant::now();
    let end = begin + Duration::from_secs(seconds);
    let workers: Vec<_> = (0..threads)
        .map(|_| {
            let hash = hash.clone();
            spawn_blocking(move || {
                let mut verified = 0;
                while Instant::now() < end {
                    verified += u64::from(bcrypt::verify(PASSWORD, &hash).unwrap_or(false));
                }
                verified
            })
        })
        .collect();
    let mut requests = 0;
    for worker in workers {
        requests += worker.await?;
    }
    let seconds = begin.elapsed().as_secs_f64();
    let each_ms = seconds * 1e3 * threads as f64 / requests as f64;
    Ok(Load {
        requests,
        seconds,
        p50_ms: each_ms,
        p99_ms: each_ms,
        failed: 0,
    })
}
