//! What is written into the books: signed entries that sum to zero. Positive is debit, negative is credit.

use super::ids::HostId;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountKind {
    /// What others owe us.
    Asset,
    /// What we owe others.
    Liability,
    /// What is ours.
    Revenue,
}

impl AccountKind {
    /// The word in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Asset => "asset",
            Self::Liability => "liability",
            Self::Revenue => "revenue",
        }
    }
}

/// An account of the books.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Account {
    /// Captured by the provider and not yet paid out to us.
    ProviderClearing,
    /// The platform's earnings.
    PlatformFee,
    /// What a host has earned and not yet received.
    HostPayable(HostId),
}

impl Account {
    /// Its unique code.
    pub fn code(self) -> String {
        match self {
            Self::ProviderClearing => "provider_clearing".to_owned(),
            Self::PlatformFee => "platform_fee".to_owned(),
            Self::HostPayable(host) => format!("host_payable:{host}"),
        }
    }

    /// What it is.
    pub fn kind(self) -> AccountKind {
        match self {
            Self::ProviderClearing => AccountKind::Asset,
            Self::PlatformFee => AccountKind::Revenue,
            Self::HostPayable(_) => AccountKind::Liability,
        }
    }
}

/// One side of a posting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Where.
    pub account: Account,
    /// Won, positive for debit.
    pub amount_krw: i64,
}

/// Money that moved, as the books tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Movement {
    /// Whose earnings change.
    pub host: HostId,
    /// Change of the provider's debt to us: positive for a capture, negative for a refund.
    pub gross_krw: i64,
    /// Change of the platform's share, of the same sign.
    pub fee_krw: i64,
}

impl Movement {
    /// Its entries, without those of nothing.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use uuid::Uuid;

    const HOST: HostId = HostId(Uuid::nil());

    #[test]
    fn a_capture_is_owed_by_the_provider_to_the_platform_and_the_host() {
        let entries = Movement {
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
    fn a_side_that_does_not_move_has_no_entry() {
        let entries = Movement {
            host: HOST,
            gross_krw: -1,
            fee_krw: 0,
        }
        .entries();
        assert_eq!(entries.len(), 2);
    }

    proptest! {
        #[test]
        fn every_posting_sums_to_zero(gross in -1_000_000_000i64..1_000_000_000, fee in -1_000_000i64..1_000_000) {
            let entries = Movement { host: HOST, gross_krw: gross, fee_krw: fee }.entries();
            prop_assert_eq!(entries.iter().map(|entry| entry.amount_krw).sum::<i64>(), 0);
        }
    }
}
