//! Writes times, durations and field masks as protobuf's JSON mapping says.

use std::io::Write as _;

use prost_types::{Duration, Timestamp};

use crate::json::schema::Message;
use crate::json::wire::{EncodeError, Occurrences, Payload, text};

/// Years 0001 to 9999, those of RFC 3339.
pub const TIMESTAMP_SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;
/// 10,000 years.
pub const DURATION_SECONDS: std::ops::RangeInclusive<i64> = -315_576_000_000..=315_576_000_000;

const NANOS: std::ops::Range<i32> = 0..1_000_000_000;
const DAY_S: i64 = 86_400;

/// Writes an RFC 3339 time in UTC.
pub(super) fn timestamp(out: &mut Vec<u8>, seconds: i64, nanos: i32) -> Result<(), EncodeError> {
    if !TIMESTAMP_SECONDS.contains(&seconds) {
        return Err(EncodeError::TimeOutOfRange);
    }
    // Writing to a vector cannot fail.
    if !NANOS.contains(&nanos) {
        let _ = write!(out, "\"{}\"", Timestamp { seconds, nanos });
        return Ok(());
    }
    let (year, month, day) = civil(seconds.div_euclid(DAY_S));
    let second = seconds.rem_euclid(DAY_S);
    out.push(b'"');
    digits::<4>(out, year);
    for (separator, value) in [
        (b'-', month),
        (b'-', day),
        (b'T', second / 3_600),
        (b':', second / 60 % 60),
        (b':', second % 60),
    ] {
        out.push(separator);
        digits::<2>(out, value);
    }
    let nanos = i64::from(nanos);
    if nanos != 0 {
        out.push(b'.');
    }
    match nanos {
        0 => {}
        _ if nanos % 1_000_000 == 0 => digits::<3>(out, nanos / 1_000_000),
        _ if nanos % 1_000 == 0 => digits::<6>(out, nanos / 1_000),
        _ => digits::<9>(out, nanos),
    }
    out.extend_from_slice(b"Z\"");
    Ok(())
}

/// Returns year, month and day of a day since 1970-01-01 in the Gregorian calendar. Years begin in March here, so that the leap day
/// is the last one, and 400 of them have 146,097 days (Hinnant, chrono-compatible low-level date algorithms).
fn civil(day: i64) -> (i64, i64, i64) {
    let day = day + 719_468;
    let (era, day_of_era) = (day.div_euclid(146_097), day.rem_euclid(146_097));
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * day_of_year + 2) / 153;
    let month = if from_march < 10 {
        from_march + 3
    } else {
        from_march - 9
    };
    let year = era * 400 + year_of_era + i64::from(month <= 2);
    (year, month, day_of_year - (153 * from_march + 2) / 5 + 1)
}

fn digits<const N: usize>(out: &mut Vec<u8>, mut value: i64) {
    let mut text = [b'0'; N];
    for digit in text.iter_mut().rev() {
        *digit += (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&text);
}

/// Writes seconds with the letter s.
pub(super) fn duration(out: &mut Vec<u8>, seconds: i64, nanos: i32) -> Result<(), EncodeError> {
    if !DURATION_SECONDS.contains(&seconds) || nanos.unsigned_abs() >= NANOS.end.unsigned_abs() {
        return Err(EncodeError::TimeOutOfRange);
    }
    let _ = write!(out, "\"{}\"", Duration { seconds, nanos });
    Ok(())
}

/// Writes the paths in lowerCamelCase, separated by commas.
pub(super) fn field_mask(out: &mut Vec<u8>, table: &Message, bytes: &[u8]) -> Result<(), EncodeError> {
    let mut mask = String::new();
    for occurrence in Occurrences::new(&table.fields, bytes) {
        if let (_, _, Payload::Bytes(path)) = occurrence? {
            if !mask.is_empty() {
                mask.push(',');
            }
            camel_case(&mut mask, text(path)?).ok_or(EncodeError::FieldMask)?;
        }
    }
    Ok(serde_json::to_writer(out, &mask)?)
}

/// Appends a path in lowerCamelCase. `None` when it could not be converted back.
fn camel_case(mask: &mut String, path: &str) -> Option<()> {
    let mut letters = path.chars();
    while let Some(letter) = letters.next() {
        match letter {
            'A'..='Z' => return None,
            '_' => mask.push(
                letters
                    .next()
                    .filter(char::is_ascii_lowercase)?
                    .to_ascii_uppercase(),
            ),
            _ => mask.push(letter),
        }
    }
    Some(())
}
