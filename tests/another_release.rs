//! A table for another release is data alone: a small one for Debian 12 is loaded, judged, planned and
//! applied, and nothing in the program names a release or a product.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

#[path = "docs/rules_page.rs"]
mod rules_page;
mod support;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};

use gokaku::message::Lang;
use gokaku::profile::Profile;
use regex::Regex;
use serde_json::Value;
use support::{gokaku, gokaku_as_root, in_overlay, repository, rows, skip};

const SAMPLE: &str = "tests/data/profiles/bookworm-sample";

/// The files that the sample's rows judge, as Debian 12 has them, with one account of each kind.
const FILES: [(&str, &str); 19] = [
    ("etc/os-release", "ID=debian\nVERSION_ID=\"12\"\n"),
    (
        "etc/passwd",
        "root:x:0:0:root:/root:/bin/bash\nsync:x:4:65534:sync:/bin:/bin/sync\n\
         games:x:5:60:games:/usr/games:/bin/sh\nbuilder:x:900:900::/srv/builder:/bin/bash\n\
         ann:x:1000:1000::/home/ann:/bin/bash\n",
    ),
    (
        "etc/shadow",
        "root:*:19000:0:99999:7:::\nsync:*:19000:0:99999:7:::\ngames:$6$x$y:19000:0:99999:7:::\n\
         builder:$6$x$y:19000:0:99999:7:::\nann:!:19000:0:99999:7:::\n",
    ),
    ("etc/group", "root:x:0:\ngames:x:60:\nbuilder:x:900:\nann:x:1000:\nnogroup:x:65534:\n"),
    ("etc/login.defs", "UID_MIN 1000\nUID_MAX 60000\nUMASK 022\n"),
    ("usr/sbin/nologin", ""),
    (
        "var/lib/dpkg/status",
        "Package: rsyslog\nStatus: install ok installed\nVersion: 8.2302.0-1\n\n\
         Package: logrotate\nStatus: install ok installed\nVersion: 3.21.0-1\n\n\
         Package: kmod\nStatus: install ok installed\nVersion: 30+20221128-1\n\n\
         Package: procps\nStatus: install ok installed\nVersion: 2:4.0.2-3\n\n\
         Package: systemd\nStatus: install ok installed\nVersion: 252.36-1~deb12u1\n",
    ),
    (
        "etc/rsyslog.conf",
        "$IncludeConfig /etc/rsyslog.d/*.conf\n*.*;auth,authpriv,cron.none -/var/log/syslog\n",
    ),
    ("etc/rsyslog.d/README", ""),
    ("etc/logrotate.conf", "weekly\nrotate 4\ncreate\ninclude /etc/logrotate.d\n"),
    ("etc/logrotate.d/rsyslog", "/var/log/syslog {\n\tweekly\n}\n"),
    ("etc/cron.daily/logrotate", "#!/bin/sh\n/usr/sbin/logrotate /etc/logrotate.conf\n"),
    ("etc/systemd/journald.conf", "[Journal]\n#Storage=auto\n"),
    ("etc/ssh/sshd_config", "MaxAuthTries 4\n"),
    ("etc/profile", "PATH=/usr/bin:/bin\n"),
    ("etc/bash.bashrc", "# bash\n"),
    // A vendor's later line, which only a line behind it outranks.
    ("usr/lib/sysctl.d/90-vendor.conf", "kernel.randomize_va_space = 1\n"),
    ("etc/issue", "Debian GNU/Linux 12 \\n \\l\n"),
    ("etc/crontab", "# m h dom mon dow user command\n"),
];

fn sample() -> PathBuf {
    repository(SAMPLE)
}

struct Bench {
    top: tempfile::TempDir,
    test: &'static str,
}

impl Bench {
    /// `None`: not possible on this machine, said loudly.
    fn new(test: &'static str) -> Option<Bench> {
        gokaku_as_root(test)?;
        let bench = Bench { top: tempfile::tempdir().unwrap(), test };
        for (path, text) in FILES {
            let at = bench.root().join(path);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::write(&at, text).unwrap();
            let mode = if text.starts_with("#!") || text.is_empty() { 0o755 } else { 0o644 };
            fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
        }
        Some(bench)
    }

    fn root(&self) -> PathBuf {
        self.top.path().join("root")
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.root().join(path)).unwrap_or_else(|e| panic!("{path}: {e}"))
    }

    fn run(&self, verb: &[&str]) -> (i32, Value) {
        let mut command = gokaku_as_root(self.test).unwrap();
        command.args(verb).arg("--root").arg(self.root()).arg("--profile").arg(sample());
        if verb[0] == "apply" {
            command.arg("--state-dir").arg(self.top.path().join("state"));
        }
        let out = command.args(["--format", "json"]).output().unwrap();
        let report = serde_json::from_slice(&out.stdout).unwrap_or_else(|e| {
            panic!("{verb:?}: {e}: {}", String::from_utf8_lossy(&out.stderr));
        });
        (out.status.code().unwrap_or(-1), report)
    }

    /// Every entry with what says whether it was written again.
    fn picture(&self) -> BTreeMap<PathBuf, (u32, u64, i64, i64, Vec<u8>)> {
        let mut seen = BTreeMap::new();
        let mut todo = vec![self.root()];
        while let Some(dir) = todo.pop() {
            for entry in fs::read_dir(dir).unwrap() {
                let path = entry.unwrap().path();
                let stat = fs::symlink_metadata(&path).unwrap();
                let content = if stat.is_file() { fs::read(&path).unwrap() } else { Vec::new() };
                let times = (stat.mtime(), stat.mtime_nsec());
                if stat.is_dir() {
                    todo.push(path.clone());
                }
                seen.insert(path, (stat.mode(), stat.ino(), times.0, times.1, content));
            }
        }
        seen
    }
}

