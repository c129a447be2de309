//! One made-up input for a program and for our reader of the same format.
//!
//! Each trial is a small tree: judged by us, mended by us, judged again. Its files, as they were
//! and as mended, are laid into the real tree one after the other, where the program answers.

use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use gokaku::check::Outcome;
use gokaku::plan::{self, Judged};
use gokaku::profile::{ProfileFiles, Rule};
use gokaku::rootfs::{FileKind, ImagePath, MemoryRootfs, Rootfs};

use crate::bench::scripted;
use crate::support::{root, row};

/// A rule with this one want, in the words of a profile.
pub fn rule(want: &str) -> Rule {
    let head = include_str!("../../profiles/aks-ubuntu-18.04/profile.toml");
    let files = [("profile.toml", head), ("1.toml", &row("1.1", "a", want))];
    ProfileFiles::from_files(files).parse().unwrap().rules.swap_remove(0)
}

/// What a row can want of `judge.service`, and the rows.
pub fn service_states() -> ([&'static str; 2], [Rule; 2]) {
    let states = ["enabled", "disabled"];
    let want = |state| format!("service = {{ unit = \"judge.service\", state = \"{state}\" }}");
    (states, states.map(|state| rule(&want(state))))
}

/// Whether a row with this outcome holds.
pub fn holds(outcome: Outcome) -> bool {
    matches!(outcome, Outcome::Met | Outcome::MetVacuously)
}

/// Trees and our word about them. Tree `2n` is the n-th as it was, tree `2n + 1` as mended.
pub struct Trials {
    dir: tempfile::TempDir,
    /// The directories and files that the program reads; they are laid out anew for each trial.
    places: &'static [&'static str],
    judged: Vec<(Judged, Judged)>,
}

/// What a program said of one trial, and what we did.
pub struct Answer<'a> {
    /// Of the tree as it was.
    pub before: String,
    /// Of the mended tree.
    pub after: String,
    /// Our verdict on the tree as it was.
    pub was: &'a Judged,
    /// Our verdict on the mended tree.
    pub is: &'a Judged,
    shown: String,
}

impl Answer<'_> {
    /// Ends the test, with everything that is needed to see why.
    pub fn wrong(&self, what: &str) -> ! {
        panic!(
            "{what}\nthe program: {:?}, mended {:?}\nwe: {:?} {:?}\nmended: {:?} {:?} {:?}\n{}",
            self.before,
            self.after,
            self.was.outcome,
            self.was.evidence,
            self.is.outcome,
            self.is.reason,
            self.is.evidence,
            self.shown
        );
    }
}

