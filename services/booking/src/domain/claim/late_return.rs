//! The fee of a late return: time from the end of the rental by started half hours, at a percentage of the hourly rate.

use chrono::{DateTime, Utc};

use super::{Claim, ClaimKind, ClaimRules};
use crate::domain::handover::{Chain, Content, Phase};
use crate::domain::{Booking, ClaimId, Party, Period};

impl Claim {
    /// Returns the claim for the late return of a rental that has just been completed; `None` if the car came back within the grace period.
    ///
    /// The car was back when the guest recorded the last entry of its return, at the first entry of the host, who had it then, or at the
    /// completion, whichever was first: a guest does not depend on when the host completes the rental. A confirmation says when the guest
    /// has read the report, not when the car was back. Of a guest who has recorded the return in advance, the host can claim the time.
    pub fn of_late_return(
        id: ClaimId,
        booking: &Booking,
        chain: &Chain,
        rules: &ClaimRules,
        completed_at: DateTime<Utc>,
    ) -> Option<Self> {
        let mut recorded = chain
            .entries()
            .iter()
            .filter(|sealed| sealed.entry.phase == Phase::Return);
        let by_host = recorded.clone().find(|sealed| sealed.entry.party == Party::Host);
        let by_guest = recorded.rfind(|sealed| {
            sealed.entry.party == Party::Guest
                && !matches!(sealed.entry.content, Content::Confirmation { .. })
        });
        let shown = by_host.into_iter().chain(by_guest);
        let first = shown.min_by_key(|sealed| sealed.entry.recorded_at);
        let returned_at = first.map_or(completed_at, |sealed| sealed.entry.recorded_at.min(completed_at));
        if !is_late(booking, rules, returned_at) {
            return None;
        }
        let fee_krw = late_fee_krw(booking, rules, returned_at)?;
        let object_by = completed_at + rules.object_within;
        Some(Self {
            evidence: first.map(|sealed| sealed.hash).into_iter().collect(),
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
