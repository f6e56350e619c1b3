//! The admin port: `/livez`, `/readyz`, `/metrics`.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use super::capture::{Admins, CAPTURE, PROCESSES};
use crate::harness::{Response, Rest};

/// Responses of `/livez` and `/readyz` by process.
pub type Probed = BTreeMap<&'static str, [(u16, Value); 2]>;

/// Probes all processes concurrently: without a database they response slowly.
pub async fn ask(admins: &Admins) -> Probed {
    let asked = admins.iter().map(|(name, admin)| async move {
        let rest = Rest::at(admin);
        let of = |response: Response| (response.status.as_u16(), response.body);
        (
            *name,
            [of(rest.get("/livez").await), of(rest.get("/readyz").await)],
        )
    });
    join_all(asked).await.into_iter().collect()
}

pub async fn metrics(admins: &Admins) -> BTreeMap<&'static str, String> {
    let mut metrics = BTreeMap::new();
    for (name, admin) in admins {
        let response = Rest::at(admin).get("/metrics").await;
        assert_eq!(response.headers["content-type"], "text/plain; version=0.0.4");
        metrics.insert(*name, response.ok(200).as_str().expect("text").to_owned());
    }
    metrics
}

/// The body of `/readyz` of a service.
pub fn readiness(of_postgres: &str) -> Value {
    json!({ "ready": of_postgres == "ok", "draining": false, "checks": { "clock": "ok", "postgres": of_postgres, "schema": "ok" } })
}

#[test]
fn running_processes_are_live_and_ready() {
    let peers =
        json!({ "auth": "ok", "booking": "ok", "notification": "ok", "payment": "ok", "vehicle": "ok" });
    for name in PROCESSES {
        let ready = match name {
            "gateway" => json!({ "ready": true, "draining": false, "checks": peers }),
            _ => readiness("ok"),
        };
        assert_eq!(CAPTURE.probed[name], [(200, json!("ok")), (200, ready)], "{name}");
    }
}
