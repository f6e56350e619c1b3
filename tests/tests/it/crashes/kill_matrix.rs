//! Every service, killed at every point of the journey and started again: the journey completes with one charge, one refund, one
//! notification of each kind and a free car.

use rstest::rstest;

use super::kill::{ALL_SERVICES, Kill, fleet};
use super::kill_points::{Crash, KILL_POINTS};

#[rstest]
#[case::of_auth(Kill::all(&["auth"]))]
#[case::of_vehicle(Kill::all(&["vehicle"]))]
#[case::of_one_vehicle(Kill::one(&["vehicle"]))]
#[case::of_booking(Kill::all(&["booking"]))]
#[case::of_one_booking(Kill::one(&["booking"]))]
#[case::of_payment(Kill::all(&["payment"]))]
#[case::of_one_payment(Kill::one(&["payment"]))]
#[case::of_notification(Kill::all(&["notification"]))]
#[case::of_gateway(Kill::all(&["gateway"]))]
#[case::of_booking_and_payment(Kill::all(&["booking", "payment"]))]
#[case::of_one_of_each(Kill::one(&ALL_SERVICES))]
#[case::of_everything(Kill::all(&ALL_SERVICES))]
#[tokio::test(flavor = "multi_thread")]
async fn journey_completes_after_kill(#[case] kill: Kill<'static>) {
    let mut setup = fleet().await;
    for kill_point in KILL_POINTS {
        setup.run_journey(Crash { kill_point, kill }).await;
    }
}
