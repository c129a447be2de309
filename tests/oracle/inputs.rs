//! The recorded inputs of one area, and the trees they make. `README.md` beside this file has the
//! form.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::read::GzDecoder;
use gokaku::profile::RuleId;
use gokaku::rootfs::{FileKind, ImagePath, MemoryRootfs, Rootfs};
use serde::Deserialize;

/// The first line of a file: what all inputs of the area share.
#[derive(Deserialize)]
struct Head {
    area: String,
    base: BTreeMap<String, String>,
    meta: BTreeMap<String, Meta>,
}

/// Mode (octal digits) and owner of what is not 0644 of root's.
#[derive(Deserialize)]
struct Meta {
    mode: String,
    uid: u32,
    gid: u32,
}

/// Every other line. The program's answer itself is for people to read; `holds` is what it means.
#[derive(Deserialize)]
pub struct Input {
    /// `AREA-NNNN`.
    pub id: String,
    /// How it was made.
    pub from: String,
    /// Contents by path; `None`: not there, nor anything below.
    files: BTreeMap<String, Option<String>>,
    /// By row: does it hold? `None`: the program gives no verdict.
    pub holds: BTreeMap<RuleId, Option<bool>>,
}

/// One file of recorded answers.
pub struct Area {
    /// The name of the file.
    pub name: String,
    /// The tree without an input's files.
    base: MemoryRootfs,
    /// Sorted by id.
    pub inputs: Vec<Input>,
}

impl Area {
    /// Reads `tests/oracle/NAME.jsonl.gz`.
    pub fn load(name: &str) -> Area {
        let path = super::place(&format!("{name}.jsonl.gz"));
        let file = File::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let lines = BufReader::new(GzDecoder::new(file)).lines().zip(1..);
        let mut lines = lines.map(|(line, number)| {
            let at = format!("{}:{number}", path.display());
            (line.unwrap_or_else(|e| panic!("{at}: {e}")), at)
        });
        let (head, at) = lines.next().unwrap_or_else(|| panic!("{}: empty", path.display()));
        let head: Head = serde_json::from_str(&head).unwrap_or_else(|e| panic!("{at}: {e}"));
        assert_eq!(head.area, name, "{at}");
        let inputs: Vec<Input> = lines
            .map(|(line, at)| serde_json::from_str(&line).unwrap_or_else(|e| panic!("{at}: {e}")))
            .collect();
        let area = Area { name: head.area.clone(), base: head.tree(), inputs };
        for input in &area.inputs {
            let number = area.number(input);
            let well_formed = number.len() == 4 && number.bytes().all(|b| b.is_ascii_digit());
            assert!(well_formed, "`{}` is no id of {name}; want {name}-NNNN", input.id);
        }
        assert!(area.inputs.is_sorted_by(|a, b| a.id < b.id), "{name}: ids out of order");
        area
    }

    /// An id without the area's name.
    pub fn number<'i>(&self, input: &'i Input) -> &'i str {
        let number = input.id.strip_prefix(&self.name).and_then(|rest| rest.strip_prefix('-'));
        number.unwrap_or_else(|| panic!("`{}` is no id of {}", input.id, self.name))
    }

    /// The tree that an input describes. The base is laid once and cloned; contents are shared.
    pub fn tree(&self, input: &Input) -> MemoryRootfs {
        lay(self.base.clone(), &input.files)
    }
}

impl Head {
    fn tree(&self) -> MemoryRootfs {
        let mut root = MemoryRootfs::new();
        for (path, content) in &self.base {
            root = put(root, path, content);
        }
        for (path, meta) in &self.meta {
            let mode = u32::from_str_radix(&meta.mode, 8).unwrap_or_else(|e| panic!("{path}: {e}"));
            root = match self.base.contains_key(path) {
                true => root.restat(path, |s| (s.mode, s.uid, s.gid) = (mode, meta.uid, meta.gid)),
                false => root.dir(path, mode, meta.uid, meta.gid),
            };
        }
        // Its answers are those of a systemd that boots the tree; without an init, nothing does.
        if self.area == "units" {
            root = root.file("/lib/systemd/systemd", "");
        }
        root
    }
}

/// First what is not there, then what is.
fn lay(mut root: MemoryRootfs, files: &BTreeMap<String, Option<String>>) -> MemoryRootfs {
    for path in files.iter().filter(|(_, content)| content.is_none()).map(|(path, _)| path) {
        root = root.without(path);
    }
    for (path, content) in files.iter().filter_map(|(path, c)| Some((path, c.as_ref()?))) {
        root = put(root, path, content);
    }
    root
}

