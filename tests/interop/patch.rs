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

#[test]
fn a_patch_makes_of_the_tree_what_apply_makes() {
    let test = "a_patch_makes_of_the_tree_what_apply_makes";
    let programs = ["patch:patch", "setfacl:acl", "chage:passwd", "usermod:passwd"];
    if !have(test, &programs) || !is_root(test, "owners of files") {
        return;
    }
    let bench = Bench::new();
    plant(&bench.root());
    let patch = bench.dir().join("plan.patch");
    bench.run("plan", &["--quarantine", "--format", "patch", "-o", patch.to_str().unwrap()]);
    let patch = fs::read(patch).unwrap();
    let text = String::from_utf8(patch.clone()).unwrap();
    let (by_apply, by_patch) = (bench.dir().join("applied"), bench.dir().join("patched"));
    copy(&bench.root(), &by_apply);
    copy(&bench.root(), &by_patch);

    let mut apply = gokaku_as_root(test).unwrap();
    apply.args(["apply", "--quiet", "--quarantine", "--root"]).arg(&by_apply);
    apply.arg("--profile").arg(bench.layer()).arg("--state-dir").arg(bench.dir().join("state"));
    apply.output().unwrap();

    let mut program = Command::new("patch");
    program.args(["-p1", "--batch", "--fuzz=0"]).current_dir(&by_patch);
    let said = fed(&mut program, &patch);
    println!("{text}\n{said}");
    for secret in ["PLANTED", "$6$a$b"] {
        assert!(!text.contains(secret), "{secret}");
    }
    assert!(!said.contains("offset") && !said.contains("fuzz"), "{said}");

    // Everything is done by the patch, or by the commands that it names, or named as left out.
    let commands: String = text
        .lines()
        .filter_map(|l| l.strip_prefix("# $ "))
        .fold(String::new(), |all, command| all + command + "\n");
    let by_hand = |path: &Path| {
        let path = path.to_str().unwrap();
        commands.lines().any(|line| line.split(' ').any(|word| word.ends_with(path)))
            || (path == "etc/shadow" && commands.contains("chage"))
    };
    let content = |seen: &Seen| seen.content.clone();
    for (path, ..) in differences(&by_apply, &by_patch, content) {
        assert!(by_hand(&path), "{} is not as apply leaves it", path.display());
    }
    assert!(by_patch.join("etc/issue.net").is_file());

    fed(Command::new("sh").args(["-eu"]).current_dir(&by_patch), commands.as_bytes());
    // Programs of the accounts make backups and locks of their own.
    for left in ["etc/shadow-", "etc/.pwd.lock"] {
        let _ = fs::remove_file(by_patch.join(left));
    }
    let all = |seen: &Seen| {
        (seen.kind_and_mode, seen.owner, String::from_utf8_lossy(&seen.content).into_owned())
    };
    let left = differences(&by_apply, &by_patch, all);
    assert!(left.is_empty(), "{left:#?}");
}
