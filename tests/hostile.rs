//! Hostile and broken trees: never the host, never a hang, a clear message, nothing lost.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use support::gokaku_as_root;

/// A tree inside a directory that also holds the "host": files a jail-break would read or write.
struct Trap {
    top: tempfile::TempDir,
}

const CANARY: &str = "# canary of the host\n";

impl Trap {
    fn new() -> Trap {
        let trap = Trap { top: tempfile::tempdir().unwrap() };
        for dir in ["root/etc/ssh", "root/etc/sysctl.d", "root/etc/modprobe.d", "host/etc/ssh"] {
            fs::create_dir_all(trap.top.path().join(dir)).unwrap();
        }
        fs::create_dir_all(trap.host().join("etc/sysctl.d")).unwrap();
        trap.file("etc/os-release", "ID=ubuntu\nVERSION_ID=\"18.04\"\n");
        trap.file("etc/fstab", "LABEL=root\t/\text4\tdefaults\t0 0\n");
        trap.file("etc/ssh/sshd_config", "UsePAM yes\n");
        trap.file("etc/passwd", "root:x:0:0:root:/root:/bin/bash\n");
        trap.file("etc/group", "root:x:0:\nshadow:x:42:\n");
        for canary in ["etc/ssh/sshd_config", "etc/sysctl.d/60-CIS.conf", "etc/fstab", "etc/shadow"]
        {
            fs::write(trap.host().join(canary), CANARY).unwrap();
        }
        trap
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    fn host(&self) -> PathBuf {
        self.top.path().join("host")
    }

    fn file(&self, path: &str, text: impl AsRef<[u8]>) {
        let path = self.root().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn instead(&self, path: &str) -> PathBuf {
        let path = self.root().join(path);
        if path.is_dir() && !path.is_symlink() {
            fs::remove_dir_all(&path).unwrap();
        } else {
            let _ = fs::remove_file(&path);
        }
        path
    }
}

/// Content of every file below a directory.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut out = BTreeMap::new();
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() && !path.is_symlink() {
            out.extend(contents(&path));
        } else if path.is_file() && !path.is_symlink() {
            out.insert(path.clone(), fs::read(&path).unwrap());
        }
    }
    out
}

/// One hostile thing: what is done to the tree, and a row that must tell of it (with what words).
struct Case {
    name: &'static str,
    make: fn(&Trap),
    row: &'static str,
    outcome: &'static [&'static str],
    says: &'static str,
}

const CASES: &[Case] = &[
    Case {
        name: "etc/ssh is a relative link out of the root",
        make: |t| symlink("../../host/etc/ssh", t.instead("etc/ssh")).unwrap(),
        row: "5.3.7",
        outcome: &["met_vacuously"],
        says: "",
    },
    Case {
        name: "etc/ssh is a link that climbs and comes back",
        make: |t| symlink("/../../etc/ssh", t.instead("etc/ssh")).unwrap(),
        row: "5.3.7",
        outcome: &["unknown"],
        says: "too many symbolic links",
    },
    Case {
        name: "sysctl.d is an absolute link to the host",
        make: |t| symlink(t.host().join("etc/sysctl.d"), t.instead("etc/sysctl.d")).unwrap(),
        row: "3.2.1",
        outcome: &["met", "not_met", "unknown"],
        says: "",
    },
    Case {
        name: "a FIFO in place of sshd_config",
        make: |t| {
            let path = t.instead("etc/ssh/sshd_config");
            assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
        },
        row: "5.3.7",
        outcome: &["unknown", "not_met"],
        says: "named pipe",
    },
    Case {
        name: "a socket in place of fstab",
        make: |t| {
            std::os::unix::net::UnixListener::bind(t.instead("etc/fstab")).unwrap();
        },
        row: "1.1.6",
        outcome: &["unknown"],
        says: "socket",
    },
    Case {
        name: "a directory in place of sshd_config",
        make: |t| fs::create_dir(t.instead("etc/ssh/sshd_config")).unwrap(),
        row: "5.3.7",
        outcome: &["unknown", "not_met"],
        says: "directory",
    },
    Case {
        name: "a loop of links",
        make: |t| {
            symlink("sshd_config.b", t.instead("etc/ssh/sshd_config")).unwrap();
            symlink("sshd_config", t.root().join("etc/ssh/sshd_config.b")).unwrap();
        },
        row: "5.3.7",
        outcome: &["unknown"],
        says: "too many symbolic links",
    },
    Case {
        name: "a sparse sshd_config of 100 MB",
        make: |t| {
            let file = fs::File::create(t.instead("etc/ssh/sshd_config")).unwrap();
            file.set_len(100 << 20).unwrap();
        },
        row: "5.3.7",
        outcome: &["unknown"],
        says: "104857600 bytes",
    },
    Case {
        name: "the row's line in sshd_config is not UTF-8",
        make: |t| t.file("etc/ssh/sshd_config", b"UsePAM yes\nMaxAuthTries 4\xff\n"),
        row: "5.3.7",
        outcome: &["unknown"],
        // Other rows have put a line above it.
        says: "/etc/ssh/sshd_config:3: found the byte \\\\xFF",
    },
    Case {
        name: "other lines in sshd_config are not UTF-8",
        make: |t| t.file("etc/ssh/sshd_config", b"# \xe9\nUsePAM yes\nBanner /\xff\n"),
        row: "5.3.7",
        outcome: &["met"],
        says: "",
    },
    Case {
        name: "sshd_config has CRLF and no final newline",
        make: |t| t.file("etc/ssh/sshd_config", "UsePAM yes\r\nMaxAuthTries 9"),
        row: "5.3.7",
        outcome: &["met"],
        says: "",
    },
    Case {
        name: "no fstab",
        make: |t| drop(t.instead("etc/fstab")),
        row: "1.1.6",
        outcome: &["met_vacuously"],
        says: "",
    },
    Case {
        name: "fstab is a link to the host's",
        make: |t| symlink(t.host().join("etc/fstab"), t.instead("etc/fstab")).unwrap(),
        row: "1.1.6",
        outcome: &["met_vacuously", "not_met", "unknown"],
        says: "",
    },
    Case {
        name: "shadow is a link to the host's",
        make: |t| symlink(t.host().join("etc/shadow"), t.root().join("etc/shadow")).unwrap(),
        row: "6.1.6",
        outcome: &["not_met"],
        says: "symbolic link",
    },
    Case {
        name: "crontab is a link to the host's",
        make: |t| symlink("../../host/etc/fstab", t.root().join("etc/crontab")).unwrap(),
        row: "5.1.2",
        outcome: &["not_met"],
        says: "symbolic link",
    },
    Case {
        name: "modprobe.d is a file",
        make: |t| fs::write(t.instead("etc/modprobe.d"), "").unwrap(),
        row: "1.1.1.1",
        outcome: &["unknown", "not_met"],
        says: "",
    },
];

