//! `plan --format patch`, applied with `patch`.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::bench::Bench;
use crate::support::rich::{Seen, picture};
use crate::support::{gokaku_as_root, have, is_root};

/// A copy of the tree, with all that it has.
pub fn copy(of: &Path, to: &Path) {
    let out = Command::new("cp").arg("-a").arg(of).arg(to).output().unwrap();
    assert!(out.status.success(), "{out:?}");
}

/// Runs a script or a patch from its text.
pub fn fed(command: &mut Command, text: &[u8]) -> String {
    use std::io::Write;
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(text).unwrap();
    drop(stdin);
    let out = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&[out.stdout, out.stderr].concat()).into_owned();
    assert!(out.status.success(), "{:?}: {said}", out.status);
    said
}

/// What differs in two trees, by `part` of each entry.
fn differences<T: PartialEq + std::fmt::Debug>(
    a: &Path,
    b: &Path,
    part: impl Fn(&Seen) -> T,
) -> Vec<(PathBuf, Option<T>, Option<T>)> {
    let seen = |root: &Path| -> BTreeMap<PathBuf, T> {
        picture(root).into_iter().map(|(path, seen)| (path, part(&seen))).collect()
    };
    let (mut a, mut b) = (seen(a), seen(b));
    let paths: std::collections::BTreeSet<PathBuf> = a.keys().chain(b.keys()).cloned().collect();
    paths
        .into_iter()
        .map(|path| {
            let (a, b) = (a.remove(&path), b.remove(&path));
            (path, a, b)
        })
        .filter(|(_, a, b)| a != b)
        .collect()
}

/// What texts of files can be: without a line feed at the end, with carriage returns, empty, with
/// what is no UTF-8 far from what changes, with lines that look like a patch.
fn plant(root: &Path) {
    let write = |path: &str, text: &[u8]| {
        fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
        fs::write(root.join(path), text).unwrap();
    };
    write("etc/login.defs", b"PASS_MAX_DAYS 99999\r\nUMASK 000\r\nPASS_WARN_AGE 1");
    write(
        "etc/modprobe.d/odd.conf",
        b"--- a/etc/passwd\n+++ b/etc/passwd\n@@ -1 +1 @@\ninstall cramfs /bin/no",
    );
    let far =
        [b"# caf\xe9\n".as_slice(), "#\n".repeat(20).as_bytes(), b"net.ipv4.ip_forward=1"].concat();
    write("etc/sysctl.conf", &far);
    write("home/eve/.netrc", b"machine x password PLANTED\n");
    write("etc/issue.net", b"");
    fs::set_permissions(root.join("home/eve/.netrc"), fs::Permissions::from_mode(0o644)).unwrap();
}

/// A tree, the patch of its plan, and two copies of it: one that `apply` has changed, one that `patch`
/// has.
struct Patched {
    bench: Bench,
    text: String,
    by_apply: PathBuf,
    by_patch: PathBuf,
}

impl Patched {
    fn new(test: &str, plant: impl FnOnce(&Path)) -> Option<Patched> {
        let programs = ["patch:patch", "setfacl:acl", "chage:passwd", "usermod:passwd"];
        if !have(test, &programs) || !is_root(test, "owners of files") {
            return None;
        }
        let bench = Bench::new();
        plant(&bench.root());
        let patch = bench.dir().join("plan.patch");
        bench.run("plan", &["--quarantine", "--format", "patch", "-o", patch.to_str().unwrap()]);
        let text = String::from_utf8(fs::read(patch).unwrap()).unwrap();
        let (by_apply, by_patch) = (bench.dir().join("applied"), bench.dir().join("patched"));
        copy(&bench.root(), &by_apply);
        copy(&bench.root(), &by_patch);
        let mut apply = gokaku_as_root(test).unwrap();
        apply.args(["apply", "--quiet", "--quarantine", "--root"]).arg(&by_apply);
        apply.arg("--profile").arg(bench.layer());
        apply.arg("--state-dir").arg(bench.dir().join("state")).output().unwrap();
        let mut program = Command::new("patch");
        program.args(["-p1", "--batch", "--fuzz=0"]).current_dir(&by_patch);
        let said = fed(&mut program, text.as_bytes());
        assert!(!said.contains("offset") && !said.contains("fuzz"), "{said}");
        Some(Patched { bench, text, by_apply, by_patch })
    }

    /// The commands in remarks.
    fn commands(&self) -> String {
        let commands = self.text.lines().filter_map(|line| line.strip_prefix("# $ "));
        commands.map(|command| format!("{command}\n")).collect()
    }

    /// The paths that are left out.
    fn left_out(&self) -> Vec<&str> {
        let said = self.text.lines().filter_map(|line| line.strip_prefix("# Left out: /"));
        said.map(|said| said.split_once(": ").unwrap().0).collect()
    }
}

