//! The model beside systemd 237: every recorded start job.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader};

use flate2::read::GzDecoder;
use serde_json::Value;

use super::*;
use crate::check::testing::Run;
use crate::rootfs::MemoryRootfs;

const RECORDED: &[u8] = include_bytes!("../../../../tests/oracle/units.jsonl.gz");

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn put(root: MemoryRootfs, path: &str, content: &str) -> MemoryRootfs {
    let mut root = root;
    // What is in the way of a path goes first.
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    for end in 1..parts.len() {
        let dir = format!("/{}", parts[..end].join("/"));
        let parsed = ImagePath::parse(&dir).unwrap();
        let kind = root.stat_unlinked(&parsed).unwrap().map(|stat| stat.kind);
        if kind.is_some_and(|kind| kind != crate::rootfs::FileKind::Dir) {
            root = root.without(&dir);
        }
    }
    let root = root.without(path);
    match content.strip_prefix("link:") {
        Some(target) => root.link(path, target),
        None => root.file(path, content),
    }
}

/// What is compared: mounts come of generators, and slices of everything.
fn compared(unit: &str) -> bool {
    if ["local-fs-pre.target", "systemd-remount-fs.service"].contains(&unit) {
        return false;
    }
    [".service", ".socket", ".timer", ".target", ".path"].iter().any(|s| unit.ends_with(s))
}

fn jobs(value: &Value) -> BTreeSet<String> {
    let all = value.as_array().into_iter().flatten().map(|v| text(v).to_owned());
    all.filter(|unit| compared(unit)).collect()
}

#[test]
fn the_first_transaction_is_systemds_own() {
    let mut lines = BufReader::new(GzDecoder::new(RECORDED)).lines().map(|l| l.unwrap());
    let head: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
    let mut base = MemoryRootfs::new();
    for (path, content) in head["base"].as_object().unwrap() {
        base = put(base, path, text(content));
    }
    for (path, meta) in head["meta"].as_object().unwrap() {
        let mode = u32::from_str_radix(text(&meta["mode"]), 8).unwrap();
        base = base.restat(path, |stat| stat.mode = mode);
    }
    let stock = jobs(&head["start_jobs_of_base"]);
    let mut differing: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut inputs = 0;
    for line in lines {
        let input: Value = serde_json::from_str(&line).unwrap();
        inputs += 1;
        if input["ok"] == Value::Bool(false) {
            continue;
        }
        let files = input["files"].as_object().unwrap();
        let mut root = base.clone();
        for (path, _) in files.iter().filter(|(_, content)| content.is_null()) {
            root = root.without(path);
        }
        for (path, content) in files.iter().filter(|(_, content)| !content.is_null()) {
            root = put(root, path, text(content));
        }
        let mut want: BTreeSet<String> = stock.union(&jobs(&input["more_jobs"])).cloned().collect();
        for gone in jobs(&input["fewer_jobs"]) {
            want.remove(&gone);
        }
        let scene = root.supposing("systemd", &[237]);
        let boot = Boot::of(&Audit::from(&scene)).unwrap();
        // Overridden in /etc while an alias leads to the vendor's file: which of the two names 237
        // loads first depends on the order of its tables.
        let either = files.contains_key("/etc/systemd/system/rsyslog.service");
        let told = |unit: &str| !either || !["rsyslog.service", "syslog.socket"].contains(&unit);
        want.retain(|unit| told(unit));
        let starts = boot
            .started
            .iter()
            .filter(|(id, start)| start.by.is_none() && compared(id) && told(id));
        let have: BTreeSet<String> = starts.map(|(id, _)| id.clone()).collect();
        for unit in want.difference(&have) {
            differing.entry(format!("-{unit}")).or_default().push(text(&input["id"]).to_owned());
        }
        for unit in have.difference(&want) {
            differing.entry(format!("+{unit}")).or_default().push(text(&input["id"]).to_owned());
        }
    }
    assert!(inputs > 200, "{inputs}");
    let shown: Vec<String> = differing
        .iter()
        .map(|(unit, ids)| format!("{unit} {} {:?}", ids.len(), &ids[..ids.len().min(6)]))
        .collect();
    assert!(differing.is_empty(), "{}", shown.join("\n"));
}
