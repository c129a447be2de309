//! Bytes that are not UTF-8, in every file that any row reads, on every tree of `tests/cases/`.
//!
//! A comment in Latin-1, or such a byte in a statement that a row does not judge, changes neither
//! verdict nor plan, and stays as it is; in what a row judges it makes that row `unknown`, with the
//! line. People see `\xE9`, never the stand-in that parsers see.
#![allow(clippy::unwrap_used, clippy::disallowed_methods)]

#[path = "support/cases.rs"]
mod support;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::rc::Rc;

use gokaku::check::Outcome;
use gokaku::error::Result;
use gokaku::message::Lang;
use gokaku::plan::{self, Plan};
use gokaku::profile::{Profile, Rule};
use gokaku::rootfs::{AccountDb, Acl, ImagePath, Memo, MemoryRootfs, NodeBody, Rootfs, Stat};
use gokaku::text::lossless;

/// An image that notes which files are read as text.
struct Noting<'a> {
    root: &'a MemoryRootfs,
    read: RefCell<BTreeSet<ImagePath>>,
    memo: Memo,
}

impl Rootfs for Noting<'_> {
    fn stat(&self, path: &ImagePath) -> Result<Option<Stat>> {
        self.root.stat(path)
    }
    fn read_link(&self, path: &ImagePath) -> Result<Option<Vec<u8>>> {
        self.root.read_link(path)
    }
    fn acl(&self, path: &ImagePath) -> Result<Option<Acl>> {
        self.root.acl(path)
    }
    fn read_bytes(&self, path: &ImagePath, limit: u64) -> Result<Option<Rc<[u8]>>> {
        self.root.read_bytes(path, limit)
    }
    fn list(&self, path: &ImagePath) -> Result<Option<Rc<[OsString]>>> {
        self.root.list(path)
    }
    fn memo(&self) -> &Memo {
        &self.memo
    }
    fn is_live(&self) -> bool {
        self.root.is_live()
    }
    fn read(&self, path: &ImagePath) -> Result<Option<String>> {
        let text = self.root.read(path)?;
        if text.is_some() {
            self.read.borrow_mut().insert(self.root.locate(path)?.path);
        }
        Ok(text)
    }
}

/// The files that a row reads as text, links resolved.
fn read_by(rule: &Rule, root: &MemoryRootfs) -> BTreeSet<ImagePath> {
    let noting = Noting { root, read: RefCell::default(), memo: Memo::default() };
    plan::audit(&[rule], &noting);
    noting.read.into_inner()
}

/// The tree with another content of one file.
fn with(root: &MemoryRootfs, path: &ImagePath, content: &[u8]) -> MemoryRootfs {
    let Stat { mode, uid, gid, .. } = root.stat(path).unwrap().unwrap();
    let text = lossless::decode(path.as_bytes());
    root.clone().file_with(&text, content, mode, uid, gid)
}

fn bytes(root: &MemoryRootfs, path: &ImagePath) -> Vec<u8> {
    root.read_bytes(path, u64::MAX).unwrap().unwrap().to_vec()
}

fn planned(rule: &Rule, root: &MemoryRootfs) -> Plan {
    let plan = plan::plan(&[rule], root).unwrap_or_else(|e| panic!("{}: {e}", rule.id));
    no_stand_in(&plan, root);
    plan
}

/// Nothing that people see holds a stand-in.
fn no_stand_in(plan: &Plan, root: &MemoryRootfs) {
    for judged in plan.before.iter().chain(&plan.after) {
        let seen = judged.seen().flat_map(|e| [&e.found, &e.want, &e.note]);
        let seen = seen.chain([&judged.reason]);
        for text in seen.flatten() {
            assert!(
                ![Lang::En, Lang::Ja].iter().any(|lang| lossless::holds(&text.text(*lang))),
                "{text:?}"
            );
        }
        let evidence: Vec<_> = judged.seen().collect();
        assert!(!lossless::holds(&serde_json::to_string(&evidence).unwrap()));
    }
    if let Ok(names) = AccountDb::read(root) {
        let diff = gokaku::report::diff::render(plan.changes(), &names);
        assert!(!lossless::holds(&diff), "{diff:?}");
    }
}