/// A file or link; what is in its way goes first.
fn put(mut root: MemoryRootfs, path: &str, content: &str) -> MemoryRootfs {
    let parsed = ImagePath::parse(path).unwrap_or_else(|e| panic!("{path}: {e}"));
    let kind = |root: &MemoryRootfs, at: &ImagePath| {
        root.stat_unlinked(at).expect("memory can be read").map(|stat| stat.kind)
    };
    let mut parent = parsed.parent();
    while let Some(dir) = parent {
        if kind(&root, &dir).is_some_and(|k| k != FileKind::Dir) {
            root = root.without(&dir.to_string());
        }
        parent = dir.parent();
    }
    if kind(&root, &parsed).is_some() {
        root = root.without(path);
    }
    if let Some(target) = content.strip_prefix("link:") {
        root.link(path, target)
    } else if let Some(code) = content.strip_prefix("base64:") {
        root.file(path, STANDARD.decode(code).unwrap_or_else(|e| panic!("{path}: {e}")))
    } else {
        root.file(path, content)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"{"area": "x", "base": {"/etc/a": "a", "/etc/d/1": "1", "/etc/d/2": "2", "/l": "link:etc"},
        "meta": {"/etc/a": {"mode": "0640", "uid": 0, "gid": 42}, "/var": {"mode": "1777", "uid": 1, "gid": 2}}}"#;

    fn tree(files: &str) -> MemoryRootfs {
        let head: Head = serde_json::from_str(HEAD).unwrap();
        lay(head.tree(), &serde_json::from_str(files).unwrap())
    }

    fn text(root: &MemoryRootfs, path: &str) -> Option<Vec<u8>> {
        let bytes = root.read_bytes(&ImagePath::parse(path).unwrap(), 100).unwrap();
        bytes.map(|b| b.to_vec())
    }

    fn stat(root: &MemoryRootfs, path: &str) -> Option<(FileKind, u32, u32, u32)> {
        let stat = root.stat(&ImagePath::parse(path).unwrap()).unwrap();
        stat.map(|s| (s.kind, s.mode, s.uid, s.gid))
    }

    #[test]
    fn the_base_has_its_modes_owners_folders_and_links() {
        let root = tree("{}");
        assert_eq!(stat(&root, "/etc/a"), Some((FileKind::File, 0o640, 0, 42)));
        assert_eq!(text(&root, "/etc/a"), Some(b"a".to_vec()));
        assert_eq!(stat(&root, "/var"), Some((FileKind::Dir, 0o1777, 1, 2)));
        assert_eq!(text(&root, "/l/d/1"), Some(b"1".to_vec()));
        assert_eq!(stat(&root, "/etc/d"), Some((FileKind::Dir, 0o755, 0, 0)));
    }

    #[test]
    fn an_input_lies_over_the_base() {
        let root =
            tree(r#"{"/etc/a": "link:/etc/d/2", "/etc/d/1": null, "/etc/e": "base64:/wA="}"#);
        assert_eq!(text(&root, "/etc/a"), Some(b"2".to_vec()));
        assert_eq!(stat(&root, "/etc/d/1"), None);
        assert_eq!(text(&root, "/etc/e"), Some(vec![0xff, 0]));
        assert_eq!(stat(&root, "/etc/e"), Some((FileKind::File, 0o644, 0, 0)));
    }

    #[test]
    fn nothing_is_left_below_a_null_but_what_the_input_puts_there() {
        let root = tree(r#"{"/etc/d": null, "/etc/d/3": "3"}"#);
        assert_eq!(stat(&root, "/etc/d/1"), None);
        assert_eq!(text(&root, "/etc/d/3"), Some(b"3".to_vec()));
    }

    #[test]
    fn what_is_in_the_way_goes() {
        let root = tree(r#"{"/etc/d": "a file now", "/etc/a/b": "a folder now", "/l/m": "m"}"#);
        assert_eq!(text(&root, "/etc/d"), Some(b"a file now".to_vec()));
        assert_eq!(stat(&root, "/etc/d/1"), None);
        assert_eq!(text(&root, "/etc/a/b"), Some(b"a folder now".to_vec()));
        assert_eq!(stat(&root, "/l"), Some((FileKind::Dir, 0o755, 0, 0)), "the link is gone");
        assert_eq!(stat(&root, "/etc/m"), None);
    }
}
