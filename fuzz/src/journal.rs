//! Journals that somebody else wrote: whatever they say, nothing outside the root changes.

use std::cell::RefCell;
use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use gokaku::apply::{Executor, Stop, forget, revert};
use gokaku::plan::plan;
use gokaku::profile::Profile;
use gokaku::rootfs::DiskRootfs;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::support::chosen_bytes;

/// Rows that make a file with its directory, change a mode, and rewrite a file.
const ROWS: [&str; 3] = ["1.1.1.1", "5.1.2", "1.7.6"];
const CANARY: &str = "untouched\n";
/// The files of the root, below `/etc`.
const FILES: [(&str, &str); 3] =
    [("crontab", "# jobs\n"), ("issue", "Ubuntu \\s\n"), ("other", "")];

/// A root on disk with a journal beside it, and something that must not change.
struct Bench {
    top: tempfile::TempDir,
    /// The one run's directory, and what its journal said.
    run: PathBuf,
    sealed: Value,
    /// Root and journals as they were last laid out.
    fresh: RefCell<Vec<Stamp>>,
}

/// A path, and what changes when something is done to what stands there: inode, mode, size, links,
/// owner, time (which is coarse).
type Stamp = (PathBuf, Option<(u64, u32, u64, u64, u32, i64)>);

thread_local! {
    static BENCH: Option<Bench> = Bench::new();
}

