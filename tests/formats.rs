//! What earlier versions wrote is read, or refused with what to do: the samples in
//! `tests/data/formats/`.
#![allow(clippy::disallowed_methods, clippy::unwrap_used)]

mod support;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::PathBuf;

use gokaku::message::Lang;
use gokaku::profile::Profile;
use gokaku::report;
use serde_json::Value;
use sha2::{Digest, Sha256};
use support::{gokaku_as_root, repository};

fn sample(name: &str) -> PathBuf {
    repository("tests/data/formats").join(name)
}

fn text(name: &str) -> String {
    fs::read_to_string(sample(name)).unwrap()
}

#[test]
fn the_first_reports_are_read() {
    let read = report::from_json(&text("report-1.first.json")).unwrap();
    let row = read.rules.iter().find(|row| row.id.to_string() == "5.3.10").unwrap();
    assert!(row.disposition.is_enforced() && row.gaps.is_empty());
    let note = row.evidence[1].note.as_ref().unwrap();
    assert!(note.to_string().starts_with("judged as sshd 7.6"), "{note}");
    assert_eq!(note.text(Lang::Ja), note.to_string(), "a plain text has one language");
    assert_eq!((read.changes.len(), read.changes[0].diff.as_deref()), (6, None));
    let style = report::text::Style { all: true, ..report::text::Style::default() };
    assert!(report::text::render(&read, style).contains("/etc/ssh/sshd_config"));
}

#[test]
fn reports_with_subjects_are_read() {
    let json = text("report-1.json");
    let read = report::from_json(&json).unwrap();
    let served: Vec<_> = read.changes.iter().flat_map(|change| &change.serves).collect();
    assert!(served.iter().any(|purpose| purpose.subject.value == "bob"), "{served:?}");
    let row = read.rules.iter().find(|row| row.id.to_string() == "5.3.10").unwrap();
    assert!(row.evidence[1].note.as_ref().unwrap().text(Lang::Ja).ends_with("として判定"));
    let (written, sample) = (report::to_json(&read).unwrap(), json.trim_end());
    assert_eq!(written, sample, "nothing is lost on the way");
}

#[test]
fn a_report_of_a_later_version_is_refused_with_what_to_do() {
    let later = text("report-1.json").replace("gokaku.report/1", "gokaku.report/9");
    for (text, why) in [
        (later.as_str(), "found schema gokaku.report/9, want gokaku.report/1; use the version"),
        ("{}", "it has no `schema`; want gokaku.report/1"),
        ("{", "not a report of gokaku: "),
    ] {
        let e = report::from_json(text).unwrap_err().to_string();
        assert!(e.contains(why), "{e}");
    }
}

