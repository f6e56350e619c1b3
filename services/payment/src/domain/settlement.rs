//! Settlements: what a host is paid of their payments by one bank transfer.
//!
//! Each item settles the difference between the host's share of a payment and what earlier settlements have settled of it, so that a refund
//! after a settlement is corrected by the next one.

use chrono::{DateTime, Utc};

use super::ids::{AdminId, HostId, PaymentId, SettlementId};

/// What is settled of a host, and how it was paid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    pub id: SettlementId,
    pub host_id: HostId,
    /// Sum of the items, above zero.
    pub amount_krw: i64,
    /// Number of the items.
    pub payment_count: i64,
    pub transfer: Option<Transfer>,
    pub created_at: DateTime<Utc>,
}

/// The bank transfer that paid a settlement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// By which the bank finds it.
    pub reference: String,
    /// When, and by which admin, it was reported.
    pub paid_at: DateTime<Utc>,
    pub paid_by: AdminId,
}

/// State of a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, strum::IntoStaticStr, strum::EnumString, strum::VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum State {
    /// To be paid.
    Created,
    Paid,
}

/// A payment of which something is to be settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    pub payment_id: PaymentId,
    /// Captured.
    pub amount_krw: i64,
    pub refunded_krw: i64,
    /// The platform's share.
    pub fee_krw: i64,
    /// What earlier settlements have settled.
    pub settled_krw: i64,
    /// Number of earlier items.
    pub items: i32,
}

/// What a settlement pays of one payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    pub payment_id: PaymentId,
    /// Position among the items of the payment, from 1.
    pub number: i32,
    /// Refunds of the payment at the time of the settlement.
    pub refunded_krw: i64,
    /// The platform's share at the time of the settlement.
    pub fee_krw: i64,
    pub settled_before_krw: i64,
    /// Settled afterwards: the host's share at the time of the settlement.
    pub settled_krw: i64,
}

/// What a reported bank transfer was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Payout {
    /// The first report of it.
    Recorded,
    /// A repeated report.
    Duplicate,
}

/// The settlement was paid by a bank transfer with another reference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OtherTransfer;

impl Share {
    /// Returns the item that settles the rest of the host's share; `None` if nothing is left.
    fn item(&self) -> Option<Item> {
        let item = Item {
            payment_id: self.payment_id,
            number: self.items + 1,
            refunded_krw: self.refunded_krw,
            fee_krw: self.fee_krw,
            settled_before_krw: self.settled_krw,
            settled_krw: self.amount_krw - self.refunded_krw - self.fee_krw,
        };
        (item.amount_krw() != 0).then_some(item)
    }
}

impl Item {
    /// Returns what the settlement pays of the payment; negative after a refund of what was settled.
    pub fn amount_krw(&self) -> i64 {
        self.settled_krw - self.settled_before_krw
    }
}

impl Settlement {
    /// Creates the settlement of these payments, and its items. `None` if the host would not be paid anything: the items are then part of a
    /// later settlement.
    pub fn of(
        id: SettlementId,
        host_id: HostId,
        shares: &[Share],
        now: DateTime<Utc>,
    ) -> Option<(Self, Vec<Item>)> {
        let items: Vec<Item> = shares.iter().filter_map(Share::item).collect();
        let settlement = Self {
            id,
            host_id,
            amount_krw: items.iter().map(Item::amount_krw).sum(),
            payment_count: items.len() as i64,
            transfer: None,
            created_at: now,
        };
        (settlement.amount_krw > 0).then_some((settlement, items))
    }

    /// Records the bank transfer that paid it.
    pub fn complete(&mut self, transfer: Transfer) -> Result<Payout, OtherTransfer> {
        match &self.transfer {
            Some(recorded) if recorded.reference == transfer.reference => Ok(Payout::Duplicate),
            Some(_) => Err(OtherTransfer),
            None => {
                self.transfer = Some(transfer);
                Ok(Payout::Recorded)
            }
        }
    }

    /// Returns its state.
    pub fn state(&self) -> State {
        match self.transfer {
            Some(_) => State::Paid,
            None => State::Created,
        }
    }
}

