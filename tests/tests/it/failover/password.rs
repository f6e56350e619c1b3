//! The password of a service's database role changes under load. Its URL is in a file, which is written first.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use carshare_mesh::Options;
use carshare_testkit::TempDir;

use crate::harness::{Servers, Setup, fault_lasts, start};

#[tokio::test(flavor = "multi_thread")]
async fn repeated_calls_succeed_while_the_database_password_changes() {
    let servers = Servers::start().await;
    let folder = TempDir::create("password").expect("a folder");
    let file = folder.path().join("database-url");
    let change = async |password: &str| {
        std::fs::write(&file, servers.database_url("booking", password)).expect("the folder can be written");
        servers
            .set_password("booking", password)
            .await
            .expect("a session");
    };
    change("first").await;
    let options = Options::temporary()
        .with_env("AUTH__PASSWORDS__BCRYPT_COST", "6")
        .with_env("BOOKING__BOOKING__MAX_OPEN_REQUESTS", "1000")
        .with_env("BOOKING__DATABASE__URL_FILE", &file.display().to_string());
    let setup = Setup::of(start(servers.options(options)).await).await;
    let url = setup.mesh.dependencies().database_url("booking").expect("a URL");
    let known = url
        .split_once("booking:")
        .and_then(|(_, rest)| rest.split_once('@'));
    // The last one is that with which the test reads the schema.
    let (last, _) = known.expect("a URL with a password");
    let path = format!("/v1/bookings/{}", setup.requested().await);

    let stop = AtomicBool::new(false);
    let read = async {
        let (mut reads, mut repeats) = (0, 0);
        while !stop.load(Ordering::Relaxed) {
            if setup.guest.rest.get(&path).await.status != 200 {
                repeats += 1;
                setup.guest.rest.get(&path).await.ok(200);
            }
            reads += 1;
        }
        (reads, repeats)
    };
    let write = async {
        let mut ids = Vec::new();
        while !stop.load(Ordering::Relaxed) {
            // Repeated with its idempotency key until it is answered.
            ids.push(setup.requested().await);
        }
        ids
    };
    let rotate = async {
        for password in ["second", "third", last] {
            change(password).await;
            // Under load: what is tested is what happens meanwhile.
            fault_lasts(Duration::from_secs(3)).await;
        }
        stop.store(true, Ordering::Relaxed);
    };
    let ((reads, repeats), ids, ()) = tokio::join!(read, write, rotate);
    println!("{reads} reads, {repeats} repeated; {} bookings", ids.len());
    for id in &ids {
        setup.guest.booking(id).await;
    }
    setup.assert_consistent().await;
}
