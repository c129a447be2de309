//! A default for new accounts in `/etc/login.defs`.
//!
//! Its readers disagree about duplicates, so every active line must comply. What is stricter than
//! asked for stays.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::rewrite;
use crate::check::data::{self, BadData, Umask};
use crate::check::foreign;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::ImagePath;
use crate::text::login_defs::{self, LoginDef};

const PATH: &str = "/etc/login.defs";

/// Every active line of a key holds a number in a range, or a umask that is tight enough.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginDefs {
    /// The key, as the shadow tools spell it.
    pub key: String,
    /// A number in a range. Exactly one of `number` and `umask` is given.
    pub number: Option<Number>,
    /// The bits that must at least be masked, as `"027"`; also what is written.
    pub umask: Option<Umask>,
}

/// A number in a range.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Number {
    /// The smallest value that is right.
    #[schemars(extend("x-unit" = "the key's own; days for PASS_MAX_DAYS"))]
    pub min: i64,
    /// The largest value that is right; without it there is no upper bound.
    #[schemars(extend("x-unit" = "the key's own; days for PASS_MAX_DAYS"))]
    pub max: Option<i64>,
    /// What is written where the value is not right.
    #[schemars(extend("x-unit" = "the key's own; days for PASS_MAX_DAYS"))]
    pub write: i64,
    /// Another key of the file; the value must not be above that key's value.
    pub not_above: Option<String>,
}

/// One key, and what is wanted of it.
struct Judge<'a> {
    key: &'a str,
    want: Want<'a>,
}

enum Want<'a> {
    Number(&'a Number),
    Umask(&'a Umask),
}

impl Primitive for LoginDefs {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("useradd")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        match self.want()? {
            Want::Number(n) => data::within("number.write", n.write, n.min, n.max),
            Want::Umask(_) => Ok(()),
        }
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        Judge { key: &self.key, want: self.want().map_err(BadData::into_error)? }.find(audit)
    }
}

impl LoginDefs {
    /// The default as its readers have it: a number that is no right one is none.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let text = audit.root().read(&ImagePath::parse(PATH)?)?.unwrap_or_default();
        let mut levels = Levels::default();
        let subject = || Subject::key(&self.key);
        match self.want().map_err(BadData::into_error)? {
            Want::Number(number) => {
                let above = number.not_above.as_ref();
                let limit = above.and_then(|key| login_defs::last_number(&text, key));
                let is_right = |n: &i64| {
                    *n >= number.min && limit.filter(|l| *l >= 0).is_none_or(|limit| *n <= limit)
                };
                let value = login_defs::last_number(&text, &self.key).filter(is_right);
                let level = match number.max {
                    Some(_) => Level::AtMost(value),
                    None => Level::AtLeast(value),
                };
                levels.only(subject(), level);
            }
            Want::Umask(_) => {
                let settings = login_defs::settings(&text, &self.key);
                let shadow = settings.iter().rev().find_map(|s| s.shadow.as_deref());
                let pam = settings.iter().find_map(|s| s.pam.as_deref());
                for (reader, value) in [("shadow", shadow), ("pam", pam)] {
                    let mask = value.and_then(login_defs::octal).unwrap_or(0);
                    levels.add(subject(), reader, Level::Grants(0o777 & !mask));
                }
            }
        }
        Ok(levels)
    }

    fn want(&self) -> Result<Want<'_>, BadData> {
        match (&self.number, &self.umask) {
            (Some(number), None) => Ok(Want::Number(number)),
            (None, Some(umask)) => Ok(Want::Umask(umask)),
            _ => Err(BadData::whole("want exactly one of `number` and `umask`")),
        }
    }
}