impl Trials {
    /// None yet.
    pub fn new(places: &'static [&'static str]) -> Trials {
        Trials { dir: tempfile::tempdir().unwrap(), places, judged: Vec::new() }
    }

    /// Judges and mends a tree by these rules together. Gives the verdicts on each, before and
    /// after; those of the answer are the worst of them.
    pub fn add(&mut self, rules: &[&Rule], tree: &MemoryRootfs) -> (Vec<Judged>, Vec<Judged>) {
        let n = self.judged.len();
        let plan = plan::plan(rules, tree).unwrap_or_else(|e| panic!("trial {n}: {e}"));
        let mended = tree.clone().changed(plan.nodes());
        for (at, tree) in [(2 * n, tree), (2 * n + 1, &mended)] {
            fs::create_dir(self.dir.path().join(at.to_string())).unwrap();
            for place in self.places {
                let to = self.dir.path().join(at.to_string()).join(place.trim_start_matches('/'));
                export(tree, &ImagePath::parse(*place).unwrap(), &to);
            }
        }
        let worst = |all: &[Judged]| {
            let bad = |j: &&Judged| !matches!(j.outcome, Outcome::Met | Outcome::MetVacuously);
            all.iter().find(bad).or(all.first()).expect("a rule").clone()
        };
        self.judged.push((worst(&plan.before), worst(&plan.after)));
        (plan.before, plan.after)
    }

    /// Asks a program of the real tree about all of them. `prepare` is shell, run once. `ask` is
    /// shell, run inside the tree with the trial's number in `$n`; what it prints is the answer.
    /// `run` is `inside` or `booted`.
    pub fn ask(
        &self,
        test: &str,
        programs: &[&str],
        prepare: &str,
        run: &str,
        ask: &str,
    ) -> Option<Vec<Answer<'_>>> {
        let places: Vec<&str> = self.places.iter().map(|p| p.trim_start_matches('/')).collect();
        let script = format!(
            r#"
{prepare}
mkdir "$GOKAKU_ROOT/trials"
mount --bind '{dir}' "$GOKAKU_ROOT/trials"
cat >"$GOKAKU_ROOT/root/ask" <<'END'
cd /
ask() {{
{ask}
}}
n=0
while [ $n -le {last} ]; do
    rm -rf {places}
    cp -a "trials/$n/." /
    ask >"trials/$n.answer" 2>&1
    n=$((n + 1))
done
exit 0
END
{run} sh /root/ask
"#,
            dir = self.dir.path().display(),
            last = 2 * self.judged.len() - 1,
            places = places.join(" "),
        );
        scripted(test, programs, &script)?;
        let answer = |at: usize| {
            let path = self.dir.path().join(format!("{at}.answer"));
            String::from_utf8_lossy(&fs::read(path).unwrap()).trim_end_matches('\n').to_owned()
        };
        let answers = self.judged.iter().enumerate().map(|(n, (was, is))| {
            let mut shown = String::new();
            for at in [2 * n, 2 * n + 1] {
                show(&self.dir.path().join(at.to_string()), Path::new("/"), &mut shown);
            }
            Answer { before: answer(2 * n), after: answer(2 * n + 1), was, is, shown }
        });
        Some(answers.collect())
    }
}

/// Writes what stands at `at` in a tree to the host path `to`.
fn export(tree: &dyn Rootfs, at: &ImagePath, to: &Path) {
    let Some(stat) = tree.stat(at).unwrap() else { return };
    fs::create_dir_all(to.parent().unwrap()).unwrap();
    match stat.kind {
        FileKind::Dir => {
            fs::create_dir_all(to).unwrap();
            for name in tree.list(at).unwrap().unwrap_or_default().iter() {
                export(tree, &at.join(name).unwrap(), &to.join(name));
            }
        }
        FileKind::Symlink => {
            let target = tree.read_link(at).unwrap().unwrap();
            symlink(String::from_utf8(target).unwrap(), to).unwrap();
        }
        FileKind::File => {
            fs::write(to, tree.read_bytes(at, u64::MAX).unwrap().unwrap()).unwrap();
        }
        other => panic!("{at}: a {other}"),
    }
}

/// Every file of a trial, for a person.
fn show(dir: &Path, at: &Path, out: &mut String) {
    let here = dir.join(at.strip_prefix("/").unwrap());
    let mut names: Vec<PathBuf> = fs::read_dir(here).unwrap().map(|e| e.unwrap().path()).collect();
    names.sort();
    for path in names {
        let at = at.join(path.file_name().unwrap());
        if let Ok(target) = fs::read_link(&path) {
            let _ = writeln!(out, "-- {} -> {}", at.display(), target.display());
        } else if path.is_dir() {
            show(dir, &at, out);
        } else {
            let text = fs::read(&path).unwrap();
            let _ = writeln!(out, "-- {}\n{:?}", at.display(), String::from_utf8_lossy(&text));
        }
    }
}

/// What dpkg knows of one package of the real tree; the readers differ by version.
pub fn stanza(test: &str, package: &str) -> Option<String> {
    let status = fs::read_to_string(root(test)?.join("var/lib/dpkg/status")).unwrap();
    let head = format!("Package: {package}");
    let is_it = |s: &&str| s.lines().any(|l| l == head);
    Some(status.split("\n\n").find(is_it).map(|s| format!("{s}\n\n")).unwrap_or_default())
}
