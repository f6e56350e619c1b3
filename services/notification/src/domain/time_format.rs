//! Formats times and amounts in Korean.

use chrono::{DateTime, FixedOffset, Utc};

const SEOUL_SECONDS_EAST: i32 = 9 * 60 * 60;

/// Formats as `11월 23일 10:00`, in Asia/Seoul (UTC+9 without daylight saving since 1988).
pub fn moment(at: DateTime<Utc>) -> String {
    local(at).format("%-m월 %-d일 %H:%M").to_string()
}

/// Formats as `11월 23일 10:00 ~ 14:00`, with the second date only if it differs.
pub fn period(start: DateTime<Utc>, end: DateTime<Utc>) -> String {
    if local(start).date_naive() == local(end).date_naive() {
        format!("{} ~ {}", moment(start), local(end).format("%H:%M"))
    } else {
        format!("{} ~ {}", moment(start), moment(end))
    }
}

/// Formats as `45,000원`.
pub fn won(amount_krw: i64) -> String {
    let digits = amount_krw.unsigned_abs().to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    let sign = if amount_krw < 0 { "-" } else { "" };
    format!("{sign}{text}원")
}

fn local(at: DateTime<Utc>) -> DateTime<FixedOffset> {
    match FixedOffset::east_opt(SEOUL_SECONDS_EAST) {
        Some(seoul) => at.with_timezone(&seoul),
        None => at.fixed_offset(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn utc(text: &str) -> DateTime<Utc> {
        text.parse().expect("a time")
    }

    #[test]
    fn times_are_in_seoul() {
        assert_eq!(moment(utc("2026-11-23T01:00:00Z")), "11월 23일 10:00");
        assert_eq!(moment(utc("2026-12-31T15:05:00Z")), "1월 1일 00:05");
    }

    #[test]
    fn period_repeats_the_date_only_if_it_differs() {
        assert_eq!(
            period(utc("2026-11-23T01:00:00Z"), utc("2026-11-23T05:00:00Z")),
            "11월 23일 10:00 ~ 14:00"
        );
        assert_eq!(
            period(utc("2026-11-23T01:00:00Z"), utc("2026-11-24T01:00:00Z")),
            "11월 23일 10:00 ~ 11월 24일 10:00"
        );
    }

    #[test]
    fn won_are_grouped_by_three() {
        let texts = [0, 100, 1_000, 45_000, 1_234_567, -500].map(won);
        assert_eq!(
            texts,
            ["0원", "100원", "1,000원", "45,000원", "1,234,567원", "-500원"]
        );
    }
}
