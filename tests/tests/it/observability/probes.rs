//! Probes of the admin port: alive, ready, measured.

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::{Value, json};

use super::capture::{Admins, CAPTURE, PROCESSES};
use crate::harness::{Response, Rest};

/// What `/livez` and `/readyz` answered, by process.
pub type Probed = BTreeMap<&'static str, [(u16, Value); 2]>;

/// Asks all of them, side by side: who has lost its database answers slowly.
pub async fn ask(admins: &Admins) -> Probed {
    let asked = admins.iter().map(|(name, admin)| async move {
        let rest = Rest::at(admin);
        let of = |answer: Response| (answer.status.as_u16(), answer.body);
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
        let answer = Rest::at(admin).get("/metrics").await;
        assert_eq!(answer.headers["content-type"], "text/plain; version=0.0.4");
        metrics.insert(*name, answer.ok(200).as_str().expect("text").to_owned());
    }
    metrics
}

/// The body of `/readyz` of a service.
pub fn readiness(of_postgres: &str) -> Value {
    json!({ "ready": of_postgres == "ok", "draining": false, "checks": { "postgres": of_postgres } })
}

#[test]
fn whoever_runs_is_alive_and_ready() {
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
