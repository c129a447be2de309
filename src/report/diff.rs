//! What a plan would change, as a unified diff with the metadata beside it.
//!
//! Secrets never show: of the account files, password fields are reduced to their kind.

use std::borrow::Cow;
use std::fmt::Write;

use crate::rootfs::{AccountDb, ImagePath, Node, NodeBody, PathChange, escape};

/// The diff of all changes. `names` is the image's own account database.
pub fn render(changes: &[PathChange], names: &AccountDb) -> String {
    let mut out = String::new();
    for change in changes {
        one(&mut out, change, names);
    }
    out
}

fn one(out: &mut String, change: &PathChange, names: &AccountDb) {
    let path = &change.path;
    let rules: Vec<String> = change.rules.iter().map(ToString::to_string).collect();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {path} ({})", rules.join(" "));
    match (&change.before, &change.after) {
        (None, Some(node)) => {
            let what = match &node.body {
                NodeBody::Dir => "new directory".to_owned(),
                NodeBody::Symlink(target) => format!("new link to {}", escape(target)),
                _ => "new file".to_owned(),
            };
            let _ = match &node.body {
                NodeBody::Symlink(_) => writeln!(out, "# {what}"),
                _ => writeln!(out, "# {what}, {}", owner_and_mode(node, names)),
            };
        }
        (Some(_), None) => {
            let _ = writeln!(out, "# removed");
        }
        (Some(a), Some(b)) => {
            let (old, new) = (owner_and_mode(a, names), owner_and_mode(b, names));
            if old != new {
                let _ = writeln!(out, "# {old} -> {new}");
            }
            if let (NodeBody::Symlink(old), NodeBody::Symlink(new)) = (&a.body, &b.body)
                && old != new
            {
                let _ = writeln!(out, "# link to {} -> {}", escape(old), escape(new));
            }
        }
        (None, None) => {}
    }
    let (old, new) = (content(change.before.as_ref()), content(change.after.as_ref()));
    let replaced =
        matches!(change.after.as_ref().map(|n| &n.body), None | Some(NodeBody::File(Some(_))));
    if replaced && old != new {
        out.push_str(&patch(path, &masked(path, old), &masked(path, new)));
    }
    out.push('\n');
}

fn owner_and_mode(node: &Node, names: &AccountDb) -> String {
    let stat = &node.stat;
    format!("{:04o} {}:{}", stat.mode, names.show_user(stat.uid), names.show_group(stat.gid))
}

fn content(node: Option<&Node>) -> &[u8] {
    match node.map(|n| &n.body) {
        Some(NodeBody::File(Some(bytes))) => bytes,
        _ => b"",
    }
}

fn patch(path: &ImagePath, old: &[u8], new: &[u8]) -> String {
    let mut options = diffy::DiffOptions::new();
    options.set_original_filename(format!("a{path}")).set_modified_filename(format!("b{path}"));
    String::from_utf8_lossy(&options.create_patch_bytes(old, new).to_bytes()).into_owned()
}

/// Password fields say what they are, not what they hold.
fn masked<'a>(path: &ImagePath, text: &'a [u8]) -> Cow<'a, [u8]> {
    const FILES: [&[u8]; 8] = [
        b"/etc/passwd",
        b"/etc/passwd-",
        b"/etc/shadow",
        b"/etc/shadow-",
        b"/etc/group",
        b"/etc/group-",
        b"/etc/gshadow",
        b"/etc/gshadow-",
    ];
    if !FILES.contains(&path.as_bytes()) {
        return Cow::Borrowed(text);
    }
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        let mut fields = line.splitn(3, |b| *b == b':');
        match (fields.next(), fields.next(), fields.next()) {
            (Some(name), Some(secret), Some(rest)) => {
                out.extend_from_slice(name);
                out.push(b':');
                out.extend_from_slice(kind_of_secret(secret).as_bytes());
                out.push(b':');
                out.extend_from_slice(rest);
            }
            _ => out.extend_from_slice(b"(a malformed line)\n"),
        }
    }
    Cow::Owned(out)
}

fn kind_of_secret(field: &[u8]) -> &'static str {
    match field {
        b"" => "",
        b"x" => "x",
        b"*" => "*",
        b"!" => "!",
        b"!!" => "!!",
        b"!*" => "!*",
        [b'!', ..] => "!(hash)",
        [b'*', ..] => "*(locked)",
        _ => "(hash)",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::{Change, MemoryRootfs, Rootfs, StagedRootfs};

    fn diff(base: &MemoryRootfs, changes: &[Change]) -> String {
        let mut staged = StagedRootfs::new(base);
        for change in changes {
            staged.stage(change, &"5.5.2".parse().unwrap()).unwrap();
        }
        render(&staged.changes().unwrap(), &AccountDb::read(&staged).unwrap())
    }

    fn path(p: &str) -> ImagePath {
        ImagePath::parse(p).unwrap()
    }

    #[test]
    fn hashes_never_show() {
        let base = MemoryRootfs::new()
            .file_with("/etc/shadow", "a:$6$SECRET:1:::::\nb:$6$OTHER:1:::::\n", 0o640, 0, 42)
            .file("/etc/group", "shadow:x:42:\n");
        assert!(base.read(&path("/etc/shadow")).is_ok());
        let text = diff(
            &base,
            &[Change::write(&path("/etc/shadow"), "a:!$6$SECRET:1:::::\nb:$6$OTHER:1:::::\n")],
        );
        assert!(!text.contains("SECRET") && !text.contains("OTHER"), "{text}");
        assert!(text.contains("-a:(hash):1") && text.contains("+a:!(hash):1"), "{text}");
    }

    #[test]
    fn metadata_links_and_new_files_are_told() {
        let base = MemoryRootfs::new().file("/etc/crontab", "x\n");
        let text = diff(
            &base,
            &[
                Change::SetStat {
                    path: path("/etc/crontab"),
                    mode: Some(0o600),
                    uid: None,
                    gid: None,
                },
                Change::Symlink { path: path("/etc/u/w"), target: "/lib/u".into() },
                Change::write(&path("/etc/n"), "a"),
            ],
        );
        for want in [
            "# /etc/crontab (5.5.2)\n# 0644 0:0 -> 0600 0:0\n",
            "# new directory, 0755 0:0\n",
            "# new link to /lib/u\n",
            "# new file, 0644 0:0\n",
            "+a\n\\ No newline at end of file",
        ] {
            assert!(text.contains(want), "{want:?} in\n{text}");
        }
    }
}
