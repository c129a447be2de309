//! A tree that was copied while it was half done.

use super::*;
use crate::apply::tests::recovery::steps;
use crate::apply::undo_copy;

/// A run that is cut off after `written` steps, or after nothing but its temporary files.
fn cut_off(bench: &Bench, written: usize, prepared: bool) {
    let disk = bench.disk();
    let executor = Executor::lock(&disk, &bench.state()).unwrap();
    let (mut steps, dirs) = steps(&executor, &disk, &bench.plan(&disk));
    executor.journals.begin(&steps, dirs.times(), Purpose::default()).unwrap();
    if prepared {
        let step = steps.iter().find(|s| s.entry.content && s.before.is_some()).unwrap();
        let path = step.entry.path().unwrap();
        let dir = bench.root().join(path.parent().unwrap().relative());
        fs::write(dir.join(step.entry.temp()), "half").unwrap();
        return;
    }
    executor.write(&mut steps[..written], dirs).unwrap();
}

#[test]
fn a_copy_that_is_half_done_is_undone_and_the_journal_stays() {
    for (written, prepared) in [(1, false), (3, false), (0, true)] {
        let bench = Bench::new();
        let before = contents(picture(&bench.root()));
        cut_off(&bench, written, prepared);
        let undone = undo_copy(&bench.disk(), &bench.state()).unwrap();
        assert_eq!(undone.map(|paths| paths.len()), Some(written), "{written} {prepared}");
        assert_eq!(contents(picture(&bench.root())), before);
        assert!(undo_copy(&bench.disk(), &bench.state()).unwrap().is_none(), "as it was");
        // The other copy is not left without it.
        let disk = bench.disk();
        let recovered = Executor::lock(&disk, &bench.state()).unwrap().recover().unwrap();
        assert!(matches!(recovered, Recovered::Apply(_)));
    }
}

#[test]
fn a_copy_that_is_not_half_done_is_left_alone() {
    let bench = Bench::new();
    assert!(undo_copy(&bench.disk(), &bench.state()).unwrap().is_none(), "no journal");
    let all = {
        let disk = bench.disk();
        bench.plan(&disk).changes().len()
    };
    cut_off(&bench, all, false);
    let whole = picture(&bench.root());
    assert!(undo_copy(&bench.disk(), &bench.state()).unwrap().is_none(), "all of it is done");
    assert_eq!(picture(&bench.root()), whole);

    let bench = Bench::new();
    cut_off(&bench, 2, false);
    fs::write(bench.root().join("etc/ssh/sshd_config"), "somebody else's\n").unwrap();
    let before = picture(&bench.root());
    assert!(undo_copy(&bench.disk(), &bench.state()).unwrap().is_none(), "another image");
    assert_eq!(picture(&bench.root()), before);
}
