//! A setting of a systemd daemon: `/etc/systemd/<name>.conf` and its drop-ins.
//!
//! The daemon reads the main file first and then the drop-ins of all directories in the order of
//! their names, a name in an earlier directory hiding the same name in a later one; the last
//! assignment counts. The main file must state the value too, since many readers look no further.

use std::ffi::OsString;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::conf_dirs;
use crate::check::common::destination::{self, Destination};
use crate::check::common::{own_file, remedy, rewrite};
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::byte_size;
use crate::text::ini::{self, Assignment, Dialect};

/// Where drop-ins are looked for, highest first. `/run` is only a running system's.
const DIRS: [&str; 5] = ["/etc", "/run", "/usr/local/lib", "/usr/lib", "/lib"];

/// The daemon reads `key` as `value`, and its main file says so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemdConf {
    /// The file's name without `.conf`, as `journald`.
    pub name: String,
    /// The section, as `Journal`.
    pub section: String,
    /// The key, in systemd's spelling.
    pub key: String,
    /// The wanted value, in systemd's spelling; also what is written.
    pub value: String,
    /// Whether `value` is a boolean: all of systemd's spellings of it are then equal.
    #[serde(default)]
    pub boolean: bool,
    /// Whether `value` is a size that is not to be exceeded: a smaller one is right, too, and 0 is
    /// not, which the daemons take for no limit.
    #[serde(default)]
    pub at_most: bool,
    /// The package without which there is no such daemon; absent, the want holds vacuously.
    pub package: Option<String>,
    /// The word in the names of our drop-ins, which are made where a vendor's must be outranked:
    /// `99-MARK.conf`, or what sorts behind that.
    #[serde(deserialize_with = "own_file::mark")]
    pub mark: String,
}

/// A drop-in that is not hidden.
struct DropIn {
    path: ImagePath,
    text: String,
}

impl Primitive for SystemdConf {
    fn consumers(&self) -> Vec<Consumes> {
        let known = ["systemd-journald", "systemd-coredump", "systemd-timesyncd"];
        let own = known.into_iter().find(|name| name.strip_prefix("systemd-") == Some(&self.name));
        own.map(Consumes::usual).into_iter().collect()
    }

    fn check_data(&self) -> Result<(), BadData> {
        if self.at_most && (self.boolean || !self.complies(&self.value)) {
            return Err(BadData::field(
                "value",
                format!("found `{}`, want a size, as 1G or 512M", self.value),
            ));
        }
        Ok(())
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
        let main = ImagePath::parse(format!("/etc/systemd/{}.conf", self.name))?;
        let text = root.read(&main)?.unwrap_or_default();
        let drop_ins = self.drop_ins(root)?;
        // The reader of 18.04 and later ones differ about comments that end in a backslash; what
        // is wanted must hold for both.
        let old = self.judge(audit, &main, &text, &drop_ins, Dialect::OldSystemd)?;
        match old {
            Finding::Met(_) => self.judge(audit, &main, &text, &drop_ins, Dialect::Systemd),
            finding => Ok(finding),
        }
    }
}

impl SystemdConf {
    fn judge(
        &self,
        audit: &Audit<'_>,
        main: &ImagePath,
        text: &str,
        drop_ins: &[DropIn],
        dialect: Dialect,
    ) -> Result<Finding> {
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        let files = std::iter::once((main, text));
        for (path, text) in files.chain(drop_ins.iter().map(|d| (&d.path, d.text.as_str()))) {
            gaps.extend(self.refused(audit, path, text, dialect)?);
        }
        let stated = self.last(text, dialect);
        let evidence = self.evidence(main, stated.as_ref());
        if stated.is_some_and(|a| self.complies(&a.value)) {
            holding.push(evidence);
        } else {
            let text = ini::set(text, dialect, &self.section, &self.key, &self.value);
            gaps.push(self.gap(audit, evidence, main, text)?);
        }
        let over = drop_ins.iter().rev().find_map(|d| Some((d, self.last(&d.text, dialect)?)));
        if let Some((drop_in, assignment)) = over {
            let evidence = self.evidence(&drop_in.path, Some(&assignment));
            if self.complies(&assignment.value) {
                holding.push(evidence);
            } else {
                gaps.push(self.overrule(audit, drop_in, evidence, dialect)?);
            }
        }
        Ok(Finding::from_gaps(gaps, holding))
    }

    fn subject(&self) -> Subject {
        Subject::key(format!("{}.conf:{}", self.name, self.key))
    }

    /// The gap of the key, closed by a new text of the file at `path`.
    fn gap(
        &self,
        audit: &Audit<'_>,
        evidence: Evidence,
        path: &ImagePath,
        text: String,
    ) -> Result<Gap> {
        let subject = self.subject();
        let gap = match audit.excluded_in(&subject, path) {
            Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
            None => rewrite::gap(audit.root(), evidence, path, text, 0o644)?,
        };
        Ok(gap.about(subject))
    }