/// Outcomes, and what the plan writes: by path, with contents.
type Result_ = (Outcome, Outcome, BTreeMap<String, Vec<u8>>);

fn result(plan: &Plan) -> Result_ {
    let content = |change: &gokaku::plan::PathChange| match change.after.as_ref().map(|n| &n.body) {
        Some(NodeBody::File(Some(content))) => content.to_vec(),
        other => format!("{other:?}").into_bytes(),
    };
    let all = plan.changes().iter().map(|c| (c.path.to_string(), content(c))).collect();
    (plan.before[0].outcome, plan.after[0].outcome, all)
}

/// `content` with a line more at its end, in the file's own line ending.
fn plus(content: &[u8], line: &[u8]) -> Vec<u8> {
    let end: &[u8] = if content.windows(2).any(|w| w == b"\r\n") { b"\r\n" } else { b"\n" };
    let open = !content.is_empty() && !content.ends_with(b"\n");
    [content, if open { end } else { b"" }, line, end].concat()
}

fn replaced(text: &[u8], old: &[u8], new: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.windows(old.len()).position(|w| w == old) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(new);
        rest = &rest[at + old.len()..];
    }
    out.extend_from_slice(rest);
    out
}

/// Every tree of `tests/cases/`, with its row.
fn trees() -> Vec<(Rule, String, MemoryRootfs)> {
    let base = support::base();
    let profile = Profile::embedded().unwrap();
    let rule = |id: &str| {
        profile.rules.iter().find(|r| r.id.to_string() == id).unwrap_or_else(|| panic!("{id}"))
    };
    let mut out = Vec::new();
    for (id, cases) in support::all() {
        for case in &cases {
            out.push((rule(&id).clone(), format!("{id}: {}", case.name), case.tree(&base)));
        }
    }
    out
}

const LATIN: &[u8] = b"d\xe9sactiv\xe9 par le r\xe9seau.";
const PLAIN: &[u8] = b"desactive par le reseau.";

#[test]
fn a_comment_in_latin_1_changes_nothing_and_stays() {
    let (mut tried, mut written) = (BTreeSet::new(), 0);
    for (rule, name, root) in trees() {
        for path in read_by(&rule, &root) {
            let old = bytes(&root, &path);
            let tree = |words: &[u8]| with(&root, &path, &plus(&old, &[b"# ", words].concat()));
            let plain = result(&planned(&rule, &tree(PLAIN)));
            let latin = result(&planned(&rule, &tree(LATIN)));
            let (before, after, mut all) = plain;
            for content in all.values_mut() {
                *content = replaced(content, PLAIN, LATIN);
                written += usize::from(content.windows(LATIN.len()).any(|w| w == LATIN));
            }
            assert_eq!((before, after, all), latin, "{name}: {path}");
            tried.insert(path);
        }
    }
    assert!(tried.len() > 90 && written > 150, "{}: {tried:?}, {written}", tried.len());
}

/// The line with something behind the last word of `found` that stands in it.
fn spoilt(line: &[u8], found: &str, with: &[u8]) -> Option<Vec<u8>> {
    let words = found.split(|c: char| c.is_whitespace() || "=\"'`,;".contains(c));
    let words = words.filter(|w| !w.is_empty()).rev();
    let at = |word: &str| line.windows(word.len()).rposition(|w| w == word.as_bytes());
    let end = words.filter_map(|word| Some(at(word)? + word.len())).next()?;
    Some([&line[..end], with, &line[end..]].concat())
}

