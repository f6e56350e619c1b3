//! Conversions between claims and rows. A row that does not convert is a defect.

use anyhow::{Context as _, Result, ensure};

use super::Model;
use crate::domain::claim::{Claim, Decision, Objection};
use crate::domain::handover::Digest;
use crate::domain::{BookingId, ClaimId, UserId};
use crate::error::Error;

pub(super) fn claim(row: Model) -> Result<Claim, Error> {
    let id = row.id;
    read(row)
        .with_context(|| format!("row of claim {id}"))
        .map_err(Error::internal)
}

fn read(row: Model) -> Result<Claim> {
    let evidence: Vec<String> = serde_json::from_value(row.evidence).context("evidence")?;
    let evidence = evidence
        .iter()
        .map(|hash| hash.parse())
        .collect::<Result<Vec<Digest>, _>>()?;
    ensure!(
        row.decided_by.is_some() == row.decided_at.is_some(),
        "a decision without its admin"
    );
    Ok(Claim {
        id: ClaimId(row.id),
        booking_id: BookingId(row.booking_id),
        guest_id: UserId(row.guest_id),
        host_id: UserId(row.host_id),
        version: row.version,
        kind: row.kind.parse().context(row.kind)?,
        status: row.status.parse().context(row.status)?,
        claimed_krw: row.claimed_krw,
        approved_krw: row.approved_krw,
        description: row.description,
        evidence,
        returned_at: row.returned_at,
        objection: row.objected_at.map(|objected_at| Objection {
            text: row.objection,
            objected_at,
        }),
        decision: row
            .decided_at
            .zip(row.decided_by)
            .map(|(decided_at, admin)| Decision {
                reason: row.decision_reason,
                admin: UserId(admin),
                decided_at,
            }),
        object_by: row.object_by,
        payment_due_at: row.payment_due_at,
        refunded_krw: row.refunded_krw,
        created_at: row.created_at,
        updated_at: row.updated_at,
    })
}

pub(super) fn model(claim: &Claim) -> Model {
    let evidence: Vec<String> = claim.evidence.iter().map(Digest::to_string).collect();
    let (objection, decision) = (claim.objection.as_ref(), claim.decision.as_ref());
    Model {
        id: claim.id.0,
        booking_id: claim.booking_id.0,
        guest_id: claim.guest_id.0,
        host_id: claim.host_id.0,
        version: claim.version,
        kind: claim.kind.as_str().to_owned(),
        status: claim.status.as_str().to_owned(),
        claimed_krw: claim.claimed_krw,
        approved_krw: claim.approved_krw,
        description: claim.description.clone(),
        evidence: serde_json::json!(evidence),
        returned_at: claim.returned_at,
        objection: objection.and_then(|objection| objection.text.clone()),
        objected_at: objection.map(|objection| objection.objected_at),
        decision_reason: decision.and_then(|decision| decision.reason.clone()),
        decided_by: decision.map(|decision| decision.admin.0),
        decided_at: decision.map(|decision| decision.decided_at),
        object_by: claim.object_by,
        payment_due_at: claim.payment_due_at,
        refunded_krw: claim.refunded_krw,
        created_at: claim.created_at,
        updated_at: claim.updated_at,
    }
}
