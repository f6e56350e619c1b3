//! The table, pair by pair.

use ChangeStatus::{
    Applied, AwaitingPayment, Cancelled, Declined, Expired, PaymentFailed, Requested, Withdrawn,
};
use rstest::rstest;
use strum::VariantArray as _;

use super::*;

/// One row per step: the status after it from `requested` and from `awaiting_payment`. No other status allows a step.
#[rstest]
#[case(Step::Accept, Some(Applied), None)]
#[case(Step::AcceptCharged, Some(AwaitingPayment), None)]
#[case(Step::Decline, Some(Declined), None)]
#[case(Step::Withdraw, Some(Withdrawn), None)]
#[case(Step::Expire, Some(Expired), None)]
#[case(Step::Capture, None, Some(Applied))]
#[case(Step::FailPayment, None, Some(PaymentFailed))]
#[case(Step::Cancel, Some(Cancelled), Some(Cancelled))]
fn every_step_in_every_status(
    #[case] next: Step,
    #[case] of_requested: Option<ChangeStatus>,
    #[case] of_awaiting_payment: Option<ChangeStatus>,
) {
    for status in ChangeStatus::VARIANTS {
        let expected = match status {
            Requested => of_requested,
            AwaitingPayment => of_awaiting_payment,
            _ => None,
        };
        assert_eq!(step(next, *status), expected, "{next:?} in {status:?}");
    }
}

#[test]
fn open_statuses_are_those_that_a_step_leaves() {
    for status in ChangeStatus::VARIANTS {
        let can_go_on = Step::VARIANTS.iter().any(|next| step(*next, *status).is_some());
        assert_eq!(status.is_open(), can_go_on, "{status:?}");
    }
}