impl State {
    /// Returns the value of the column.
    pub fn as_str(self) -> &'static str {
        self.into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::money::fee_of;

    const ID: SettlementId = SettlementId(Uuid::nil());
    const HOST: HostId = HostId(Uuid::nil());

    fn share(amount_krw: i64, refunded_krw: i64, settled_krw: i64) -> Share {
        Share {
            payment_id: PaymentId(Uuid::nil()),
            amount_krw,
            refunded_krw,
            fee_krw: fee_of(amount_krw - refunded_krw),
            settled_krw,
            items: i32::from(settled_krw != 0),
        }
    }

    fn settle(shares: &[Share]) -> Option<(i64, Vec<i64>)> {
        let (settlement, items) = Settlement::of(ID, HOST, shares, DateTime::UNIX_EPOCH)?;
        assert_eq!(settlement.payment_count as usize, items.len());
        Some((
            settlement.amount_krw,
            items.iter().map(Item::amount_krw).collect(),
        ))
    }

    #[test]
    fn settlement_sums_what_is_not_settled_of_the_hosts_shares() {
        let table = [
            (vec![share(45_000, 0, 0)], Some((38_250, vec![38_250]))),
            (vec![share(33_333, 0, 0)], Some((28_333, vec![28_333]))),
            (
                vec![share(45_000, 20_000, 38_250), share(45_000, 0, 0)],
                Some((21_250, vec![-17_000, 38_250])),
            ),
            (
                vec![share(45_000, 0, 38_250), share(10, 0, 0)],
                Some((8, vec![8])),
            ),
            (vec![share(45_000, 0, 38_250)], None),
            (vec![share(45_000, 20_000, 38_250)], None),
            (vec![share(45_000, 45_000, 38_250), share(45_000, 0, 0)], None),
            (vec![], None),
        ];
        for (shares, expected) in table {
            assert_eq!(settle(&shares), expected, "{shares:?}");
        }
    }

    #[test]
    fn item_follows_the_one_before_it() {
        let (_, items) =
            Settlement::of(ID, HOST, &[share(45_000, 20_000, 8_000)], DateTime::UNIX_EPOCH).unwrap();
        let expected = Item {
            payment_id: PaymentId(Uuid::nil()),
            number: 2,
            refunded_krw: 20_000,
            fee_krw: 3_750,
            settled_before_krw: 8_000,
            settled_krw: 21_250,
        };
        assert_eq!(items, [expected]);
    }

    #[test]
    fn settlement_is_paid_by_one_transfer() {
        let (mut settlement, _) =
            Settlement::of(ID, HOST, &[share(45_000, 0, 0)], DateTime::UNIX_EPOCH).unwrap();
        let transfer = |reference: &str, days| Transfer {
            reference: reference.to_owned(),
            paid_at: DateTime::UNIX_EPOCH + chrono::TimeDelta::days(days),
            paid_by: AdminId(Uuid::from_u128(7)),
        };
        assert_eq!(settlement.state(), State::Created);
        assert_eq!(settlement.complete(transfer("T-1", 1)), Ok(Payout::Recorded));
        assert_eq!(settlement.state(), State::Paid);
        assert_eq!(settlement.complete(transfer("T-1", 2)), Ok(Payout::Duplicate));
        assert_eq!(settlement.complete(transfer("T-2", 2)), Err(OtherTransfer));
        assert_eq!(settlement.transfer, Some(transfer("T-1", 1)));
    }

    proptest! {
        /// Whatever is refunded in between, all settlements together settle the host's share.
        #[test]
        fn settlements_add_up_to_the_share(amount in 1i64..10_000_000, refunds in prop::collection::vec(0.0f64..0.5, 0..6)) {
            let (mut refunded, mut settled, mut paid) = (0, 0, 0);
            for refund in refunds.into_iter().chain([0.0]) {
                refunded += ((amount - refunded) as f64 * refund) as i64;
                if let Some(item) = share(amount, refunded, settled).item() {
                    paid += item.amount_krw();
                    settled = item.settled_krw;
                }
                prop_assert_eq!(paid, amount - refunded - fee_of(amount - refunded));
                prop_assert_eq!(settled, paid);
            }
        }
    }
}
