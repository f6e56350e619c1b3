//! Publishes the events of settlements, in the transaction of the change.

use carshare_chassis::proto_types::timestamp;
use carshare_proto::payment::v1 as pb;
use carshare_store::Tx;

use crate::domain::settlement::{Settlement, Transfer};

/// Publishes `settlement.created`: the host is to be paid.
pub fn created(tx: &Tx, settlement: &Settlement) {
    tx.publish(&pb::SettlementCreated {
        settlement_id: settlement.id.to_string(),
        host_id: settlement.host_id.to_string(),
        amount: settlement.amount_krw,
        payment_count: settlement.payment_count,
        created_at: Some(timestamp(settlement.created_at)),
    });
}

/// Publishes `settlement.paid`.
pub fn paid(tx: &Tx, settlement: &Settlement, transfer: &Transfer) {
    tx.publish(&pb::SettlementPaid {
        settlement_id: settlement.id.to_string(),
        host_id: settlement.host_id.to_string(),
        amount: settlement.amount_krw,
        transfer_reference: transfer.reference.clone(),
        paid_at: Some(timestamp(transfer.paid_at)),
    });
}