/// The rows that are made to hold, by outcome.
fn outcomes(report: &Value) -> BTreeMap<String, String> {
    let made = rows(report).into_iter().filter(|(_, row)| row["status"] == "applied");
    made.map(|(id, row)| (id, row["outcome"].as_str().unwrap().to_owned())).collect()
}

fn assert_all_hold(report: &Value) {
    for (id, outcome) in outcomes(report) {
        assert!(outcome.starts_with("met"), "{id}: {outcome}: {}", rows(report)[&id]);
    }
}

#[test]
fn a_table_for_another_release_is_data_alone() {
    let Some(bench) = Bench::new("a_table_for_another_release_is_data_alone") else { return };
    let (status, audit) = bench.run(&["audit"]);
    assert_eq!(status, 2);
    let open: Vec<String> =
        outcomes(&audit).into_iter().filter(|(_, o)| o == "not_met").map(|(id, _)| id).collect();
    assert_eq!(
        open,
        ["1.1", "1.10", "1.3", "2.1", "2.3", "3.1", "3.2", "3.3", "site.1", "site.10"],
        "{audit:#}"
    );
    let left = rows(&audit)["1.2"];
    assert_eq!(
        (&left["status"], &left["left_alone"]["reason"]),
        (&"later".into(), &"team-decides".into())
    );
    let supposed = rows(&audit)["3.4"]["evidence"].to_string();
    assert!(supposed.contains("sshd 9.2 (assumed"), "{supposed}");
    // The table's numbers by number, then the site's own.
    let ids: Vec<&str> =
        audit["rules"].as_array().unwrap().iter().map(|r| r["id"].as_str().unwrap()).collect();
    let order = ["1.1", "1.2", "1.3", "1.10", "2.1", "2.2", "2.3", "3.1", "3.2", "3.3", "3.4"];
    assert_eq!(ids, [&order[..], &["site.1", "site.2", "site.10"]].concat());

    let before = bench.picture();
    let (status, plan) = bench.run(&["plan"]);
    assert_eq!(status, 0);
    assert_all_hold(&plan);
    assert_eq!(bench.picture(), before, "a plan writes nothing");

    let (status, apply) = bench.run(&["apply"]);
    assert_eq!(status, 0, "{apply:#}");
    assert_all_hold(&apply);
    let paths: Vec<&str> =
        apply["changes"].as_array().unwrap().iter().map(|c| c["path"].as_str().unwrap()).collect();
    assert!(paths.iter().all(|path| !path.contains("CIS")), "{paths:?}");
    let sysctl = bench.read("etc/sysctl.d/70-sample.conf");
    assert!(sysctl.contains("net.ipv4.conf.all.send_redirects = 0"), "{sysctl}");
    let late = bench.read("etc/sysctl.d/99-zz-sample.conf");
    assert!(late.contains("kernel.randomize_va_space = 2"), "{late}");
    let modules = bench.read("etc/modprobe.d/10-sample.conf");
    assert!(modules.contains("install cramfs /bin/true") && !modules.contains("udf"), "{modules}");
    let routes = bench.read("etc/rsyslog.d/70-sample.conf");
    for log in ["/var/log/cron.log", "/var/log/logins.log", "/var/log/sample.log"] {
        assert!(routes.contains(log), "{routes}");
        assert!(bench.read("etc/logrotate.d/70-sample").contains(log), "{log}");
    }
    let passwd = bench.read("etc/passwd");
    assert!(passwd.contains("games:x:5:60:games:/usr/games:/usr/sbin/nologin\n"), "{passwd}");
    assert!(passwd.contains(":/srv/builder:/bin/bash\n") && passwd.contains(":/bin/sync\n"));
    assert!(bench.read("etc/shadow").contains("builder:$6$x$y:"), "exempt by the profile");
    assert_eq!(bench.read("etc/issue"), "Authorised use only.\n");

    let (status, audit) = bench.run(&["audit"]);
    assert_eq!(status, 0);
    assert_all_hold(&audit);
    let before = bench.picture();
    let (status, again) = bench.run(&["apply"]);
    assert_eq!((status, &again["changes"]), (0, &Value::Array(Vec::new())));
    assert_eq!(bench.picture(), before, "the second run writes nothing");
}

