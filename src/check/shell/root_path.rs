//! root's search path for programs is safe.

use std::collections::BTreeSet;
use std::rc::Rc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::accounts::people::is_system;
use crate::check::accounts::{AccountFile, ByName, UidRange};
use crate::check::common::glob;
use crate::check::common::includes::{Budget, Limits};
use crate::check::common::openness::Openness;
use crate::check::common::remedy;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, foreign};
use crate::error::Result;
use crate::error::kind;
use crate::message::Message;
use crate::rootfs::{AccountDb, FileKind, ImagePath, Rootfs, Stat, escape_text};
use crate::text::accounts::{HOME, Layout, UID};
use crate::text::ini::{self, Dialect};
use crate::text::login_defs;
use crate::text::pattern::Wildcards;
use crate::text::search_path::{self, Element, PathAssignment};

/// Every place that sets a search path for root names existing directories only, which are
/// root's and which nobody else may write to; none of them is empty or relative.
///
/// Modes and owners of directories of the system are put right. The text of a path is never
/// changed. What the text alone does not tell makes the row one for a person to judge.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RootPath {}

/// Directories whose mode and owner may be changed lie in one of these.
const SYSTEM: [&str; 4] = ["/usr", "/bin", "/sbin", "/opt"];
/// Named by stock files, there only where snapd is.
const SNAP: &str = "/snap/bin";
/// All but what group and others may not do: write.
const CEILING: u32 = 0o7755;
/// More characters of a path are not shown.
const SHOWN: usize = 400;
/// Sudoers files, as many as anybody has; each is read once.
const LIMITS: Limits = Limits { levels: 1, files: 500 };

/// One element of a path, as far as it has been judged.
#[derive(Default)]
struct Judged {
    gaps: Vec<Gap>,
    /// What a person must look at.
    unclear: Vec<Evidence>,
    holding: Vec<Evidence>,
    /// Elements that have been looked at: absolute ones once, others once for each place.
    seen: BTreeSet<String>,
    here: BTreeSet<String>,
}

/// A place that sets a search path.
struct Place<'a> {
    evidence: &'a dyn Fn() -> Evidence,
    path: &'a ImagePath,
    line: usize,
}

impl Place<'_> {
    fn shown(&self) -> String {
        format!("{}:{}", self.path, self.line)
    }
}

/// Whose directories those are.
struct Owners {
    homes: Vec<ImagePath>,
    names: Rc<AccountDb>,
}

impl Primitive for RootPath {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("shell")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let mut judged = Judged::default();
        let owners = Owners { homes: homes(root)?, names: AccountDb::read(root)? };
        for (path, setting) in settings(root)? {
            foreign::judged(&path, setting.line, &setting.shown)?;
            let shown: String = setting.shown.chars().take(SHOWN).collect();
            let evidence = || Evidence::at(&path).line(setting.line).found(escape_text(&shown));
            judged.holding.push(evidence());
            judged.here.clear();
            let place = Place { evidence: &evidence, path: &path, line: setting.line };
            for element in &setting.elements {
                judged.element(audit, element, &place, &owners)?;
            }
        }
        judged.holding.extend(service_manager(root)?);
        let Judged { gaps, unclear, mut holding, .. } = judged;
        if gaps.is_empty() && !unclear.is_empty() {
            let mut evidence = unclear;
            evidence.append(&mut holding);
            return Ok(Finding::Manual(evidence));
        }
        holding.extend(unclear);
        if gaps.is_empty() && holding.is_empty() {
            holding.push(Evidence::note_only(messages::no_search_path()));
        }
        Ok(Finding::from_gaps(gaps, holding))
    }
}

