//! Double-entry postings: signed entries that sum to zero. Positive is debit, negative is credit.

use super::ids::HostId;

/// Kind of a ledger account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum AccountKind {
    Asset,
    Liability,
    Revenue,
}

impl AccountKind {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

/// A ledger account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Captured by the provider, less refunds and what was paid to hosts.
    ProviderClearing,
    /// The platform's revenue.
    PlatformFee,
    /// Earned by a host and not settled.
    HostPayable(HostId),
    /// Settled, and not paid to the hosts yet.
    PayoutsInTransit,
}

impl Account {
    /// Returns the account's unique code.
    pub fn code(self) -> String {
        match self {
            Self::ProviderClearing => "provider_clearing".to_owned(),
            Self::PlatformFee => "platform_fee".to_owned(),
            Self::HostPayable(host) => format!("host_payable:{host}"),
            Self::PayoutsInTransit => "payouts_in_transit".to_owned(),
        }
    }

    /// Returns the account's kind.
    pub fn kind(self) -> AccountKind {
        match self {
            Self::ProviderClearing => AccountKind::Asset,
            Self::PlatformFee => AccountKind::Revenue,
            Self::HostPayable(_) | Self::PayoutsInTransit => AccountKind::Liability,
        }
    }
}

/// One entry of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    pub account: Account,
    /// Positive for debit, negative for credit.
    pub amount_krw: i64,
}

/// A capture or refund to post.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Posting {
    pub host: HostId,
    /// Change of what the provider owes the platform: positive for a capture, negative for a refund.
    pub gross_krw: i64,
    /// Change of the platform fee, of the same sign.
    pub fee_krw: i64,
}

impl Posting {
    /// Returns the entries, without those of amount zero.
    pub fn entries(&self) -> Vec<Entry> {
        let entry = |account, amount_krw| Entry { account, amount_krw };
        let mut entries = vec![
            entry(Account::ProviderClearing, self.gross_krw),
            entry(Account::PlatformFee, -self.fee_krw),
            entry(Account::HostPayable(self.host), self.fee_krw - self.gross_krw),
        ];
        entries.retain(|entry| entry.amount_krw != 0);
        entries
    }
}

/// Returns the entries of a settlement: what the host has earned becomes what is to be transferred.
pub fn settlement_entries(host: HostId, amount_krw: i64) -> Vec<Entry> {
    transfer(Account::HostPayable(host), Account::PayoutsInTransit, amount_krw)
}

/// Returns the entries of a payout: what was to be transferred has left.
pub fn payout_entries(amount_krw: i64) -> Vec<Entry> {
    transfer(Account::PayoutsInTransit, Account::ProviderClearing, amount_krw)
}

fn transfer(debit: Account, credit: Account, amount_krw: i64) -> Vec<Entry> {
    let entry = |account, amount_krw| Entry { account, amount_krw };
    vec![entry(debit, amount_krw), entry(credit, -amount_krw)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const HOST: HostId = HostId(Uuid::nil());

    #[test]
    fn capture_debits_the_provider_and_credits_platform_and_host() {
        let entries = Posting {
            host: HOST,
            gross_krw: 45_000,
            fee_krw: 6_750,
        }
        .entries();
        let amounts: Vec<_> = entries
            .iter()
            .map(|entry| (entry.account.code(), entry.amount_krw))
            .collect();
        let expected = [
            ("provider_clearing".to_owned(), 45_000),
            ("platform_fee".to_owned(), -6_750),
            (format!("host_payable:{HOST}"), -38_250),
        ];
        assert_eq!(amounts, expected);
    }

    #[test]
    fn settlement_and_payout_leave_nothing_in_transit() {
        let mut balances = std::collections::BTreeMap::new();
        let settled = settlement_entries(HOST, 38_250);
        for entry in settled.into_iter().chain(payout_entries(38_250)) {
            *balances.entry(entry.account.code()).or_insert(0) += entry.amount_krw;
        }
        let expected = [
            (format!("host_payable:{HOST}"), 38_250),
            ("payouts_in_transit".to_owned(), 0),
            ("provider_clearing".to_owned(), -38_250),
        ];
        assert_eq!(balances.into_iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn omits_entries_of_zero() {
        let entries = Posting {
            host: HOST,
            gross_krw: -1,
            fee_krw: 0,
        }
        .entries();
        assert_eq!(entries.len(), 2);
    }

    proptest! {
        #[test]
        fn entries_sum_to_zero(gross in -1_000_000_000i64..1_000_000_000, fee in -1_000_000i64..1_000_000) {
            let entries = Posting { host: HOST, gross_krw: gross, fee_krw: fee }.entries();
            prop_assert_eq!(entries.iter().map(|entry| entry.amount_krw).sum::<i64>(), 0);
        }
    }
}