/// Lines that are about something else with one more character, so that no row judges them.
const ANOTHER: [&[u8]; 11] = [
    b"install jffs2\xe9 ",
    b"norandmaps\xe9",
    b"dc_local_interfaces\xe9=",
    b"action\xe9(",
    b"pam_umask.so\xe9",
    // Another key, another unit.
    b"ExecStart\xe9=",
    b"Requires=autofs.service\xe9",
    b"Wants=autofs.service\xe9",
    b"Conflicts=systemd-timesyncd.service\xe9",
    // Behind the end of an action.
    b"fileOwner=\"logger\")\xe9",
    b"fileGroup=\"adm\")\xe9",
];

#[test]
fn the_byte_in_what_is_judged_makes_the_row_unknown_and_names_the_line() {
    let (mut rows, mut files, mut not_judged) = (BTreeSet::new(), BTreeSet::new(), 0);
    for (rule, name, root) in trees() {
        let read = read_by(&rule, &root);
        let judged = plan::audit(&[&rule], &root).remove(0);
        for evidence in judged.seen() {
            let (Some(path), Some(line), Some(found)) =
                (&evidence.path, evidence.line, evidence.found.as_ref().map(ToString::to_string))
            else {
                continue;
            };
            let path = root.locate(path).unwrap().path;
            // Some evidence says what is missing in a line.
            if !read.contains(&path) || found.starts_with("no options") {
                continue;
            }
            let old = bytes(&root, &path);
            let tree = |more: &[u8]| {
                let mut lines: Vec<Vec<u8>> =
                    old.split(|b| *b == b'\n').map(<[u8]>::to_vec).collect();
                let new = spoilt(&lines[line - 1], &found, more);
                lines[line - 1] = new.unwrap_or_else(|| panic!("{name}: {path}:{line}: {found}"));
                (with(&root, &path, &lines.join(&b'\n')), lines.remove(line - 1))
            };
            let (foreign, said) = tree(b"\xe9");
            let plan = planned(&rule, &foreign);
            let at = format!("{name}: {path}:{line}: {}: {:?}", said.escape_ascii(), plan.before);
            let is_another = ANOTHER.iter().any(|a| said.windows(a.len()).any(|w| w == *a));
            let is_aside = evidence
                .note
                .as_ref()
                .map(ToString::to_string)
                .as_deref()
                .is_some_and(|n| n.starts_with("has no effect"));
            if is_another || is_aside {
                let (before, after, mut all) = result(&planned(&rule, &tree("é".as_bytes()).0));
                for content in all.values_mut() {
                    *content = replaced(content, "é".as_bytes(), b"\xe9");
                }
                assert_eq!(result(&plan), (before, after, all), "{at}");
                not_judged += 1;
                continue;
            }
            let seen = &plan.before[0];
            // A row fails for what is certain, and says what cannot be told beside it.
            let fails = judged.outcome == Outcome::NotMet && judged.seen().count() > 1;
            let good =
                seen.outcome == Outcome::Unknown || (fails && seen.outcome == Outcome::NotMet);
            let reason = seen.reason.as_ref().map(ToString::to_string).unwrap_or_default();
            let named = reason.contains(&format!(":{line}: found ")) && reason.contains("\\xE9");
            assert!(good && named, "{at}");
            let said_so = |text: &Vec<u8>| text.split(|b| *b == b'\n').any(|l| l == said);
            let after = result(&plan).2;
            let kept = after.get(&path.to_string()).is_none_or(said_so);
            assert!(kept, "{at}: what cannot be told is not edited");
            rows.insert(rule.id.to_string());
            files.insert(path);
        }
    }
    assert!(rows.len() > 60 && files.len() > 30, "{} {}", rows.len(), files.len());
    assert!(not_judged < 60, "{not_judged}");
}

