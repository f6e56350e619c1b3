//! The database server is lost with its disk, in the middle of the work. It is restored from the base backup and the log that was
//! received as it was written.

use carshare_testkit::eventually_true;
use tokio::time::Instant;

use super::{Drill, RUN_LIMIT, guests, operator};
use crate::harness::{Deployment as _, next_slot};
use crate::load::{self, Journal, Run};

const BOOKINGS: usize = 25;

#[tokio::test(flavor = "multi_thread")]
async fn lost_server_is_restored_without_the_loss_of_an_accepted_request() {
    let mut drill = Drill::start().await;
    let mut receiver = drill.backup.stream().await;
    let (journal, run) = (Journal::default(), Run::until(Instant::now() + RUN_LIMIT));
    let (setup, backup) = (&mut drill.setup, &drill.backup);

    let disaster = async {
        eventually_true(RUN_LIMIT, async || journal.accepted_bookings() >= BOOKINGS).await;
        backup.lose_server(&setup.mesh).await;
        let begun = Instant::now();
        operator::stop(&mut setup.mesh, None);
        receiver.kill_9().expect("a receiver");
        backup.restore(&setup.mesh, "").await;
        let restored = begun.elapsed();
        operator::after_restore(&setup.mesh, &["auth", "vehicle", "booking", "payment"]).await;
        operator::start(&mut setup.mesh, None).await;
        setup.guest.request(&setup.car, next_slot(setup.mesh.now())).await;
        println!("RTO {:?}, of which the restore {restored:?}", begun.elapsed());
        run.stop();
    };
    tokio::join!(guests(&drill.workload, 1, &journal, &run), disaster);

    // Nothing that was answered is lost: commits waited for the receiver. What was not answered was repeated.
    let found = load::settle(&drill.setup.mesh, &journal).await;
    assert!(found.is_empty(), "{found:#?}");
    assert_eq!(journal.unexpected_responses(), Vec::<String>::new());
    println!(
        "RPO 0: all {} accepted bookings are there",
        journal.accepted_bookings()
    );
    journal.print();
}
