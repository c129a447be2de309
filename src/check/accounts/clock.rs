//! The day of the run. The one thing rules about passwords need that no image can tell.
//!
//! Days count from 1970-01-01 in UTC, as in `shadow`. `SOURCE_DATE_EPOCH` (seconds) stands for
//! the day of the build where builds must be reproducible.

use std::time::{SystemTime, UNIX_EPOCH};

const SECONDS_PER_DAY: u64 = 86_400;

/// Today, in the two senses that matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Today {
    /// The day that may be written into an image: that of `SOURCE_DATE_EPOCH` where it is set.
    pub written: i64,
    /// The later of that day and the machine's own: the day on which an account must still work.
    pub latest: i64,
}

impl Today {
    /// The same day in both senses.
    #[cfg(test)]
    pub fn on(day: i64) -> Today {
        Today { written: day, latest: day }
    }

    fn from_clocks(own: Option<u64>, epoch: Option<&str>) -> Today {
        let day = |seconds: u64| i64::try_from(seconds / SECONDS_PER_DAY).unwrap_or(i64::MAX);
        let epoch = epoch.and_then(|text| text.trim().parse().ok()).map(day);
        let own = own.map(day);
        let written = epoch.or(own).unwrap_or(0);
        Today { written, latest: own.unwrap_or(written).max(written) }
    }
}

/// Today by `SOURCE_DATE_EPOCH` and the clock of the machine that runs the tool.
pub fn today() -> Today {
    let own = SystemTime::now().duration_since(UNIX_EPOCH).ok().map(|d| d.as_secs());
    let epoch = std::env::var("SOURCE_DATE_EPOCH").ok();
    Today::from_clocks(own, epoch.as_deref())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_old_build_date_is_written_but_does_not_hide_what_day_it_is() {
        let own = Some(20_000 * SECONDS_PER_DAY + 5);
        assert_eq!(Today::from_clocks(own, None), Today::on(20_000));
        let old = Today::from_clocks(own, Some("1546300800"));
        assert_eq!(old, Today { written: 17_897, latest: 20_000 });
        let ahead = Today::from_clocks(own, Some("1814400000"));
        assert_eq!(ahead, Today::on(21_000));
        assert_eq!(Today::from_clocks(own, Some("tomorrow")), Today::on(20_000));
        assert_eq!(Today::from_clocks(None, None), Today::on(0));
    }

    #[test]
    fn the_machine_has_a_date() {
        assert!(today().latest > 19_000);
    }
}
