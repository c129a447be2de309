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
use crate::check::common::remedy;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive, Subject, foreign};
use crate::error::Result;
use crate::error::kind;
use crate::message::Message;
use crate::rootfs::{AccountDb, Change, FileKind, ImagePath, Rootfs, Stat, escape_text};
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
const OTHERS_WRITE: u32 = 0o022;
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
            Some(stat) if stat.uid == 0 && stat.mode & OTHERS_WRITE == 0 => {}
            Some(stat) => self.gaps.push(owners.open_directory(audit, at.path, stat, place)),
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
        stat: Stat,
        place: &Place<'_>,
    ) -> Gap {
        let evidence = Evidence::at(&path)
            .found(format!("{:04o} {}", stat.mode, self.names.show_user(stat.uid)))
            .want(messages::want_roots())
            .note(messages::named_by(place.shown()));
        let is_home = self.homes.iter().any(|home| path.starts_with(home));
        let top = path.components().next();
        let is_system = SYSTEM.iter().any(|dir| top.is_some_and(|top| *top == dir[1..]));
        if is_home || !is_system || audit.excluded(&Subject::path(&path)).is_some() {
            let why = messages::no_system_directory(&path, place.shown());
            return remedy::none(audit, Subject::path(&path), evidence, why);
        }
        let mode = Some(stat.mode & !OTHERS_WRITE);
        Gap::fixed_by(evidence, Change::SetStat { path, mode, uid: Some(0), gid: None })
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
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{self, Run, fixes, gaps, path, reasons, stage};
    use crate::rootfs::MemoryRootfs;

    const SIX: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

    fn root() -> MemoryRootfs {
        let mut root = MemoryRootfs::new()
            .file("/etc/passwd", "root:x:0:0::/root:/bin/bash\nann:x:1000:1000::/opt/ann:/bin/sh\n")
            .file("/etc/environment", format!("PATH=\"{SIX}\"\n"))
            .file("/etc/login.defs", format!("ENV_SUPATH\tPATH={SIX}\n"))
            .file("/etc/sudoers", format!("Defaults\tsecure_path=\"{SIX}\"\n#includedir /etc/sudoers.d\n"))
            .file(
                "/etc/profile",
                format!(
                    "if [ \"$(id -u)\" -eq 0 ]; then\n  PATH=\"{SIX}\"\nelse\n  PATH=\"/usr/games\"\nfi\nexport PATH\n"
                ),
            );
        for dir in SIX.split(':') {
            root = root.dir(dir, 0o755, 0, 0);
        }
        root
    }

    fn outcome(root: &MemoryRootfs) -> Outcome {
        testing::outcome(&RootPath {}, root)
    }

    fn why(root: &MemoryRootfs) -> String {
        testing::stuck(&RootPath {}, root)
    }

    #[test]
    fn a_stock_image_passes() {
        let Finding::Met(evidence) = RootPath {}.audit(&root()).unwrap() else { panic!() };
        assert_eq!(evidence.len(), 4);
        assert_eq!(outcome(&MemoryRootfs::new()), Outcome::Met);
        let snap = root().file("/etc/environment", format!("PATH=\"{SIX}:/snap/bin\"\n")).file(
            "/etc/profile.d/apps-bin-path.sh",
            "snap_bin_path=\"/snap/bin\"\nif [ -n \"${PATH##*${snap_bin_path}}\" ]; then\n\
                 export PATH=$PATH:${snap_bin_path}\nfi\n",
        );
        let Finding::Met(evidence) = RootPath {}.audit(&snap).unwrap() else { panic!() };
        let notes: Vec<_> =
            evidence.iter().filter_map(|e| e.note.as_ref().map(ToString::to_string)).collect();
        assert_eq!(notes, ["/snap/bin exists only where snapd is"]);
    }

    #[test]
    fn text_that_is_wrong_is_told_and_not_changed() {
        for (file, text) in [
            ("/root/.bashrc", "PATH=$PATH:\n"),
            ("/root/.profile", "export PATH=.:$PATH\n"),
            ("/root/.bash_login", "PATH=:/bin\n"),
            ("/etc/profile.d/x.sh", "PATH=/bin::/sbin\n"),
            ("/etc/bash.bashrc", "PATH=bin\n"),
            ("/etc/environment", "PATH=\"$PATH:/bin\"\n"),
            ("/etc/login.defs", "ENV_SUPATH PATH=/bin:\n"),
            ("/etc/sudoers.d/x", "Defaults secure_path=/bin:\n"),
        ] {
            let want = format!("remove the element from {file}:1 by hand");
            assert_eq!(why(&root().file(file, text)), want);
        }
        assert!(why(&root().file("/root/.bashrc", "PATH=/gone")).starts_with("create /gone"));
        let file = root().file("/root/.bashrc", "PATH=/bin/sh").file("/bin/sh", "");
        assert_eq!(why(&file), "remove /bin/sh from /root/.bashrc:1 by hand");
        for passed_over in [
            ("/root/.bashrc", "#PATH=:\n"),
            ("/root/.bashrc", "MYPATH=:\n"),
            ("/root/.bashrc", "PATH=: make\n"),
            ("/root/.zshrc", "PATH=:\n"),
            ("/etc/profile.d/x.csh", "PATH=:\n"),
            ("/etc/sudoers.d/x.bak", "Defaults secure_path=:\n"),
            ("/etc/environment", "PATH=:\nPATH=/bin\n"),
        ] {
            assert_eq!(
                outcome(&root().file(passed_over.0, passed_over.1)),
                Outcome::Met,
                "{passed_over:?}"
            );
        }
    }

    #[test]
    fn what_cannot_be_told_is_for_a_person() {
        for text in [
            "PATH=\"$HOME/bin:$PATH\"\n",
            "PATH=$(x):/bin\n",
            "PATH=~/bin:$PATH",
            "PATH=/run/x",
            "PATH=/bin/../sbin",
        ] {
            let finding = RootPath {}.audit(&root().file("/root/.profile", text)).unwrap();
            let Finding::Manual(evidence) = finding else { panic!("{text}: {finding:?}") };
            assert!(
                evidence[0].note.as_ref().unwrap().to_string().starts_with("check by hand what ")
            );
        }
        let both = root().file("/root/.profile", "PATH=$HOME/bin:\n");
        assert_eq!(outcome(&both), Outcome::NotMet, "what is certain comes first");
        assert_eq!(outcome(&root().link("/root/.profile", ".profile")), Outcome::Unknown);
        let judged = root().file("/root/.profile", b"PATH=/usr/\xff:/bin\n");
        assert_eq!(outcome(&judged), Outcome::Unknown);
        let elsewhere = root().file("/root/.profile", b"# \xff\nPS1=\xff\nPATH=/bin # \xff\n");
        assert_eq!(outcome(&elsewhere), Outcome::Met);
        let live = root().file("/root/.profile", "PATH=/run/x").dir("/run/x", 0o755, 0, 0).live();
        assert_eq!(outcome(&live), Outcome::Met);
    }

    #[test]
    fn modes_and_owners_of_system_directories_are_put_right() {
        let loose = root()
            .dir("/usr/local/bin", 0o2775, 0, 50)
            .dir("/usr/local/sbin", 0o755, 7, 0)
            .dir("/usr/sbin", 0o777, 7, 7);
        let staged = stage(&RootPath {}, &loose);
        let stat = |path: &str| {
            let s = staged.stat(&ImagePath::parse(path).unwrap()).unwrap().unwrap();
            (s.mode, s.uid, s.gid)
        };
        assert_eq!(stat("/usr/local/bin"), (0o2755, 0, 50));
        assert_eq!(stat("/usr/local/sbin"), (0o755, 0, 0));
        assert_eq!(stat("/usr/sbin"), (0o755, 0, 7));
        assert_eq!(staged.changes().unwrap().len(), 3);
        assert_eq!(RootPath {}.audit(&staged).unwrap().outcome(), Outcome::Met);

        let merged = root().without("/bin").link("/bin", "usr/bin").dir("/usr/bin", 0o775, 0, 0);
        assert_eq!(stage(&RootPath {}, &merged).changes().unwrap().len(), 1);

        for (dir, mode) in [("/srv/bin", 0o777), ("/opt/ann/bin", 0o775), ("/root/bin", 0o777)] {
            let foreign =
                root().dir(dir, mode, 0, 0).file("/root/.bashrc", format!("PATH={dir}:$PATH"));
            assert!(
                why(&foreign).starts_with(&format!("{dir} is no directory of the system")),
                "{dir}"
            );
        }
        let link = root().link("/usr/mine", "/srv").dir("/srv", 0o777, 0, 0);
        assert!(
            why(&link.file("/root/.bashrc", "PATH=/usr/mine")).starts_with("/srv is no directory")
        );
        let opt = root().dir("/opt/x/bin", 0o777, 0, 0).file("/root/.bashrc", "PATH=/opt/x/bin");
        assert_eq!(fixes(&RootPath {}.audit(&opt).unwrap()).len(), 1);
    }

    #[test]
    fn an_excluded_directory_stays() {
        let loose = root()
            .dir("/usr/local/bin", 0o775, 0, 0)
            .dir("/usr/sbin", 0o777, 0, 0)
            .file("/root/.bashrc", "PATH=/gone:$PATH\n");
        let bin = Subject::path(&path("/usr/local/bin"));
        let held = loose.excluding(bin.clone()).excluding(Subject::path(&path("/gone")));
        let changes = stage(&RootPath {}, &held).changes().unwrap();
        let changed: Vec<_> = changes.iter().map(|c| c.path.to_string()).collect();
        assert_eq!(changed, ["/usr/sbin"]);
        assert_eq!(testing::held(&RootPath {}, &held), 2);
        assert!(gaps(&RootPath {}, &held).iter().any(|gap| gap.subject == bin));
    }

    #[test]
    fn nobody_s_home_is_a_directory_of_the_system() {
        let changed = |line: &str, defs: &str| {
            let root = root()
                .file("/etc/passwd", format!("root:x:0:0::/root:/bin/bash\n{line}\n"))
                .file("/etc/login.defs", defs)
                .file("/root/.bashrc", "PATH=/opt/ann/bin:$PATH")
                .dir("/opt/ann/bin", 0o775, 7, 0);
            !fixes(&RootPath {}.audit(&root).unwrap()).is_empty()
        };
        for (line, defs, is_system) in [
            ("ann:x:1000:1000::/opt/ann:/bin/sh", "", false),
            ("ann:x:1000:1000::/opt/ann:/usr/sbin/nologin", "", false),
            ("ann:x:999:999::/opt/ann:/bin/sh", "", true),
            ("ann:x:500:500::/opt/ann:/bin/sh", "UID_MIN 500\n", false),
            ("ann:x:1000:1000::/opt/ann:/bin/sh", "UID_MIN 5000\n", true),
            ("ann:x:65533:1000::/opt/ann:/bin/sh", "", false),
            ("ann:x:7:7::/opt/ann:/bin/sh", "UID_MIN 65000\n", false),
        ] {
            assert_eq!(changed(line, defs), is_system, "{line} {defs}");
        }
    }

    #[test]
    fn includes_without_end_and_many_elements() {
        let looping =
            root().file("/etc/sudoers", "@include /etc/sudoers\n@include sudoers\n#include x%h\n");
        assert_eq!(outcome(&looping), Outcome::Met);
        let mut crowd = root();
        for i in 0..500 {
            crowd = crowd.file(&format!("/etc/sudoers.d/{i}"), "");
        }
        let crowd = crowd.file("/etc/sudoers", "@includedir /etc/sudoers.d\n");
        let e = RootPath {}.audit(&crowd).unwrap_err().to_string();
        assert!(e.starts_with("/etc/sudoers:1: found more than 500 files"), "{e}");
        let many = root().file("/root/.bashrc", format!("PATH={}", "/bin:".repeat(100_000)));
        assert_eq!(outcome(&many), Outcome::NotMet);
        let empty = root().file("/root/.bashrc", format!("PATH={}", ":".repeat(100_000)));
        assert_eq!(reasons(&RootPath {}.audit(&empty).unwrap()).len(), 1);
    }
}