impl Judged {
    fn element(
        &mut self,
        audit: &Audit<'_>,
        element: &Element,
        place: &Place<'_>,
        owners: &Owners,
    ) -> Result<()> {
        let root = audit.root();
        let text = match element {
            Element::Inherited => return Ok(()),
            Element::Unknown(raw) if !self.here.insert(raw.clone()) => return Ok(()),
            Element::Literal(text) if !text.starts_with('/') && !self.here.insert(text.clone()) => {
                return Ok(());
            }
            Element::Unknown(raw) => {
                let note = messages::unclear_element(escape_text(raw));
                self.unclear.push((place.evidence)().note(note));
                return Ok(());
            }
            Element::Literal(text) => text,
        };
        if !text.starts_with('/') {
            let note = if text.is_empty() {
                messages::empty_element()
            } else {
                messages::relative_element(escape_text(text))
            };
            let evidence = (place.evidence)().want(messages::want_absolute()).note(note);
            let why = messages::remove_element(place.shown());
            self.gaps.push(remedy::none(audit, Subject::path(place.path), evidence, why));
            return Ok(());
        }
        if !self.seen.insert(text.clone()) {
            return Ok(());
        }
        let boot_time = !root.is_live() && (text == "/run" || text.starts_with("/run/"));
        let path = match ImagePath::parse(text) {
            Ok(path) if !boot_time => path,
            _ => {
                let note = messages::unclear_element(escape_text(text));
                self.unclear.push((place.evidence)().note(note));
                return Ok(());
            }
        };
        self.directory(audit, &path, place, owners)
    }

    /// What stands at an absolute element.
    fn directory(
        &mut self,
        audit: &Audit<'_>,
        path: &ImagePath,
        place: &Place<'_>,
        owners: &Owners,
    ) -> Result<()> {
        let at = audit.root().locate(path)?;
        let named = |note: Message| (place.evidence)().note(note);
        match at.stat {
            None if path.as_bytes() == SNAP.as_bytes() => {
                self.holding.push(named(messages::only_with_snapd(SNAP)));
            }
            None => {
                let evidence = named(messages::missing(path)).want(messages::want_existing());
                let why = messages::create_or_remove(path, place.shown());
                self.gaps.push(remedy::none(audit, Subject::path(path), evidence, why));
            }
            Some(stat) if stat.kind != FileKind::Dir => {
                let note = messages::is_kind(path, kind(stat.kind));
                let evidence = named(note).want(messages::want_directories());
                let why = messages::remove_path(path, place.shown());
                self.gaps.push(remedy::none(audit, Subject::path(path), evidence, why));
            }
            Some(stat) => {
                let open = Openness::read(audit.root(), &at.path, stat)?;
                if stat.uid != 0 || !open.is_within(CEILING) {
                    self.gaps.push(owners.open_directory(audit, at.path, (stat, &open), place));
                }
            }
        }
        Ok(())
    }
}

impl Owners {
    /// The gap of a directory that is not root's, or that others may write to.
    fn open_directory(
        &self,
        audit: &Audit<'_>,
        path: ImagePath,
        (stat, open): (Stat, &Openness),
        place: &Place<'_>,
    ) -> Gap {
        let found = format!("{:04o} {}", stat.mode, self.names.show_user(stat.uid));
        let evidence = Evidence::at(&path)
            .found(open.shown(audit.root(), CEILING, found))
            .want(messages::want_roots())
            .note(messages::named_by(place.shown()));
        let is_home = self.homes.iter().any(|home| path.starts_with(home));
        let top = path.components().next();
        let is_system = SYSTEM.iter().any(|dir| top.is_some_and(|top| *top == dir[1..]));
        if is_home || !is_system || audit.excluded(&Subject::path(&path)).is_some() {
            let why = messages::no_system_directory(&path, place.shown());
            return remedy::none(audit, Subject::path(&path), evidence, why);
        }
        Gap::fixed_by(evidence, open.closed(&path, CEILING, Some(0), None))
    }
}

