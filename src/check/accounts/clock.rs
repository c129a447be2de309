//! The day of the run. The one thing rules about passwords need that no image can tell.
//!
//! Days count from 1970-01-01 in UTC, as in `shadow`. `SOURCE_DATE_EPOCH` (seconds) stands for
//! the day of the build where builds must be reproducible.

use std::time::{SystemTime, UNIX_EPOCH};

use super::{AccountFile, messages};
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::accounts::{CHANGED, Days, Layout, days};

/// What is written with every change of an account or package.
const WITNESSES: [&str; 2] = ["/etc/shadow", "/var/lib/dpkg/status"];
/// So many days a right clock may be behind what a tree shows: its time zone, and that of others.
const SLACK: i64 = 1;

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

/// Why `today` cannot be the right day: what the tree shows to have happened later. A clock that is
/// behind (no battery, not set yet) would make every password young, and an age limit on it would
/// shut the account where the clock is right. `None`: nothing speaks against it.
pub fn doubt(root: &dyn Rootfs, today: Today) -> Option<Message> {
    let late = |day: i64| day > today.latest.saturating_add(SLACK);
    let behind = |proof: Message| messages::clock_is_behind(date(today.latest), proof);
    if let Ok(Some(shadow)) = AccountFile::read(root, Layout::Shadow) {
        let secrets = shadow.table();
        let changed = secrets.entries.iter().find_map(|s| match days(s.field(CHANGED)) {
            Days::Set(day) if late(day) => Some((s.line, day)),
            _ => None,
        });
        if let Some((line, day)) = changed {
            return Some(behind(messages::changed_later(&shadow.path, line, day, date(day))));
        }
    }
    WITNESSES.iter().find_map(|name| {
        let stat = root.locate(&ImagePath::parse(name).ok()?).ok()?.stat?;
        let day = stat.mtime.div_euclid(i64::try_from(SECONDS_PER_DAY).ok()?);
        late(day).then(|| behind(messages::written_later(*name, date(day))))
    })
}

/// A day as year, month and day (Gregorian; days from 1970-01-01).
pub(crate) fn date(day: i64) -> Message {
    // Far beyond what anybody means, the number says as much.
    if !(-100_000..10_000_000).contains(&day) {
        return messages::far_day(day);
    }
    // From the first of March of the year 0, in eras of 400 years.
    let z = day + 719_468;
    let (era, of_era) = (z.div_euclid(146_097), z.rem_euclid(146_097));
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    Message::value(format!("{year:04}-{month:02}-{day:02}"))
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
    use crate::rootfs::{MemoryRootfs, Node, NodeBody, Stat};

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
    fn days_are_shown_as_dates() {
        for (day, want) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_787, "2026-11-30"),
            (-1, "1969-12-31"),
            (i64::MAX, "day 9223372036854775807"),
        ] {
            assert_eq!(date(day).to_string(), want);
        }
    }

    #[test]
    fn a_tree_that_is_younger_than_today_speaks_against_the_clock() {
        use crate::check::accounts::testing::image;
        let with = |line: &str| image().file("/etc/shadow", format!("root:*:18000::::::\n{line}"));
        let says = |line: &str, day| doubt(&with(line), Today::on(day));
        assert_eq!(says("bob:!:20000::::::\n", 20_000), None);
        assert_eq!(says("bob:!:20001::::::\n", 20_000), None, "time zones");
        let why = says("bob:!:20787::::::\n", 20_000).unwrap();
        let want = "the clock says 2024-10-04, but /etc/shadow, line 2, has a change on day 20787 \
                    (2026-11-30); set the clock and run again";
        assert_eq!(why.to_string(), want);
        assert!(says("", 1).is_some(), "of whom it is does not matter");
        let none = MemoryRootfs::new();
        assert_eq!(doubt(&none, Today::on(1)), None);
        let written = |name: &str, mtime| {
            let stat = Stat { mtime, ..Stat::file(0o644) };
            let body = NodeBody::File(Some(Vec::new().into()));
            MemoryRootfs::new().node(name, Node::new(stat, body))
        };
        for name in WITNESSES {
            let later = written(name, 20_002 * 86_400);
            assert!(doubt(&later, Today::on(20_000)).unwrap().to_string().contains(name));
            assert_eq!(doubt(&later, Today::on(20_001)), None);
        }
    }

    #[test]
    fn the_machine_has_a_date() {
        assert!(today().latest > 19_000);
    }
}
