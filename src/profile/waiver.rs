//! What a site decides about rows: waivers, other wants, rows that it enforces.

use std::fmt;

use toml::value::Datetime;

use super::{Bilingual, Place};
use crate::check::accounts::clock;
use crate::check::{Check, Subject};

/// The last day of a decision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Until {
    /// This day, in days from 1970-01-01; the decision holds on it (in UTC).
    Day(i64),
    /// It has no end.
    Never,
}

/// So many days before its end a decision is warned about.
pub const SOON: i64 = 30;

impl Until {
    /// The day of a TOML date; `None` for a time of day, or a date with one.
    pub(crate) fn of_date(date: &Datetime) -> Option<Until> {
        let Datetime { date: Some(date), time: None, offset: None } = date else { return None };
        Some(Until::Day(day(i64::from(date.year), i64::from(date.month), i64::from(date.day))))
    }

    /// Whether it is over on this day.
    pub fn is_over(self, today: i64) -> bool {
        matches!(self, Until::Day(day) if today > day)
    }

    /// The days that are left, where they are few.
    pub fn ends_soon(self, today: i64) -> Option<i64> {
        match self {
            Until::Day(day) if today <= day && day - today <= SOON => Some(day - today),
            _ => None,
        }
    }
}

impl fmt::Display for Until {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Until::Day(day) => write!(f, "{}", clock::date(*day)),
            Until::Never => f.write_str("never"),
        }
    }
}

/// The number of a day, from 1970-01-01 (Gregorian).
fn day(year: i64, month: i64, day: i64) -> i64 {
    // Years begin in March: the leap day is the last.
    let year = if month <= 2 { year - 1 } else { year };
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let of_year = (153 * (if month > 2 { month - 3 } else { month + 9 }) + 2) / 5 + day - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468
}

/// An exception: a row, or one subject of it, is judged and shown, never fails a run, and is never
/// changed.
#[derive(Debug, Clone, PartialEq)]
pub struct Waiver {
    /// What of the row; `None` is all of it.
    pub subject: Option<Subject>,
    /// Why.
    pub reason: Bilingual,
    /// Who has decided it.
    pub by: String,
    /// Its last day.
    pub until: Until,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// Where it stands.
    pub place: Place,
}

/// Other wants for a row of the table.
#[derive(Debug, Clone)]
pub struct Replaced {
    /// Why.
    pub reason: Bilingual,
    /// Who has decided that the table's wants need not hold, and until when; without, both must hold.
    pub accepted: Option<(String, Until)>,
    /// Where it was discussed.
    pub ticket: Option<String>,
    /// The table's wants.
    pub(crate) table: Vec<Check>,
    /// Where it stands.
    pub place: Place,
}

impl Replaced {
    /// The table's wants.
    #[cfg(feature = "internals")]
    pub fn table(&self) -> &[Check] {
        &self.table
    }
}

/// A left-alone row that the site enforces.
#[derive(Debug, Clone)]
pub struct Enforced {
    /// Why.
    pub reason: Bilingual,
    /// Where it stands.
    pub place: Place,
}

/// What the files beside the table say about a row.
#[derive(Debug, Clone, Default)]
pub struct Site {
    /// The exceptions, the whole row's first, then by subject.
    pub waivers: Vec<Waiver>,
    /// Other wants.
    pub replaced: Option<Replaced>,
    /// That it is enforced although the table leaves it alone.
    pub enforced: Option<Enforced>,
    /// Whether the row itself is the site's own.
    pub own: bool,
}

impl Site {
    /// The exception for the whole row.
    pub fn whole(&self) -> Option<&Waiver> {
        self.waivers.iter().find(|waiver| waiver.subject.is_none())
    }

    /// Whether a layer has a say in what the row wants.
    pub fn wants(&self) -> bool {
        self.own || self.enforced.is_some() || self.replaced.is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_those_of_the_calendar() {
        for text in ["1970-01-01", "2000-02-29", "2027-03-31", "2026-12-01", "1700-03-01"] {
            let until = Until::of_date(&text.parse().unwrap()).unwrap();
            assert_eq!(until.to_string(), text);
        }
        assert_eq!(day(1970, 1, 1), 0);
        assert!(Until::of_date(&"12:00:00".parse().unwrap()).is_none());
        assert!(Until::of_date(&"2027-01-01T00:00:00Z".parse().unwrap()).is_none());
    }

    #[test]
    fn a_decision_holds_on_its_last_day() {
        let until = Until::Day(100);
        assert!(!until.is_over(100) && until.is_over(101));
        assert_eq!(until.ends_soon(100), Some(0));
        assert_eq!(until.ends_soon(70), Some(30));
        assert_eq!(until.ends_soon(69), None);
        assert_eq!(until.ends_soon(101), None);
        assert!(!Until::Never.is_over(i64::MAX));
    }
}