/// A statement that no row judges, for each file that rows read: by a piece of its path, the first
/// that fits. `CAFE` is the word with the byte. Where a file belongs to a program alone, none.
const NEIGHBOURS: &[(&str, &str)] = &[
    ("sysctl", "kernel.domainname = CAFE"),
    ("modprobe.d", "options CAFE a=CAFE"),
    ("sshd_config", "VersionAddendum CAFE"),
    ("fstab", "LABEL=CAFE /srv/CAFE ext4 defaults 0 0"),
    ("login.defs", "MOTD_FILE /etc/CAFE"),
    ("default/useradd", "SKEL=/etc/CAFE"),
    ("adduser.conf", "SKEL=/etc/CAFE"),
    ("security/limits", "CAFE hard nproc 9"),
    ("security/site.conf", "CAFE hard nproc 9"),
    ("pwquality.conf", "dictpath = /CAFE"),
    ("rsyslog.conf", "$LocalHostName CAFE"),
    ("rsyslog.d", "$LocalHostName CAFE"),
    ("cron.daily", "X=CAFE"),
    ("logrotate.conf", "/srv/CAFE.log {\n\tweekly\n}"),
    ("/etc/site.conf", "/srv/CAFE.log {\n\tweekly\n}"),
    ("pam.d", "account optional pam_CAFE.so CAFE"),
    ("sudoers", "Defaults badpass_message=\"CAFE\""),
    ("main.cf", "smtpd_banner = CAFE"),
    ("master.cf", "CAFE unix - - n - - smtp"),
    ("update-exim4", "dc_other_hostnames='CAFE'"),
    ("ntp.conf", "leapfile /CAFE"),
    ("gdm3", "[CAFE]\nCAFE=CAFE"),
    ("NetworkManager.state", "[CAFE]\nCAFE=CAFE"),
    ("systemd/system/", "[X-CAFE]\nCAFE=CAFE"),
    ("/systemd/", "[CAFE]\nCAFE=CAFE"),
    ("machine-id", ""),
    ("crontab", "CAF=CAFE"),
    ("cron.d/", "CAF=CAFE"),
    ("sshd_config_site", "VersionAddendum CAFE"),
    ("/etc/ssh/site", "VersionAddendum CAFE"),
    ("pam/seen", "CAFE"),
    ("pam/password", ""),
    ("ntp", "CAF=\"CAFE\""),
    ("profile", "CAF=\"CAFE\""),
    ("bashrc", "CAF=\"CAFE\""),
    ("environment", "CAF=CAFE"),
    ("/etc/default/", "CAF=CAFE"),
    ("/etc/ufw/", "CAF=CAFE"),
];

#[test]
fn the_byte_in_another_statement_changes_nothing_and_stays() {
    let (mut tried, mut written) = (BTreeSet::new(), 0);
    for (rule, name, root) in trees() {
        for path in read_by(&rule, &root) {
            let shown = path.to_string();
            let statement = NEIGHBOURS.iter().find(|(piece, _)| shown.contains(piece));
            let (_, statement) = statement.unwrap_or_else(|| panic!("none for {path}"));
            let old = bytes(&root, &path);
            let script = old.starts_with(b"#!");
            let top = if script { old.iter().position(|b| *b == b'\n').unwrap() + 1 } else { 0 };
            let tree = |word: &[u8]| {
                let line = replaced(format!("{statement}\n").as_bytes(), b"CAFE", word);
                with(&root, &path, &[&old[..top], &line, &old[top..]].concat())
            };
            let (before, after, mut all) = result(&planned(&rule, &tree(b"cafe")));
            for content in all.values_mut() {
                *content = replaced(content, b"cafe", b"caf\xe9");
                written += usize::from(content.windows(4).any(|w| w == b"caf\xe9"));
            }
            let foreign = planned(&rule, &tree(b"caf\xe9"));
            let at = format!("{name}: {path}: {:?}", foreign.before);
            assert_eq!((before, after, all), result(&foreign), "{at}");
            tried.insert(path);
        }
    }
    assert!(tried.len() > 90 && written > 150, "{} {written}", tried.len());
}