#[test]
fn a_word_selects_the_rows_below_it() {
    let list = |args: &[&str]| {
        let out = gokaku().arg("list").arg("--profile").arg(sample()).args(args).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    let ids = |text: &str| -> Vec<String> {
        text.lines().map(|l| l.split(' ').next().unwrap().to_owned()).collect()
    };
    assert_eq!(ids(&list(&["--rule", "site"])), ["site.1", "site.2", "site.10"]);
    assert_eq!(ids(&list(&["--rule", "site.1"])), ["site.1"], "by component, not by letters");
    assert!(!list(&["--skip", "site"]).contains("site"));
    assert!(list(&["--lang", "ja", "--rule", "1.2"]).contains("今後"));
    assert!(list(&["--rule", "1.2"]).contains("later") && list(&[]).contains("[the team decides]"));
    let out = gokaku().args(["list", "--rule", "sit", "--profile"]).arg(sample()).output().unwrap();
    assert_eq!(out.status.code(), Some(64));
    let page = rules_page::render(&Profile::from_dir(&sample()).unwrap(), Lang::En);
    assert!(page.contains("| chapter | applied | later | all |"), "{page}");
    assert!(page.contains("| [site our own](#site) | 3 | 0 | 3 |"), "{page}");
}

#[test]
fn the_report_of_another_release_follows_the_schema() {
    let Some(bench) = Bench::new("the_report_of_another_release_follows_the_schema") else {
        return;
    };
    let (_, report) = bench.run(&["plan"]);
    let mut schemas = boon::Schemas::new();
    let mut compiler = boon::Compiler::new();
    let path = repository("docs/schema/report-1.schema.json");
    let schema = compiler.compile(path.to_str().unwrap(), &mut schemas).unwrap();
    schemas.validate(&report, schema).unwrap_or_else(|e| panic!("{e:#}"));
}

/// On a real root: `GOKAKU_TEST_BOOKWORM` names a directory with Debian 12.
#[test]
fn a_real_root_of_another_release_settles() {
    let test = "a_real_root_of_another_release_settles";
    let Some(root) = std::env::var_os("GOKAKU_TEST_BOOKWORM") else {
        skip(test, "GOKAKU_TEST_BOOKWORM names no root of Debian 12");
        return;
    };
    let script = format!(
        r#"
run() {{ gokaku "$1" --root "$GOKAKU_ROOT" --profile "{}" --format json -o "$OUT/$2" ${{3:-}}; }}
run audit before || [ $? -eq 2 ]
run plan plan
run apply applied "--state-dir $STATE"
run audit after
listing one
run apply again "--state-dir $STATE"
listing two
"#,
        sample().display()
    );
    let Some(ran) = in_overlay(test, Path::new(&root), &script) else { return };
    assert!(ran.output.status.success(), "{}", String::from_utf8_lossy(&ran.output.stderr));
    assert!(outcomes(&ran.json("before")).values().any(|o| o == "not_met"));
    for report in ["plan", "applied", "after"] {
        assert_all_hold(&ran.json(report));
    }
    assert_eq!(ran.json("again")["changes"], Value::Array(Vec::new()));
    assert_eq!(ran.listing("one"), ran.listing("two"), "the second run writes nothing");
}

/// The program's own text of a source file: without its tests and comments.
fn code_of(text: &str) -> Vec<(usize, String)> {
    let program = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = program.lines().zip(1..);
    let code = lines.filter(|(line, _)| !line.trim_start().starts_with("//"));
    code.map(|(line, number)| {
        let end = line.find(" // ").unwrap_or(line.len());
        (number, line[..end].to_owned())
    })
    .collect()
}

#[test]
fn nothing_in_the_program_names_a_release_or_a_product() {
    let named = Regex::new(r"(?i)18\.04|bionic|\baks\b|\baks-").unwrap();
    let code = code_of("a // AKS\n// AKS\nb = \"AKS\";\n#[cfg(test)]\nmod tests {\n\"AKS\"\n}\n");
    assert_eq!(code, [(1, "a".to_owned()), (3, "b = \"AKS\";".to_owned())]);
    assert!(named.is_match("\"AKS\"") && named.is_match("aks-ubuntu-18.04"));
    let (mut todo, mut seen, mut wrong) = (vec![repository("src")], 0, Vec::new());
    while let Some(dir) = todo.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            if path.is_dir() {
                if name != "tests" && name != "testing" {
                    todo.push(path);
                }
                continue;
            }
            // Tests have trees of some release; the list of embedded profiles has names.
            if name == "tests.rs"
                || name == "testing.rs"
                || path.ends_with("src/profile/embedded.rs")
            {
                continue;
            }
            seen += 1;
            for (number, line) in code_of(&fs::read_to_string(&path).unwrap()) {
                if named.is_match(&line) {
                    wrong.push(format!("{}:{number}: {}", path.display(), line.trim()));
                }
            }
        }
    }
    assert!(seen > 150, "only {seen} files");
    assert!(wrong.is_empty(), "what names a release is data of its profile: {wrong:#?}");
}
