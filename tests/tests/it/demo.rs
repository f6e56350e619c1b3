//! `carshare demo`: a rental of two weeks on a mesh with a movable clock, which is as long as it takes.

use carshare_chassis::Environment;
use carshare_mesh::{Mesh, Options, demo};

#[tokio::test(flavor = "multi_thread")]
async fn demo_plays_a_rental_of_two_weeks() {
    let options = Options::temporary().with_environment(Environment::movable());
    let mesh = Mesh::start(options).await.expect("a mesh");
    let (gateway, sandbox) = (mesh.gateway(), mesh.sandbox().url());
    demo::load(gateway, sandbox, None).await.expect("demo data");
    let auth = mesh.auth_config().expect("a configuration");
    demo::create_admin(&auth, mesh.environment().clone())
        .await
        .expect("an administrator");
    let timeline = demo::play_rental(gateway, sandbox).await.expect("a rental");
    let steps = [
        "– → pending, payment none, by guest",
        "pending → approved, payment pending, by host",
        "payment: due",
        "payment: captured",
        "approved → approved, payment paid, by payment",
        "approved → active, payment paid, by guest",
        "active → active, payment paid, by payment (extended)",
        "active → completed, payment paid, by host",
        "completed → completed, payment paid, by host (claim_filed)",
        "completed → completed, payment paid, by guest (claim_approved)",
        "completed → completed, payment paid, by guest (claim_objected)",
        "completed → completed, payment paid, by admin (claim_approved)",
        "completed → completed, payment paid, by payment (claim_paid)",
        "notified: booking.claim_filed",
        "paid out: ",
        "notified: booking.change_applied",
        "notified: booking.confirmed",
    ];
    for step in steps {
        assert!(
            timeline.iter().any(|line| line.contains(step)),
            "{step}: {timeline:#?}"
        );
    }
    mesh.stop().await.expect("a graceful end");
}
