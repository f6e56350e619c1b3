//! Time of day in minutes, `00:00` to `24:00`.

use std::fmt;
use std::str::FromStr;

/// Minutes since midnight, 0 to 1440: the end of a day is `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

/// Not of the form `HH:MM`, or past `24:00`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a time of day")]
pub struct InvalidTimeOfDay;

const MINUTES_A_DAY: u16 = 24 * 60;

impl TimeOfDay {
    pub fn from_minutes(minutes: u16) -> Result<Self, InvalidTimeOfDay> {
        if minutes <= MINUTES_A_DAY {
            Ok(Self(minutes))
        } else {
            Err(InvalidTimeOfDay)
        }
    }

    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl FromStr for TimeOfDay {
    type Err = InvalidTimeOfDay;

    fn from_str(text: &str) -> Result<Self, InvalidTimeOfDay> {
        let digits = |part: &str| {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            plain.then(|| part.parse::<u16>().ok()).flatten()
        };
        let (hours, minutes) = text.split_once(':').ok_or(InvalidTimeOfDay)?;
        match (digits(hours), digits(minutes)) {
            (Some(hours), Some(minutes)) if minutes < 60 => Self::from_minutes(hours * 60 + minutes),
            _ => Err(InvalidTimeOfDay),
        }
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_round_trip() {
        for (text, minutes) in [("00:00", 0), ("09:30", 570), ("23:59", 1439), ("24:00", 1440)] {
            let time: TimeOfDay = text.parse().unwrap();
            assert_eq!((time.minutes(), time.to_string().as_str()), (minutes, text));
        }
    }

    #[test]
    fn malformed_times_are_refused() {
        for text in [
            "",
            "9:30",
            "0930",
            "24:01",
            "12:60",
            "25:00",
            "+1:00",
            "１２:00",
            "12:00:00",
        ] {
            assert_eq!(text.parse::<TimeOfDay>(), Err(InvalidTimeOfDay), "{text}");
        }
    }
}
