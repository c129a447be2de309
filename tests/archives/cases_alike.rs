//! The small trees of `tests/cases/`, each as an archive of another kind.

use std::fs;
use std::path::Path;

use gokaku::profile::{Profile, Rule};
use gokaku::report;
use gokaku::rootfs::{ArchiveRootfs, DiskRootfs, Rootfs, Source};
use gokaku::run::{self, Options};

use super::cases::{self, Case, words};
use super::{pack, shell, succeeded, support};

/// What a report says of rows: before and after the plan, and what it would change.
fn planned(root: &dyn Rootfs, profile: &Profile, rules: &[&Rule], case: &Case) -> String {
    let ids = rules.iter().map(|rule| rule.id.clone());
    let mut options = Options::new().force_target(true).only(ids);
    for part in &case.parts {
        if let ["protect", account] = words(part)[..] {
            options = options.protect(account);
        }
    }
    let mut report = run::plan(profile, root, &options).unwrap();
    report.target.root.clear();
    report::to_json(&report).unwrap()
}

/// The archive of a tree, in the form whose turn it is.
fn archive(dir: &Path, turn: usize, base: &dyn Rootfs, tree: &dyn Rootfs) -> Source {
    let file = |bytes: Vec<u8>| {
        let path = dir.join("image");
        fs::write(&path, bytes).unwrap();
        path
    };
    let layers = || vec![pack::tar(base), pack::layer(base, tree)];
    match turn % 6 {
        0 => Source::Tar(file(pack::tar(tree))),
        1 => Source::Tar(file(pack::gzip(&pack::tar(tree)))),
        2 => Source::Tar(file(pack::zstd(&pack::tar(tree)))),
        3 => pack::oci(dir, &layers()),
        4 => pack::oci(dir, &[pack::gzip(&layers()[0]), pack::zstd(&layers()[1])]),
        _ => pack::docker(&dir.join("image"), &layers()),
    }
}

#[test]
fn every_case_is_judged_as_the_unpacked_tree() {
    let test = "every_case_is_judged_as_the_unpacked_tree";
    // Trees in memory stand for unpacked ones where those would have the caller's owners, and for most in a
    // quick run.
    let step = std::env::var("GOKAKU_TEST_UNPACK_STEP").ok();
    let step: usize = step.and_then(|step| step.parse().ok()).unwrap_or(5);
    let is_root = support::is_root(test, "unpack a tree with its owners");
    let profile = Profile::embedded().unwrap();
    let base = cases::base();
    let every: Vec<&Rule> = profile.rules.iter().collect();
    let mut turn = 0;
    for (id, cases) in cases::all() {
        let rule = profile.rule(&id.parse().unwrap()).unwrap();
        for case in &cases {
            let at = format!("{id}.case: {}", case.name);
            let tree = case.tree(&base);
            let dir = tempfile::tempdir_in("/dev/shm").or_else(|_| tempfile::tempdir()).unwrap();
            let source = archive(dir.path(), turn, &base, &tree);
            let found = ArchiveRootfs::open(&source).unwrap_or_else(|e| panic!("{at}: {e}"));
            // All rows of some trees, of the others the one that the case is about.
            let rules = if turn % 40 == 0 { &*every } else { &[rule] };
            let said = planned(&found, &profile, rules, case);
            let want = if is_root && turn % step == 0 {
                let root = dir.path().join("unpacked");
                fs::create_dir(&root).unwrap();
                fs::write(dir.path().join("plain.tar"), pack::tar(&tree)).unwrap();
                succeeded(&shell(
                    dir.path(),
                    "tar -C unpacked --numeric-owner --acls --xattrs --xattrs-include='*' -xpf plain.tar",
                ));
                planned(&DiskRootfs::open(&root).unwrap(), &profile, rules, case)
            } else {
                planned(&tree, &profile, rules, case)
            };
            assert!(said == want, "{at} as {source}\n{said}\nand not\n{want}");
            turn += 1;
        }
    }
    assert!(turn > 800, "{turn}");
}
