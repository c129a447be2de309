//! What each verb does with an archive, and what an archive may take.

use std::fs;
use std::path::Path;
use std::process::Output;

use super::support::rich::plant;
use super::support::{gokaku, have, is_root};
use super::{pack, report, shell, succeeded};

fn run(args: &[&str]) -> (i32, String) {
    let out = gokaku().args(args).output().unwrap();
    (out.status.code().unwrap(), said(&out))
}

fn said(out: &Output) -> String {
    String::from_utf8_lossy(&out.stderr).into_owned()
}

/// A small tree as `image.tar`, with the tree itself in `root`.
fn image(dir: &Path) -> String {
    let root = dir.join("root");
    fs::create_dir(&root).unwrap();
    plant(&root);
    succeeded(&shell(dir, "tar -C root --numeric-owner --acls --xattrs -cf image.tar ."));
    dir.join("image.tar").display().to_string()
}

#[test]
fn what_writes_refuses_an_archive_with_the_two_commands_that_do_it() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let before = fs::read(&image).unwrap();
    let (status, refusal) = run(&["apply", "--root", &image]);
    assert_eq!(status, 3, "{refusal}");
    for verb in ["revert", "forget"] {
        assert_eq!(run(&[verb, "--root", &image]), (3, refusal.clone()));
    }
    let (status, said) = run(&["plan", "--validate", "--root", &image]);
    assert!(status == 3 && said.contains("no program of it can run"), "{said}");
    assert_eq!(fs::read(&image).unwrap(), before);
    let commands = refusal.trim().split_once("unpack it as root: ").unwrap().1;
    let (unpack, apply) = commands.split_once("; and then: ").unwrap();
    if !is_root("what_writes_refuses_an_archive", "run the two commands") {
        return;
    }
    let script = format!(
        "{unpack}; export GOKAKU_STATE_DIR=$PWD/state; {apply} -q || test $? = 2
        gokaku revert -v --root \"$root\" >reverted; rm -r \"$root\""
    );
    succeeded(&shell(dir.path(), &script));
    assert!(fs::read_to_string(dir.path().join("reverted")).unwrap().contains("/etc/crontab"));
}

#[test]
fn explain_and_detailed_plans_work_on_archives() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let of = |root: &str| gokaku().args(["explain", "5.1.2", "--root", root]).output().unwrap();
    let (archive, tree) = (of(&image), of(&dir.path().join("root").display().to_string()));
    assert!(archive.status.success(), "{}", said(&archive));
    if is_root("explain_and_detailed_plans", "own the tree") {
        let text = |out: Output| String::from_utf8(out.stdout).unwrap();
        assert_eq!(text(archive), text(tree));
    }
    assert_eq!(run(&["plan", "--detailed-exitcode", "-q", "--root", &image]).0, 2);
}

#[test]
fn a_report_replaces_no_archive() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let (status, said) = run(&["audit", "--root", &image, "-o", &image]);
    assert!(status == 3 && said.contains("the archive itself"), "{said}");
    let layout = dir.path().join("layout");
    pack::oci(&layout, &[fs::read(&image).unwrap()]);
    let report = layout.join("report.json").display().to_string();
    let (status, said) =
        run(&["audit", "--root", &format!("oci:{}", layout.display()), "-o", &report]);
    assert!(status == 3, "{said}");
    assert!(!layout.join("report.json").exists());
}

#[test]
fn an_ordinary_user_judges_what_root_owns() {
    let test = "an_ordinary_user_judges_what_root_owns";
    if !is_root(test, "become somebody else") || !have(test, &["setpriv:util-linux"]) {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let own = report("audit", &image);
    fs::copy(env!("CARGO_BIN_EXE_gokaku"), dir.path().join("gokaku")).unwrap();
    succeeded(&shell(
        dir.path(),
        "chmod 755 . gokaku; chmod 644 image.tar; chmod 700 root
        setpriv --reuid=65534 --regid=65534 --clear-groups ./gokaku audit -q --survey \
            --format json --root image.tar >report.json 2>/dev/null || test $? = 2",
    ));
    let text = fs::read_to_string(dir.path().join("report.json")).unwrap();
    let found: serde_json::Value = serde_json::from_str(&text).unwrap();
    assert_eq!(found["rules"], own["rules"]);
}

#[test]
fn nothing_is_left_where_contents_were_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    let image = image(dir.path());
    let packed = dir.path().join("image.tar.gz");
    fs::write(&packed, pack::gzip(&fs::read(image).unwrap())).unwrap();
    let scratch = dir.path().join("scratch");
    fs::create_dir(&scratch).unwrap();
    let mut command = gokaku();
    command.args(["audit", "-q", "--root"]).arg(&packed).env("TMPDIR", &scratch);
    assert_eq!(command.output().unwrap().status.code(), Some(2));
    assert_eq!(fs::read_dir(&scratch).unwrap().count(), 0);
    command.env("TMPDIR", dir.path().join("missing"));
    let out = command.output().unwrap();
    assert!(out.status.code() == Some(1) && said(&out).contains("TMPDIR"), "{}", said(&out));
}

#[test]
fn memory_has_a_bound_whatever_the_size() {
    let dir = tempfile::tempdir().unwrap();
    image(dir.path());
    // Of gigabytes on paper; compressed, of half a gigabyte that has to come out.
    let script = "truncate -s 20G root/large; tar -C root --numeric-owner -cf large.tar . &
        wait; truncate -s 400M root/large
        tar -C root --numeric-owner -cf - . | gzip -1 >large.tar.gz; rm root/large";
    let script = script.replace("tar -C root --numeric-owner -cf large.tar . &\n        wait", {
        // GNU tar would write the zeros: a header and a hole say the same.
        "tar -C root --numeric-owner -S -cf large.tar ."
    });
    succeeded(&shell(dir.path(), &script));
    for archive in ["large.tar", "large.tar.gz"] {
        let script = format!(
            "ulimit -v 250000; gokaku audit --survey -q --format json --root {archive} >r || test $? = 2"
        );
        succeeded(&shell(dir.path(), &script));
    }
}

#[test]
fn a_hostile_archive_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut tar = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.as_gnu_mut().unwrap().name[..11].copy_from_slice(b"../\x1b[31mx\r\n");
    header.set_size(0);
    header.set_cksum();
    tar.append(&header, &b""[..]).unwrap();
    let path = dir.path().join("image.tar");
    fs::write(&path, tar.into_inner().unwrap()).unwrap();
    for lang in ["en", "ja"] {
        let path = path.display().to_string();
        let (status, said) = run(&["audit", "--lang", lang, "--root", &path]);
        assert!(status == 1 && said.contains(r"../\x1b[31mx\x0d\x0a"), "{said:?}");
    }
    let (status, said) = run(&["audit", "--root", "oci:/nowhere"]);
    assert!(status == 1 && said.contains("/nowhere"), "{said}");
}
