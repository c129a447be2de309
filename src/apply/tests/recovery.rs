//! A run that was cut off or met somebody else's work, and what the next one makes of it.

use super::*;
use crate::apply::shape::Shape;

#[test]
fn a_killed_run_is_undone_by_the_next_one() {
    let bench = Bench::new();
    let before = picture(&bench.root());
    for written in 0..=6 {
        let disk = bench.disk();
        {
            let executor = Executor::lock(&disk, &bench.state()).unwrap();
            let plan = bench.plan(&disk);
            let mut dirs = OpenDirs::new(&disk);
            let mut steps: Vec<EntryChange> = plan
                .changes()
                .iter()
                .enumerate()
                .map(|(i, c)| executor.step(i, c, &mut dirs).unwrap())
                .collect();
            executor.journals.begin(&steps, dirs.times(), Purpose::default()).unwrap();
            // Everything up to here is on disk; the rest of the run never happens.
            executor.write(&mut steps[..written], dirs).unwrap();
        }
        let executor = Executor::lock(&disk, &bench.state()).unwrap();
        executor.recover().unwrap();
        assert_eq!(picture(&bench.root()), before, "cut off after {written} entries");
        let again = executor.recover().unwrap();
        assert!(matches!(again, Recovered::Nothing), "nothing is left to put back");
    }
}

#[test]
fn a_run_killed_between_two_calls_for_one_entry_is_undone() {
    let bench = Bench::new();
    let before = contents(picture(&bench.root()));
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let (mut steps, dirs) = steps(&executor, &disk, &bench.plan(&disk));
    let crontab = path("/etc/crontab");
    for step in steps.iter_mut().filter(|step| step.entry.path().unwrap() == crontab) {
        step.after.as_mut().unwrap().mode = 0o620;
    }
    executor.journals.begin(&steps, dirs.times(), Purpose::default()).unwrap();
    // What neither the old nor the new mode forbids; a directory that has not got its own yet.
    let at = |name: &str, mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(bench.root().join("etc").join(name), mode).unwrap();
    };
    at("crontab", 0o600);
    fs::create_dir(bench.root().join("etc/new.d")).unwrap();
    at("new.d", 0o700);
    executor.recover().unwrap();
    assert_eq!(contents(picture(&bench.root())), before);
    assert!(matches!(executor.recover().unwrap(), Recovered::Nothing));
}

#[test]
fn a_journal_of_another_tree_at_the_same_path_is_not_used_to_recover() {
    let bench = Bench::new();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let plan = bench.plan(&disk);
    let mut dirs = OpenDirs::new(&disk);
    let steps: Vec<EntryChange> = plan
        .changes()
        .iter()
        .enumerate()
        .map(|(i, c)| executor.step(i, c, &mut dirs).unwrap())
        .collect();
    executor.journals.begin(&steps, dirs.times(), Purpose::default()).unwrap();
    drop(executor);
    // Another image comes to the same place, and happens to have what the run would have made.
    fs::rename(bench.root(), bench.top.path().join("first")).unwrap();
    fs::create_dir_all(bench.root().join("etc/new.d")).unwrap();
    fs::write(bench.root().join("etc/new.d/60-CIS.conf"), "a = 1\n").unwrap();
    let before = picture(&bench.root());
    let other = bench.disk();
    let e = Executor::lock(&other, &bench.state()).unwrap().recover().unwrap_err();
    assert!(matches!(&e, Error::Guard(why) if why.to_string().contains("another tree")), "{e}");
    assert_eq!(picture(&bench.root()), before);
}

#[test]
fn a_journal_that_others_could_have_written_is_not_used_to_recover() {
    let bench = Bench::new();
    cut_off(&bench);
    let before = picture(&bench.root());
    let key = fs::read_dir(bench.state()).unwrap().next().unwrap().unwrap().path();
    let mode = |bits| fs::set_permissions(&key, fs::Permissions::from_mode(bits)).unwrap();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    for bits in [0o755, 0o770, 0o777] {
        mode(bits);
        let e = executor.recover().unwrap_err().to_string();
        assert!(e.contains(&format!("{bits:04o}")), "{e}");
        assert_eq!(picture(&bench.root()), before, "{bits:o}");
    }
    mode(0o700);
    executor.recover().unwrap();
    assert_ne!(picture(&bench.root()), before);
}

