//! The table, pair by pair.

use ClaimStatus::{AwaitingPayment, Objected, Open, Paid, PaymentFailed, Rejected, Withdrawn};
use rstest::rstest;
use strum::VariantArray as _;

use super::*;

/// One row per step: the status after it from `open`, `objected` and `awaiting_payment`. No other status allows a step.
#[rstest]
#[case(Step::Accept, Some(AwaitingPayment), None, None)]
#[case(Step::Object, Some(Objected), None, None)]
#[case(Step::Approve, None, Some(AwaitingPayment), None)]
#[case(Step::Reject, None, Some(Rejected), None)]
#[case(Step::Withdraw, Some(Withdrawn), Some(Withdrawn), None)]
#[case(Step::Capture, None, None, Some(Paid))]
#[case(Step::FailPayment, None, None, Some(PaymentFailed))]
fn every_step_in_every_status(
    #[case] next: Step,
    #[case] of_open: Option<ClaimStatus>,
    #[case] of_objected: Option<ClaimStatus>,
    #[case] of_awaiting_payment: Option<ClaimStatus>,
) {
    for status in ClaimStatus::VARIANTS {
        let expected = match status {
            Open => of_open,
            Objected => of_objected,
            AwaitingPayment => of_awaiting_payment,
            Paid | PaymentFailed | Withdrawn | Rejected => None,
        };
        assert_eq!(step(next, *status), expected, "{next:?} in {status:?}");
    }
}
