//! What the operator does to the processes and at the provider.

use carshare_mesh::Fleet;
use carshare_mesh::dependencies::SERVICES;
use carshare_sandbox::PaymentStatus;
use carshare_testkit::TempDir;
use carshare_testkit::process::{Binary, Launch, built};
use reqwest::Method;
use serde_json::json;

use crate::harness::{Rest, TIMEOUT};

/// Stops every process, or all of one service, at once: there is no database to drain to.
pub fn stop(fleet: &mut Fleet, service: Option<&str>) {
    for replica in fleet.replicas() {
        if service.is_none_or(|service| service == replica.service) {
            fleet.kill(replica).expect("it runs");
        }
    }
}

/// Starts them again.
pub async fn start(fleet: &mut Fleet, service: Option<&str>) {
    for replica in fleet.replicas() {
        if service.is_none_or(|service| service == replica.service) {
            fleet.spawn(replica).expect("a start");
        }
    }
    fleet.ready().await.expect("the gateways are ready");
}

/// Runs `carshare after-restore`, which succeeds.
pub async fn after_restore(fleet: &Fleet, services: &[&str]) {
    let (is_done, output) = try_after_restore(fleet, services).await;
    assert!(is_done, "{output}");
}

/// Runs `carshare after-restore`; whether it succeeds, and its output.
pub async fn try_after_restore(fleet: &Fleet, services: &[&str]) -> (bool, String) {
    let dependencies = fleet.dependencies();
    let url = |service: &&str| {
        let url = dependencies.database_url(service).expect("a URL");
        (format!("{}__DATABASE__URL", service.to_uppercase()), url)
    };
    // As containers have it.
    let folder = TempDir::create("after-restore").expect("a folder");
    let file = folder.path().join("redis-url");
    std::fs::write(&file, dependencies.redis_url()).expect("a file");
    let redis = ("GATEWAY__REDIS__URL_FILE".to_owned(), file.display().to_string());
    let args = ["after-restore"].iter().chain(services);
    let launch = Launch {
        args: args.map(|&arg| arg.to_owned()).collect(),
        env: SERVICES.iter().map(url).chain([redis]).collect(),
        dir: None,
    };
    let carshare = built("carshare").expect("`make test` builds the binaries first");
    let mut command = Binary::spawn(carshare, launch).expect("a start");
    let status = command.wait(TIMEOUT).await.expect("an end");
    (status.success(), command.logs().tail())
}

/// Refunds, on the provider's dashboard, what it has captured for orders of no booking, and returns how many there were.
pub async fn refund_lost(fleet: &Fleet, is_lost: impl Fn(&str) -> bool) -> usize {
    let (sandbox, mut refunded) = (Rest::at(fleet.sandbox().url()), 0);
    for payment in fleet.sandbox().payments() {
        let is_captured = matches!(
            payment.status,
            PaymentStatus::Done | PaymentStatus::PartialCanceled
        );
        if !is_captured || payment.balance_amount == 0 || !is_lost(&payment.order_id) {
            continue;
        }
        let secret = carshare_sandbox::Config::default().toss_secret_key;
        let path = format!("/toss/v1/payments/{}/cancel", payment.payment_key);
        let body = json!({ "cancelReason": "예약 기록 유실", "cancelAmount": payment.balance_amount });
        let request = sandbox.request(Method::POST, &path).basic_auth(secret, Some(""));
        let response = request.json(&body).send().await.expect("a response");
        assert!(response.status().is_success(), "{}", response.status());
        refunded += 1;
    }
    refunded
}
