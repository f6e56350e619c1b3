//! `carshare serve --all` as a process: configured as the separate binaries are, without certificates and addresses of peers.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use carshare_chassis::{Clock, Environment};
use carshare_mesh::Options;
use carshare_mesh::dependencies::{Dependencies, SERVICES};
use carshare_mesh::service_env::ServiceEnv;
use carshare_testkit::process::{Binary, Launch, built};
use carshare_testkit::{eventually, free_port};
use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use crate::harness::{Deployment, Setup, on_shared_servers};

const WAIT: Duration = Duration::from_mins(1);

struct AllInOne {
    dependencies: Dependencies,
    gateway: SocketAddr,
    admin: SocketAddr,
    env: BTreeMap<String, String>,
    binary: PathBuf,
}

impl AllInOne {
    async fn prepare() -> Self {
        let free = || SocketAddr::from((Ipv4Addr::LOCALHOST, free_port().expect("a free port")));
        let (gateway, admin) = (free(), free());
        let options = on_shared_servers(Options::temporary()).await;
        let dependencies = Dependencies::start(&options).await.expect("servers");
        let webhook = format!("http://{gateway}/v1/payments/webhook");
        dependencies.sandbox.set_webhook_url(Some(webhook));
        let addresses = BTreeMap::from([("gateway", vec![gateway])]);
        let service_env =
            ServiceEnv::new(&options, addresses, &Environment::system().random).expect("a sealing key");
        let all = SERVICES.into_iter().chain(["gateway"]);
        let env = all.flat_map(|name| service_env.env(name, &dependencies).expect("variables"));
        let mut env: BTreeMap<_, _> = env
            .filter(|(key, value)| !key.contains("__TLS__") && !value.starts_with("memory://"))
            .collect();
        env.insert("GATEWAY__ADMIN__LISTEN".to_owned(), admin.to_string());
        Self {
            dependencies,
            gateway,
            admin,
            env,
            binary: built("carshare").expect("`make test` builds the binaries first"),
        }
    }

    fn run(&self, command: &str) -> Binary {
        let launch = Launch {
            args: [command, "--all"].map(str::to_owned).to_vec(),
            env: self.env.clone().into_iter().collect(),
            dir: None,
        };
        Binary::spawn(&self.binary, launch).expect("a process")
    }

    /// Runs a subcommand to its end and returns its exit code.
    async fn code(&self, command: &str) -> Option<i32> {
        self.run(command).wait(WAIT).await.expect("it ends").code()
    }

    async fn readiness(&self) -> Option<Value> {
        let url = format!("http://{}/readyz", self.admin);
        reqwest::get(url).await.ok()?.json().await.ok()
    }
}

impl Deployment for AllInOne {
    fn gateways(&self) -> Vec<String> {
        vec![format!("http://{}", self.gateway)]
    }

    fn dependencies(&self) -> &Dependencies {
        &self.dependencies
    }

    fn now(&self) -> DateTime<Utc> {
        Clock::system().now()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn booking_is_paid_and_refunded_and_the_process_drains() {
    let mesh = AllInOne::prepare().await;
    assert_eq!(mesh.code("migrate").await, Some(0));
    let mut serving = mesh.run("serve");
    let ready = eventually(WAIT, async || {
        mesh.readiness().await.filter(|report| report["ready"] == true)
    });
    let checks = json!({
        "auth": "ok", "booking": "ok", "notification": "ok", "payment": "ok", "vehicle": "ok",
    });
    assert_eq!(ready.await["checks"], checks);
    assert_eq!(mesh.code("healthcheck").await, Some(0));

    let setup = Setup::of(mesh).await;
    let id = setup.confirmed().await;
    setup.guest.cancel(&id).await.ok(200);
    setup.refunded(&id).await;
    setup.assert_consistent().await;

    serving.terminate().unwrap();
    assert!(serving.wait(WAIT).await.unwrap().success());
    let lines = serving.logs().json();
    let drained = lines.iter().filter(|line| line["message"] == "drained");
    let drained: Vec<_> = drained.map(|line| line["service"].clone()).collect();
    assert_eq!(
        (drained.len(), &drained[0]),
        (6, &json!("gateway")),
        "{drained:?}"
    );
    assert_eq!(setup.mesh.code("healthcheck").await, Some(1));
}

#[tokio::test(flavor = "multi_thread")]
async fn check_config_prints_the_peers_in_memory_and_refuses_an_unknown_key() {
    let mut mesh = AllInOne::prepare().await;
    let mut checked = mesh.run("check-config");
    assert!(checked.wait(WAIT).await.unwrap().success());
    let printed = checked.logs().lines().join("\n");
    let config: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(config["booking"]["vehicle"]["uri"], "memory://vehicle");
    assert_eq!(
        config["payment"]["publishers"]["booking"]["uri"],
        "memory://booking"
    );
    assert_eq!(config["gateway"]["peers"]["auth"]["uri"], "memory://auth");
    assert_eq!(config["vehicle"]["identity"]["jwks"]["uri"], "memory://auth");
    mesh.env
        .insert("BOOKING__VEHICLE__URL".to_owned(), "x".to_owned());
    assert_eq!(mesh.code("check-config").await, Some(1));
}
