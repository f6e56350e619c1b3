//! Creation of bookings.

use anyhow::Result;
use serde_json::json;

use super::{Bench, read};
use crate::data;
use crate::load::{self, Rest};
use crate::report::Measured;

/// More requests than are answered in a second.
const PER_SECOND: u64 = 4_000;
const CONNECTIONS: u32 = 16;

/// Requests of free cars with an idempotency key each, until every event is delivered.
pub async fn create(bench: &mut Bench<'_>) -> Result<Vec<Measured>> {
    let (folder, gateway, seconds) = (bench.folder.clone(), bench.running.gateway.clone(), bench.seconds);
    let warm_up = requests(bench, 0, PER_SECOND);
    load::wrk(&folder, &gateway, &warm_up, CONNECTIONS, 1).await?;
    let requests = requests(bench, PER_SECOND, seconds * PER_SECOND);
    let load = load::wrk(&folder, &gateway, &requests, CONNECTIONS, seconds);
    Ok(vec![
        bench.measure("create booking, with its events", load).await?,
    ])
}

fn requests(bench: &Bench<'_>, skip: u64, count: u64) -> Vec<Rest> {
    let data = bench.data;
    (skip.cast_signed()..(skip + count).cast_signed())
        .map(|number| {
            let (car, day) = (1 + number % data.cars, data.free_day + number / data.cars);
            let start = data.first_day + day * 86_400 + 9 * 3_600;
            Rest {
                method: "POST",
                path: "/v1/bookings".to_owned(),
                token: Some(bench.token(number as usize)),
                idempotency_key: Some(format!("bench-{}-{day}-{car}", data.free_day)),
                body: Some(
                    json!({
                        "vehicle_id": data::id(3, car),
                        "start_datetime": read::time(start),
                        "end_datetime": read::time(start + 4 * 3_600),
                    })
                    .to_string(),
                ),
            }
        })
        .collect()
}
