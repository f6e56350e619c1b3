//! The schema of booking alone is restored to an earlier moment, while the other services go on, as when it has a primary of its own.

use tokio::time::Instant;

use super::{Drill, operator};
use crate::harness::{Deployment as _, next_slot};
use crate::load;

const BOOKINGS: usize = 20;
const LOST_BOOKINGS: usize = 10;

/// The repair of `occupancy_without_booking`, as `docs/OPERATING.md` has it.
const FREE_CARS: &str = "DELETE FROM vehicle.occupancies o WHERE expires_at IS NULL \
                         AND NOT EXISTS (SELECT FROM booking.bookings b WHERE b.id = o.ref_id)";
/// Orders of payments whose booking is lost.
const LOST_ORDERS: &str = "SELECT order_id FROM payment.payments p WHERE NOT EXISTS (SELECT FROM booking.bookings b WHERE b.id = p.booking_id)";

#[tokio::test(flavor = "multi_thread")]
async fn one_schema_is_restored_while_the_other_services_go_on() {
    let mut drill = Drill::start().await;
    let kept = drill.work(1, BOOKINGS).await;
    assert_eq!(load::settle(&drill.setup.mesh, &kept).await, Vec::<String>::new());
    let moment = drill.backup.now().await;
    let lost = drill.work(2, LOST_BOOKINGS).await;
    assert_eq!(load::settle(&drill.setup.mesh, &lost).await, Vec::<String>::new());
    let (is_done, output) = operator::try_after_restore(&drill.setup.mesh, &["booking"]).await;
    assert!(!is_done && output.contains("booking runs"), "{output}");

    let begun = Instant::now();
    operator::stop(&mut drill.setup.mesh, Some("booking"));
    drill.backup.flush().await;
    drill.backup.replace_schema("booking", &moment).await;
    operator::after_restore(&drill.setup.mesh, &["booking"]).await;
    operator::start(&mut drill.setup.mesh, Some("booking")).await;
    drill
        .setup
        .guest
        .request(&drill.setup.car, next_slot(drill.setup.mesh.now()))
        .await;
    println!(
        "RTO {:?}, {} bookings lost",
        begun.elapsed(),
        lost.accepted_bookings()
    );

    drill.setup.sql.execute(FREE_CARS).await;
    let orders = drill.setup.sql.texts(LOST_ORDERS).await;
    let is_lost = |order: &str| orders.iter().any(|lost| lost == order);
    let refunded = operator::refund_lost(&drill.setup.mesh, is_lost).await;
    println!("{refunded} payments of lost bookings refunded on the provider's dashboard");
    let found = load::settle(&drill.setup.mesh, &kept).await;
    assert!(found.is_empty(), "{found:#?}");
    drill.work(3, 5).await;
}
