//! The user numbers that people get, by `/etc/login.defs`.

use crate::error::{Error, Result};
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::accounts::{AccountLine, HOME, UID};
use crate::text::login_defs;

/// Where people's numbers begin, unless something else is said.
const MIN: u32 = 1000;

/// Where they end. What begins above this leaves no number for people: what follows is set aside
/// for programs, `nobody` and the users of containers.
const MAX: u32 = 60000;

/// The numbers of people's accounts, both ends included.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct UidRange {
    /// The smallest: `UID_MIN`, or 1000.
    pub min: u32,
    /// The largest: `UID_MAX`, or 60000.
    pub max: u32,
    /// The line, from 1, that makes them such that a person cannot be distinguished from a program by them, and
    /// what it says.
    nonsense: Option<(usize, String)>,
}

/// What a border should be.
const WANT: &str = "a UID_MIN of at most UID_MAX and 60000, as 1000";

impl UidRange {
    /// As the account tools of the image read it.
    ///
    /// # Errors
    /// The file cannot be read. That it is not there is no error: the defaults apply.
    pub fn read(root: &dyn Rootfs) -> Result<UidRange> {
        let range = root
            .memo()
            .derived(|| Ok(UidRange::parse(&root.read(&path()?)?.unwrap_or_default())))?;
        Ok((*range).clone())
    }

    fn parse(text: &str) -> UidRange {
        // The last line counts, and is shown; one without a number brings the default back.
        let border = |key: &str, default: u32| {
            let last = login_defs::settings(text, key).into_iter().rfind(|s| s.shadow.is_some());
            let number = last.as_ref().and_then(|s| login_defs::number(s.shadow.as_deref()?));
            let number = number.and_then(|n| n.try_into().ok());
            (number.unwrap_or(default), last.map(|s| s.line))
        };
        let (min, max) = (border("UID_MIN", MIN), border("UID_MAX", MAX));
        let nonsense = (min.0 > max.0 || min.0 > MAX).then(|| {
            let found = format!("UID_MIN {} and UID_MAX {}", min.0, max.0);
            (min.1.or(max.1).unwrap_or(1), found)
        });
        UidRange { min: min.0, max: max.0, nonsense }
    }

    /// That a person cannot be distinguished from a program by these numbers, as an error; `Ok` when one can.
    ///
    /// # Errors
    /// [`Error::Syntax`], with the line of `login.defs`.
    pub fn require(&self) -> Result<()> {
        match &self.nonsense {
            None => Ok(()),
            Some((line, found)) => {
                let (line, found) = (*line, found.clone());
                Err(Error::Syntax { path: path()?, line, found, want: WANT })
            }
        }
    }

    /// Whether people get this number.
    pub fn holds(&self, number: u32) -> bool {
        self.nonsense.is_none() && (self.min..=self.max).contains(&number)
    }

    /// A number that a person has, by all the signs but a `UID_MIN` above it: one of those that
    /// every Debian gives to people, and a home among theirs.
    pub fn is_left_behind(&self, user: &AccountLine<'_>) -> bool {
        let homes = ImagePath::parse("/home").ok();
        let home = ImagePath::parse(user.field(HOME)).ok();
        (MIN..self.min).contains(&user.number(UID))
            && home
                .zip(homes)
                .is_some_and(|(home, homes)| home != homes && home.starts_with(&homes))
    }
}

fn path() -> Result<ImagePath> {
    ImagePath::parse("/etc/login.defs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_keys_and_the_last_line_count() {
        let range = |text: &str| {
            let range = UidRange::parse(text);
            (range.min, range.max)
        };
        assert_eq!(range(""), (1000, 60000));
        assert_eq!(range("SYS_UID_MIN 100\nUID_MIN\t\t 500\r\nUID_MAX 70000"), (500, 70000));
        assert_eq!(range("UID_MIN 500\nUID_MIN 2000\n#UID_MIN 1\n # UID_MIN 2\n"), (2000, 60000));
        assert_eq!(range("uid_min 500\nUID_MIN=7\nUID_MAXIMUM 1\nUID_MIN"), (1000, 60000));
        assert_eq!(range("UID_MIN 500 # people\nUID_MAX x"), (1000, 60000));
        assert_eq!(range("UID_MIN \"0x3e8\"\nUID_MAX 0100000"), (1000, 32768));
        assert_eq!(range("UID_MIN 99999999999999\nUID_MAX -1\n\u{fffd} \u{0}"), (1000, 60000));
    }

    #[test]
    fn a_border_that_leaves_nobody_is_told_with_its_line() {
        let told = |text: &str| UidRange::parse(text).require().map_err(|e| e.to_string());
        for fine in ["", "UID_MIN 60000\n", "UID_MIN 500", "UID_MIN 0", "UID_MIN 1\nUID_MAX 1"] {
            assert_eq!(told(fine), Ok(()), "{fine}");
        }
        assert_eq!(
            told("# numbers\nUID_MIN 65000\n").unwrap_err(),
            "/etc/login.defs:2: found UID_MIN 65000 and UID_MAX 60000, want a UID_MIN of at most \
             UID_MAX and 60000, as 1000"
        );
        for (text, line) in [
            ("UID_MIN 4294967295\n", 1),
            ("UID_MAX 500\n", 1),
            ("UID_MAX 70000\n\nUID_MIN 60001\n", 3),
            ("UID_MIN 2000\nUID_MAX 1999", 1),
            ("UID_MIN 500\nUID_MIN 0xffffffff\nUID_MAX 4294967295", 2),
        ] {
            let start = format!("/etc/login.defs:{line}: found UID_MIN ");
            assert!(told(text).unwrap_err().starts_with(&start), "{text}");
        }
    }
}
