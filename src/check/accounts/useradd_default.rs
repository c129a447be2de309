//! A default of `useradd`, in `/etc/default/useradd`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::{login_defs, messages};
use crate::check::data::{self, BadData};
use crate::check::foreign;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::ImagePath;
use crate::text::useradd;

const PATH: &str = "/etc/default/useradd";

/// The default is a number in a range. Without the file the want holds vacuously: it belongs to
/// the package that holds `useradd` itself.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UseraddDefault {
    /// The key, as `INACTIVE`.
    pub key: String,
    /// The smallest value that is right.
    #[schemars(extend("x-unit" = "the key's own; days for INACTIVE"))]
    pub min: i64,
    /// The largest value that is right.
    #[schemars(extend("x-unit" = "the key's own; days for INACTIVE"))]
    pub max: i64,
    /// What is written where the value is not right.
    #[schemars(extend("x-unit" = "the key's own; days for INACTIVE"))]
    pub write: i64,
}

impl Primitive for UseraddDefault {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("useradd")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        data::within("write", self.write, self.min, Some(self.max))
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let path = ImagePath::parse(PATH)?;
        let evidence =
            Evidence::at(&path).want(messages::want_between(&self.key, self.min, self.max));
        let Some(text) = root.read(&path)? else {
            return Ok(Finding::MetVacuously(vec![evidence.note(messages::file_is_missing())]));
        };
        let last = useradd::last(&text, &self.key);
        let evidence = match last {
            Some((line, value)) => {
                foreign::judged(&path, line, value)?;
                evidence.line(line).found(format!("{}={}", self.key, value.escape_debug()))
            }
            None => evidence.note(messages::not_stated(&self.key)),
        };
        let number = last.and_then(|(_, value)| useradd::number(value));
        if number.is_some_and(|n| (self.min..=self.max).contains(&n)) {
            return Ok(Finding::Met(vec![evidence]));
        }
        login_defs::closed(audit, &self.key, evidence, &path, || {
            useradd::set(&text, &self.key, &self.write.to_string())
        })
    }
}

impl UseraddDefault {
    /// The default; a number that is no right one is none.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let text = audit.root().read(&ImagePath::parse(PATH)?)?.unwrap_or_default();
        let last = useradd::last(&text, &self.key);
        let number = last.and_then(|(_, value)| useradd::number(value)).filter(|n| *n >= self.min);
        let mut levels = Levels::default();
        levels.only(Subject::key(&self.key), Level::AtMost(number));
        Ok(levels)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{Run, fixes, parse_fields, settled_text, stage, stuck};
    use crate::check::{Outcome, Subject};
    use crate::rootfs::MemoryRootfs;

    fn want() -> UseraddDefault {
        parse_fields("key = 'INACTIVE'\nmin = 0\nmax = 30\nwrite = 30").unwrap()
    }

    fn file(text: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(PATH, text)
    }

    #[test]
    fn the_last_number_counts() {
        for (before, after) in [
            ("", "INACTIVE=30\n"),
            ("SHELL=/bin/sh\n# INACTIVE=-1\n", "SHELL=/bin/sh\n# INACTIVE=-1\nINACTIVE=30\n"),
            ("INACTIVE=-1\n", "INACTIVE=30\n"),
            ("INACTIVE=31", "INACTIVE=30"),
            ("INACTIVE=30 # x\n", "INACTIVE=30\n"),
            ("INACTIVE=30\r\n", "INACTIVE=30\n"),
            ("INACTIVE=\"30\"\n", "INACTIVE=30\n"),
            ("INACTIVE=\n", "INACTIVE=30\n"),
            (" INACTIVE=30\n", " INACTIVE=30\nINACTIVE=30\n"),
            ("inactive=30\n", "inactive=30\nINACTIVE=30\n"),
            ("INACTIVE_X=30\n", "INACTIVE_X=30\nINACTIVE=30\n"),
            ("INACTIVE=30\nINACTIVE=-1\n", "INACTIVE=30\nINACTIVE=30\n"),
        ] {
            let root = file(before);
            assert_eq!(want().audit(&root).unwrap().outcome(), Outcome::NotMet, "{before:?}");
            assert_eq!(settled_text(&want(), &root, PATH), after, "{before:?}");
        }
        for good in [
            "INACTIVE=30\n",
            "INACTIVE=0",
            "INACTIVE=7\n#INACTIVE=-1\n",
            "INACTIVE=-1\nINACTIVE=30\n",
            "INACTIVE=30\nINACTIVE=30\n",
            "INACTIVE= 5\n",
        ] {
            assert_eq!(want().audit(&file(good)).unwrap().outcome(), Outcome::Met, "{good:?}");
        }
    }

    #[test]
    fn what_is_written_complies() {
        let bad = "key = 'INACTIVE'\nmin = 0\nmax = 30\nwrite = 31";
        assert!(parse_fields::<UseraddDefault>(bad).is_err());
    }

    #[test]
    fn absent_and_odd_files() {
        let root = MemoryRootfs::new();
        assert_eq!(want().audit(&root).unwrap().outcome(), Outcome::MetVacuously);
        let inside = root.clone().file("/etc/own", "").link(PATH, "../own");
        assert_eq!(settled_text(&want(), &inside, "/etc/own"), "INACTIVE=30\n");
        let outside = root.clone().file("/usr/x", "").link(PATH, "/usr/x");
        assert!(fixes(&want().audit(&outside).unwrap()).is_empty());
        assert!(want().audit(&root.clone().link(PATH, PATH)).is_err());
        assert!(want().audit(&root.clone().file(PATH, b"INACTIVE=30\xff")).is_err());
        let elsewhere = root.file(PATH, b"# \xff\nINACTIVE=30\nSKEL=\xff\n");
        assert_eq!(want().audit(&elsewhere).unwrap().outcome(), Outcome::Met);
    }

    #[test]
    fn an_excluded_key_keeps_its_value() {
        let scene = file("INACTIVE=-1\nEXPIRE=0\n").excluding(Subject::key("INACTIVE"));
        assert!(stage(&want(), &scene).changes().unwrap().is_empty());
        assert!(stuck(&want(), &scene).contains("INACTIVE is protected"));
        let other: UseraddDefault =
            parse_fields("key = 'EXPIRE'\nmin = 1\nmax = 9\nwrite = 9").unwrap();
        assert_eq!(settled_text(&other, &scene, PATH), "INACTIVE=-1\nEXPIRE=9\n");
    }
}
