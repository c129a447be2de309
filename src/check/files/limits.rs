//! The hard limit of a resource for everybody, in `limits.conf` and `limits.d`.
//!
//! pam_limits reads the main file, then `limits.d/*.conf` in the order of their names; among equal
//! domains the last line counts, and a user, a group or a range outranks `*` wherever it stands.
//! `*` never means root. A missing main file or a link to nowhere in `limits.d` ends every session,
//! so nothing is ever removed here.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::conf_dirs::{self, Listed, What};
use crate::check::common::{remedy, rewrite};
use crate::check::foreign;
use crate::check::packages::ownership::owned_by_package;
use crate::check::{Audit, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::limits::{self, Domain, Limit, Rule};
use crate::text::lossless::Raw;

const MAIN: &str = "/etc/security/limits.conf";
const DIR: &str = "/etc/security/limits.d";

/// `* hard item` is at most `value`, and no line lifts it for anybody but root.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Limits {
    /// The item, as `core`; one of which less is stricter.
    pub item: String,
    /// The highest limit that is right; also what is written.
    #[schemars(extend("x-unit" = "the item's own; KiB for core"))]
    pub value: u32,
    /// The file in `limits.d` that gets the line.
    pub path: ImagePath,
}

/// A line and where it stands.
struct Found {
    file: usize,
    limit: Limit,
}

/// A file that pam_limits reads.
struct File {
    path: ImagePath,
    text: String,
}

impl Primitive for Limits {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let mut holding = Vec::new();
        let files = self.files(root, &mut holding)?;
        let mut everybody = Vec::new();
        // The last line of each user, group or range counts; an exemption always does.
        let mut others: BTreeMap<String, Vec<Found>> = BTreeMap::new();
        let mut lifting = Vec::new();
        // Whether some user, group or range has a soft limit so far.
        let mut soft = false;
        for (file, File { text, .. }) in files.iter().enumerate() {
            for limit in limits::limits(text) {
                let found = Found { file, limit };
                match (&found.limit.domain, &found.limit.rule) {
                    (Domain::LoginCount, _) | (Domain::Everybody, Rule::Exempt) => {}
                    (_, Rule::Hard { item, .. } | Rule::Soft { item }) if *item != self.item => {}
                    (Domain::Everybody, Rule::Soft { .. }) => {}
                    (Domain::Everybody, Rule::Hard { soft_too: true, .. })
                        if soft && self.complies(&found) =>
                    {
                        let note = messages::yields_to_soft_limits();
                        holding.push(self.evidence(&files, &found).note(note));
                    }
                    (Domain::Everybody, _) => everybody.push(found),
                    (Domain::User(name), _) if name == "root" => {}
                    (Domain::User(_) | Domain::Many(_), Rule::Exempt) => lifting.push(found),
                    (Domain::User(_) | Domain::Many(_), Rule::Soft { .. }) => soft = true,
                    (Domain::User(name) | Domain::Many(name), Rule::Hard { soft_too, .. }) => {
                        soft |= soft_too;
                        others.entry(name.clone()).or_default().push(found);
                    }
                }
            }
        }
        judged(
            &files,
            everybody.last().into_iter().chain(others.values().filter_map(|l| l.last())),
        )?;
        let mut gaps = Vec::new();
        match everybody.last() {
            Some(found) if self.complies(found) => holding.push(self.evidence(&files, found)),
            Some(found) if !self.is_before_ours(&files, found) => {
                // Ours would not have the last word.
                let after = everybody.into_iter().filter(|f| !self.is_before_ours(&files, f));
                lifting.extend(after.filter(|f| !self.complies(f)));
            }
            found => gaps.push(self.state(audit, &files, found)?),
        }
        for lines in others.into_values() {
            if lines.last().is_some_and(|found| !self.complies(found)) {
                lifting.extend(lines.into_iter().filter(|found| !self.complies(found)));
            }
        }
        judged(&files, &lifting)?;
        let mut by_file: BTreeMap<usize, Vec<Found>> = BTreeMap::new();
        for found in lifting {
            by_file.entry(found.file).or_default().push(found);
        }
        for lines in by_file.into_values() {
            gaps.extend(self.switch_off(audit, &files, lines)?);
        }
        Ok(Finding::from_gaps(gaps, holding))
    }
}

