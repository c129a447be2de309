//! What `pwquality.conf` asks of a new password.
//!
//! The drop-ins are read before the main file, so the main file has the last word, unless a line
//! in a drop-in stops the reading: then the main file is not read at all.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::common::conf_dirs::{self, Listed, What};
use crate::check::common::rewrite;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::packages::ownership::owned_by_package;
use crate::check::packages::{dpkg, versions};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::lossless;
use crate::text::pwquality::{self, Edition, Reading};

const MAIN: &str = "/etc/security/pwquality.conf";
const DIR: &str = "/etc/security/pwquality.conf.d";
/// The PAM module; without it and without a file there is nobody to read anything.
const PACKAGE: &str = "libpam-pwquality";
const LIBRARY: &str = "libpwquality1";
const CREDITS: [&str; 4] = ["dcredit", "ucredit", "ocredit", "lcredit"];
/// The library takes any smaller `minlen` for this.
const SHORTEST: i64 = 6;

/// A new password has at least `minlen` characters, of `minclass` classes or at least `-credits`
/// of each class, and breaking the rules is an error. The main file says so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pwquality {
    /// The smallest `minlen` that is right; also what is written.
    #[schemars(extend("x-unit" = "characters, with credits added"))]
    pub minlen: i64,
    /// The smallest `minclass` that is right; also what is written.
    #[schemars(extend("x-unit" = "classes of characters, 0 to 4"))]
    pub minclass: i64,
    /// The highest value that is right for each of `dcredit`, `ucredit`, `lcredit` and `ocredit`;
    /// also what is written. A negative one asks for so many characters of the class; a positive one
    /// would shorten the length.
    #[schemars(extend("x-unit" = "characters"))]
    pub credits: i64,
}

/// A file that the library reads.
struct File {
    path: ImagePath,
    text: String,
    reading: Reading,
}

/// One number to be written, and why.
struct Wish {
    key: &'static str,
    value: i64,
    evidence: Evidence,
}

impl Wish {
    fn subject(&self) -> Subject {
        Subject::key(format!("pwquality.conf:{}", self.key))
    }
}

impl Primitive for Pwquality {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("passwd")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let path = ImagePath::parse(MAIN)?;
        let text = root.read(&path)?;
        if text.is_none()
            && let Some(absent) = dpkg::absent(root, PACKAGE)?
        {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let edition = edition(audit);
        let text = text.unwrap_or_default();
        let main = File { reading: pwquality::read(&text, edition), path, text };
        let drop_ins = drop_ins(root, edition)?;
        let mut gaps = Vec::new();
        let mut is_read = true;
        for file in drop_ins.iter().chain([&main]) {
            let Some(gap) = stopped(audit, file, file.path == main.path)? else { continue };
            // Where such a line is excluded, the rest is judged as if it were read.
            is_read &= audit.excluded(&gap.subject).is_some();
            gaps.push(gap);
        }
        if !is_read {
            // What is behind such a line is not in force, so there is no more to judge yet.
            return Ok(Finding::from_gaps(gaps, Vec::new()));
        }
        let excluded = |wish: &Wish| audit.excluded_in(&wish.subject(), &main.path);
        let wishes = self.wishes(&main, &drop_ins);
        let ours = wishes.iter().filter(|wish| excluded(wish).is_none());
        let text = ours.fold(main.text.clone(), |text, wish| {
            pwquality::set(&text, edition, wish.key, wish.value)
        });
        for wish in wishes {
            let subject = wish.subject();
            let gap = match excluded(&wish) {
                Some(exclusion) => Gap::no_remedy(wish.evidence, exclusion.cause.clone()),
                None => rewrite::gap(root, wish.evidence, &main.path, text.clone(), 0o644)?,
            };
            gaps.push(gap.about(subject));
        }
        let mut holding = self.stated(&main);
        holding.extend(drop_ins.iter().flat_map(|file| self.overruled(file)));
        Ok(Finding::from_gaps(gaps, holding))
    }
}

