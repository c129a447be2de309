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
use crate::check::packages::dpkg;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
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
        ini::assignments(text, dialect, &self.section, &self.key).pop()
    }

    fn complies(&self, value: &str) -> bool {
        if self.boolean {
            boolean(value).is_some() && boolean(value) == boolean(&self.value)
        } else {
            value == self.value
        }
    }

    fn evidence(&self, path: &ImagePath, assignment: Option<&Assignment>) -> Evidence {
        let evidence = Evidence::at(path).want(format!("{}={}", self.key, self.value));
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
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{
        self, Run, changed, changed_by_path, fixes, gaps, path, reasons, settled_text, stage,
    };
    use crate::rootfs::{FileKind, MemoryRootfs};

    const MAIN: &str = "/etc/systemd/journald.conf";
    const STOCK: &str = "#  This file is part of systemd.\n\n[Journal]\n#Storage=auto\n#Compress=yes\n#ForwardToSyslog=yes\n";

    fn storage() -> SystemdConf {
        toml::from_str(
            "name = 'journald'\nsection = 'Journal'\nkey = 'Storage'\nvalue = 'persistent'\n\
             mark = 'CIS'",
        )
        .unwrap()
    }

    fn forward() -> SystemdConf {
        let key = "ForwardToSyslog".into();
        SystemdConf { key, value: "yes".into(), boolean: true, ..storage() }
    }

    fn outcome(want: &SystemdConf, root: &MemoryRootfs) -> Outcome {
        crate::check::testing::outcome(want, root)
    }

    fn main(text: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(MAIN, text)
    }

    #[test]
    fn the_main_file_must_state_it() {
        use Outcome::{Met, NotMet};
        for (text, want) in [
            ("", NotMet),
            (STOCK, NotMet),
            ("[Journal]\nStorage=persistent\n", Met),
            ("[Journal]\n  Storage = persistent  \r\n", Met),
            ("[Journal]\nStorage=persistent", Met),
            ("[Journal]\nStorage=auto\n", NotMet),
            ("[Journal]\nStorage=Persistent\n", NotMet),
            ("[Journal]\nstorage=persistent\n", NotMet),
            ("[Journal]\nStorage=\"persistent\"\n", NotMet),
            ("[Journal]\nStorage=persistent # always\n", NotMet),
            ("[Journal]\n#Storage=persistent\n", NotMet),
            ("[Journal]\nStorageX=persistent\n", NotMet),
            ("Storage=persistent\n", NotMet),
            ("[Journald]\nStorage=persistent\n", NotMet),
            ("[Journal]\nStorage=persistent\nStorage=persistent\n", Met),
            ("[Journal]\nStorage=none\nStorage=persistent\n", Met),
            ("[Journal]\nStorage=persistent\nStorage=none\n", NotMet),
            ("[Journal]\nStorage=persistent\n[X]\n[Journal]\nStorage=none\n", NotMet),
            ("[Journal]\n# x \\\nStorage=persistent\n", NotMet),
            ("[Journal]\nStorage=persistent\n# x \\\nStorage=none\n", NotMet),
            ("[Journal]\njunk\nStorage=persistent\n", NotMet),
            ("[Journal]\r\nA=1\\\r\nStorage=persistent\r\n", NotMet),
            ("[Journal]\n.include /etc/x\n=1\nStorage=persistent\n", Met),
            ("[X]\njunk\n[Journal]\nStorage=persistent\n", Met),
        ] {
            let root = main(text);
            assert_eq!(outcome(&storage(), &root), want, "{text:?}");
            let after = settled_text(&storage(), &root, MAIN);
            assert_eq!(after == text, want == Met, "{text:?}");
            assert!(after.contains("Storage"), "{text:?}");
        }
    }

    #[test]
    fn the_sample_is_replaced_in_place() {
        assert_eq!(
            settled_text(&storage(), &main(STOCK), MAIN),
            STOCK.replace("#Storage=auto", "Storage=persistent")
        );
        let root = MemoryRootfs::new();
        assert_eq!(settled_text(&forward(), &root, MAIN), "[Journal]\nForwardToSyslog=yes\n");
    }

    #[test]
    fn booleans_are_equal_in_any_spelling() {
        for yes in ["yes", "1", "Y", "TRUE", "t", "On"] {
            let root = main(&format!("[Journal]\nForwardToSyslog={yes}\n"));
            assert_eq!(outcome(&forward(), &root), Outcome::Met, "{yes}");
        }
        for no in ["no", "0", "off", "", "yess", "2"] {
            let root = main(&format!("[Journal]\nForwardToSyslog={no}\n"));
            assert_eq!(outcome(&forward(), &root), Outcome::NotMet, "{no}");
        }
    }

    const GOOD: &str = "[Journal]\nStorage=persistent\n";
    const BAD: &str = "[Journal]\nStorage=volatile\nCompress=no\n";

    #[test]
    fn a_contrary_drop_in_in_etc_is_rewritten() {
        let path = "/etc/systemd/journald.conf.d/50.conf";
        let root = main(GOOD).file(path, BAD);
        assert_eq!(settled_text(&storage(), &root, path), BAD.replace("volatile", "persistent"));
        let later = root.clone().file("/lib/systemd/journald.conf.d/60.conf", GOOD);
        assert_eq!(outcome(&storage(), &later), Outcome::Met, "a later one has the last word");
        for other in
            ["/etc/systemd/journald.conf.d/50.confx", "/etc/systemd/journald.conf.d/.a.conf"]
        {
            assert_eq!(outcome(&storage(), &main(GOOD).file(other, BAD)), Outcome::Met, "{other}");
        }
    }

    #[test]
    fn a_contrary_drop_in_of_a_vendor_is_outranked() {
        for (name, ours) in [
            ("50.conf", "99-CIS.conf"),
            ("99-a.conf", "zz-CIS.conf"),
            ("zz-CIS.conf", "zz-CIS_CIS.conf"),
            ("zzz.conf", "zzz_CIS.conf"),
            ("~.conf", "~_CIS.conf"),
        ] {
            for dir in ["/usr/local/lib", "/usr/lib", "/lib"] {
                let root = main(GOOD).file(&format!("{dir}/systemd/journald.conf.d/{name}"), BAD);
                let staged = stage(&storage(), &root);
                let path = format!("/etc/systemd/journald.conf.d/{ours}");
                assert_eq!(changed(&staged)[1..], [(path, GOOD.to_owned())], "{dir} {name}");
                assert_eq!(storage().audit(&staged).unwrap().outcome(), Outcome::Met);
            }
        }
    }

    #[test]
    fn hidden_drop_ins_do_not_count() {
        let vendor = "/usr/lib/systemd/journald.conf.d/a.conf";
        let root = main(GOOD).file(vendor, BAD);
        assert_eq!(outcome(&storage(), &root), Outcome::NotMet);
        let etc = "/etc/systemd/journald.conf.d/a.conf";
        for hiding in [
            root.clone().file(etc, ""),
            root.clone().link(etc, "/dev/null"),
            root.clone().link(etc, "/dev/null").special("/dev/null", FileKind::CharDevice),
            root.clone().file("/usr/local/lib/systemd/journald.conf.d/a.conf", GOOD),
        ] {
            assert_eq!(outcome(&storage(), &hiding), Outcome::Met);
        }
        let folder = root.clone().dir(etc, 0o755, 0, 0);
        assert_eq!(outcome(&storage(), &folder), Outcome::NotMet, "a directory hides nothing");
        let run = main(GOOD).file("/run/systemd/journald.conf.d/a.conf", BAD);
        assert_eq!(outcome(&storage(), &run), Outcome::Met, "/run of an image is not read");
        assert_eq!(outcome(&storage(), &run.clone().live()), Outcome::NotMet);
        settled_text(&storage(), &run.live(), MAIN);
    }

    #[test]
    fn links() {
        let inside = MemoryRootfs::new().file("/etc/own/j.conf", BAD).link(MAIN, "/etc/own/j.conf");
        let staged = stage(&storage(), &inside);
        assert_eq!(changed(&staged).len(), 1);
        assert_eq!(changed(&staged)[0].0, "/etc/own/j.conf");

        let outside =
            MemoryRootfs::new().file("/usr/share/j.conf", BAD).link(MAIN, "/usr/share/j.conf");
        let finding = storage().audit(&outside).unwrap();
        assert!(reasons(&finding)[0].contains("leads to /usr/share/j.conf"), "{finding:?}");
        assert!(fixes(&finding).is_empty());

        let lead = "/etc/systemd/journald.conf.d/a.conf";
        let drop_in = main(GOOD).file("/usr/share/j.conf", BAD).link(lead, "/usr/share/j.conf");
        let staged = stage(&storage(), &drop_in);
        assert_eq!(changed(&staged).last().unwrap().0, "/etc/systemd/journald.conf.d/zz-CIS.conf");

        let looped = MemoryRootfs::new().link(MAIN, "journald.conf");
        assert!(storage().audit(&looped).is_err());
    }

    #[test]
    fn what_stops_the_reader_is_a_gap() {
        let root = main(GOOD).file("/usr/lib/systemd/journald.conf.d/a.conf", "[Journal\n");
        let finding = storage().audit(&root).unwrap();
        assert!(
            reasons(&finding)[0]
                .contains("hide it by a file of this name in /etc/systemd/journald.conf.d"),
            "{finding:?}"
        );
        let root = main("[Journal]\nStorage=persistent\nMaxUse 1G\n");
        assert_eq!(
            settled_text(&storage(), &root, MAIN),
            "[Journal]\nStorage=persistent\n# gokaku: MaxUse 1G\n"
        );
    }

    #[test]
    fn what_is_excluded_stays() {
        const JUNK: &str = "[Journal]\njunk\n";
        const DROP: &str = "/etc/systemd/journald.conf.d/50.conf";
        let key = Subject::key("journald.conf:Storage");
        let root = main(JUNK).file(DROP, JUNK);
        let after = |subject: &Subject| {
            let held = root.clone().excluding(subject.clone());
            let staged = stage(&storage(), &held);
            assert!(gaps(&storage(), &held).iter().any(|gap| gap.subject == *subject));
            assert_eq!(testing::held(&storage(), Audit::new(&staged, &held.options)), 1);
            changed_by_path(&staged)
        };
        // The key stays, the lines that stop the reading go.
        let gone = JUNK.replace("junk", "# gokaku: junk");
        assert_eq!(after(&key), [(MAIN.into(), gone.clone()), (DROP.into(), gone.clone())].into());
        // A file stays, and what is wrong in others goes.
        let set = format!("{GOOD}# gokaku: junk\n");
        assert_eq!(after(&Subject::path(&path(DROP))), [(MAIN.into(), set)].into());
        let held = root.clone().excluding(Subject::path(&path(MAIN)));
        assert_eq!(changed_by_path(&stage(&storage(), &held)), [(DROP.into(), gone)].into());
        assert_eq!(gaps(&storage(), &held).iter().filter(|gap| gap.subject == key).count(), 1);
        // Of drop-ins, too.
        for held in [
            main(GOOD).file(DROP, BAD).excluding(key.clone()),
            main(GOOD).file("/lib/systemd/journald.conf.d/50.conf", BAD).excluding(key.clone()),
        ] {
            assert!(changed(&stage(&storage(), &held)).is_empty());
            assert_eq!(testing::held(&storage(), &held), 1);
        }
    }

    #[test]
    fn without_its_package_there_is_nothing_to_hold() {
        let want = SystemdConf { package: Some("systemd-coredump".into()), ..storage() };
        assert!(want.audit(&main(BAD)).is_err(), "no database: it cannot be told");
        let root = main(BAD).file("/var/lib/dpkg/status", "");
        assert_eq!(outcome(&want, &root), Outcome::MetVacuously);
        let status = "Package: systemd-coredump\nStatus: install ok installed\n";
        assert_eq!(outcome(&want, &root.file("/var/lib/dpkg/status", status)), Outcome::NotMet);
        let with = |line: &[u8]| {
            let text = [b"[Journal]\nStorage=persistent\n", line].concat();
            outcome(&storage(), &main("").file(MAIN, text))
        };
        assert_eq!(with(b"Storage=persistent\xff\n"), Outcome::Unknown);
        for elsewhere in [&b"# \xff\n"[..], b"TTYPath=/dev/\xff\n"] {
            assert_eq!(with(elsewhere), Outcome::Met);
        }
    }

    #[test]
    fn large_files_are_no_matter() {
        let text = format!("[Journal]\n{}", "#x \\\nA=b \\\njunk\njunk\n".repeat(50_000));
        settled_text(&storage(), &main(&text), MAIN);
    }
}