impl Judge<'_> {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let path = ImagePath::parse(PATH)?;
        let file = root.read(&path)?;
        let there = file.is_some();
        let text = file.unwrap_or_default();
        let limit = match &self.want {
            Want::Number(Number { not_above: Some(key), .. }) => {
                login_defs::last_number(&text, key).filter(|limit| *limit >= 0)
            }
            _ => None,
        };
        let settings = self.settings(&text);
        for setting in &settings {
            for value in [&setting.shadow, &setting.pam].into_iter().flatten() {
                foreign::judged(&path, setting.line, value)?;
            }
        }
        let Some(wrong) = settings.iter().rev().find(|s| !self.complies(s, limit)) else {
            let evidence: Vec<_> =
                settings.iter().map(|s| self.evidence(&path, Some(s), limit)).collect();
            if !evidence.is_empty() {
                return Ok(Finding::Met(evidence));
            }
            let note = match there {
                true => messages::not_stated(self.key),
                false => messages::file_is_missing(),
            };
            let evidence = self.evidence(&path, None, limit).note(note);
            return closed(audit, self.key, evidence, &path, || self.set(&text, &settings, limit));
        };
        let mut evidence = self.evidence(&path, Some(wrong), limit);
        if settings.len() > 1 {
            evidence = evidence.note(messages::several_lines(settings.len()));
        } else if matches!(self.want, Want::Number(_)) && self.number(wrong).is_none() {
            evidence = evidence.note(messages::not_a_number());
        }
        closed(audit, self.key, evidence, &path, || self.set(&text, &settings, limit))
    }

    /// The lines that are active for somebody. Only a umask has a reader beside the shadow tools.
    fn settings(&self, text: &str) -> Vec<LoginDef> {
        let mut settings = login_defs::settings(text, self.key);
        if matches!(self.want, Want::Number(_)) {
            settings.retain(|s| s.shadow.is_some());
        }
        settings
    }

    fn number(&self, setting: &LoginDef) -> Option<i64> {
        login_defs::number(setting.shadow.as_deref()?)
    }

    fn complies(&self, setting: &LoginDef, limit: Option<i64>) -> bool {
        match &self.want {
            Want::Number(want) => self.number(setting).is_some_and(|n| {
                n >= want.min
                    && want.max.is_none_or(|max| n <= max)
                    && limit.is_none_or(|limit| n <= limit.max(want.min))
            }),
            Want::Umask(want) => tightest(setting).is_some_and(|m| m & want.bits == want.bits),
        }
    }

    /// The text with one complying line: what complies already is kept, the tightest of it.
    fn set(&self, text: &str, settings: &[LoginDef], limit: Option<i64>) -> String {
        let mut good = settings.iter().filter(|s| self.complies(s, limit));
        match &self.want {
            Want::Number(want) => {
                let write = limit.map_or(want.write, |limit| want.write.min(limit.max(want.min)));
                // What is in force counts before what an earlier line says.
                let number = good.next_back().and_then(|s| self.number(s)).unwrap_or(write);
                login_defs::set(text, self.key, &number.to_string(), |s| {
                    self.number(s) == Some(number)
                })
            }
            Want::Umask(want) => {
                let all = good.filter_map(tightest).fold(want.bits, |all, mask| all | mask);
                let written =
                    if all == want.bits { want.text.clone() } else { format!("0{all:02o}") };
                login_defs::set(text, self.key, &written, |s| tightest(s) == Some(all))
            }
        }
    }

    fn evidence(
        &self,
        path: &ImagePath,
        setting: Option<&LoginDef>,
        limit: Option<i64>,
    ) -> Evidence {
        let wanted = match &self.want {
            Want::Number(Number { min, max, .. }) => {
                let max = max.iter().copied().chain(limit.map(|l| l.max(*min))).min();
                match max {
                    Some(max) => messages::want_between(self.key, *min, max),
                    None => messages::want_at_least(self.key, *min),
                }
            }
            Want::Umask(Umask { text, .. }) => messages::want_umask(self.key, text),
        };
        let evidence = Evidence::at(path).want(wanted);
        match setting {
            Some(s) => {
                let value = s.shadow.as_ref().or(s.pam.as_ref()).map_or("", String::as_str);
                evidence.line(s.line).found(format!("{} {value}", self.key))
            }
            None => evidence,
        }
    }
}

/// What becomes of a default that is not right: the file gets a new text, unless no change may touch
/// the key.
pub(super) fn closed(
    audit: &Audit<'_>,
    key: &str,
    evidence: Evidence,
    path: &ImagePath,
    text: impl FnOnce() -> String,
) -> Result<Finding> {
    let subject = Subject::key(key);
    let gap = match audit.excluded(&subject) {
        Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
        None => rewrite::gap(audit.root(), evidence, path, text(), 0o644)?,
    };
    Ok(Finding::from_gaps(vec![gap.about(subject)], Vec::new()))
}

/// The mask that a line means, if it means the same to both of its readers.
fn tightest(setting: &LoginDef) -> Option<u32> {
    let shadow = shadow_mask(setting.shadow.as_deref()?)?;
    let pam = login_defs::octal(setting.pam.as_deref()?)?;
    (shadow == pam).then_some(shadow)
}