/// The lines count. In evidence they are shown with their comments.
fn judged<'f>(files: &[File], lines: impl IntoIterator<Item = &'f Found>) -> Result<()> {
    for found in lines {
        if let Some(file) = files.get(found.file) {
            let said = found.limit.text.split('#').next().unwrap_or_default();
            foreign::judged(&file.path, found.limit.line, said)?;
        }
    }
    Ok(())
}

impl Limits {
    /// The files in pam_limits' order. What would end every session is noted.
    fn files(&self, root: &dyn Rootfs, notes: &mut Vec<Evidence>) -> Result<Vec<File>> {
        let mut files = Vec::new();
        let main = ImagePath::parse(MAIN)?;
        match root.read(&main)? {
            Some(text) => files.push(File { path: main, text }),
            None => notes.push(Evidence::at(&main).note(messages::limits_missing())),
        }
        let wanted = |name: &[u8]| !name.starts_with(b".") && name.ends_with(b".conf");
        for Listed { path, what, .. } in conf_dirs::list(root, &ImagePath::parse(DIR)?, wanted)? {
            match what {
                What::File => {
                    let text = root.read(&path)?.unwrap_or_default();
                    files.push(File { path, text });
                }
                What::Null | What::Dir | What::Special => {}
                What::Dangling => {
                    notes.push(Evidence::at(&path).note(messages::limits_lead_nowhere()));
                }
            }
        }
        Ok(files)
    }

    fn complies(&self, found: &Found) -> bool {
        match &found.limit.rule {
            Rule::Hard { value: Some(value), .. } => (0..=i64::from(self.value)).contains(value),
            Rule::Hard { value: None, .. } | Rule::Soft { .. } | Rule::Exempt => false,
        }
    }

    /// Whether a line in our file is read after this one, or takes its place.
    fn is_before_ours(&self, files: &[File], found: &Found) -> bool {
        let path = files.get(found.file).map(|file| &file.path);
        path.is_none_or(|path| path.as_bytes() == MAIN.as_bytes() || *path <= self.path)
    }

    /// The gap of a missing, or of a wrong last, line for everybody, closed by ours.
    fn state(&self, audit: &Audit<'_>, files: &[File], found: Option<&Found>) -> Result<Gap> {
        let ours = files.iter().position(|f| f.path == self.path);
        let text = ours.and_then(|i| files.get(i)).map_or("", |f| f.text.as_str());
        let evidence = match found {
            Some(found) => self.evidence(files, found),
            None => Evidence::at(&self.path).want(self.wanted()).note(messages::no_line_for_all()),
        };
        remedy::gap(audit, self.subject(&Domain::Everybody), evidence, || {
            let in_place = found.filter(|f| Some(f.file) == ours).map(|f| f.limit.line);
            let text = limits::set(text, in_place, &self.item, self.value);
            rewrite::change(audit.root(), &self.path, text, 0o644)
        })
    }