    /// The drop-ins that the daemon reads, in its order.
    fn drop_ins(&self, root: &dyn Rootfs) -> Result<Vec<DropIn>> {
        let dirs = DIRS.iter().filter(|dir| **dir != "/run" || root.is_live());
        let dirs = dirs.map(|dir| ImagePath::parse(format!("{dir}/systemd/{}.conf.d", self.name)));
        let mut drop_ins = Vec::new();
        for path in conf_dirs::systemd(root, &dirs.collect::<Result<Vec<_>>>()?)? {
            if let Some(text) = root.read(&path)? {
                drop_ins.push(DropIn { path, text });
            }
        }
        Ok(drop_ins)
    }

    /// The gap of a line that keeps the daemon from the rest of its configuration. It is about the
    /// file.
    fn refused(
        &self,
        audit: &Audit<'_>,
        path: &ImagePath,
        text: &str,
        dialect: Dialect,
    ) -> Result<Option<Gap>> {
        let refused = ini::refused(text, dialect, &self.section);
        let Some(first) = refused.first() else { return Ok(None) };
        let evidence = Evidence::at(path)
            .line(first.line)
            .found(&first.found)
            .want(messages::want_line())
            .note(messages::reading_may_stop());
        let subject = Subject::path(path);
        if !in_etc(path) {
            let why = messages::hide_file(path, self.own_dir()?);
            return Ok(Some(remedy::none(audit, subject, evidence, why)));
        }
        Ok(Some(match audit.excluded_in(&subject, path) {
            Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
            None => {
                let text = ini::disable(text, refused.iter().map(|r| (r.line, r.last_line)));
                rewrite::gap(audit.root(), evidence, path, text, 0o644)?
            }
        }))
    }

    /// The gap of a drop-in that has the last word and the wrong value: rewritten where it is
    /// ours to write, outranked by a later one of ours where not.
    fn overrule(
        &self,
        audit: &Audit<'_>,
        drop_in: &DropIn,
        evidence: Evidence,
        dialect: Dialect,
    ) -> Result<Gap> {
        let root = audit.root();
        let set = |text: &str| ini::set(text, dialect, &self.section, &self.key, &self.value);
        if in_etc(&drop_in.path)
            && matches!(destination::file(root, &drop_in.path)?, Destination::At(_))
        {
            return self.gap(audit, evidence, &drop_in.path, set(&drop_in.text));
        }
        let name = drop_in.path.file_name().unwrap_or_default();
        let mut later = OsString::from(format!("99-{}.conf", self.mark));
        if later.as_os_str() <= name {
            later = OsString::from(format!("zz-{}.conf", self.mark));
        }
        if later.as_os_str() <= name {
            // `_` sorts after the dot of `.conf`.
            let stem = std::path::Path::new(name).file_stem().unwrap_or_default();
            later = stem.to_owned();
            later.push(format!("_{}.conf", self.mark));
        }
        let path = self.own_dir()?.join(&later)?;
        let text = match destination::file(root, &path)? {
            Destination::At(_) => root.read(&path)?.unwrap_or_default(),
            Destination::Refused(_) => String::new(),
        };
        self.gap(audit, evidence, &path, set(&text))
    }

    /// Where drop-ins of an administrator stand.
    fn own_dir(&self) -> Result<ImagePath> {
        ImagePath::parse(format!("/etc/systemd/{}.conf.d", self.name))
    }

    fn last(&self, text: &str, dialect: Dialect) -> Option<Assignment> {
        let mut all = ini::assignments(text, dialect, &self.section, &self.key);
        // The daemon passes over what is no size.
        match self.at_most {
            true => all.into_iter().rfind(|a| byte_size::systemd(&a.value).is_some()),
            false => all.pop(),
        }
    }

    fn complies(&self, value: &str) -> bool {
        if self.at_most {
            let (found, most) = (byte_size::systemd(value), byte_size::systemd(&self.value));
            found.zip(most).is_some_and(|(found, most)| 0 < found && found <= most)
        } else if self.boolean {
            boolean(value).is_some() && boolean(value) == boolean(&self.value)
        } else {
            value == self.value
        }
    }

    fn evidence(&self, path: &ImagePath, assignment: Option<&Assignment>) -> Evidence {
        let wanted = match self.at_most {
            true => messages::at_most(&self.key, &self.value),
            false => Message::value(format!("{}={}", self.key, self.value)),
        };
        let evidence = Evidence::at(path).want(wanted);
        match assignment {
            Some(a) => evidence.line(a.line).found(format!("{}={}", self.key, a.value)),
            None => evidence.note(messages::not_set(&self.section, &self.key)),
        }
    }
}

fn in_etc(path: &ImagePath) -> bool {
    path.components().next().is_some_and(|top| top == "etc")
}

/// systemd's reading of a boolean.
fn boolean(value: &str) -> Option<bool> {
    let is = |words: [&str; 6]| words.iter().any(|w| w.eq_ignore_ascii_case(value));
    if is(["1", "yes", "y", "true", "t", "on"]) {
        Some(true)
    } else if is(["0", "no", "n", "false", "f", "off"]) {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