#[test]
fn a_journal_with_a_foreign_temporary_name_is_refused() {
    let bench = Bench::new();
    let disk = bench.disk();
    let applied = Executor::lock(&disk, &bench.state()).unwrap().apply(&bench.plan(&disk)).unwrap();
    let canary = bench.top.path().join("canary");
    fs::write(&canary, "untouched").unwrap();
    let file = applied.journal.unwrap().join("journal.json");
    let mut sealed: serde_json::Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    for name in ["../../../canary", "sshd_config", "", ".gokaku-/../../../../canary"] {
        // Sealed anew, as somebody could who can write there.
        let journal = &mut sealed["journal"];
        journal["phase"] = "open".into();
        for entry in journal["entries"].as_array_mut().unwrap() {
            entry["temp"] = entry::hex(name.as_bytes()).into();
        }
        sealed["sha256"] = entry::digest(sealed["journal"].to_string().as_bytes()).into();
        fs::write(&file, sealed.to_string()).unwrap();
        let before = picture(bench.top.path());
        let e = Executor::lock(&disk, &bench.state()).unwrap().recover().unwrap_err();
        assert!(e.to_string().contains("not of our making"), "{name}: {e}");
        assert_eq!(picture(bench.top.path()), before, "{name}");
    }
}

/// The steps of a plan, as a run is about to take them.
pub(super) fn steps<'d>(
    executor: &Executor<'d>,
    disk: &'d DiskRootfs,
    plan: &Plan,
) -> (Vec<EntryChange>, OpenDirs<'d>) {
    let mut dirs = OpenDirs::new(disk);
    let changes = plan.changes().iter().enumerate();
    let steps = changes.map(|(i, c)| executor.step(i, c, &mut dirs).unwrap()).collect();
    (steps, dirs)
}

/// Does everything that a run does, but for marking it done: it was killed.
fn cut_off(bench: &Bench) {
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let (mut steps, dirs) = steps(&executor, &disk, &bench.plan(&disk));
    executor.journals.begin(&steps, dirs.times(), Purpose::default()).unwrap();
    executor.write(&mut steps, dirs).unwrap();
}

#[test]
fn what_somebody_writes_while_a_run_is_going_on_is_kept() {
    let config = "etc/ssh/sshd_config";
    for edit in ["content", "mode", "gone", "attribute"] {
        let bench = Bench::new();
        let disk = bench.disk();
        let executor = Executor::lock(&disk, &bench.state()).unwrap();
        let (steps, dirs) = steps(&executor, &disk, &bench.plan(&disk));
        let file = bench.root().join(config);
        match edit {
            "content" => fs::write(&file, "UsePAM yes\n# an edit\n").unwrap(),
            "mode" => fs::set_permissions(&file, fs::Permissions::from_mode(0o604)).unwrap(),
            "attribute" if xattr::set(&file, "user.mine", b"precious").is_err() => continue,
            "attribute" => {}
            _ => fs::remove_file(&file).unwrap(),
        }
        let before = contents(picture(&bench.root()));
        let e = executor.carry_out(steps, dirs, Purpose::default()).err().unwrap();
        assert!(matches!(&e, Error::RolledBack { .. }), "{edit}: {e}");
        assert!(e.to_string().contains("/etc/ssh/sshd_config: changed while"), "{edit}: {e}");
        assert_eq!(contents(picture(&bench.root())), before, "{edit}");
        assert!(matches!(executor.recover().unwrap(), Recovered::Nothing), "{edit}");
        if edit == "attribute" {
            assert!(xattr::get(&file, "user.mine").unwrap().is_some(), "{edit}");
        }
    }
}

#[test]
fn what_somebody_makes_where_a_new_file_was_to_be_is_kept() {
    let bench = Bench::new();
    let disk = bench.disk();
    let mut staged = StagedRootfs::new(&disk);
    let create =
        NewFile { mode: 0o644, uid: users::get_effective_uid(), gid: users::get_effective_gid() };
    let change = Change::Write { path: path("/etc/fresh"), content: "ours\n".into(), create };
    staged.stage(&change, &[0]).unwrap();
    let plan = Plan::of_stage(&staged);
    fs::write(bench.root().join("etc/fresh"), "theirs\n").unwrap();
    let before = picture(&bench.root());
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let e = executor.apply(&plan).unwrap_err();
    assert!(matches!(&e, Error::RolledBack { .. }), "{e}");
    assert_eq!(picture(&bench.root()), before);
    assert!(matches!(executor.recover().unwrap(), Recovered::Nothing));
}

