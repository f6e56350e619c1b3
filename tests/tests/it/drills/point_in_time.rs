//! Somebody drops a table. The database is restored to the moment before.

use tokio::time::Instant;

use super::{Drill, operator};
use crate::harness::{Deployment as _, next_slot};
use crate::load;

const BOOKINGS: usize = 25;
const LOST_BOOKINGS: usize = 10;

#[tokio::test(flavor = "multi_thread")]
async fn database_is_restored_to_the_moment_before_a_table_was_dropped() {
    let mut drill = Drill::start().await;
    let kept = drill.work(1, BOOKINGS).await;
    assert_eq!(load::settle(&drill.setup.mesh, &kept).await, Vec::<String>::new());
    let moment = drill.backup.now().await;
    let lost = drill.work(2, LOST_BOOKINGS).await;
    drill
        .setup
        .sql
        .execute("DROP TABLE booking.bookings CASCADE")
        .await;

    let begun = Instant::now();
    operator::stop(&mut drill.setup.mesh, None);
    drill.backup.flush().await;
    drill.backup.stop_server(&drill.setup.mesh).await;
    drill.backup.restore(&drill.setup.mesh, &moment).await;
    let restored = begun.elapsed();
    operator::after_restore(&drill.setup.mesh, &["auth", "vehicle", "booking", "payment"]).await;
    operator::start(&mut drill.setup.mesh, None).await;
    drill
        .setup
        .guest
        .request(&drill.setup.car, next_slot(drill.setup.mesh.now()))
        .await;
    println!(
        "RTO {:?}, of which the restore {restored:?}; RPO 0: {} bookings before the moment are there, {} after it are lost",
        begun.elapsed(),
        kept.accepted_bookings(),
        lost.accepted_bookings()
    );

    let known = drill
        .setup
        .sql
        .texts("SELECT order_id FROM payment.payments")
        .await;
    let is_lost = |order: &str| !known.iter().any(|known| known == order);
    let refunded = operator::refund_lost(&drill.setup.mesh, is_lost).await;
    println!("{refunded} captures of lost bookings refunded on the provider's dashboard");
    // The provider keeps its record of them.
    let of_provider = |breach: &str| {
        breach.starts_with("provider and payments agree") && breach.contains(" 0 times in payments")
    };
    let found = load::settle_except(&drill.setup.mesh, &kept, of_provider).await;
    assert!(found.is_empty(), "{found:#?}");
    drill.work(3, 5).await;
}