#[test]
fn the_first_profiles_are_read() {
    let profile = Profile::from_dir(&sample("profile-first")).unwrap();
    assert_eq!(profile.id, "bookworm-sample");
    assert!(profile.rules.len() > 5);
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A tree as a run of an earlier version left it, and that run's journal.
struct Bench {
    top: tempfile::TempDir,
    journal: PathBuf,
    sample: Value,
    test: &'static str,
}

impl Bench {
    /// `None`: not possible on this machine, said loudly.
    fn new(test: &'static str) -> Option<Bench> {
        gokaku_as_root(test)?;
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        fs::create_dir_all(root.join("etc")).unwrap();
        fs::write(root.join("etc/os-release"), "ID=ubuntu\nVERSION_ID=18.04\n").unwrap();
        fs::write(root.join("etc/crontab"), "").unwrap();
        let sample: Value = serde_json::from_str(&text("journal-2/journal.json")).unwrap();
        let mut bench = Bench { top, journal: PathBuf::new(), sample, test };
        // A run of this version, for where its journal lies and how it names the tree.
        bench.run(&["apply", "--rule", "5.1.2"]);
        let key = fs::read_dir(bench.top.path().join("state")).unwrap().next().unwrap().unwrap();
        bench.journal = key.path().join("000001");
        let own: Value =
            serde_json::from_str(&fs::read_to_string(bench.journal.join("journal.json")).unwrap())
                .unwrap();
        for name in ["root", "tree", "born"] {
            bench.sample["journal"][name] = own["journal"][name].clone();
        }
        fs::remove_file(root.join("etc/crontab")).unwrap();
        for entry in bench.sample["journal"]["entries"].as_array().unwrap() {
            let name = entry["shown"].as_str().unwrap().trim_start_matches('/');
            let at = root.join(name);
            fs::create_dir_all(at.parent().unwrap()).unwrap();
            fs::copy(self::sample("journal-2/after").join(name), &at).unwrap();
            let number = |field: &str| entry["after"][field].as_u64().unwrap() as u32;
            chown(&at, Some(number("uid")), Some(number("gid"))).unwrap();
            let mode = u32::from_str_radix(entry["after"]["mode"].as_str().unwrap(), 8).unwrap();
            fs::set_permissions(&at, fs::Permissions::from_mode(mode)).unwrap();
        }
        fs::remove_dir_all(bench.journal.join("before")).unwrap();
        fs::create_dir(bench.journal.join("before")).unwrap();
        for entry in fs::read_dir(self::sample("journal-2/before")).unwrap() {
            let from = entry.unwrap();
            fs::copy(from.path(), bench.journal.join("before").join(from.file_name())).unwrap();
        }
        Some(bench)
    }

    /// Puts the sample in place, sealed.
    fn put(&self, mut sample: Value) {
        sample["sha256"] = sha256(sample["journal"].to_string().as_bytes()).into();
        fs::write(self.journal.join("journal.json"), sample.to_string()).unwrap();
    }

    fn run(&self, args: &[&str]) -> (i32, String) {
        let mut command = gokaku_as_root(self.test).unwrap();
        command.args(args).arg("--root").arg(self.top.path().join("root"));
        let out = command.arg("--state-dir").arg(self.top.path().join("state")).output().unwrap();
        (out.status.code().unwrap_or(-1), String::from_utf8(out.stderr).unwrap())
    }

    /// Whether each path is as the journal's `state` has it.
    fn assert_is(&self, state: &str) {
        for entry in self.sample["journal"]["entries"].as_array().unwrap() {
            let name = entry["shown"].as_str().unwrap();
            let at = self.top.path().join("root").join(name.trim_start_matches('/'));
            let want = &entry[state];
            if want.is_null() {
                assert!(!at.exists(), "{name}");
                continue;
            }
            let found = fs::metadata(&at).unwrap();
            assert_eq!(format!("{:04o}", found.mode() & 0o7777), want["mode"].as_str().unwrap());
            assert_eq!(Value::from(found.gid()), want["gid"], "{name}");
            assert_eq!(sha256(&fs::read(&at).unwrap()), want["digest"].as_str().unwrap(), "{name}");
        }
    }
}

#[test]
fn the_run_of_an_earlier_version_is_reverted() {
    let Some(bench) = Bench::new("the_run_of_an_earlier_version_is_reverted") else { return };
    bench.put(bench.sample.clone());
    bench.assert_is("after");
    let (status, log) = bench.run(&["revert"]);
    assert_eq!(status, 0, "{log}");
    bench.assert_is("before");
}

/// What a version writes that this one does not know: another schema, or one more field.
fn of_later_versions(sample: &Value) -> [Value; 2] {
    let mut schema = sample.clone();
    schema["schema"] = "gokaku.journal/9".into();
    schema["version"] = "9.1.0".into();
    let mut field = sample.clone();
    field["version"] = "9.1.0".into();
    field["journal"]["entries"][0]["later"] = 1.into();
    [schema, field]
}

#[test]
fn the_run_of_a_later_version_is_kept_and_its_program_named() {
    let test = "the_run_of_a_later_version_is_kept_and_its_program_named";
    let Some(bench) = Bench::new(test) else { return };
    for later in of_later_versions(&bench.sample) {
        bench.put(later);
        let before = fs::read(bench.journal.join("journal.json")).unwrap();
        for verb in [&["revert"][..], &["forget"], &["apply", "--rule", "1.7"]] {
            let (status, log) = bench.run(verb);
            assert_eq!(status, 1, "{verb:?}: {log}");
            let named = log.contains("(gokaku 9.1.0)") && log.contains("remove ");
            assert!(named && log.contains("of another version"), "{verb:?}: {log}");
            assert_eq!(fs::read(bench.journal.join("journal.json")).unwrap(), before, "{verb:?}");
            bench.assert_is("after");
        }
    }
}

#[test]
fn damage_is_not_taken_for_a_later_version() {
    let Some(bench) = Bench::new("damage_is_not_taken_for_a_later_version") else { return };
    let mut other = bench.sample.clone();
    other["schema"] = "somebody.elses/1".into();
    bench.put(other);
    let (status, log) = bench.run(&["revert"]);
    assert!(status == 1 && log.contains("found schema somebody.elses/1"), "{log}");
    let whole = bench.sample.to_string().replace("\"phase\":\"done\"", "\"phase\":\"open\"");
    fs::write(bench.journal.join("journal.json"), whole).unwrap();
    let (status, log) = bench.run(&["revert"]);
    assert!(status == 1 && log.contains("found digest"), "{log}");
    bench.assert_is("after");
}
