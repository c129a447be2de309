//! The guards, with the built program: the wrong root, a lock-out, and what the root's own programs
//! say. Whatever is refused leaves the tree as it was.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::path::Path;
use std::process::Output;

use support::{gokaku, gokaku_as_root, in_overlay, root, skip};

fn stderr(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

fn tree(os_release: Option<&str>) -> tempfile::TempDir {
    let tree = tempfile::tempdir().unwrap();
    fs::create_dir(tree.path().join("etc")).unwrap();
    if let Some(text) = os_release {
        fs::write(tree.path().join("etc/os-release"), text).unwrap();
    }
    tree
}

/// Every path below `dir`, as a proof that nothing came.
fn paths(dir: &Path) -> Vec<String> {
    let mut out = Vec::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        out.push(path.display().to_string());
        if path.is_dir() && !path.is_symlink() {
            out.extend(paths(&path));
        }
    }
    out.sort();
    out
}

#[test]
fn what_is_not_the_right_root_is_refused_by_every_verb_and_left_alone() {
    let test = "what_is_not_the_right_root_is_refused_by_every_verb_and_left_alone";
    if gokaku_as_root(test).is_none() {
        return;
    }
    let right = "ID=ubuntu\nVERSION_ID=\"18.04\"\n";
    let home = tempfile::tempdir().unwrap();
    fs::create_dir_all(home.path().join("bob/etc")).unwrap();
    fs::write(home.path().join("bob/etc/os-release"), right).unwrap();
    let linked = tree(None);
    std::os::unix::fs::symlink("/usr/lib/os-release", linked.path().join("etc/os-release"))
        .unwrap();
    let (empty, file_for_etc) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    fs::write(file_for_etc.path().join("etc"), right).unwrap();
    // The tree, what is said of it, and whether --force-target takes it.
    let refused = [
        (tree(None), "found no os-release, want ubuntu 18.04", true),
        (tree(Some("")), "found no os-release", true),
        (tree(Some("ID=ubuntu\nVERSION_ID=18.10\n")), "found ubuntu 18.10, want", true),
        (tree(Some("ID=ubuntu\n")), "found ubuntu without a version", true),
        (tree(Some("#ID=ubuntu\n#VERSION_ID=18.04\n")), "found no os-release", true),
        (tree(Some("ID=linuxmint\nID_LIKE=ubuntu\nVERSION_ID=18.04\n")), "found linuxmint", true),
        (linked, "found no os-release", true),
        (empty, "found no os-release", false),
        (home, "found no os-release", false),
        (file_for_etc, "found no os-release", false),
    ];
    let state = tempfile::tempdir().unwrap();
    for (tree, says, forced) in &refused {
        let before = paths(tree.path());
        for verb in ["audit", "plan", "apply"] {
            let run = |more: &[&str]| {
                let mut command = gokaku_as_root(test).unwrap();
                command.args([verb, "--rule", "3.2.1", "--root"]).arg(tree.path()).args(more);
                if verb == "apply" {
                    command.arg("--state-dir").arg(state.path());
                }
                command.output().unwrap()
            };
            let out = run(&[]);
            assert_eq!((out.status.code(), out.stdout.len()), (Some(3), 0), "{verb} {says}");
            assert!(stderr(&out).contains(says), "{}", stderr(&out));
            if !forced {
                let out = run(&["--force-target"]);
                assert_eq!(out.status.code(), Some(3), "{verb} {says}: {}", stderr(&out));
                assert!(stderr(&out).contains("no root filesystem"), "{}", stderr(&out));
            }
            assert_eq!(paths(tree.path()), before, "{verb} {says}");
            if *forced && verb != "apply" {
                let out = run(&["--force-target"]);
                assert!(matches!(out.status.code(), Some(0 | 2)), "{says}: {}", stderr(&out));
                assert!(stderr(&out).contains("taken all the same"), "{}", stderr(&out));
            }
        }
    }
    // What cannot be read cannot be judged; it is not a wrong root either.
    let odd = tree(None);
    fs::create_dir(odd.path().join("etc/os-release")).unwrap();
    let out = gokaku().args(["audit", "--root"]).arg(odd.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(1));
    assert!(stderr(&out).contains("/etc/os-release: found a directory"), "{}", stderr(&out));
}