#[test]
fn what_somebody_wrote_after_a_run_was_killed_is_not_thrown_away() {
    let bench = Bench::new();
    cut_off(&bench);
    let config = bench.root().join("etc/ssh/sshd_config");
    fs::write(&config, "UsePAM yes\n# an edit\n").unwrap();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    for _ in 0..2 {
        let e = executor.recover().unwrap_err().to_string();
        assert!(e.contains("/etc/ssh/sshd_config is neither as it was"), "{e}");
        assert_eq!(fs::read_to_string(&config).unwrap(), "UsePAM yes\n# an edit\n");
    }
    assert!(bench.root().join("etc/gone").exists(), "one does not keep the others from it");
}

#[test]
fn attributes_come_back_where_nothing_else_was_changed() {
    let bench = Bench::new();
    let disk = bench.disk();
    for (name, content) in [("issue", true), ("crontab", false)] {
        let file = bench.root().join("etc").join(name);
        fs::write(&file, "text\n").unwrap();
        if xattr::set(&file, "user.mine", b"precious").is_err() {
            return; // not on this filesystem
        }
        let executor = Executor::lock(&disk, &bench.state()).unwrap();
        let mut dirs = OpenDirs::new(&disk);
        let at = path(&format!("/etc/{name}"));
        let look = |dirs: &mut OpenDirs<'_>| {
            dirs.holding(&at).unwrap().look(name.as_ref(), content).unwrap()
        };
        let before = look(&mut dirs);
        let after = before.clone().map(|shape| Shape { xattrs: Vec::new(), ..shape });
        let entry = Entry::new(&at, &temporary(0), content);
        let mut steps = [EntryChange { entry, before, after, elsewhere: false }];
        executor.journals.begin(&steps, dirs.times(), Purpose::default()).unwrap();
        executor.write(&mut steps, dirs).unwrap();
        assert_eq!(xattr::get(&file, "user.mine").unwrap(), None, "{name}");
        executor.recover().unwrap();
        let now = xattr::get(&file, "user.mine").unwrap();
        assert_eq!(now.as_deref(), Some(&b"precious"[..]), "{name}");
    }
}

#[test]
fn a_directory_of_a_cut_off_run_that_holds_something_else_stays() {
    let bench = Bench::new();
    let before = picture(&bench.root());
    cut_off(&bench);
    let other = bench.root().join("etc/new.d/other.conf");
    fs::write(&other, "mine\n").unwrap();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    executor.recover().unwrap();
    assert!(matches!(executor.recover().unwrap(), Recovered::Nothing));
    assert_eq!(fs::read_to_string(&other).unwrap(), "mine\n");
    fs::remove_dir_all(bench.root().join("etc/new.d")).unwrap();
    assert_eq!(contents(picture(&bench.root())), contents(before));
}

#[test]
fn damage_in_a_journal_is_found_before_anything_is_put_back() {
    let bench = Bench::new();
    cut_off(&bench);
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let contents = executor.journals.runs().unwrap()[0].path().join("before");
    let saved = |entry: std::io::Result<fs::DirEntry>| entry.unwrap().path();
    let files: Vec<PathBuf> = fs::read_dir(contents).unwrap().map(saved).collect();
    let is_config = |file: &&PathBuf| fs::read(file).unwrap() == b"UsePAM yes\n";
    fs::write(files.iter().find(is_config).unwrap(), "UsePAM no\n").unwrap();
    let before = picture(&bench.root());
    let e = executor.recover().unwrap_err().to_string();
    assert!(
        e.contains("what /etc/ssh/sshd_config held") && e.contains("nothing was changed"),
        "{e}"
    );
    assert_eq!(picture(&bench.root()), before);
}

#[test]
fn a_directory_that_is_a_link_by_now_is_no_directory_that_was_never_made() {
    let bench = Bench::new();
    cut_off(&bench);
    let etc = bench.root().join("etc");
    fs::rename(etc.join("ssh"), etc.join("ssh.real")).unwrap();
    symlink("ssh.real", etc.join("ssh")).unwrap();
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    assert!(executor.recover().is_err(), "what it made there is still there");
    fs::remove_file(etc.join("ssh")).unwrap();
    fs::rename(etc.join("ssh.real"), etc.join("ssh")).unwrap();
    executor.recover().unwrap();
    assert_eq!(fs::read_to_string(etc.join("ssh/sshd_config")).unwrap(), "UsePAM yes\n");
}