/// Every place that sets a search path for root, in a fixed order.
fn settings(root: &dyn Rootfs) -> Result<Vec<(ImagePath, PathAssignment)>> {
    let mut all = Vec::new();
    let environment = ImagePath::parse("/etc/environment")?;
    if let Some(text) = root.read(&environment)? {
        all.extend(search_path::environment(&text).map(|s| (environment.clone(), s)));
    }
    let defs = ImagePath::parse("/etc/login.defs")?;
    if let Some(text) = root.read(&defs)? {
        let last =
            login_defs::settings(&text, "ENV_SUPATH").into_iter().rfind(|s| s.shadow.is_some());
        if let Some((line, value)) = last.and_then(|s| Some((s.line, s.shadow?))) {
            let path = value.strip_prefix("PATH=").unwrap_or(&value).to_owned();
            let elements = search_path::literal(&path);
            all.push((defs.clone(), PathAssignment { line, shown: value, elements }));
        }
    }
    sudoers(root, &mut all)?;
    let mut scripts = vec![ImagePath::parse("/etc/profile")?];
    let fragments = ImagePath::parse("/etc/profile.d")?;
    scripts.extend(glob::entries(root, &fragments, Wildcards::Libc, "*.sh")?);
    scripts.push(ImagePath::parse("/etc/bash.bashrc")?);
    let home = root_home(root)?;
    for name in [".profile", ".bash_profile", ".bash_login", ".bashrc"] {
        scripts.push(home.join(name)?);
    }
    for path in scripts {
        if let Some(text) = root.read(&path)? {
            all.extend(search_path::script(&text).into_iter().map(|s| (path.clone(), s)));
        }
    }
    Ok(all)
}

/// The sudoers file and what it includes.
fn sudoers(root: &dyn Rootfs, all: &mut Vec<(ImagePath, PathAssignment)>) -> Result<()> {
    let main = ImagePath::parse("/etc/sudoers")?;
    let mut budget = Budget::new(LIMITS, &main);
    let mut todo = vec![main];
    let mut seen = Vec::new();
    while let Some(path) = todo.pop() {
        if seen.contains(&path) {
            continue;
        }
        seen.push(path.clone());
        let Some(text) = root.read(&path)? else { continue };
        budget.enter(&path, text.len())?;
        budget.leave();
        all.extend(search_path::sudoers(&text).into_iter().map(|s| (path.clone(), s)));
        for (file, is_dir) in search_path::sudoers_includes(&text) {
            let file = match file.strip_prefix('/') {
                Some(_) => file,
                None => format!("/etc/{file}"),
            };
            let Ok(included) = ImagePath::parse(&file) else { continue };
            if is_dir {
                // sudo passes over backups and names with a dot.
                for entry in glob::entries(root, &included, Wildcards::Libc, "*")? {
                    let name = entry.file_name().unwrap_or_default().to_string_lossy();
                    if !name.contains('.') && !name.ends_with('~') {
                        todo.push(entry);
                    }
                }
            } else {
                todo.push(included);
            }
        }
    }
    Ok(())
}

/// What services get from the service manager; for information.
fn service_manager(root: &dyn Rootfs) -> Result<Vec<Evidence>> {
    let path = ImagePath::parse("/etc/systemd/system.conf")?;
    let Some(text) = root.read(&path)? else { return Ok(Vec::new()) };
    let key = "DefaultEnvironment";
    let all = ini::assignments(&text, Dialect::OldSystemd, "Manager", key);
    let found = |value: &str| format!("{key}={value}");
    let evidence = |a: &ini::Assignment| {
        let evidence = Evidence::at(&path).line(a.line).found(found(&a.value));
        evidence.note(messages::for_services()).aside()
    };
    Ok(all.iter().filter(|a| a.value.contains("PATH=")).map(evidence).collect())
}

fn root_home(root: &dyn Rootfs) -> Result<ImagePath> {
    let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
    let entry = ByName::new(&passwd.table()).first(b"root");
    let home = entry.and_then(|e| ImagePath::parse(e.field(HOME)).ok());
    home.map_or_else(|| ImagePath::parse("/root"), Ok)
}

/// The homes of all accounts that are not the system's, whether they may log in or not.
fn homes(root: &dyn Rootfs) -> Result<Vec<ImagePath>> {
    let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
    let range = UidRange::read(root)?;
    // Where people cannot be distinguished from programs, every home may be somebody's.
    let known = range.require().is_ok();
    let table = passwd.table();
    let others = table.entries.iter().filter(|e| e.number(UID) != 0);
    let theirs = others.filter(|e| !known || !is_system(e, &range));
    let homes = theirs.filter_map(|e| ImagePath::parse(e.field(HOME)).ok());
    Ok(homes.filter(|home| !home.is_root()).collect())
}

#[cfg(test)]
mod tests;