#[test]
fn hostile_trees_never_reach_the_host_and_never_hang() {
    let test = "hostile_trees_never_reach_the_host_and_never_hang";
    for case in CASES {
        let trap = Trap::new();
        (case.make)(&trap);
        let host = contents(&trap.host());
        let start = Instant::now();
        let Some(mut gokaku) = gokaku_as_root(test) else { return };
        let out = gokaku
            .args(["apply", "--format", "json", "--root"])
            .arg(trap.root())
            .arg("--state-dir")
            .arg(trap.top.path().join("state"))
            .output()
            .unwrap();
        // Generous: a hang is the point, not the speed.
        assert!(start.elapsed() < Duration::from_secs(60), "{}", case.name);
        let stderr = String::from_utf8_lossy(&out.stderr);
        assert!(!stderr.contains("panicked"), "{}: {stderr}", case.name);
        assert_eq!(contents(&trap.host()), host, "{}", case.name);
        let report: serde_json::Value = serde_json::from_slice(&out.stdout)
            .unwrap_or_else(|e| panic!("{}: {e}: {stderr}", case.name));
        let row = support::rows(&report)[case.row].clone();
        let outcome = row["outcome"].as_str().unwrap();
        assert!(case.outcome.contains(&outcome), "{}: {row:#}", case.name);
        assert!(row.to_string().contains(case.says), "{}: {row:#}", case.name);
        assert!(!row.to_string().contains("canary"), "{}: {row:#}", case.name);
    }
    println!("{} hostile trees, no escape", CASES.len());
}

#[test]
fn an_empty_etc_is_judged_and_hardened_without_a_crash() {
    let trap = Trap::new();
    fs::remove_dir_all(trap.root().join("etc")).unwrap();
    fs::create_dir(trap.root().join("etc")).unwrap();
    for verb in ["audit", "apply"] {
        let test = "an_empty_etc_is_judged_and_hardened_without_a_crash";
        let Some(mut gokaku) = gokaku_as_root(test) else { return };
        let out = gokaku
            .args([verb, "--force-target", "--format", "json", "--root"])
            .arg(trap.root())
            .args(if verb == "apply" { &["--state-dir"][..] } else { &[] })
            .args((verb == "apply").then(|| trap.top.path().join("state")))
            .output()
            .unwrap();
        let report: serde_json::Value = serde_json::from_slice(&out.stdout).unwrap();
        assert_eq!(report["rules"].as_array().unwrap().len(), 206);
    }
}