#[test]
fn the_running_root_under_another_name_is_refused() {
    let test = "the_running_root_under_another_name_is_refused";
    if users::get_effective_uid() != 0 {
        return skip(test, "run as root: /proc/1/root tells it to nobody else");
    }
    let scratch = tempfile::tempdir().unwrap();
    // A root of its own, with the machine's bound into it, as a container with -v /:/host has it.
    // Process 1 of the new process namespace is the shell, which keeps the machine's root.
    let script = r#"
mount -t tmpfs gokaku "$1"
cd "$1"
for dir in bin sbin lib lib32 lib64 usr proc host program; do
    mkdir "$dir"
    case $dir in
    host) mount --bind / host ;;
    program) mount --bind "$2" program ;;
    *) [ ! -e "/$dir" ] || mount --rbind "/$dir" "$dir" ;;
    esac
done
stat / /proc/1/root/ >/dev/null || exit 77
status=0
chroot . /program/gokaku audit --force-target --root /host || status=$?
exit $status
"#;
    let program = Path::new(env!("CARGO_BIN_EXE_gokaku")).parent().unwrap();
    let out = std::process::Command::new("unshare")
        .args(["-m", "-p", "-f", "--mount-proc", "sh", "-euc", script, "sh"])
        .arg(scratch.path())
        .arg(program)
        .output();
    let Ok(out) = out else { return skip(test, "no unshare (util-linux)") };
    if out.status.code() == Some(77) || !stderr(&out).contains("gokaku") {
        return skip(test, &format!("no mounts or processes of its own here: {}", stderr(&out)));
    }
    assert_eq!(out.status.code(), Some(3), "{}", stderr(&out));
    assert!(stderr(&out).contains("own root under another name"), "{}", stderr(&out));
}

