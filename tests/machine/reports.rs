//! Where reports go.

use super::*;

#[test]
fn a_report_follows_no_way_into_the_tree() {
    let bench = Bench::new();
    fs::write(bench.at("precious"), "of the machine").unwrap();
    symlink(bench.at("precious"), bench.root().join("var/to-machine")).unwrap();
    symlink(bench.at("out"), bench.root().join("var/out")).unwrap();
    fs::create_dir(bench.at("out")).unwrap();
    symlink(bench.root().join("var/report"), bench.at("own")).unwrap();
    symlink("own", bench.at("chain")).unwrap();
    symlink(bench.root().join("var/to-machine"), bench.at("twice")).unwrap();
    symlink("root/var", bench.at("dir")).unwrap();
    let inside = [
        "root/report",
        "root/var/report",
        "./root/etc/../var/report",
        "own",
        "chain",
        "twice",
        "dir/report",
        "dir/to-machine",
        "root/var/out/report",
        "out/../root/report",
    ];
    for name in inside {
        let whole = bench.at(name);
        for name in [name, whole.to_str().unwrap()] {
            let out = bench.audit(&["-o", name]);
            assert_eq!(out.status.code(), Some(3), "{name}: {}", log(&out));
            assert!(log(&out).contains("lies inside the root"), "{name}: {}", log(&out));
        }
    }
    let mut within = bench.audit_command(&["-o", "report"]);
    let out = within.current_dir(bench.root().join("var")).output().unwrap();
    assert_eq!(out.status.code(), Some(3), "by the working directory: {}", log(&out));
    assert_eq!(fs::read_to_string(bench.at("precious")).unwrap(), "of the machine");
    assert!(!bench.root().join("var/report").exists() && !bench.root().join("report").exists());
    assert_eq!(fs::read_dir(bench.at("out")).unwrap().count(), 0);
    // Links of one's own outside of the tree are followed.
    symlink("out/report", bench.at("good")).unwrap();
    fs::write(bench.at("out/report"), "x".repeat(100_000)).unwrap();
    let out = bench.audit(&["--format", "json", "-o", "good"]);
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    let report = fs::read(bench.at("out/report")).unwrap();
    assert!(serde_json::from_slice::<serde_json::Value>(&report).is_ok(), "whole, and no more");
    symlink("loop", bench.at("loop")).unwrap();
    for (name, status) in [("loop", 1), ("missing/report", 1), ("out", 1), (".", 1)] {
        assert_eq!(bench.audit(&["-o", name]).status.code(), Some(status), "{name}");
    }
}

#[test]
fn a_report_follows_no_link_of_another_user() {
    let test = "a_report_follows_no_link_of_another_user";
    if !is_root(test, "make links of others") {
        return;
    }
    let bench = Bench::new();
    for dir in ["theirs", "elsewhere", "theirs/real"] {
        fs::create_dir(bench.at(dir)).unwrap();
    }
    for (link, to) in [("theirs/dir", "../elsewhere"), ("theirs/file", "../elsewhere/report")] {
        symlink(to, bench.at(link)).unwrap();
        std::os::unix::fs::lchown(bench.at(link), Some(1000), Some(1000)).unwrap();
    }
    chown(bench.at("theirs"), Some(1000), Some(1000)).unwrap();
    symlink("theirs/dir/report", bench.at("own")).unwrap();
    for name in ["theirs/dir/report", "theirs/file", "own", "theirs/dir/../elsewhere/report"] {
        let out = bench.audit(&["-o", name]);
        assert_eq!(out.status.code(), Some(3), "{name}: {}", log(&out));
        assert!(log(&out).contains("is a link of uid 1000's"), "{name}: {}", log(&out));
    }
    assert_eq!(fs::read_dir(bench.at("elsewhere")).unwrap().count(), 0);
    let mut called = bench.audit_command(&["-o", "theirs/file"]);
    let out = called.env("SUDO_UID", "1000").output().unwrap();
    assert_eq!(out.status.code(), Some(2), "whoever called sudo is the operator: {}", log(&out));
}

#[test]
fn a_report_goes_to_what_is_no_file_without_waiting_for_ever() {
    let test = "a_report_goes_to_what_is_no_file_without_waiting_for_ever";
    let bench = Bench::new();
    for name in ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"] {
        let out = bench.audit(&["-o", name]);
        assert_eq!(out.status.code(), Some(2), "{name}: {}", log(&out));
        assert_eq!(out.stdout.is_empty(), name == "/dev/null", "{name}");
    }
    if !have(test, &["mkfifo:coreutils"]) {
        return;
    }
    assert!(Command::new("mkfifo").arg(bench.at("pipe")).status().unwrap().success());
    let out = bench.audit(&["-o", "pipe"]);
    assert_eq!(out.status.code(), Some(1), "{}", log(&out));
    assert!(
        log(&out).contains("pipe: cannot write the report to a pipe without a reader"),
        "{out:?}"
    );
    let script =
        r#"cat pipe >got & exec 3>pipe; "$@" -o pipe; status=$?; exec 3>&-; wait; exit $status"#;
    let command = bench.audit_command(&[]);
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).arg(command.get_program()).args(command.get_args());
    let out = shell.current_dir(bench.0.path()).output().unwrap();
    assert_eq!(out.status.code(), Some(2), "{}", log(&out));
    assert!(fs::read_to_string(bench.at("got")).unwrap().contains("3.2.1"));
}

#[test]
fn one_file_is_not_for_two_reports() {
    let bench = Bench::new();
    symlink("new", bench.at("link")).unwrap();
    fs::write(bench.at("old"), "old").unwrap();
    fs::hard_link(bench.at("old"), bench.at("also-old")).unwrap();
    for (one, two) in [("new", "new"), ("new", "./new"), ("new", "link"), ("old", "also-old")] {
        let out = bench.audit(&["--format", "json", "-o", one, "--format", "text", "-o", two]);
        assert_eq!(out.status.code(), Some(64), "{one} {two}: {}", log(&out));
        assert!(log(&out).contains("the same file for two formats"), "{}", log(&out));
        assert!(!bench.at("new").exists(), "{one} {two}: nothing stays");
        assert_eq!(fs::read_to_string(bench.at("old")).unwrap(), "old");
    }
    let out = bench.audit(&[
        "--format",
        "json",
        "-o",
        "/dev/null",
        "--format",
        "text",
        "-o",
        "/dev/null",
    ]);
    assert_eq!(out.status.code(), Some(2), "no file: {}", log(&out));
}