/// Faults of the filesystem: exit status 1, a message with path and cause, the tree as it was.
#[test]
fn full_read_only_and_immutable_targets_stay_as_they_were() {
    let test = "full_read_only_and_immutable_targets_stay_as_they_were";
    let small = tempfile::tempdir().unwrap();
    fs::create_dir_all(small.path().join("etc/ssh")).unwrap();
    fs::write(small.path().join("etc/os-release"), "ID=ubuntu\nVERSION_ID=18.04\n").unwrap();
    fs::write(small.path().join("etc/ssh/sshd_config"), "UsePAM yes\n").unwrap();
    fs::write(small.path().join("etc/fstab"), "x / ext4 defaults 0 0\n").unwrap();
    let script = r#"
tree() { (cd "$1" && find . -printf '%p %y %m %U:%G %T@ %l\n' | sort; cd "$1" && find . -type f -exec sha256sum {} + | sort); }
try() { # NAME ROOT
    tree "$2" >"$OUT/$1.before"
    status=0
    gokaku apply --root "$2" --state-dir "$STATE" >"$OUT/$1.stdout" 2>"$OUT/$1.stderr" || status=$?
    echo $status >"$OUT/$1.status"
    tree "$2" >"$OUT/$1.after"
}
mkdir "$OUT/full" "$OUT/ro"
mount -t tmpfs -o size=64k,nr_inodes=40 tmpfs "$OUT/full"
cp -a "$GOKAKU_ROOT/." "$OUT/full"
dd if=/dev/zero of="$OUT/full/ballast" bs=1k count=64 2>/dev/null || true
try full "$OUT/full"
mount --bind "$GOKAKU_ROOT" "$OUT/ro"
mount -o remount,bind,ro "$OUT/ro"
try ro "$OUT/ro"
gokaku audit --root "$OUT/ro" >/dev/null 2>"$OUT/audit.stderr" || echo $? >"$OUT/audit.status"
chattr +i "$GOKAKU_ROOT/etc/ssh/sshd_config" 2>/dev/null || true
# What counts is whether the file really cannot be changed: chattr does not tell on an overlay.
if ! (echo >>"$GOKAKU_ROOT/etc/ssh/sshd_config") 2>/dev/null; then
    try immutable "$GOKAKU_ROOT"
    chattr -i "$GOKAKU_ROOT/etc/ssh/sshd_config" 2>/dev/null || true
else
    echo not possible here >"$OUT/immutable.status"
fi
find "$STATE" -name 'journal.json' | wc -l >"$OUT/journals"
umount "$OUT/ro" "$OUT/full"
"#;
    let Some(ran) = support::in_overlay(test, small.path(), script) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    let faults = [
        ("full", "No space left"),
        ("ro", "Read-only file system"),
        ("immutable", "sshd_config: cannot change it while it is immutable (chattr -i)"),
    ];
    for (name, cause) in faults {
        let status = ran.file(&format!("{name}.status"));
        if status.starts_with("not possible") {
            support::skip(test, &format!("{name}: {status}"));
            continue;
        }
        assert_eq!(status.trim(), "1", "{name}");
        let stderr = ran.file(&format!("{name}.stderr"));
        assert!(stderr.contains(cause) && stderr.contains("/etc/"), "{name}: {stderr}");
        assert!(stderr.contains("undone"), "{name}: {stderr}");
        let before = ran.file(&format!("{name}.before"));
        assert_eq!(before, ran.file(&format!("{name}.after")), "{name}");
    }
    assert_eq!(ran.file("journals").trim(), "0", "what was undone leaves no journal");
}

#[test]
fn a_hard_link_from_a_home_keeps_the_old_bytes_and_owner() {
    let trap = Trap::new();
    fs::create_dir_all(trap.root().join("home/eve")).unwrap();
    let config = trap.root().join("etc/ssh/sshd_config");
    let link = trap.root().join("home/eve/mine");
    fs::hard_link(&config, &link).unwrap();
    let test = "a_hard_link_from_a_home_keeps_the_old_bytes_and_owner";
    let Some(mut gokaku) = gokaku_as_root(test) else { return };
    let out = gokaku
        .args(["apply", "--rule", "5.3.7", "--root"])
        .arg(trap.root())
        .arg("--state-dir")
        .arg(trap.top.path().join("state"))
        .output()
        .unwrap();
    assert_eq!(out.status.code(), Some(0), "{}", String::from_utf8_lossy(&out.stderr));
    assert!(fs::read_to_string(&config).unwrap().contains("MaxAuthTries 4"));
    assert_eq!(fs::read_to_string(&link).unwrap(), "UsePAM yes\n");
    assert_ne!(fs::metadata(&config).unwrap().ino(), fs::metadata(&link).unwrap().ino());
}