fn digest(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A journal as the first versions sealed it: without blanks, with sorted keys.
fn sealed(template: &Value, journal: Value) -> Value {
    let sum = digest(&journal.to_string());
    json!({ "schema": template["schema"], "sha256": sum, "journal": journal })
}

/// The text of the journal in a file, which is what its digest is of.
fn own_text(file: &str) -> &str {
    let (_, text) = file.split_once("\"journal\":").expect("a journal");
    text.trim_end().strip_suffix('}').expect("an object")
}

impl Bench {
    /// `None` without the right to give files to root: no journal is ever acted upon then.
    fn new() -> Option<Bench> {
        let memory = Path::new("/dev/shm");
        let top = tempfile::tempdir_in(memory).or_else(|_| tempfile::tempdir());
        let top = top.expect("a directory");
        let mut bench =
            Bench { top, run: PathBuf::new(), sealed: Value::Null, fresh: RefCell::default() };
        bench.plant();
        let profile = Profile::embedded().expect("the embedded profile is good");
        let rules = profile.rules.iter().filter(|r| ROWS.contains(&&*r.id.to_string()));
        let rules: Vec<_> = rules.collect();
        let root = bench.root();
        let plan = plan(&rules, &root).expect("the rules settle");
        assert!(plan.changes().len() > 3, "{:?}", plan.changes());
        let done = Executor::lock(&root, &bench.state()).and_then(|executor| executor.apply(&plan));
        if let Err(e) = done {
            // Past what a test harness holds back.
            let _ = writeln!(std::io::stderr(), "SKIPPED target journal: {e}");
            return None;
        }
        bench.run = only_entry(&only_entry(&bench.state()));
        let file = bench.run.join("journal.json");
        let text = fs::read_to_string(file).expect("the journal is there");
        let own: Value = serde_json::from_str(&text).expect("the journal is JSON");
        assert_eq!(own["sha256"], digest(own_text(&text)), "a journal is sealed otherwise now");
        bench.sealed = sealed(&own, own["journal"].clone());
        Some(bench)
    }

    fn state(&self) -> PathBuf {
        self.top.path().join("state")
    }

    fn root(&self) -> DiskRootfs {
        DiskRootfs::open(self.top.path().join("root")).expect("the root opens")
    }

    /// Makes the root as it is before every run.
    fn plant(&self) {
        let root = self.top.path().join("root");
        for dir in ["etc", "usr"] {
            let _ = fs::remove_dir_all(root.join(dir));
        }
        fs::create_dir_all(root.join("etc")).expect("a directory");
        for (name, text) in FILES {
            fs::write(root.join("etc").join(name), text).expect("a file");
        }
        symlink("../..", root.join("etc/up")).expect("a link");
        fs::write(self.top.path().join("canary"), CANARY).expect("a file");
    }

    fn try_journal(&self, pick: usize, text: &[u8]) {
        let file = match serde_json::from_slice::<Value>(text) {
            Ok(mut journal) if !pick.is_multiple_of(8) => {
                // Journals of other trees are refused at once.
                if let Some(fields) = journal.as_object_mut() {
                    for field in ["root", "tree"] {
                        fields.insert(field.to_owned(), self.sealed["journal"][field].clone());
                    }
                }
                sealed(&self.sealed, journal).to_string().into_bytes()
            }
            _ => text.to_owned(),
        };
        // Most journals are refused, and nothing need be laid out anew.
        if self.fresh.borrow().is_empty() || *self.fresh.borrow() != self.stamps() {
            self.lay_out();
        }
        fs::write(self.run.join("journal.json"), file).expect("a file");
        let canary = self.top.path().join("canary");
        let seen = || {
            let stat = fs::symlink_metadata(&canary).expect("the canary is there");
            let text = fs::read_to_string(&canary).expect("the canary is a text");
            (text, stat.mode(), stat.uid(), stat.ino(), stat.mtime_nsec(), stat.nlink())
        };
        let before = seen();
        let root = self.root();
        let _ = match pick / 8 % 2 {
            0 => revert(&root, &self.state(), &[], Duration::ZERO, &Stop::default()).map(drop),
            _ => forget(&root, &self.state(), Duration::ZERO, &Stop::default()).map(drop),
        };
        assert_eq!(seen(), before, "something outside of the root changed");
        let beside = fs::read_dir(self.top.path()).expect("a directory").count();
        assert!(beside <= 3, "something was made outside of the root");
    }

    /// The root, and its journals but for what the one run's says.
    fn lay_out(&self) {
        self.plant();
        if let Some(state) = self.run.parent() {
            let _ = fs::remove_dir_all(state);
        }
        let contents = self.run.join("before");
        fs::create_dir_all(&contents).expect("the journal's directory");
        for text in FILES.map(|(_, text)| text).into_iter().chain([CANARY]) {
            fs::write(contents.join(name(text)), text).expect("a file");
        }
        fs::write(self.run.join("journal.json"), "").expect("a file");
        *self.fresh.borrow_mut() = self.stamps();
    }

    /// Whatever a run could change, down to each directory's time. The journal file is written for
    /// every run.
    fn stamps(&self) -> Vec<Stamp> {
        let etc = self.top.path().join("root/etc");
        let contents = self.run.join("before");
        let mut paths = vec![self.top.path().to_owned(), self.top.path().join("root")];
        paths.extend([etc.join("up"), self.top.path().join("root/usr"), self.state()]);
        paths.extend(FILES.map(|(name, _)| etc.join(name)));
        let texts = FILES.map(|(_, text)| text).into_iter().chain([CANARY]);
        paths.extend(texts.map(|text| contents.join(name(text))));
        paths.extend(self.run.ancestors().take(2).map(Path::to_owned));
        paths.extend([etc, contents]);
        let stamp = |path: PathBuf| {
            let seen = fs::symlink_metadata(&path).ok();
            let seen =
                seen.map(|m| (m.ino(), m.mode(), m.len(), m.nlink(), m.uid(), m.ctime_nsec()));
            (path, seen)
        };
        paths.into_iter().map(stamp).collect()
    }
}

fn only_entry(dir: &Path) -> PathBuf {
    let mut entries = fs::read_dir(dir).expect("a directory");
    entries.next().expect("an entry").expect("a name").path()
}

/// The name under which a journal keeps a content.
fn name(content: &str) -> String {
    Sha256::digest(content.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Takes a journal back, or drops it.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen_bytes(data);
    BENCH.with(|bench| bench.iter().for_each(|bench| bench.try_journal(pick, text)));
}