impl Pwquality {
    /// The numbers that are in force: the last ones before a line that stops the reading, else the
    /// library's own.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let (root, edition) = (audit.root(), edition(audit));
        let path = ImagePath::parse(MAIN)?;
        let text = root.read(&path)?.unwrap_or_default();
        let mut files = drop_ins(root, edition)?;
        files.push(File { reading: pwquality::read(&text, edition), path, text });
        let stop = files.iter().position(|file| !file.reading.stops.is_empty());
        files.truncate(stop.map_or(files.len(), |at| at + 1));
        let value = |key: &str| files.iter().rev().find_map(|f| Some(f.reading.last(key)?.value));
        let mut levels = Levels::default();
        let mut add = |key: &str, level| levels.only(Subject::key(key), level);
        add("minlen", Level::AtLeast(Some(value("minlen").unwrap_or(8).max(SHORTEST))));
        add("minclass", Level::AtLeast(Some(value("minclass").unwrap_or(0))));
        add("enforcing", Level::AtLeast(Some(value("enforcing").unwrap_or(1).clamp(0, 1))));
        for key in CREDITS {
            add(key, Level::AtMost(Some(value(key).unwrap_or(0))));
        }
        Ok(levels)
    }

    /// What the main file must say and does not. A stricter value of a drop-in, which the main
    /// file would now overrule, is taken over.
    fn wishes(&self, main: &File, drop_ins: &[File]) -> Vec<Wish> {
        let stated = |key: &str| main.reading.last(key).map(|s| s.value);
        let inherited =
            |key: &str| drop_ins.iter().rev().find_map(|f| Some(f.reading.last(key)?.value));
        let in_force = |key: &str| stated(key).or(inherited(key));
        let mut wishes = Vec::new();
        let mut wish = |key: &'static str, value: i64, want: Message| {
            let evidence = Evidence::at(&main.path).want(want);
            let evidence = match main.reading.last(key) {
                Some(s) => evidence.line(s.line).found(format!("{key} = {}", s.value)),
                None => evidence.note(messages::not_set(key)),
            };
            wishes.push(Wish { key, value, evidence });
        };
        let long = |length: i64| length.max(SHORTEST) >= self.minlen;
        if !stated("minlen").is_some_and(long) {
            let value = inherited("minlen").filter(|i| long(*i)).unwrap_or(self.minlen);
            let want = messages::at_least("minlen", self.minlen);
            wish("minlen", value.max(self.minlen), want);
        }
        let classes = stated("minclass").is_some_and(|n| n >= self.minclass);
        let each = CREDITS.iter().all(|key| stated(key).is_some_and(|n| n <= self.credits));
        if !classes && !each {
            let want = messages::at_least("minclass", self.minclass);
            wish("minclass", inherited("minclass").unwrap_or(0).max(self.minclass), want);
        }
        for key in CREDITS {
            let wanted = !classes && !each && stated(key).is_none_or(|n| n > self.credits);
            if wanted || in_force(key).is_some_and(|n| n > 0) {
                let want = messages::at_most(key, self.credits);
                wish(key, inherited(key).unwrap_or(0).min(self.credits), want);
            }
        }
        if in_force("enforcing") == Some(0) {
            wish("enforcing", 1, Message::value("enforcing = 1"));
        }
        wishes
    }

    /// The lines of the main file that count.
    fn stated(&self, main: &File) -> Vec<Evidence> {
        let keys = ["minlen", "minclass"].into_iter().chain(CREDITS).chain(["enforcing"]);
        let settings = keys.filter_map(|key| main.reading.last(key));
        let shown = |s: &pwquality::Setting| {
            Evidence::at(&main.path).line(s.line).found(format!("{} = {}", s.key, s.value))
        };
        settings.map(shown).collect()
    }

    /// What a drop-in says that would not do, had the main file not the last word.
    fn overruled(&self, file: &File) -> Vec<Evidence> {
        let loose = |s: &&pwquality::Setting| match s.key.as_str() {
            "minlen" => s.value < self.minlen,
            "minclass" => s.value < self.minclass,
            "enforcing" => s.value == 0,
            key => CREDITS.contains(&key) && s.value > 0,
        };
        let shown = |s: &pwquality::Setting| {
            Evidence::at(&file.path)
                .line(s.line)
                .found(format!("{} = {}", s.key, s.value))
                .note(messages::looser(MAIN))
                .aside()
        };
        file.reading.settings.iter().filter(loose).map(shown).collect()
    }
}