    /// The gaps of the lines of one file that lift the limit, one for each of those for whom they
    /// do; made comments where the file is nobody's.
    fn switch_off(
        &self,
        audit: &Audit<'_>,
        files: &[File],
        mut lines: Vec<Found>,
    ) -> Result<Vec<Gap>> {
        lines.sort_by_key(|found| found.limit.line);
        let Some(file) = lines.first().and_then(|found| files.get(found.file)) else {
            return Ok(Vec::new());
        };
        let mut by_subject: BTreeMap<Subject, Vec<&Found>> = BTreeMap::new();
        for found in &lines {
            by_subject.entry(self.subject(&found.limit.domain)).or_default().push(found);
        }
        let owned = owned_by_package(audit.root(), &file.path);
        let (mut gaps, mut closed, mut disabled) = (Vec::new(), Vec::new(), Vec::new());
        for (subject, lines) in by_subject {
            let Some(first) = lines.first() else { continue };
            let mut evidence = self.evidence(files, first);
            if lines.len() > 1 {
                evidence = evidence.note(messages::more_such_lines(lines.len() - 1));
            }
            let line = first.limit.line;
            let why = match (audit.excluded(&subject), &owned) {
                (Some(exclusion), _) => exclusion.cause.clone(),
                (None, Ok(true)) => messages::limit_of_a_package(&file.path, line),
                (None, Err(e)) => {
                    messages::limit_perhaps_of_a_package(&file.path, Message::from(e), line)
                }
                (None, Ok(false)) => {
                    disabled.extend(lines.iter().map(|found| found.limit.line));
                    closed.push((subject, evidence));
                    continue;
                }
            };
            gaps.push(Gap::no_remedy(evidence, why).about(subject));
        }
        if !closed.is_empty() {
            disabled.sort_unstable();
            let text = limits::disable(&file.text, disabled);
            gaps.extend(rewrite::gaps(audit.root(), closed, &file.path, text)?);
        }
        gaps.sort_by_key(|gap| gap.evidence.line);
        Ok(gaps)
    }

    /// For whom a line says something: an account, a group, or the item itself for everybody and,
    /// with the range, for a range of numbers.
    fn subject(&self, domain: &Domain) -> Subject {
        match domain {
            Domain::Everybody | Domain::LoginCount => Subject::key(&self.item),
            Domain::User(name) => Subject::account(&name.raw()),
            Domain::Many(name) => match name.strip_prefix('@').filter(|n| !n.contains(':')) {
                Some(group) => Subject::group(&group.raw()),
                None => Subject::key(format!("{name} {}", self.item)),
            },
        }
    }

    fn wanted(&self) -> String {
        format!("* hard {} {}", self.item, self.value)
    }

