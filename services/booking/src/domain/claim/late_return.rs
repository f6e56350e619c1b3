//! The fee of a late return: time from the end of the rental by started half hours, at a percentage of the hourly rate.

use chrono::{DateTime, Utc};

use super::{Claim, ClaimKind, ClaimRules};
use crate::domain::handover::{Chain, Phase};
use crate::domain::{Booking, ClaimId, Party, Period};

impl Claim {
    /// Returns the claim for the late return of a rental that has just been completed; `None` if the car came back within the grace period.
    ///
    /// The car was back when the guest recorded the last entry of its return, or else at the completion: a guest does not depend on when the
    /// host completes the rental. Of a guest who has recorded the return in advance, the host can claim the time.
    pub fn of_late_return(
        id: ClaimId,
        booking: &Booking,
        chain: &Chain,
        rules: &ClaimRules,
        completed_at: DateTime<Utc>,
    ) -> Option<Self> {
        let by_guest = chain
            .entries()
            .iter()
            .rfind(|sealed| sealed.entry.phase == Phase::Return && sealed.entry.party == Party::Guest);
        let returned_at = by_guest.map_or(completed_at, |sealed| sealed.entry.recorded_at.min(completed_at));
        if !is_late(booking, rules, returned_at) {
            return None;
        }
        let fee_krw = late_fee_krw(booking, rules, returned_at)?;
        let object_by = completed_at + rules.object_within;
        Some(Self {
            evidence: by_guest.map(|sealed| sealed.hash).into_iter().collect(),
            returned_at: Some(returned_at),
            ..Self::open(
                id,
                booking,
                ClaimKind::LateReturn,
                fee_krw,
                object_by,
                completed_at,
            )
        })
    }
}

/// Returns whether a car that came back then was late.
pub fn is_late(booking: &Booking, rules: &ClaimRules, returned_at: DateTime<Utc>) -> bool {
    booking.period.end() + rules.late_grace < returned_at
}

/// Returns the fee, rounded half up to the won, and at most what can be claimed. `None` if nothing is left of it.
fn late_fee_krw(booking: &Booking, rules: &ClaimRules, returned_at: DateTime<Utc>) -> Option<i64> {
    let late = Period::new(booking.period.end(), returned_at)?;
    let exact = i128::from(late.started_half_hours())
        * i128::from(booking.price.hourly_rate_krw)
        * i128::from(rules.late_rate_percent);
    let fee = ((exact + 100) / 200).min(i128::from(rules.max_krw));
    i64::try_from(fee).ok().filter(|fee| *fee > 0)
}
