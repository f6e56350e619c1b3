//! Settles hosts: makes the settlements that are due, for `SettlePayments` and the job, and records the bank transfers that paid them.

use std::time::Duration;

use carshare_store::Tx;

use crate::domain::ids::{AdminId, HostId, SettlementId};
use crate::domain::settlement::{Payout, Settlement, Transfer};
use crate::error::Error;
use crate::events::publish_settlements as publish;
use crate::store::{ledger, settlement_items, settlements};

/// Settlements that are made in one transaction, in which the payments of their hosts are locked.
const BATCH_LIMIT: usize = 50;

/// Which settlements are to be made.
#[derive(Clone, Copy, Debug)]
pub struct Due {
    /// `None` for all hosts.
    pub host: Option<HostId>,
    /// How long a payment is kept back after the end of its rental or booking.
    pub hold: Duration,
}

/// Settlements that were made.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    pub settlements: Vec<Settlement>,
    /// Whether settlements of further hosts are due.
    pub has_more: bool,
}

/// A bank transfer that an operator reports.
#[derive(Clone, Debug)]
pub struct TransferReport {
    pub settlement: SettlementId,
    pub reference: String,
    pub admin: AdminId,
}

/// Makes the settlements that are due, at most [`BATCH_LIMIT`]. Hosts are locked in the order of their ids, so that two calls do not wait for
/// each other.
pub async fn create_due(tx: &Tx, due: &Due) -> Result<Batch, Error> {
    let ended_by = tx.now() - due.hold;
    let mut hosts = match due.host {
        Some(host) => vec![host],
        None => settlement_items::list_due_hosts(tx.conn(), ended_by, BATCH_LIMIT + 1).await?,
    };
    let mut batch = Batch {
        has_more: hosts.len() > BATCH_LIMIT,
        ..Default::default()
    };
    hosts.truncate(BATCH_LIMIT);
    for host in hosts {
        settlements::lock_host(tx, host).await?;
        let shares = settlement_items::lock_due(tx, host, ended_by).await?;
        let id = SettlementId(tx.new_id());
        if let Some((settlement, items)) = Settlement::of(id, host, &shares, tx.now()) {
            settlements::insert(tx, &settlement).await?;
            settlement_items::insert_all(tx, id, &items).await?;
            ledger::post_settlement(tx, &settlement).await?;
            publish::created(tx, &settlement);
            batch.settlements.push(settlement);
        }
    }
    Ok(batch)
}

/// Records the bank transfer that paid a settlement, unless it is recorded.
pub async fn complete(tx: &Tx, report: &TransferReport) -> Result<Settlement, Error> {
    let settlement = settlements::lock(tx, report.settlement).await?;
    let mut settlement = settlement.ok_or(Error::SettlementNotFound)?;
    let transfer = Transfer {
        reference: report.reference.clone(),
        paid_at: tx.now(),
        paid_by: report.admin,
    };
    let payout = settlement
        .complete(transfer.clone())
        .map_err(|_| Error::PayoutRecorded)?;
    if payout == Payout::Recorded {
        settlements::update(tx, &settlement).await?;
        settlement_items::set_settled_at(tx, settlement.id, transfer.paid_at).await?;
        ledger::post_payout(tx, &settlement, &transfer).await?;
        publish::paid(tx, &settlement, &transfer);
    }
    Ok(settlement)
}
