//! A variable of a file that a shell sources, as those in `/etc/default`.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::rewrite;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::message::{Arg, Message};
use crate::rootfs::ImagePath;
use crate::text::shell_var::{self, Value};

/// The file surely sets a variable to a value; or, with `not`, surely not to certain others.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ShellVar {
    /// The file.
    pub path: ImagePath,
    /// The variable's name.
    pub key: String,
    /// The wanted value, as the shell sees it (without quotes); what is written.
    pub value: String,
    /// If given, only these values are wrong; any other, and no value at all, is right.
    #[serde(default)]
    pub not: Vec<String>,
    /// The package without which nobody reads the file; absent, the want holds vacuously.
    pub package: Option<String>,
}

impl Primitive for ShellVar {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("shell")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(package) = &self.package
            && let Some(absent) = dpkg::absent(root, package)?
        {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let text = root.read(&self.path)?;
        let there = text.is_some();
        let text = text.unwrap_or_default();
        let value = shell_var::value(&text, &self.key);
        let holds = match &value {
            Value::Known { value, .. } if self.not.is_empty() => *value == self.value,
            Value::Known { value, .. } => !self.not.contains(value),
            Value::Unset => !self.not.is_empty(),
            Value::Unclear { .. } => false,
        };
        let evidence = self.evidence(&value, there);
        if holds {
            return Ok(Finding::Met(vec![evidence]));
        }
        let subject = Subject::key(format!("{}:{}", self.path, self.key));
        let gap = if let Some(exclusion) = audit.excluded_in(&subject, &self.path) {
            Gap::no_remedy(evidence, exclusion.cause.clone())
        } else if let Some(text) = shell_var::set(&text, &self.key, &self.value) {
            rewrite::gap(root, evidence, &self.path, text, 0o644)?
        } else {
            let setting = format!("{}={}", self.key, self.value);
            Gap::no_remedy(evidence, messages::unclear_end(&self.path, setting))
        };
        Ok(Finding::from_gaps(vec![gap.about(subject)], Vec::new()))
    }
}

impl ShellVar {
    fn evidence(&self, value: &Value, there: bool) -> Evidence {
        let wanted = if self.not.is_empty() {
            Message::value(format!("{}={}", self.key, self.value))
        } else {
            messages::want_other(&self.key, Arg::names(&self.not))
        };
        let evidence = Evidence::at(&self.path).want(wanted);
        match value {
            Value::Known { value, line } => {
                evidence.line(*line).found(format!("{}={value}", self.key))
            }
            Value::Unclear { line } => evidence.line(*line).note(messages::depends(&self.key)),
            Value::Unset if there => evidence.note(messages::not_set(&self.key)),
            Value::Unset => evidence.note(messages::missing(&self.path)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{
        self, Run, changed, fixes, gaps, path, reasons, settled_text, stage,
    };
    use crate::rootfs::MemoryRootfs;

    const PATH: &str = "/etc/default/apport";

    fn enabled() -> ShellVar {
        toml::from_str(&format!("path = '{PATH}'\nkey = 'enabled'\nvalue = '0'")).unwrap()
    }

    fn force() -> ShellVar {
        toml::from_str(&format!("path = '{PATH}'\nkey = 'force_start'\nvalue = '0'\nnot = ['1']"))
            .unwrap()
    }

    fn file(text: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(PATH, text)
    }

    #[test]
    fn the_value_must_be_stated_and_certain() {
        use Outcome::{Met, NotMet};
        for (text, wanted, after) in [
            ("", NotMet, "enabled=0\n"),
            ("# set this to 0\nenabled=1\n", NotMet, "# set this to 0\nenabled=0\n"),
            ("enabled=0", Met, "enabled=0"),
            ("enabled='0' # x\n", Met, "enabled='0' # x\n"),
            ("#enabled=0\n", NotMet, "#enabled=0\nenabled=0\n"),
            ("enabled=1\nenabled=0\n", Met, "enabled=1\nenabled=0\n"),
            ("enabled=0\nenabled=0\n", Met, "enabled=0\nenabled=0\n"),
            ("enabled=0\nenabled=1", NotMet, "enabled=0\nenabled=0"),
            ("enabled_x=0\nEnabled=0\n", NotMet, "enabled_x=0\nEnabled=0\nenabled=0\n"),
            (" \tenabled=0\n", Met, " \tenabled=0\n"),
            ("enabled = 0\n", NotMet, "enabled = 0\nenabled=0\n"),
            ("enabled=0\r\n", NotMet, "enabled=0\n"),
            ("[ -f /x ] && enabled=0\n", NotMet, "[ -f /x ] && enabled=0\nenabled=0\n"),
        ] {
            let root = file(text);
            assert_eq!(enabled().audit(&root).unwrap().outcome(), wanted, "{text:?}");
            assert_eq!(settled_text(&enabled(), &root, PATH), after, "{text:?}");
        }
        let missing = MemoryRootfs::new();
        assert_eq!(settled_text(&enabled(), &missing, PATH), "enabled=0\n");
    }

    #[test]
    fn only_some_values_are_ruled_out() {
        for good in ["", "force_start=0\n", "force_start=\n", "#force_start=1\n"] {
            assert_eq!(force().audit(&file(good)).unwrap().outcome(), Outcome::Met, "{good:?}");
        }
        assert_eq!(force().audit(&MemoryRootfs::new()).unwrap().outcome(), Outcome::Met);
        assert_eq!(settled_text(&force(), &file("force_start=\"1\"\n"), PATH), "force_start=0\n");
    }

    #[test]
    fn what_cannot_be_made_certain_has_no_remedy() {
        let finding = enabled().audit(&file("exit 0\n")).unwrap();
        assert!(fixes(&finding).is_empty());
        assert!(reasons(&finding)[0].contains("set enabled=0 in it by hand"));
    }

    #[test]
    fn an_excluded_variable_stays() {
        let key = Subject::key(format!("{PATH}:enabled"));
        for subject in [key.clone(), Subject::path(&path(PATH))] {
            let held = file("enabled=1\nforce_start=1\n").excluding(subject);
            assert!(changed(&stage(&enabled(), &held)).is_empty());
            assert_eq!(testing::held(&enabled(), &held), 1);
            assert_eq!(gaps(&enabled(), &held)[0].subject, key);
        }
        let held = file("enabled=1\nforce_start=1\n").excluding(key);
        let text = "enabled=1\nforce_start=0\n";
        assert_eq!(settled_text(&force(), &held, PATH), text, "another key of the file");
    }

    #[test]
    fn links_and_packages() {
        let inside = file("").file("/etc/own", "enabled=1\n").link(PATH, "../own");
        assert_eq!(settled_text(&enabled(), &inside, "/etc/own"), "enabled=0\n");
        let outside = MemoryRootfs::new().file("/usr/a", "enabled=1\n").link(PATH, "/usr/a");
        assert!(fixes(&enabled().audit(&outside).unwrap()).is_empty());
        assert!(enabled().audit(&MemoryRootfs::new().link(PATH, PATH)).is_err());
        let want = ShellVar { package: Some("apport".into()), ..enabled() };
        let root = file("enabled=1\n").file("/var/lib/dpkg/status", "");
        assert_eq!(want.audit(&root).unwrap().outcome(), Outcome::MetVacuously);
    }
}
