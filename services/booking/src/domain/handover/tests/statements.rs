//! Statements, and what the chain of their hashes shows.

use chrono::DateTime;
use proptest::prelude::*;
use rstest::rstest;
use strum::VariantArray as _;
use uuid::Uuid;

use super::*;

#[test]
fn statement_is_the_documented_text() {
    let mut rows = Rows::default();
    let first = rows.add(author(Phase::Pickup, Party::Guest), photo(Angle::Front));
    let expected = "carshare-handover-1\n\
        booking=00000000-0000-0000-0000-000000000007\n\
        sequence=1\n\
        previous=0000000000000000000000000000000000000000000000000000000000000000\n\
        recorded_at=2026-12-01T08:45:00.123456Z\n\
        phase=pickup\n\
        party=guest\n\
        user=00000000-0000-0000-0000-000000000001\n\
        kind=photo\n\
        photo=00000000-0000-0000-0000-000000000009\n\
        angle=front\n\
        width=800\n\
        height=600\n";
    let hashes = format!(
        "sha256={}\nupload_sha256={}\n",
        Digest::of(b"stored"),
        Digest::of(b"upload")
    );
    assert_eq!(first.statement, format!("{expected}{hashes}"));
    assert_eq!(first.hash, Digest::of(first.statement.as_bytes()));
    let second = rows.add(author(Phase::Pickup, Party::Host), report(10));
    assert!(second.statement.contains(&format!("\nprevious={}\n", first.hash)));
    assert!(
        second
            .statement
            .ends_with("kind=report\nodometer_km=10\nenergy_percent=80\n")
    );
}

fn contents() -> impl Strategy<Value = Content> {
    let digest = any::<[u8; 32]>().prop_map(Digest);
    let note = proptest::option::of(digest.clone());
    prop_oneof![
        (
            0..Angle::VARIANTS.len(),
            any::<u128>(),
            digest.clone(),
            digest.clone()
        )
            .prop_map(|(angle, id, stored, upload)| Content::Photo {
                id: PhotoId(Uuid::from_u128(id)),
                angle: Angle::VARIANTS[angle],
                width: 1,
                height: 2,
                stored,
                upload,
            }),
        (0..2_000_000i64, 0..=100i32, note.clone()).prop_map(|(odometer_km, energy_percent, note)| {
            Content::Report {
                odometer_km,
                energy_percent,
                note,
            }
        }),
        digest.clone().prop_map(|note| Content::Note { note }),
        (digest, note).prop_map(|(report, note)| Content::Confirmation { report, note }),
    ]
}

proptest! {
    #[test]
    fn statements_are_read_as_they_were_written(
        content in contents(), is_guest in any::<bool>(), is_pickup in any::<bool>(), micros in 0..4_000_000_000_000_000i64,
        sequence in 1..1000i32,
    ) {
        let party = if is_guest { Party::Guest } else { Party::Host };
        let phase = if is_pickup { Phase::Pickup } else { Phase::Return };
        let Author { user, .. } = author(phase, party);
        let recorded_at = DateTime::from_timestamp_micros(micros).unwrap();
        let entry = Entry { booking: booking(), sequence, previous: Digest::NONE, recorded_at, phase, party, user, content };
        prop_assert_eq!(Entry::parse(&entry.statement()), Ok(entry));
    }

    #[test]
    fn every_change_of_a_byte_is_noticed(entry in 0..4usize, position in any::<prop::sample::Index>(), change in 1..=255u8) {
        let mut rows = full();
        let mut bytes = rows.0[entry].statement.clone().into_bytes();
        let position = position.index(bytes.len());
        bytes[position] ^= change;
        rows.0[entry].statement = String::from_utf8_lossy(&bytes).into_owned();
        prop_assert!(!rows.chain().is_intact());
    }
}

/// A pickup with two photos, a report and its confirmation.
fn full() -> Rows {
    let mut rows = Rows::default();
    rows.add(author(Phase::Pickup, Party::Guest), photo(Angle::Front));
    rows.add(author(Phase::Pickup, Party::Guest), photo(Angle::Rear));
    let reported = rows.add(author(Phase::Pickup, Party::Guest), report(10));
    let confirmation = Content::Confirmation {
        report: reported.hash,
        note: None,
    };
    rows.add(author(Phase::Pickup, Party::Host), confirmation);
    rows
}

#[test]
fn entries_that_are_missing_swapped_forged_or_of_another_booking_are_noticed() {
    assert!(full().chain().is_intact());
    assert!(Rows::default().chain().is_intact());
    for missing in 0..4 {
        let mut rows = full();
        let head = rows.head();
        rows.0.remove(missing);
        let chain = Chain::read(booking(), rows.0, head.as_ref());
        assert!(!chain.is_intact(), "{missing}");
    }
    let mut swapped = full();
    swapped.0.swap(0, 1);
    assert!(!swapped.chain().is_intact());
    let other = Chain::read(BookingId(Uuid::from_u128(8)), full().0, full().head().as_ref());
    assert!(!other.is_intact());
    assert!(!Chain::read(booking(), full().0, None).is_intact());
    // Statement and hash are replaced together: the next entry has another hash before it.
    let mut forged = full();
    let mut entry = Entry::parse(&forged.0[2].statement).unwrap();
    entry.content = report(9);
    forged.0[2].statement = entry.statement();
    forged.0[2].hash = Digest::of(forged.0[2].statement.as_bytes()).0.to_vec();
    assert!(!forged.chain().is_intact());
    assert_eq!(forged.chain().entries().len(), 4);
}

#[rstest]
#[case("kind=report\n", "kind=receipt\n")]
#[case("odometer_km=10\n", "odometer_km=010\n")]
#[case("odometer_km=10\n", "odometer_km=+10\n")]
#[case("energy_percent=80\n", "energy_percent=80\nx=1\n")]
#[case("08:45:00.123456Z", "08:45:00.123456+00:00")]
#[case("carshare-handover-1", "carshare-handover-2")]
fn other_spellings_are_malformed(#[case] from: &str, #[case] to: &str) {
    let statement = &full().0[2].statement;
    assert!(statement.contains(from));
    assert_eq!(Entry::parse(&statement.replace(from, to)), Err(entry::Malformed));
}