/// Whose keys count. Without a database it is that of the profile's release; without that the oldest,
/// which knows the fewest.
pub(super) fn edition(audit: &Audit<'_>) -> Edition {
    let version = versions::installed_or_supposed(audit, LIBRARY).ok().flatten();
    let new = version.is_some_and(|v| v.as_slice() >= &[1, 4, 1][..]);
    if new { Edition::New } else { Edition::Old }
}

/// The drop-ins in the library's order.
fn drop_ins(root: &dyn Rootfs, edition: Edition) -> Result<Vec<File>> {
    // The library looks for the first `.conf` in the name, which must be its end.
    let first = |name: &[u8]| name.windows(5).position(|part| part == b".conf");
    let wanted = |name: &[u8]| first(name).is_some_and(|at| at + 5 == name.len());
    let mut files = Vec::new();
    for Listed { path, what, .. } in conf_dirs::list(root, &ImagePath::parse(DIR)?, wanted)? {
        if what == What::File
            && let Some(text) = root.read(&path)?
        {
            files.push(File { reading: pwquality::read(&text, edition), path, text });
        }
    }
    Ok(files)
}

/// The gap of the lines that stop the reading. In the main file they are made comments; in a
/// drop-in only if the file is nobody's.
fn stopped(audit: &Audit<'_>, file: &File, main: bool) -> Result<Option<Gap>> {
    let root = audit.root();
    let Some((line, found)) = file.reading.stops.first() else { return Ok(None) };
    let evidence = Evidence::at(&file.path)
        .line(*line)
        .found(found)
        .want(messages::want_number())
        .note(messages::reading_stops());
    // Of a line that is not too long, the comment is not read.
    let read = found.split('#').next().unwrap_or_default();
    let evidence = if lossless::holds(read) { evidence } else { evidence.aside() };
    let refused = if let Some(exclusion) = audit.excluded(&Subject::path(&file.path)) {
        Some(exclusion.cause.clone())
    } else if main {
        None
    } else {
        match owned_by_package(root, &file.path) {
            Ok(false) => None,
            Ok(true) => Some(messages::line_of_package(&file.path, *line)),
            Err(e) => Some(messages::line_of_package_perhaps(&file.path, *line, Message::from(&e))),
        }
    };
    if let Some(why) = refused {
        return Ok(Some(Gap::no_remedy(evidence, why)));
    }
    let text = pwquality::disable(&file.text, file.reading.stops.iter().map(|s| s.0));
    rewrite::gap(root, evidence, &file.path, text, 0o644).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{self, Run, changed, fixes, gaps, reasons, settled_text, stage};
    use crate::rootfs::MemoryRootfs;

    const ALL: &str =
        "minlen = 14\nminclass = 4\ndcredit = -1\nucredit = -1\nocredit = -1\nlcredit = -1\n";
    const FOUR: &str = "dcredit = -1\nucredit = -1\nocredit = -1\nlcredit = -1\n";
    const DROP: &str = "/etc/security/pwquality.conf.d/a.conf";

    fn want() -> Pwquality {
        toml::from_str("minlen = 14\nminclass = 4\ncredits = -1").unwrap()
    }

    fn packages(status: &str) -> MemoryRootfs {
        MemoryRootfs::new().file("/var/lib/dpkg/status", status)
    }

    fn root(text: &str) -> MemoryRootfs {
        packages("Package: libpam-pwquality\nStatus: install ok installed\n").file(MAIN, text)
    }

    fn outcome<'a>(audit: impl Into<Audit<'a>>) -> Outcome {
        crate::check::testing::outcome(&want(), audit)
    }

    #[test]
    fn length_and_classes_must_be_stated() {
        for good in [
            ALL.to_owned(),
            "minlen=14\nminclass 4".into(),
            format!("MINLEN = 20 # x\r\n{FOUR}"),
            format!("minlen = 14\n{}", FOUR.replace("-1", "-2")),
            "minlen = 8\nminlen = 14\nminclass = 4\n".into(),
            "minlen = 14\nminlen = 14\nminclass = 9\ndcredit = 0\n".into(),
            format!("{ALL}enforcing = 1\n"),
        ] {
            let root = root(&good);
            assert_eq!(outcome(&root), Outcome::Met, "{good:?}");
            assert_eq!(settled_text(&want(), &root, MAIN), good);
        }
        for bad in [
            "",
            "# minlen = 14\n# minclass = 4\n",
            "minlen = 13\nminclass = 4\n",
            "minlen = 14\nminclass = 3\n",
            "minlen = 14\nminlen = 8\nminclass = 4\n",
            "minlen = 14\ndcredit = -1\nucredit = -1\nocredit = -1\n",
            "minlen = 14\nminclass = 4\ndcredit = 1\n",
            "minlen = 14\nminclass = 4\nenforcing = 0\n",
            "minlens = 14\nminclass = 4\n",
        ] {
            assert_eq!(outcome(&root(bad)), Outcome::NotMet, "{bad:?}");
            settled_text(&want(), &root(bad), MAIN);
        }
    }

    #[test]
    fn what_is_written() {
        assert_eq!(settled_text(&want(), &root(""), MAIN), ALL);
        let missing = root("").without(MAIN);
        assert_eq!(settled_text(&want(), &missing, MAIN), ALL);
        assert_eq!(
            settled_text(&want(), &root("minclass = 4\n# minlen = 8\ndcredit = 2\n"), MAIN),
            "minclass = 4\n# minlen = 8\nminlen = 14\ndcredit = -1\n"
        );
        assert_eq!(
            settled_text(&want(), &root("minlen = 16\ndcredit = -3\n"), MAIN),
            "minlen = 16\ndcredit = -3\nminclass = 4\nucredit = -1\nocredit = -1\nlcredit = -1\n"
        );
        let off = format!("{ALL}enforcing = 0\n");
        assert_eq!(settled_text(&want(), &root(&off), MAIN), off.replace("= 0", "= 1"));
    }

    #[test]
    fn without_package_and_file_there_is_nothing() {
        assert_eq!(outcome(&packages("")), Outcome::MetVacuously);
        assert_eq!(outcome(&packages("").file(MAIN, "")), Outcome::NotMet, "somebody's file");
        assert!(want().audit(&MemoryRootfs::new()).is_err());
    }

    #[test]
    fn the_main_file_has_the_last_word_over_drop_ins() {
        let loose = root(ALL).file(DROP, "minlen = 8\nenforcing = 1\n");
        let Finding::Met(evidence) = want().audit(&loose).unwrap() else { panic!() };
        let note = evidence.iter().find(|e| e.note.is_some()).unwrap();
        assert_eq!(note.path.as_ref().unwrap().to_string(), DROP);
        let silent = root(ALL).file(DROP, "enforcing = 0\ndcredit = 1\n");
        assert_eq!(outcome(&silent), Outcome::NotMet, "the main file does not say enforcing");
        assert_eq!(settled_text(&want(), &silent, MAIN), format!("{ALL}enforcing = 1\n"));
        let strict = root("").file(DROP, "minlen = 20\ndcredit = -2\n");
        assert_eq!(
            settled_text(&want(), &strict, MAIN),
            ALL.replace("minlen = 14", "minlen = 20").replace("dcredit = -1", "dcredit = -2")
        );
        for not_read in ["a.conf.conf", "a.confx", "conf"] {
            let path = format!("/etc/security/pwquality.conf.d/{not_read}");
            assert_eq!(outcome(&root(ALL).file(&path, "junk\n")), Outcome::Met, "{not_read}");
        }
    }

    #[test]
    fn what_stops_the_library_is_a_gap() {
        let text = format!("retry = 3\n{ALL}junk\n");
        assert_eq!(
            settled_text(&want(), &root(&text), MAIN),
            format!("# gokaku: retry = 3\n{ALL}# gokaku: junk\n")
        );
        let newer =
            packages("Package: libpwquality1\nStatus: install ok installed\nVersion: 1.4.4-1\n");
        assert_eq!(outcome(&newer.file(MAIN, format!("retry = 3\n{ALL}"))), Outcome::Met);
        for (version, want) in [([1, 4, 1], Outcome::Met), ([1, 4, 0], Outcome::NotMet)] {
            let supposed = root(&format!("retry = 3\n{ALL}")).supposing("libpwquality1", &version);
            assert_eq!(outcome(&supposed), want, "{version:?}");
        }
        let drop_in = root(ALL).file(DROP, "retry = 3\n");
        assert_eq!(
            changed(&stage(&want(), &drop_in)),
            [(DROP.into(), "# gokaku: retry = 3\n".into())]
        );
        let owned = drop_in.file("/var/lib/dpkg/info/x.list", format!("{DROP}\n"));
        assert!(reasons(&want().audit(&owned).unwrap())[0].contains("belongs to a package"));
        let many = "junk\n".repeat(100_000);
        settled_text(&want(), &root(&many), MAIN);
        let long = format!("# {}\n{ALL}", "a long word about it ".repeat(200));
        settled_text(&want(), &root(&long), MAIN);
    }

    #[test]
    fn what_is_excluded_is_not_written() {
        let key = |key: &str| Subject::key(format!("pwquality.conf:{key}"));
        let held = root("minlen = 8\n").excluding(key("minlen"));
        let staged = stage(&want(), &held);
        let text = ALL.replace("minlen = 14", "minlen = 8");
        assert_eq!(changed(&staged), [(MAIN.to_owned(), text)]);
        assert_eq!(testing::held(&want(), &held), 1);
        assert_eq!(gaps(&want(), &held)[0].subject, key("minlen"));
        // Enough without the key: it is met.
        let held = root("").excluding(key("minclass"));
        let text = ALL.replace("minclass = 4\n", "");
        assert_eq!(settled_text(&want(), &held, MAIN), text);
        // A line that stops the reading stays, and so does a file.
        let (main, drop_in) = (ImagePath::parse(MAIN).unwrap(), ImagePath::parse(DROP).unwrap());
        let stopped = root("junk\n").file(DROP, "junk\n");
        let held = stopped.clone().excluding(Subject::path(&drop_in));
        assert_eq!(
            changed(&stage(&want(), &held)),
            [(MAIN.to_owned(), format!("# gokaku: junk\n{ALL}"))]
        );
        let held = stopped.clone().excluding(Subject::path(&main));
        assert_eq!(
            changed(&stage(&want(), &held)),
            [(DROP.to_owned(), "# gokaku: junk\n".to_owned())]
        );
        let held = held.excluding(Subject::path(&drop_in));
        assert!(changed(&stage(&want(), &held)).is_empty());
        assert_eq!(testing::held(&want(), &held), 8);
    }

    #[test]
    fn links() {
        let inside = root("").file("/etc/own", "").link(MAIN, "/etc/own");
        assert_eq!(settled_text(&want(), &inside, "/etc/own"), ALL);
        let outside = root("").file("/usr/x", "").link(MAIN, "/usr/x");
        assert!(fixes(&want().audit(&outside).unwrap()).is_empty());
        assert!(want().audit(&root("").link(MAIN, MAIN)).is_err());
        let with = |line: &[u8]| {
            let root = root("").file(MAIN, [ALL.as_bytes(), line].concat());
            outcome(&root)
        };
        for judged in [&b"\xff"[..], b"minlen = 14\xff\n"] {
            assert_eq!(with(judged), Outcome::Unknown);
        }
        for elsewhere in [&b"# \xff"[..], b"minlen = 14 # \xff\n", b"badwords = \xff\n"] {
            assert_eq!(with(elsewhere), Outcome::Met);
        }
        let dangling = root(ALL).link(DROP, "/nowhere");
        assert_eq!(outcome(&dangling), Outcome::Met);
    }
}