fn shadow_mask(text: &str) -> Option<u32> {
    let octal = text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit());
    login_defs::number(text)
        .filter(|_| octal)
        .and_then(|n| u32::try_from(n).ok())
        .filter(|mask| *mask <= 0o777)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{Run, fixes, parse_fields, settled_text, stage, stuck};
    use crate::rootfs::MemoryRootfs;

    fn max() -> LoginDefs {
        parse_fields("key = 'PASS_MAX_DAYS'\nnumber = { min = 1, max = 365, write = 365 }").unwrap()
    }

    fn min() -> LoginDefs {
        parse_fields(
            "key = 'PASS_MIN_DAYS'\nnumber = { min = 1, write = 1, not_above = 'PASS_MAX_DAYS' }",
        )
        .unwrap()
    }

    fn umask() -> LoginDefs {
        parse_fields("key = 'UMASK'\numask = '027'").unwrap()
    }

    fn file(text: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(PATH, text)
    }

    fn after(want: &LoginDefs, text: &str) -> String {
        settled_text(want, &file(text), PATH)
    }

    #[test]
    fn numbers() {
        for (before, wanted) in [
            ("", "PASS_MAX_DAYS\t365\n"),
            (
                "#\tPASS_MAX_DAYS\tMaximum days\n",
                "#\tPASS_MAX_DAYS\tMaximum days\nPASS_MAX_DAYS\t365\n",
            ),
            ("PASS_MAX_DAYS\t99999\nX 1", "PASS_MAX_DAYS\t365\nX 1"),
            ("PASS_MAX_DAYS 99999", "PASS_MAX_DAYS 365"),
            ("PASS_MAX_DAYS 99999\r\n", "PASS_MAX_DAYS 365\r\n"),
            ("PASS_MAX_DAYS 365 # a year\n", "# a year\nPASS_MAX_DAYS 365\n"),
            ("PASS_MAX_DAYS 0\n", "PASS_MAX_DAYS 365\n"),
            ("PASS_MAX_DAYS -1\n", "PASS_MAX_DAYS 365\n"),
            (
                "PASS_MAX_DAYS 90\nPASS_MAX_DAYS 99999\n",
                "PASS_MAX_DAYS 90\n# gokaku: PASS_MAX_DAYS 99999\n",
            ),
            (
                "PASS_MAX_DAYS 99999\nPASS_MAX_DAYS 90\n",
                "PASS_MAX_DAYS 90\n# gokaku: PASS_MAX_DAYS 90\n",
            ),
            ("pass_max_days 365\n", "PASS_MAX_DAYS\t365\n"),
            (
                "SYS_PASS_MAX_DAYS 1\nPASS_MAX_DAYS_X 1\n",
                "SYS_PASS_MAX_DAYS 1\nPASS_MAX_DAYS_X 1\nPASS_MAX_DAYS\t365\n",
            ),
        ] {
            assert_eq!(
                max().audit(&file(before)).unwrap().outcome(),
                Outcome::NotMet,
                "{before:?}"
            );
            assert_eq!(after(&max(), before), wanted, "{before:?}");
        }
        for good in [
            "PASS_MAX_DAYS 365\n",
            "\tPASS_MAX_DAYS\t90",
            "PASS_MAX_DAYS 1\r\n",
            "PASS_MAX_DAYS \"60\"\n",
            "PASS_MAX_DAYS 90\nPASS_MAX_DAYS 90\n",
            "PASS_MAX_DAYS 0x10\n",
        ] {
            assert_eq!(max().audit(&file(good)).unwrap().outcome(), Outcome::Met, "{good:?}");
            assert_eq!(after(&max(), good), good);
        }
        assert_eq!(settled_text(&max(), &MemoryRootfs::new(), PATH), "PASS_MAX_DAYS\t365\n");
    }

    #[test]
    fn the_minimum_is_not_above_the_maximum() {
        assert_eq!(
            after(&min(), "PASS_MAX_DAYS 90\nPASS_MIN_DAYS 0\n"),
            "PASS_MAX_DAYS 90\nPASS_MIN_DAYS 1\n"
        );
        assert_eq!(
            after(&min(), "PASS_MAX_DAYS 90\nPASS_MIN_DAYS 91\n"),
            "PASS_MAX_DAYS 90\nPASS_MIN_DAYS 1\n"
        );
        for good in [
            "PASS_MAX_DAYS 90\nPASS_MIN_DAYS 90\n",
            "PASS_MAX_DAYS 90\nPASS_MIN_DAYS 7\n",
            "PASS_MIN_DAYS 7\n",
            "PASS_MAX_DAYS -1\nPASS_MIN_DAYS 7\n",
            "PASS_MAX_DAYS 0\nPASS_MIN_DAYS 1\n",
        ] {
            assert_eq!(after(&min(), good), good);
        }
    }

    #[test]
    fn both_readers_of_a_umask_must_see_it_tight() {
        for (before, wanted) in [
            ("UMASK\t\t022\n", "UMASK\t\t027\n"),
            ("UMASK 27\n", "UMASK 027\n"),
            ("UMASK 0x17\n", "UMASK 027\n"),
            ("UMASK=027\n", "UMASK\t027\n"),
            ("umask 027\n", "UMASK\t027\n"),
            ("UMASK 027 # tight\n", "# tight\nUMASK 027\n"),
            ("UMASK \"027\"\n", "UMASK 027\n"),
            ("UMASK 027\numask=022\n", "UMASK 027\n# gokaku: umask=022\n"),
            ("UMASK 022\nUMASK 077\n", "UMASK 077\n# gokaku: UMASK 077\n"),
            (
                "UMASK 022\nUMASK 027\nUMASK 077\n",
                "UMASK 077\n# gokaku: UMASK 027\n# gokaku: UMASK 077\n",
            ),
            ("UMASK 01777\n", "UMASK 027\n"),
            ("UMASK\n", "UMASK\t027\n"),
            ("#UMASK 027\n", "#UMASK 027\nUMASK\t027\n"),
        ] {
            assert_eq!(
                umask().audit(&file(before)).unwrap().outcome(),
                Outcome::NotMet,
                "{before:?}"
            );
            assert_eq!(after(&umask(), before), wanted, "{before:?}");
        }
        for good in ["UMASK 027\n", "UMASK 077", "UMASK\t0027\r\n", "UMASK 027\nUMASK 077\n"] {
            assert_eq!(after(&umask(), good), good);
        }
    }

    #[test]
    fn links_and_bad_files() {
        let inside = MemoryRootfs::new().file("/etc/own", "UMASK 022\n").link(PATH, "own");
        assert_eq!(settled_text(&umask(), &inside, "/etc/own"), "UMASK 027\n");
        let outside = MemoryRootfs::new().file("/usr/x", "UMASK 022\n").link(PATH, "/usr/x");
        assert!(fixes(&umask().audit(&outside).unwrap()).is_empty());
        assert!(umask().audit(&MemoryRootfs::new().link(PATH, PATH)).is_err());
        for bad in [&b"UMASK 027\xff\n"[..], b"UMASK 027\nUMASK \xff027\n"] {
            assert!(umask().audit(&MemoryRootfs::new().file(PATH, bad)).is_err());
        }
        let elsewhere = MemoryRootfs::new().file(PATH, b"# \xff\nUMASK 027\nMOTD_FILE \xff\n\xff");
        assert_eq!(umask().audit(&elsewhere).unwrap().outcome(), Outcome::Met);
        let long = "UMASK 022\n".repeat(100_000);
        assert_eq!(after(&umask(), &long).matches("# gokaku").count(), 99_999);
    }

    #[test]
    fn exactly_one_wish() {
        for bad in [
            "",
            "umask = '27'",
            "umask = '028'",
            "umask = ''",
            "number = { min = 1, write = 0 }",
            "number = { min = 1, max = 3, write = 4 }",
            "umask = '027'\nnumber = { min = 1, write = 1 }",
        ] {
            assert!(parse_fields::<LoginDefs>(&format!("key = 'K'\n{bad}")).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_excluded_key_keeps_its_value() {
        let text = "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS 0\n";
        let scene = file(text).excluding(Subject::key("PASS_MAX_DAYS"));
        assert!(stage(&max(), &scene).changes().unwrap().is_empty());
        assert!(stuck(&max(), &scene).contains("PASS_MAX_DAYS is protected"));
        assert_eq!(settled_text(&min(), &scene, PATH), "PASS_MAX_DAYS 99999\nPASS_MIN_DAYS 1\n");
    }
}