#[test]
fn a_patch_makes_of_the_tree_what_apply_makes() {
    let Some(made) = Patched::new("a_patch_makes_of_the_tree_what_apply_makes", plant) else {
        return;
    };
    let Patched { bench: _, text, by_apply, by_patch } = &made;
    for secret in ["PLANTED", "$6$a$b"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert_eq!(made.left_out(), [""; 0]);

    // Every content is there, or a command is named that makes it.
    let commands = made.commands();
    let by_command = |path: &Path| {
        let path = path.to_str().unwrap();
        commands.lines().any(|line| line.split(' ').any(|word| word == format!("./{path}")))
    };
    let content = |seen: &Seen| seen.content.clone();
    let files = [".bashrc", "login.defs", "odd.conf", "sysctl.conf", "issue.net", "sshd_config"];
    for (path, ..) in differences(by_apply, by_patch, content) {
        let is_link_or_dir = !by_apply.join(&path).is_file() || path.ends_with(".netrc");
        let shadow = path == Path::new("etc/shadow") && commands.contains("chage -R");
        let new = path.to_str().unwrap().ends_with(".quarantined-gokaku");
        assert!((is_link_or_dir || new || shadow) && by_command(&path), "{}", path.display());
        assert!(!files.iter().any(|name| path.ends_with(name)), "{}", path.display());
    }

    fed(Command::new("sh").args(["-eu"]).current_dir(by_patch), commands.as_bytes());
    // The programs of accounts make backups and locks of their own.
    for left in ["etc/shadow-", "etc/.pwd.lock"] {
        let _ = fs::remove_file(by_patch.join(left));
    }
    let left = differences(by_apply, by_patch, whole);
    assert!(left.is_empty(), "{left:#?}");
}

/// All but times and attributes.
fn whole(seen: &Seen) -> (u32, (u32, u32), String) {
    (seen.kind_and_mode, seen.owner, String::from_utf8_lossy(&seen.content).into_owned())
}

/// What a patch cannot hold is left out by its name, and everything else still applies.
#[test]
fn what_a_patch_cannot_hold_is_left_out_by_name() {
    let plant = |root: &Path| {
        let add = |path: &str, text: &[u8]| {
            let old = fs::read(root.join(path)).unwrap_or_default();
            fs::create_dir_all(root.join(path).parent().unwrap()).unwrap();
            fs::write(root.join(path), [&old, text].concat()).unwrap();
        };
        add("etc/issue", b"\\m caf\xe9\n");
        add("etc/motd", b"\\m \x1b]0;x\x07\n");
        add("etc/passwd", b"bob:$6$saltsalt$PLANTEDPLANTEDPLANTED:1001:1001::/home/bob:/bin/sh\n");
        add("etc/group", b"bob:x:1001:\n");
        add("etc/modprobe.d/odd name.conf", b"install cramfs /bin/no\n");
        add("etc/modprobe.d/a\"b.conf", b"install cramfs /bin/no\n");
        add("etc/modprobe.d/a\n# $ touch x.conf", b"install cramfs /bin/no\n");
    };
    let Some(made) = Patched::new("what_a_patch_cannot_hold_is_left_out_by_name", plant) else {
        return;
    };
    assert!(!made.text.contains("PLANTED") && !made.text.contains('\x1b'), "{}", made.text);
    let commands = made.commands();
    assert!(!commands.contains("touch"), "{commands}");
    let mut left = made.left_out();
    left.sort_unstable();
    left.dedup();
    let want = [
        "etc/issue",
        "etc/modprobe.d/a\"b.conf",
        "etc/modprobe.d/a\\x0a# $ touch x.conf",
        "etc/motd",
        "etc/passwd",
        "etc/shadow",
    ];
    assert_eq!(left, want);
    fed(Command::new("sh").args(["-eu"]).current_dir(&made.by_patch), commands.as_bytes());
    for (path, ..) in differences(&made.by_apply, &made.by_patch, whole) {
        let shown = path.to_str().unwrap().replace('\n', "\\x0a");
        assert!(want.contains(&&*shown), "{shown}\n{}", made.text);
    }
    assert!(made.bench.root().is_dir());
}

/// The usage of the command line says what to do instead.
#[test]
fn only_a_plan_is_a_patch() {
    let bench = Bench::new();
    for verb in ["audit", "apply"] {
        let mut program = crate::support::gokaku();
        program.args([verb, "--format", "patch", "--root"]).arg(bench.root());
        let out = program.output().unwrap();
        let said = String::from_utf8(out.stderr).unwrap();
        assert_eq!(out.status.code(), Some(64), "{said}");
        assert!(said.contains("gokaku plan --format patch"), "{said}");
        assert!(out.stdout.is_empty());
    }
}
