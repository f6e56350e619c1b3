//! The tables, pair by pair.

use CancellationReason::{Expired, HoldLost, NoShow, PaymentFailed, PaymentOverdue};
use Status::{Active, Approved, Cancelled, Completed};
use rstest::rstest;
use strum::VariantArray as _;

use super::*;

/// One row per command, one column per state in the order of [`State::VARIANTS`]: the new status, or `None` for a refusal.
#[rstest]
#[case(Command::Approve, [Some(Approved), None, None, None, None, None, None])]
#[case(Command::Reject, [Some(Status::Rejected), None, None, None, None, None, None])]
#[case(Command::Cancel(Party::Guest), [Some(Cancelled), Some(Cancelled), Some(Cancelled), None, None, None, None])]
#[case(Command::Cancel(Party::Host), [None, Some(Cancelled), Some(Cancelled), None, None, None, None])]
#[case(Command::Start, [None, None, Some(Active), None, None, None, None])]
#[case(Command::Complete, [None, None, None, None, Some(Completed), None, None])]
fn every_command_in_every_state(#[case] command: Command, #[case] expected: [Option<Status>; 7]) {
    for (state, expected) in State::VARIANTS.iter().zip(expected) {
        let refusal = match (command, state) {
            (Command::Start, State::AwaitingPayment) => Refusal::NotPaid,
            _ => Refusal::WrongState {
                from: state.status(),
                to: command.target(),
            },
        };
        assert_eq!(
            transition(command, *state),
            expected.ok_or(refusal),
            "{command:?} in {state:?}"
        );
    }
}

const IGNORE: Reaction = Reaction::Ignore;
const SETTLE: Reaction = Reaction::Settle;

/// One row per event, one column per state in the order of [`State::VARIANTS`].
#[rstest]
#[case(ExternalEvent::Unanswered, [Reaction::Cancel(Expired), IGNORE, IGNORE, IGNORE, IGNORE, IGNORE, IGNORE])]
#[case(ExternalEvent::Unpaid, [IGNORE, Reaction::Cancel(PaymentOverdue), IGNORE, IGNORE, IGNORE, IGNORE, IGNORE])]
#[case(ExternalEvent::NotStarted, [IGNORE, IGNORE, Reaction::Cancel(NoShow), IGNORE, IGNORE, IGNORE, IGNORE])]
#[case(ExternalEvent::Overdue, [IGNORE, IGNORE, IGNORE, IGNORE, Reaction::Complete, IGNORE, IGNORE])]
#[case(ExternalEvent::CapturedTooLate, [IGNORE, Reaction::Cancel(PaymentOverdue), SETTLE, IGNORE, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::PartlyRefunded, [IGNORE, SETTLE, SETTLE, IGNORE, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::Captured, [IGNORE, Reaction::Confirm, SETTLE, IGNORE, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::Declined, [IGNORE, Reaction::Cancel(PaymentFailed), SETTLE, IGNORE, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::Refunded, [IGNORE, Reaction::Cancel(PaymentFailed), Reaction::Cancel(PaymentFailed), IGNORE, SETTLE, SETTLE, SETTLE])]
#[case(ExternalEvent::HoldLost, [Reaction::Cancel(HoldLost), Reaction::Cancel(HoldLost), Reaction::Cancel(HoldLost), IGNORE, IGNORE, IGNORE, IGNORE])]
fn every_event_in_every_state(#[case] event: ExternalEvent, #[case] expected: [Reaction; 7]) {
    for (state, expected) in State::VARIANTS.iter().zip(expected) {
        assert_eq!(reaction(event, *state), expected, "{event:?} in {state:?}");
    }
}