    fn evidence(&self, files: &[File], found: &Found) -> Evidence {
        let path = files.get(found.file).map(|f| f.path.clone());
        Evidence { path, ..Evidence::default() }
            .line(found.limit.line)
            .found(&found.limit.text)
            .aside()
            .want(self.wanted())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{Run, Scene, changed, fixes, gaps, reasons, settled_text, stage};
    use crate::rootfs::MemoryRootfs;

    const OURS: &str = "/etc/security/limits.d/60-CIS.conf";
    const LATER: &str = "/etc/security/limits.d/90-x.conf";

    fn core() -> Limits {
        toml::from_str(&format!("item = 'core'\nvalue = 0\npath = '{OURS}'")).unwrap()
    }

    fn stock() -> MemoryRootfs {
        MemoryRootfs::new()
            .file(MAIN, "# limits\n#*               hard    core            0\n")
            .file("/var/lib/dpkg/status", "")
            .file("/var/lib/dpkg/info/libpam-modules.list", format!("{MAIN}\n"))
    }

    fn outcome(root: &MemoryRootfs) -> Outcome {
        crate::check::testing::outcome(&core(), root)
    }

    #[test]
    fn a_line_for_everybody_anywhere_will_do() {
        use Outcome::{Met, NotMet};
        assert_eq!(outcome(&stock()), NotMet);
        assert_eq!(settled_text(&core(), &stock(), OURS), "* hard core 0\n");
        for (line, wanted) in [
            ("* hard core 0", Met),
            ("*\t-\tCORE\t0 # x\r\n", Met),
            ("* hard core 0\n* hard core 0\n", Met),
            ("* hard core 1\n* hard core 0\n", Met),
            ("* hard core 0\n* hard core 1\n", NotMet),
            ("* soft core 0\n", NotMet),
            ("# * hard core 0\n", NotMet),
            ("* hard cores 0\n", NotMet),
            ("root hard core 0\n", NotMet),
            ("@all hard core 0\n", NotMet),
            ("* hard core 00\n", Met),
            ("", NotMet),
        ] {
            for path in [MAIN, "/etc/security/limits.d/10-a.conf", OURS] {
                let root = stock().file(path, line);
                assert_eq!(outcome(&root), wanted, "{path} {line:?}");
                assert_eq!(changed(&stage(&core(), &root)).is_empty(), wanted == Met);
            }
        }
        let not_read = stock().file("/etc/security/limits.d/a.cnf", "* hard core 0\n");
        assert_eq!(outcome(&not_read), NotMet);
    }

    #[test]
    fn a_line_for_both_limits_yields_to_an_earlier_soft_limit() {
        let both = "* - core 0\n";
        for (before, wanted) in [
            ("1000: soft core unlimited\n", Outcome::NotMet),
            ("@adm - core 0\n", Outcome::NotMet),
            ("mary soft core 1\n", Outcome::NotMet),
            ("* soft core 1\n", Outcome::Met),
            ("root soft core 1\n", Outcome::Met),
            ("mary soft nofile 1\n", Outcome::Met),
            ("mary hard core 0\n", Outcome::Met),
            ("mary soft core x\n", Outcome::Met),
        ] {
            let root = stock().file(LATER, format!("{before}{both}"));
            assert_eq!(outcome(&root), wanted, "{before}");
            assert_eq!(outcome(&stock().file(LATER, format!("{both}{before}"))), Outcome::Met);
            if wanted == Outcome::NotMet {
                assert_eq!(settled_text(&core(), &root, OURS), "* hard core 0\n", "{before}");
            }
        }
    }

    #[test]
    fn ours_is_read_after_earlier_files_and_corrected_in_place() {
        let root = stock().file(MAIN, "* hard core unlimited\n").file(OURS, "* hard nproc 5");
        assert_eq!(settled_text(&core(), &root, OURS), "* hard nproc 5\n* hard core 0\n");
        let root = stock().file(OURS, "* - core 7\n* hard nproc 5\n");
        assert_eq!(settled_text(&core(), &root, OURS), "* hard core 0\n* hard nproc 5\n");
    }

    #[test]
    fn a_later_line_is_switched_off_where_the_file_is_nobodys() {
        let root = stock().file(LATER, "* hard core 5\n* hard nproc 9\n");
        let staged = stage(&core(), &root);
        assert_eq!(core().audit(&staged).unwrap().outcome(), Outcome::Met);
        let changes = changed(&staged);
        assert_eq!(changes[0], (OURS.into(), "* hard core 0\n".into()));
        assert_eq!(changes[1], (LATER.into(), "# gokaku: * hard core 5\n* hard nproc 9\n".into()));
        let owned = root.file("/var/lib/dpkg/info/x.list", format!("{LATER}\n"));
        let finding = core().audit(&owned).unwrap();
        assert!(fixes(&finding).is_empty());
        assert!(reasons(&finding)[0].contains("90-x.conf belongs to a package"), "{finding:?}");
        let unknown = stock().without("/var/lib").file(LATER, "* hard core 5\n");
        assert!(reasons(&core().audit(&unknown).unwrap())[0].contains("may belong to a package"));
    }

    #[test]
    fn users_groups_and_ranges_outrank_everybody() {
        for line in
            ["mary hard core 5", "@adm - core unlimited", "1000: hard core -1", "mary -", "@adm -"]
        {
            let root = stock()
                .file(OURS, "* hard core 0\n")
                .file("/etc/security/limits.d/10-a.conf", format!("{line}\n"));
            assert_eq!(outcome(&root), Outcome::NotMet, "{line}");
            let text = settled_text(&core(), &root, "/etc/security/limits.d/10-a.conf");
            assert_eq!(text, format!("# gokaku: {line}\n"));
            let owned = stock().file(OURS, "* hard core 0\n").file(MAIN, line);
            let finding = core().audit(&owned).unwrap();
            assert!(reasons(&finding)[0].contains("limits.conf belongs to a package"), "{line}");
        }
        for fine in [
            "mary hard core 0",
            "mary hard core 5\nmary hard core 0",
            "mary soft core 5",
            "root hard core unlimited",
            "root -",
            "* -",
            "% hard core 5",
            "@adm hard nofile 5",
        ] {
            let root = stock().file(OURS, "* hard core 0\n").file(LATER, fine);
            assert_eq!(outcome(&root), Outcome::Met, "{fine}");
        }
    }

    #[test]
    fn excluded_subjects_keep_their_lines() {
        let lines = "mary hard core 5\n@adm - core 1\n* hard core 7\n1000: hard core 3\n";
        let root = stock().file(LATER, lines);
        let all = [
            Subject::account(b"mary"),
            Subject::group(b"adm"),
            Subject::key("core"),
            Subject::key("1000: core"),
        ];
        let found: Vec<Subject> = gaps(&core(), &root).into_iter().map(|gap| gap.subject).collect();
        assert_eq!(found, all);
        for (kept, line) in all.into_iter().zip(lines.lines()) {
            let scene = root.clone().excluding(kept.clone());
            let staged = stage(&core(), &scene);
            let left = gaps(&core(), scene_on(&scene, &staged));
            assert_eq!(left.len(), 1, "{left:?}");
            assert_eq!(left[0].subject, kept);
            let expected: String = lines
                .lines()
                .map(|l| if l == line { format!("{l}\n") } else { format!("# gokaku: {l}\n") })
                .collect();
            let mut changes = changed(&staged);
            assert_eq!(changes.pop(), Some((LATER.to_owned(), expected)));
            // What everybody gets is written unless that is excluded.
            let ours = (OURS.to_owned(), "* hard core 0\n".to_owned());
            assert_eq!(changes, if line.starts_with('*') { vec![] } else { vec![ours] });
        }
    }

    fn scene_on<'a>(scene: &'a Scene, root: &'a dyn Rootfs) -> Audit<'a> {
        Audit::from(scene).on(root)
    }

    #[test]
    fn what_ends_sessions_is_noted() {
        let root = MemoryRootfs::new()
            .file(OURS, "* hard core 0\n")
            .link("/etc/security/limits.d/a.conf", "/nowhere")
            .link("/etc/security/limits.d/b.conf", "/dev/null");
        let Finding::Met(evidence) = core().audit(&root).unwrap() else { panic!() };
        let notes: Vec<_> =
            evidence.iter().filter_map(|e| e.note.as_ref().map(ToString::to_string)).collect();
        assert_eq!(notes.len(), 2);
        assert!(notes.iter().all(|n| n.contains("refuses every session")));
    }

    #[test]
    fn links() {
        let inside = stock().file("/etc/own", "* hard core 1\n").link(OURS, "/etc/own");
        assert_eq!(settled_text(&core(), &inside, "/etc/own"), "* hard core 0\n");
        let outside = stock().file("/usr/own", "* hard core 1\n").link(OURS, "/usr/own");
        assert!(fixes(&core().audit(&outside).unwrap()).is_empty());
        assert!(core().audit(&stock().link(OURS, OURS)).is_err());
        for judged in [&b"* hard core 0\xff"[..], b"\xff hard core 0", b"@x - core 1\xff"] {
            let root = stock().file(OURS, "* hard core 0\n").file(LATER, judged);
            assert_eq!(outcome(&root), Outcome::Unknown, "{judged:?}");
        }
        for elsewhere in [&b"\xff"[..], b"* hard core 0 # \xff", b"\xff hard nproc 9"] {
            let root = stock().file(OURS, "* hard core 0\n").file(LATER, elsewhere);
            assert_eq!(outcome(&root), Outcome::Met, "{elsewhere:?}");
        }
    }

    #[test]
    fn many_lines_are_no_matter() {
        let text = "* hard core 1\nmary hard core 1\n".repeat(100_000);
        let root = stock().file(LATER, text);
        let text = settled_text(&core(), &root, LATER);
        assert_eq!(text.matches("# gokaku: ").count(), 200_000);
    }
}