/// Somebody with a key, on an image that was not hardened yet.
const WITH_BOB: &str = r#"
r=$GOKAKU_ROOT
echo 'bob:x:1000:1000::/home/bob:/bin/bash' >>$r/etc/passwd
echo 'bob:x:1000:' >>$r/etc/group
echo 'bob:!:19000:0:99999:7:::' >>$r/etc/shadow
mkdir -p $r/home/bob/.ssh $r/root/.ssh
echo 'ssh-ed25519 AAAA bob' >$r/home/bob/.ssh/authorized_keys
cp $r/home/bob/.ssh/authorized_keys $r/root/.ssh/
chown -R 1000:1000 $r/home/bob
chmod 755 $r/home/bob; chmod 700 $r/home/bob/.ssh $r/root/.ssh; chmod 600 $r/home/bob/.ssh/* $r/root/.ssh/*
# run NAME ARGUMENT…: apply with a state of its own, and what came of it.
run() {
    name=$1; shift
    gokaku apply --root "$r" --state-dir "$OUT/state-$name" "$@" >"$OUT/$name.out" 2>"$OUT/$name.err" &&
        echo 0 >"$OUT/$name" || echo $? >"$OUT/$name"
}
back() { gokaku revert --root "$r" --state-dir "$OUT/state-$1" >&2; }
"#;

#[test]
fn a_plan_that_ends_the_next_login_is_refused_and_told() {
    let test = "a_plan_that_ends_the_next_login_is_refused_and_told";
    let Some(root) = root(test) else { return };
    let script = format!(
        r#"{WITH_BOB}
listing tree
run root --protect root
listing refused
gokaku plan --root "$r" --protect root >/dev/null 2>"$OUT/plan.err" && echo 0 >"$OUT/plan" || echo $? >"$OUT/plan"
run skipped --protect root --skip 5.3.4,5.3.10
back skipped
run bob --protect bob
back bob
run allowed --protect root --allow-lockout
# Who was shut out before is not the plan's doing.
run before --protect root --rule 5.3
# And a list of groups that bob is not in, in a row of somebody else's profile.
mkdir "$OUT/profile"
cp "{head}" "$OUT/profile/profile.toml"
cat >"$OUT/profile/1.toml" <<'END'
[[rule]]
id = "5.3.4"
title = {{ en = "a", ja = "a" }}
level = 1
status = "pass"
rationale = {{ en = "a", ja = "a" }}
[[rule.want]]
file_mode = {{ path = "/home", ceiling = "0700", kind = "dir" }}
END
run closed --protect bob --profile "$OUT/profile"
"#,
        head = support::repository("profiles/aks-ubuntu-18.04/profile.toml").display(),
    );
    let Some(ran) = in_overlay(test, &root, &script) else { return };
    assert!(ran.output.status.success(), "{}", stderr(&ran.output));
    let status = |name: &str| ran.file(name).trim().to_owned();
    let err = |name: &str| ran.file(&format!("{name}.err"));
    assert_eq!(status("root"), "3", "{}", err("root"));
    let told = err("root");
    for says in [
        "warning: the next SSH login of root would fail: PermitRootLogin no (/etc/ssh/sshd_config:",
        "), row 5.3.10",
        "--allow-lockout",
        "--skip",
    ] {
        assert!(told.contains(says), "{told} lacks {says}");
    }
    assert!(!told.contains("DenyUsers"), "who is protected is not denied: {told}");
    assert!(ran.listing("tree") == ran.listing("refused"), "changed");
    assert_eq!(status("plan"), "0", "a plan that was told is a success");
    assert!(err("plan").contains("the next SSH login of root would fail"));
    for name in ["skipped", "bob", "allowed"] {
        assert_eq!(status(name), "0", "{name}: {}", err(name));
    }
    assert!(!err("bob").contains("login of bob"), "{}", err("bob"));
    assert!(err("allowed").contains("the next SSH login of root would fail"));
    assert_eq!(status("before"), "0");
    // A directory above the keys that bob cannot pass any more.
    assert_eq!(status("closed"), "3", "{}", err("closed"));
    assert!(
        err("closed").contains("(/home)") && err("closed").contains("row 5.3.4"),
        "{}",
        err("closed")
    );
}

/// Rows that write what their reader refuses, and one that is right.
const BROKEN: [(&str, &str, &str); 4] = [
    (
        "1.1.1.1",
        "a",
        r#"banner = { path = "/etc/modprobe.d/CIS.conf", missing = "not-met", text = "frobnicate cramfs\n" }"#,
    ),
    (
        "4.2.1",
        "a",
        r#"banner = { path = "/etc/rsyslog.d/60-CIS.conf", missing = "not-met", text = "module(load=\n" }"#,
    ),
    (
        "5.3.13",
        "a",
        r#"banner = { path = "/etc/ssh/sshd_config", missing = "not-met", text = "Ciphers aes256-ctr,rot13\n" }"#,
    ),
    ("3.2.1", "a", r#"sysctl = { key = "net.ipv4.conf.all.send_redirects", value = "0" }"#),
];

#[test]
fn the_roots_own_programs_refuse_a_broken_plan_before_it_is_written() {
    let test = "the_roots_own_programs_refuse_a_broken_plan_before_it_is_written";
    let Some(root) = root(test) else { return };
    let broken = BROKEN.map(|(id, title, want)| support::row(id, title, want)).concat();
    let script = format!(
        r#"
r=$GOKAKU_ROOT
mkdir "$OUT/profile"
cp "{head}" "$OUT/profile/profile.toml"
cat >"$OUT/profile/rules.toml" <<'END'
{broken}
END
# run NAME ARGUMENT…
run() {{
    name=$1; shift
    "$@" --root "$r" --state-dir "$OUT/state" --validate >"$OUT/$name.out" 2>"$OUT/$name.err" &&
        echo 0 >"$OUT/$name" || echo $? >"$OUT/$name"
}}
broken() {{ name=$1 row=$2; shift 2; run "$name" "$@" gokaku apply --profile "$OUT/profile" --rule "$row"; }}
rm "$r/etc/ssh/sshd_config"
listing tree
broken sshd 5.3.13
broken rsyslog 4.2.1
broken modprobe 1.1.1.1
broken all 1,3,4,5
listing after
[ ! -e "$OUT/state" ] || find "$OUT/state" -type f >"$OUT/journals"
# Without root rights nobody can be asked; that is no answer.
broken rights 5.3.13 setpriv --bounding-set=-sys_admin
listing rights.after
# A key of its own where the image has none; it is not left there.
rm "$r"/etc/ssh/ssh_host_*
listing keyless
broken nokey 5.3.13
listing keyless.after
# What is refused as it is, is not the plan's doing.
echo 'frobnicate' >"$r/etc/modprobe.d/x.conf"
run already gokaku apply --rule 1.1.1.1
# A program for another machine, and one that is not there.
printf '\267\000' | dd of="$r/usr/sbin/sshd" bs=1 seek=18 conv=notrunc 2>/dev/null
broken foreign 5.3.13
rm "$r/usr/sbin/rsyslogd"
broken none 4.2.1
rm "$r/etc/rsyslog.d/60-CIS.conf" "$r/etc/modprobe.d/x.conf"
run good gokaku apply
(cd "$r" && ls -A run dev) >"$OUT/mounted"
"#,
        head = support::repository("profiles/aks-ubuntu-18.04/profile.toml").display(),
    );
    let Some(ran) = in_overlay(test, &root, &script) else { return };
    assert!(ran.output.status.success(), "{}", stderr(&ran.output));
    let told = |name: &str, status: &str, says: &[&str]| {
        let err = ran.file(&format!("{name}.err"));
        assert_eq!(ran.file(name).trim(), status, "{name}: {err}");
        for says in says {
            assert!(err.contains(says), "{name} lacks {says}: {err}");
        }
    };
    if ran.file("sshd.err").contains("no view of it can be made (overlayfs)") {
        return skip(test, "no overlay on an overlay here");
    }
    let refused = "of this root refuses what is planned";
    told(
        "sshd",
        "1",
        &["/etc/ssh/sshd_config: sshd -t", refused, "rot13", "line 1", "nothing was"],
    );
    told("rsyslog", "1", &["/etc/rsyslog.d/60-CIS.conf: rsyslogd -N1", refused]);
    told(
        "modprobe",
        "1",
        &["/etc/modprobe.d/CIS.conf: modprobe -c", refused, "line 1", "frobnicate"],
    );
    told("all", "1", &[refused]);
    assert!(ran.listing("tree") == ran.listing("after"), "changed");
    told(
        "rights",
        "3",
        &["nothing was validated", "namespace", "as root", "leave --validate away"],
    );
    assert!(ran.listing("tree") == ran.listing("rights.after"), "changed");
    told("nokey", "1", &["/etc/ssh/sshd_config: sshd -t", "rot13"]);
    assert!(ran.listing("keyless") == ran.listing("keyless.after"), "changed");
    told("already", "0", &["warning: modprobe -c refuses what is there already", "x.conf"]);
    told("foreign", "0", &["sshd -t was not asked: /usr/sbin/sshd does not run here"]);
    told("none", "0", &["rsyslogd -N1 was not asked: /usr/sbin/rsyslogd is not there"]);
    told("good", "0", &[]);
    assert!(!ran.file("mounted").contains("gokaku") && !ran.file("mounted").contains("sshd"));
}

#[test]
fn files_that_give_secrets_away_are_put_out_of_use_when_asked() {
    let test = "files_that_give_secrets_away_are_put_out_of_use_when_asked";
    let Some(root) = root(test) else { return };
    let script = format!(
        r#"{WITH_BOB}
gokaku apply --root "$r" --state-dir "$OUT/first" >/dev/null
echo 'machine x login y password hunter2' >"$r/home/bob/.netrc"
echo '|/bin/mail' >"$r/root/.forward"
ln -s /etc/shadow "$r/home/bob/.rhosts"
chown -h 1000:1000 "$r/home/bob/.netrc" "$r/home/bob/.rhosts"
chmod 644 "$r/home/bob/.netrc"
setfattr -n user.note -v kept "$r/home/bob/.netrc" 2>/dev/null || true
listing tree
run without
listing tree.without
gokaku plan --root "$r" --quarantine >"$OUT/plan.txt" 2>/dev/null
run asked --quarantine
listing tree.asked
run again --quarantine
listing tree.again
back asked
listing tree.back
"#
    );
    let Some(ran) = in_overlay(test, &root, &script) else { return };
    assert!(ran.output.status.success(), "{}", stderr(&ran.output));
    let status = |name: &str| ran.file(name).trim().to_owned();
    assert_eq!(status("without"), "2", "{}", ran.file("without.err"));
    assert!(ran.file("without.err").contains("/home/bob/.netrc may hold secrets"));
    assert!(ran.listing("tree") == ran.listing("tree.without"), "not asked for");
    assert!(ran.file("plan.txt").contains("/home/bob/.netrc.quarantined-gokaku"));
    for shown in ["plan.txt", "asked.out", "asked.err"] {
        assert!(!ran.file(shown).contains("hunter2"), "{shown}: {}", ran.file(shown));
    }
    assert_eq!(status("asked"), "0", "{}", ran.file("asked.err"));
    let (tree, asked) = (ran.listing("tree"), ran.listing("tree.asked"));
    let came: Vec<&str> =
        asked.keys().filter(|p| !tree.contains_key(*p)).map(String::as_str).collect();
    let gone = tree.keys().filter(|p| !asked.contains_key(*p)).count();
    let want = [
        "/home/bob/.netrc.quarantined-gokaku",
        "/home/bob/.rhosts.quarantined-gokaku",
        "/root/.forward.quarantined-gokaku",
    ];
    assert_eq!((came.as_slice(), gone), (&want[..], 3));
    assert!(asked[want[0]].starts_with("f 600 1000:1000 "), "{}", asked[want[0]]);
    assert!(asked[want[1]].starts_with("l "), "{}", asked[want[1]]);
    assert!(asked == ran.listing("tree.again"), "a second run changed something");
    assert!(tree == ran.listing("tree.back"), "revert is exact");
}
