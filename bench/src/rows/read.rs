//! Reads.

use anyhow::Result;
use carshare_mesh::Replica;

use super::Bench;
use crate::data;
use crate::load::{self, Rest};
use crate::nginx::Nginx;
use crate::pgbench;
use crate::report::Measured;

/// Different requests of a row.
const VARIANTS: i64 = 20_000;
/// Connections of a client.
const CONNECTIONS: u32 = 16;
/// Spreads consecutive numbers over all rows: a prime.
const STRIDE: i64 = 7_919;

/// Cars by id, over REST, beside the statement alone.
pub async fn vehicle(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let cars = bench.data.cars;
    let requests: Vec<Rest> = (0..VARIANTS)
        .map(|i| Rest::get(format!("/v1/vehicles/{}", data::id(3, 1 + i * STRIDE % cars))))
        .collect();
    let ours = rest(bench, "vehicle by id, REST", &requests).await?;
    let mut rows = vec![ours];
    if let Some(statement) = bench.statements.main("vehicle").await? {
        let id = "(lpad(to_hex(1700000000000 + :car::bigint), 12, '0') || '70008003' || lpad(to_hex(:car::bigint), 12, '0'))::uuid";
        if let Some(script) = pgbench::script(&statement, &format!("\\set car random(1, {cars})"), &[id]) {
            rows.push(pgbench::run(bench, "vehicle by id: its statement, pgbench", &script).await?);
        }
    }
    Ok(rows)
}

/// Searches around random places in Seoul, 50 cars each.
pub async fn search(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let days = (bench.data.bookings / bench.data.cars) * data::DAYS_BETWEEN;
    let requests: Vec<Rest> = (0..VARIANTS)
        .map(|i| {
            let step = i * STRIDE;
            let (lat, lng) = (
                37.42 + (step % 2_600) as f64 / 10_000.0,
                126.82 + (step / 7 % 3_600) as f64 / 10_000.0,
            );
            let start = bench.data.first_day + (step % days.max(1)) * 86_400 + (6 + step % 4 * 4) * 3_600;
            let (start, end) = (time(start), time(start + 4 * 3_600));
            Rest::get(format!(
                "/v1/vehicles?lat={lat:.4}&lng={lng:.4}&radius=5&start_datetime={start}&end_datetime={end}"
            ))
        })
        .collect();
    Ok(vec![rest(bench, "search, 50 hits, REST", &requests).await?])
}

/// The caller's account, over native gRPC.
pub async fn me(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let (url, token) = (method(&bench.running.gateway, "GetMe"), bench.token(0));
    load::check_grpc(&url, Some(&token)).await?;
    let (folder, seconds) = (bench.folder.clone(), bench.seconds);
    let load = load::h2load(&folder, &url, &[], Some(&token), seconds);
    Ok(vec![bench.measure("GetMe, gRPC", load).await?])
}

/// The key set, over native gRPC: the gateway's own cost, beside nginx in front of the same service.
pub async fn jwks(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let url = method(&bench.running.gateway, "GetJwks");
    load::check_grpc(&url, None).await?;
    let (folder, seconds) = (bench.folder.clone(), bench.seconds);
    let load = load::h2load(&folder, &url, &[], None, seconds);
    let mut rows = vec![bench.measure("GetJwks, gRPC", load).await?];
    if let Some(fleet) = bench.running.fleet() {
        let auth = Replica {
            service: "auth",
            number: 0,
        };
        let upstream = fleet.server(auth)?.to_string();
        let nginx = Nginx::start(&folder, &fleet.dependencies().ca, &upstream).await?;
        let url = method(&nginx.url, "GetJwks");
        load::check_grpc(&url, None).await?;
        let load = load::h2load(&folder, &url, &[], None, seconds);
        rows.push(
            bench
                .measure("GetJwks through nginx instead of the gateway", load)
                .await?,
        );
    }
    Ok(rows)
}

async fn rest(bench: &mut Bench<'_>, name: &str, requests: &[Rest]) -> Result<Measured> {
    let (folder, gateway, seconds) = (bench.folder.clone(), bench.running.gateway.clone(), bench.seconds);
    load::wrk(&folder, &gateway, requests, CONNECTIONS, 1).await?;
    let load = load::wrk(&folder, &gateway, requests, CONNECTIONS, seconds);
    bench.measure(name, load).await
}

fn method(url: &str, name: &str) -> String {
    format!("{url}/carshare.auth.v1.AuthService/{name}")
}

/// Formats a Unix time for a query.
pub fn time(seconds: i64) -> String {
    carshare_chassis::proto_types::to_datetime(Some(prost_types::Timestamp { seconds, nanos: 0 }))
        .map_or_else(String::new, |time| time.format("%Y-%m-%dT%H:%M:%SZ").to_string())
}
