//! When and where a report was made: only where that is asked for, so that reports can be compared.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use crate::check::accounts::clock;

/// When and where a report was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// Seconds since 1970, UTC.
    pub time: i64,
    /// The name of the machine; `None` where the time was given, for bytes that can be made again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub host: Option<String>,
}

impl Stamp {
    /// Now, on this machine.
    pub fn now() -> Stamp {
        let time = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        let host = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
        Stamp { time: i64::try_from(time).unwrap_or(i64::MAX), host }
    }

    /// At a time that was given.
    pub fn at(time: i64) -> Stamp {
        Stamp { time, host: None }
    }

    /// As `2026-11-30T12:00:00Z`.
    pub fn text(&self) -> String {
        let (days, seconds) = (self.time.div_euclid(86_400), self.time.rem_euclid(86_400));
        let day = clock::date(days);
        let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
        format!("{day}T{hours:02}:{minutes:02}:{:02}Z", seconds % 60)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_told_in_utc() {
        for (time, want) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_868_799, "2000-02-29T23:59:59Z"),
            (1_796_083_200, "2026-12-01T00:00:00Z"),
            (-1, "1969-12-31T23:59:59Z"),
        ] {
            assert_eq!(Stamp::at(time).text(), want);
        }
    }
}
