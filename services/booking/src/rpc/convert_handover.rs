//! Conversions between the messages of handovers and domain types.

use std::collections::HashMap;

use carshare_chassis as chassis;
use carshare_chassis::proto_types::timestamp;
use carshare_proto::booking::v1 as pb;
use chrono::{DateTime, Utc};

use crate::domain::handover::{Angle, Chain, Content, HandoverRules, Phase, RentalTimes, Sealed, hex};
use crate::domain::{Booking, Party};
use crate::error::Error;
use crate::store::handover_entries::Note;

/// Signed URLs of the files of a photo.
#[derive(Clone, Debug)]
pub struct PhotoUrls {
    pub photo: String,
    pub thumbnail: String,
}

/// Converts the phase, which the rules of the contract require.
pub fn to_phase(phase: pb::HandoverPhase) -> Result<Phase, Error> {
    match phase {
        pb::HandoverPhase::Pickup => Ok(Phase::Pickup),
        pb::HandoverPhase::Return => Ok(Phase::Return),
        pb::HandoverPhase::Unspecified => {
            Err(chassis::Error::invalid("phase", "필수 항목입니다.", "is required").into())
        }
    }
}

/// Converts the angle, which the rules of the contract require.
pub fn to_angle(angle: pb::PhotoAngle) -> Result<Angle, Error> {
    match angle {
        pb::PhotoAngle::Front => Ok(Angle::Front),
        pb::PhotoAngle::Rear => Ok(Angle::Rear),
        pb::PhotoAngle::Left => Ok(Angle::Left),
        pb::PhotoAngle::Right => Ok(Angle::Right),
        pb::PhotoAngle::Interior => Ok(Angle::Interior),
        pb::PhotoAngle::Dashboard => Ok(Angle::Dashboard),
        pb::PhotoAngle::Detail => Ok(Angle::Detail),
        pb::PhotoAngle::Unspecified => {
            Err(chassis::Error::invalid("angle", "필수 항목입니다.", "is required").into())
        }
    }
}

/// Converts the entry of a photo; `None` for another entry.
pub fn photo(sealed: &Sealed, urls: Option<&PhotoUrls>) -> Option<pb::HandoverPhoto> {
    let entry = &sealed.entry;
    let Content::Photo {
        id,
        angle: shown,
        width,
        height,
        stored,
        upload,
    } = entry.content
    else {
        return None;
    };
    Some(pb::HandoverPhoto {
        id: id.to_string(),
        phase: phase(entry.phase).into(),
        angle: angle(shown).into(),
        party: party(entry.party).into(),
        recorded_at: Some(timestamp(entry.recorded_at)),
        url: urls.map(|urls| urls.photo.clone()),
        thumbnail_url: urls.map(|urls| urls.thumbnail.clone()),
        width,
        height,
        sha256: stored.to_string(),
        upload_sha256: upload.to_string(),
        sequence: entry.sequence,
    })
}

/// Converts an entry, with the text that its hash is of.
pub fn entry(sealed: &Sealed, note: Option<&Note>) -> pb::HandoverEntry {
    let entry = &sealed.entry;
    let kind = match entry.content {
        Content::Photo { .. } => pb::HandoverEntryKind::Photo,
        Content::Report { .. } => pb::HandoverEntryKind::Report,
        Content::Note { .. } => pb::HandoverEntryKind::Note,
        Content::Confirmation { .. } => pb::HandoverEntryKind::Confirmation,
    };
    pb::HandoverEntry {
        sequence: entry.sequence,
        kind: kind.into(),
        phase: phase(entry.phase).into(),
        party: party(entry.party).into(),
        recorded_at: Some(timestamp(entry.recorded_at)),
        statement: sealed.statement.clone(),
        sha256: sealed.hash.to_string(),
        damage_notes: note.map(|note| note.text.clone()),
        note_salt: note.map(|note| hex(&note.salt)),
    }
}

/// Converts all entries.
pub fn entries(chain: &Chain, notes: &HashMap<i32, Note>) -> Vec<pb::HandoverEntry> {
    let convert = |sealed: &Sealed| entry(sealed, notes.get(&sealed.entry.sequence));
    chain.entries().iter().map(convert).collect()
}

/// Converts the state of a pickup or return.
pub fn record(
    chain: &Chain,
    of: Phase,
    booking: &Booking,
    times: RentalTimes,
    rules: &HandoverRules,
    now: DateTime<Utc>,
) -> pb::HandoverRecord {
    let record = chain.record(of);
    let report = record.report();
    let (odometer_km, energy_percent) = match report.map(|sealed| &sealed.entry.content) {
        Some(Content::Report {
            odometer_km,
            energy_percent,
            ..
        }) => (Some(*odometer_km), Some(*energy_percent)),
        _ => (None, None),
    };
    let missing = record.missing_angles(&rules.required_angles);
    pb::HandoverRecord {
        odometer_km,
        energy_percent,
        reported_by: report.map(|sealed| party(sealed.entry.party).into()),
        reported_at: report.map(|sealed| timestamp(sealed.entry.recorded_at)),
        report_sha256: report.map(|sealed| sealed.hash.to_string()),
        confirmed_at: record
            .confirmation()
            .map(|sealed| timestamp(sealed.entry.recorded_at)),
        is_final: record.is_final(booking, times, rules, now),
        missing_angles: missing.into_iter().map(|missing| angle(missing).into()).collect(),
    }
}

fn phase(phase: Phase) -> pb::HandoverPhase {
    match phase {
        Phase::Pickup => pb::HandoverPhase::Pickup,
        Phase::Return => pb::HandoverPhase::Return,
    }
}

fn party(party: Party) -> pb::HandoverParty {
    match party {
        Party::Guest => pb::HandoverParty::Guest,
        Party::Host => pb::HandoverParty::Host,
    }
}

fn angle(angle: Angle) -> pb::PhotoAngle {
    match angle {
        Angle::Front => pb::PhotoAngle::Front,
        Angle::Rear => pb::PhotoAngle::Rear,
        Angle::Left => pb::PhotoAngle::Left,
        Angle::Right => pb::PhotoAngle::Right,
        Angle::Interior => pb::PhotoAngle::Interior,
        Angle::Dashboard => pb::PhotoAngle::Dashboard,
        Angle::Detail => pb::PhotoAngle::Detail,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rpc::contract_word;
    use strum::VariantArray as _;

    #[test]
    fn domain_and_contract_spell_enums_alike() {
        for each in Phase::VARIANTS {
            assert_eq!(each.as_str(), contract_word("HandoverPhase", phase(*each).into()));
            assert_eq!(to_phase(phase(*each)).unwrap(), *each);
        }
        for each in Angle::VARIANTS {
            assert_eq!(each.as_str(), contract_word("PhotoAngle", angle(*each).into()));
            assert_eq!(to_angle(angle(*each)).unwrap(), *each);
        }
        for each in [Party::Guest, Party::Host] {
            assert_eq!(each.as_str(), contract_word("HandoverParty", party(each).into()));
        }
    }
}
