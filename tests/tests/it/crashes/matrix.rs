//! Every service, killed with signal 9 at every moment of the journey and started again: the journey completes, one charge,
//! one refund, everybody told once, the car free, nothing left behind.

use rstest::rstest;

use super::kill_points::{Crash, MOMENTS};
use super::setup::{EVERYBODY, Setup};

#[rstest]
#[case::auth(&["auth"])]
#[case::vehicle(&["vehicle"])]
#[case::booking(&["booking"])]
#[case::payment(&["payment"])]
#[case::notification(&["notification"])]
#[case::gateway(&["gateway"])]
#[case::those_with_the_money(&["booking", "payment"])]
#[case::everybody(&EVERYBODY)]
#[tokio::test(flavor = "multi_thread")]
async fn the_journey_survives_the_death_of(#[case] victims: &'static [&'static str]) {
    let mut stage = Setup::set().await;
    for moment in MOMENTS {
        stage.play(Crash { moment, victims }).await;
    }
}
