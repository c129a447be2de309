//! The journal's place: nobody else's, and never in the image.

use std::fs;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::Path;
use std::process::Output;

use crate::support::gokaku_as_root;
use crate::trap::{Trap, as_root, snapshot, walk};

fn apply(trap: &Trap, state: &Path) -> Option<Output> {
    let mut command = gokaku_as_root("state")?;
    command.args(["apply", "--state-dir"]).arg(state).arg("--root").arg(trap.root());
    Some(command.output().unwrap())
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// A directory that anybody may make entries in, as `/tmp`; and what somebody else made there.
type Plant = (&'static str, fn(&Path, &Path), &'static str);

const PLANTS: &[Plant] = &[
    (
        "a link of somebody else's to a directory of ours",
        |at, ours| {
            symlink(ours, at).unwrap();
            lchown(at, Some(4_242), Some(4_242)).unwrap();
        },
        "belongs to uid 4242",
    ),
    (
        "a directory of somebody else's",
        |at, _| {
            fs::create_dir(at).unwrap();
            mode(at, 0o755);
            lchown(at, Some(4_242), Some(4_242)).unwrap();
        },
        "belongs to uid 4242",
    ),
    (
        "a directory that everybody can write to",
        |at, _| {
            fs::create_dir(at).unwrap();
            mode(at, 0o777);
        },
        "others can write to it",
    ),
    ("a file", |at, _| fs::write(at, "").unwrap(), "want a directory"),
    ("a link that leads to itself", |at, _| symlink("state", at).unwrap(), "symbolic links"),
];

#[test]
fn a_planted_state_directory_is_refused_and_nothing_is_changed() {
    if !as_root("state::a_planted_state_directory_is_refused_and_nothing_is_changed") {
        return;
    }
    for (what, plant, says) in PLANTS {
        let trap = Trap::new();
        let shared = trap.host().join("shared");
        let ours = trap.host().join("ours");
        fs::create_dir(&shared).unwrap();
        fs::create_dir(&ours).unwrap();
        mode(&ours, 0o700);
        plant(&shared.join("state"), &ours);
        // Only now: nobody may exchange what was made in it.
        mode(&shared, 0o1777);
        let before = snapshot(&trap.root());
        for state in ["state", "state/deeper"] {
            let Some(out) = apply(&trap, &shared.join(state)) else { return };
            let stderr = String::from_utf8_lossy(&out.stderr);
            let refused = [Some(3), Some(1)].contains(&out.status.code());
            assert!(refused && stderr.contains(says), "{what}, {state}: {stderr}");
            assert!(stderr.contains("/state"), "{what}: {stderr}");
        }
        assert_eq!(snapshot(&trap.root()), before, "{what}");
        assert!(walk(&ours).is_empty(), "{what}");
    }
}

#[test]
fn a_journal_is_for_its_owner_alone_and_a_shared_place_will_do() {
    if !as_root("state::a_journal_is_for_its_owner_alone_and_a_shared_place_will_do") {
        return;
    }
    let trap = Trap::new();
    let shared = trap.host().join("shared");
    fs::create_dir(&shared).unwrap();
    mode(&shared, 0o1777);
    let state = shared.join("new/state");
    let Some(out) = apply(&trap, &state) else { return };
    assert!(matches!(out.status.code(), Some(0 | 2)), "{}", String::from_utf8_lossy(&out.stderr));
    let all = walk(&shared);
    assert!(all.iter().any(|(p, _)| p.ends_with("journal.json")), "{all:?}");
    for (path, is_file) in all {
        let mode = fs::symlink_metadata(&path).unwrap().permissions().mode() & 0o7777;
        assert_eq!(mode, if is_file { 0o600 } else { 0o700 }, "{}", path.display());
    }
}

#[test]
fn the_journal_is_never_left_in_an_image() {
    if !as_root("state::the_journal_is_never_left_in_an_image") {
        return;
    }
    let trap = Trap::new();
    let before = snapshot(&trap.root());
    symlink(trap.root().join("var"), trap.host().join("link")).unwrap();
    for inside in [trap.root().join("var/lib/gokaku"), trap.host().join("link/gokaku"), trap.root()]
    {
        let Some(out) = apply(&trap, &inside) else { return };
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert_eq!(out.status.code(), Some(3), "{stderr}");
        assert!(stderr.contains("inside the root") && stderr.contains("--state-dir"), "{stderr}");
        assert_eq!(snapshot(&trap.root()), before);
    }
    let Some(out) = apply(&trap, &trap.state()) else { return };
    assert!(matches!(out.status.code(), Some(0 | 2)), "{}", String::from_utf8_lossy(&out.stderr));
    let named: Vec<_> = walk(&trap.root())
        .into_iter()
        .map(|(p, _)| p)
        .filter(|p| p.to_string_lossy().to_lowercase().contains("gokaku"))
        .collect();
    assert!(named.is_empty(), "{named:?}");
}
