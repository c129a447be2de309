//! What a plan would change, as a unified diff with the metadata beside it.
//!
//! Secrets never appear: of `shadow` and `gshadow` only the names of the changed fields are shown, and
//! password fields of `passwd` and `group` are reduced to their kind. Control characters are escaped,
//! so a file of the target cannot control a terminal.

mod fields;
mod long;

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::fmt::Write;

use super::secret::{for_terminal, veil};
use crate::check::homes::home_file_absent::QUARANTINED;
use crate::error::cut;
use crate::plan::PathChange;
use crate::rootfs::{
    AccountDb, EntryAcl, ImagePath, Node, NodeBody, escape, is_control, show_name,
};

/// The diff of all changes. `names` is the image's own account database.
#[cfg(any(feature = "cli", feature = "internals"))]
pub fn render(changes: &[PathChange], names: &AccountDb) -> String {
    each(changes, names).map(|(_, diff)| diff).collect()
}

/// Each change with its diff.
pub fn each<'c>(
    changes: &'c [PathChange],
    names: &'c AccountDb,
) -> impl Iterator<Item = (&'c PathChange, String)> {
    // Files that get another name because they may hold secrets: their contents are not shown.
    let of_new = |change: &'c PathChange| name(change).strip_suffix(QUARANTINED.as_bytes());
    let put_away: HashSet<&[u8]> = changes.iter().filter_map(of_new).collect();
    changes.iter().map(move |change| {
        let is_put_away = of_new(change).is_some() || put_away.contains(name(change));
        let mut out = String::new();
        one(&mut out, change, names, is_put_away);
        (change, out)
    })
}

fn name(change: &PathChange) -> &[u8] {
    change.path.as_bytes()
}

fn one(out: &mut String, change: &PathChange, names: &AccountDb, put_away: bool) {
    let path = &change.path;
    let rules: Vec<String> = change.rules().map(ToString::to_string).collect();
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
            let (mut old, mut new) = (owner_and_mode(a, names), owner_and_mode(b, names));
            if a.acl != b.acl {
                old.push_str(&granted(a, names));
                new.push_str(&granted(b, names));
            }
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
    if put_away && replaced {
        let _ = writeln!(out, "# (content not shown)");
    } else if replaced && old != new {
        match fields::of(path.as_bytes()) {
            Some(names) => out.push_str(&bounded(&fields::render(old, new, names))),
            None => out.push_str(&patch(path, &masked(path, old), &masked(path, new))),
        }
    }
    out.push('\n');
}

fn owner_and_mode(node: &Node, names: &AccountDb) -> String {
    let stat = &node.stat;
    format!("{:04o} {}:{}", stat.mode, names.show_user(stat.uid), names.show_group(stat.gid))
}

/// Whom an ACL lets do what of which the mode says nothing.
fn granted(node: &Node, names: &AccountDb) -> String {
    let EntryAcl::Is(acl) = &node.acl else { return String::new() };
    let granted = acl.granted(&node.stat).into_iter().map(|(who, bits)| who.shown(bits, names));
    match granted.collect::<Vec<_>>().join(", ") {
        none if none.is_empty() => " (ACL)".to_owned(),
        granted => format!(" (ACL: {granted})"),
    }
}

fn content(node: Option<&Node>) -> &[u8] {
    match node.map(|n| &n.body) {
        Some(NodeBody::File(Some(bytes))) => bytes,
        _ => b"",
    }
}

/// No line of a diff is longer (bytes) …
const LONG_LINE: usize = 4_000;
/// … and no diff of one file much larger.
const LARGE: usize = 1 << 20;

fn patch(path: &ImagePath, old: &[u8], new: &[u8]) -> String {
    bounded(&for_terminal(&String::from_utf8_lossy(&unified(path, old, new))))
}

fn unified(path: &ImagePath, old: &[u8], new: &[u8]) -> Vec<u8> {
    if long::is_long(old, new) {
        return long::patch(path, old, new);
    }
    let mut options = diffy::DiffOptions::new();
    options.set_original_filename(format!("a{path}")).set_modified_filename(format!("b{path}"));
    options.create_patch_bytes(old, new).to_bytes()
}

/// Why a diff cannot be given as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Withheld {
    /// It would show a secret.
    Secret,
    /// It holds what is no text, or what would give orders to a terminal.
    Unprintable,
    /// It would be cut.
    TooLong,
}

/// The hunks of a diff, exactly: nothing in them is masked, escaped or cut. They apply byte for byte.
pub(super) fn exact(path: &ImagePath, old: &[u8], new: &[u8]) -> Result<String, Withheld> {
    if fields::of(path.as_bytes()).is_some() {
        return Err(Withheld::Secret);
    }
    let raw = unified(path, old, new);
    if let (Cow::Owned(old), Cow::Owned(new)) = (masked(path, old), masked(path, new))
        && unified(path, &old, &new) != raw
    {
        return Err(Withheld::Secret);
    }
    let text = String::from_utf8(raw).map_err(|_| Withheld::Unprintable)?;
    if veil(&text) != text {
        return Err(Withheld::Secret);
    }
    if text.len() >= LARGE || text.lines().any(|line| line.len() > LONG_LINE) {
        return Err(Withheld::TooLong);
    }
    // A carriage return at the end of a line is how some editors end lines.
    let odd = |c: char| (is_control(c) && c != '\t') || matches!(c, '\u{fffe}' | '\u{ffff}');
    if text.split('\n').any(|line| line.strip_suffix('\r').unwrap_or(line).contains(odd)) {
        return Err(Withheld::Unprintable);
    }
    let hunks = text.find("\n@@").map_or(text.len(), |at| at + 1);
    Ok(text[hunks..].to_owned())
}

/// Files of `changes` that get another name because they may hold secrets: the old names by the new
/// ones.
pub(super) fn put_away(changes: &[PathChange]) -> HashMap<&ImagePath, &ImagePath> {
    let gone = changes.iter().filter(|c| c.after.is_none());
    let gone: HashMap<&[u8], &ImagePath> = gone.map(|c| (name(c), &c.path)).collect();
    let new = changes.iter().filter(|c| c.before.is_none());
    let old = |c: &PathChange| gone.get(name(c).strip_suffix(QUARANTINED.as_bytes())?).copied();
    new.filter_map(|c| Some((&c.path, old(c)?))).collect()
}

/// As much as is shown of a diff in which secrets do not show any more: a piece of a hash would not be
/// known as one.
fn bounded(patch: &str) -> String {
    let mut out = String::new();
    let mut lines = patch.lines();
    for line in lines.by_ref() {
        out.push_str(&cut(line, LONG_LINE));
        out.push('\n');
        if out.len() >= LARGE {
            break;
        }
    }
    let left = lines.count();
    if left > 0 {
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# ({left} lines cut)");
    }
    out
}

/// Only the kind of a password field is shown. A line with too many or too few fields, or with
/// words instead of numbers, is not shown, because its fields are uncertain; nor are comments.
fn masked<'a>(path: &ImagePath, text: &'a [u8]) -> Cow<'a, [u8]> {
    let (fields, numbers) = match path.as_bytes() {
        b"/etc/passwd" | b"/etc/passwd-" => (7, 2..4),
        b"/etc/group" | b"/etc/group-" => (4, 2..3),
        _ => return Cow::Borrowed(text),
    };
    let is_sure = |parts: &[&[u8]]| {
        let digits = |part: &&[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
        // NIS entries say no numbers.
        let is_nis =
            parts.first().is_some_and(|name| name.starts_with(b"+") || name.starts_with(b"-"));
        parts.len() == fields && (is_nis || parts[numbers.clone()].iter().all(digits))
    };
    let mut out = Vec::with_capacity(text.len());
    for line in text.split_inclusive(|b| *b == b'\n') {
        let bare = line.strip_suffix(b"\n").unwrap_or(line);
        let parts: Vec<&[u8]> = bare.split(|b| *b == b':').collect();
        match parts.as_slice() {
            [name, secret, rest @ ..] if is_sure(&parts) && !name.starts_with(b"#") => {
                out.extend_from_slice(show_name(name).as_bytes());
                out.push(b':');
                out.extend_from_slice(kind_of_secret(secret).as_bytes());
                out.push(b':');
                out.extend_from_slice(&rest.join(&b':'));
            }
            _ if bare.is_empty() => {}
            // An account that was commented out still has its hash.
            _ if bare.starts_with(b"#") => out.extend_from_slice(b"(a comment)"),
            _ => out.extend_from_slice(b"(a malformed line)"),
        }
        out.extend_from_slice(&line[bare.len()..]);
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
    use crate::plan::Plan;
    use crate::rootfs::{Change, MemoryRootfs, Rootfs, StagedRootfs};

    fn diff(base: &MemoryRootfs, changes: &[Change]) -> String {
        let mut staged = StagedRootfs::new(base);
        for change in changes {
            staged.stage(change, &[0]).unwrap();
        }
        render(Plan::of_stage(&staged).changes(), &AccountDb::read(&staged).unwrap())
    }

    fn path(p: &str) -> ImagePath {
        ImagePath::parse(p).unwrap()
    }

    #[test]
    fn hashes_never_show() {
        let base = MemoryRootfs::new()
            .file_with("/etc/shadow", "a:$6$SECRET:1::::::\nb:$6$OTHER:1::::::\n", 0o640, 0, 42)
            .file("/etc/group", "shadow:x:42:\n");
        assert!(base.read(&path("/etc/shadow")).is_ok());
        let text = diff(
            &base,
            &[Change::write(&path("/etc/shadow"), "a:!$6$SECRET:1::::::\nb:$6$OTHER:1::::::\n")],
        );
        assert!(!text.contains("SECRET") && !text.contains("OTHER"), "{text}");
        assert!(text.contains("# a: password (hash) -> !(hash)\n"), "{text}");
        assert!(!text.contains("b:"), "what does not change does not show: {text}");
        for name in ["/etc/shadow", "/etc/shadow-", "/etc/gshadow", "/etc/gshadow-"] {
            let base = MemoryRootfs::new().file(name, "a:SECRET:1::::::\nb:SECRET::\n");
            let text =
                diff(&base, &[Change::write(&path(name), "a:SECRET:2::::::\nb:SECRET::x\n")]);
            assert!(text.contains(" -> ") && !text.contains("SECRET"), "{name}: {text}");
        }
    }

    #[test]
    fn the_open_account_files_show_no_hash_and_no_malformed_line() {
        let passwd = |password: &str| {
            format!(
                "#z:x:1:1:SECRET:/:\n+nis:SECRET:::::\na:{password}:1:1::/:/bin/sh\n\
                 b:SECRET\n$6$SECRET:x:3:3::/:\nd::x:1:SECRET:/:\n"
            )
        };
        let (old, new) = (passwd("SECRET"), passwd("x"));
        let base = MemoryRootfs::new().file("/etc/passwd", old);
        let text = diff(&base, &[Change::write(&path("/etc/passwd"), new)]);
        assert!(!text.contains("SECRET"), "{text}");
        assert!(text.contains("-a:(hash):1:1::/:/bin/sh\n+a:x:1:1::"), "{text}");
        assert!(text.contains("\n (a comment)\n +nis:(hash):::::\n"), "{text}");
        let hidden = " (a malformed line)\n (a name not shown):x:3:3::/:\n (a malformed line)\n";
        assert!(text.contains(hidden), "{text}");
        for name in ["/etc/group", "/etc/group-"] {
            let base = MemoryRootfs::new().file(name, "g:SECRET:1:\n#h:SECRET:2:\nh:SECRET\n");
            let text = diff(&base, &[Change::write(&path(name), "g:SECRET:1:x\n")]);
            assert!(text.contains("+g:(hash):1:x\n") && !text.contains("SECRET"), "{name}: {text}");
        }
    }

    #[test]
    fn a_file_gives_no_orders_to_a_terminal() {
        let base =
            MemoryRootfs::new().file("/etc/x", "a\x1b]0;t\x07\rb\n$6$saltsalt$SECRETSECRET\n");
        let text = diff(&base, &[Change::write(&path("/etc/x"), "a\x1b]0;t\x07\rb\nnew\n")]);
        assert!(text.contains(" a\\x1b]0;t\\x07\\x0db\n-(hash)\n+new\n"), "{text}");
        let base = MemoryRootfs::new().link("/etc/a", "x\x1b[2J").link("/etc/b", "y\x1b[2J");
        let text = diff(
            &base,
            &[
                Change::Symlink { path: path("/etc/a"), target: "/dev/null".into() },
                Change::Rename { path: path("/etc/b"), to: path("/etc/c") },
            ],
        );
        for want in ["# link to x\\x1b[2J -> /dev/null\n", "# new link to y\\x1b[2J\n"] {
            assert!(text.contains(want), "{want:?} in\n{text}");
        }
    }

    #[test]
    fn a_diff_has_a_bound_and_no_cut_uncovers_a_secret() {
        let secret = format!("{}$6$saltsalt${}", "x ".repeat(1_990), "SECRET".repeat(12));
        let base = MemoryRootfs::new().file("/etc/x", "\0".repeat(1 << 20)).file("/etc/y", secret);
        let text = diff(
            &base,
            &[Change::write(&path("/etc/x"), "a\n"), Change::write(&path("/etc/y"), "b\n")],
        );
        assert!(text.len() < 20_000, "{}", text.len());
        assert!(text.contains("... (4194305 bytes)\n") && text.contains("\n+a\n"));
        assert!(!text.contains("SECRET"), "{text}");

        let many: String = (0..200_000).map(|n| format!("{n}\n")).collect();
        let base = MemoryRootfs::new().file("/etc/x", many.as_str());
        let text = diff(&base, &[Change::write(&path("/etc/x"), many.replace('\n', "x\n"))]);
        assert!(text.len() < LARGE + 200, "{}", text.len());
        let (_, left) = text.trim_end().rsplit_once("# (").unwrap();
        let left = left.strip_suffix(" lines cut)").unwrap();
        let shown = text.lines().filter(|l| l.starts_with(['+', '-', '@'])).count();
        assert_eq!(shown + left.parse::<usize>().unwrap(), 2 + 1 + 400_000);
    }

    #[test]
    fn an_exact_diff_is_whole_or_none() {
        let exact = |at: &str, old: &[u8], new: &[u8]| super::exact(&path(at), old, new);
        let hunks = exact("/etc/x", b"a\r\nb", b"a\r\nc\td").unwrap();
        let end = "\n\\ No newline at end of file\n";
        assert_eq!(hunks, format!("@@ -1,2 +1,2 @@\n a\r\n-b{end}+c\td{end}"));
        let sure = "a:x:1:1::/:\nb:x:2:2::/:\n";
        let new = sure.replace("b:x:2:2::/:", "b:x:2:2::/:/sbin/nologin");
        assert!(exact("/etc/passwd", sure.as_bytes(), new.as_bytes()).is_ok());
        let hash = b"a:SECRET:1:1::/:\nb:x:2:2::/:\n";
        let new = b"a:SECRET:1:1::/:\nb:x:2:2::/:/sbin/nologin\n";
        let key = "KEYab0".repeat(10);
        for (at, old, new, why) in [
            ("/etc/shadow", &b"a:x:1\n"[..], &b"a:x:2\n"[..], Withheld::Secret),
            ("/etc/gshadow-", b"a:x:1\n", b"a:x:2\n", Withheld::Secret),
            // It would stand beside what changes.
            ("/etc/passwd", hash, new, Withheld::Secret),
            (
                "/etc/x",
                b"$6$saltsalt$SECRETSECRET\nb\n",
                b"$6$saltsalt$SECRETSECRET\n",
                Withheld::Secret,
            ),
            ("/etc/x", key.as_bytes(), b"", Withheld::Secret),
            ("/etc/x", b"caf\xe9\n", b"", Withheld::Unprintable),
            ("/etc/x", b"\x1b[2J\n", b"", Withheld::Unprintable),
            ("/etc/x", b"a\rb\n", b"", Withheld::Unprintable),
            ("/etc/x", "\u{202e}\n".as_bytes(), b"", Withheld::Unprintable),
            ("/etc/x", &[b'-'; 5_000], b"", Withheld::TooLong),
        ] {
            assert_eq!(exact(at, old, new), Err(why), "{at} {:?}", String::from_utf8_lossy(old));
        }
    }

    #[test]
    fn metadata_links_and_new_files_are_told() {
        let base = MemoryRootfs::new().file("/etc/crontab", "x\n");
        let text = diff(
            &base,
            &[
                Change::set_stat(&path("/etc/crontab"), Some(0o600), None, None),
                Change::Symlink { path: path("/etc/u/w"), target: "/lib/u".into() },
                Change::write(&path("/etc/n"), "a"),
            ],
        );
        for want in [
            "# /etc/crontab (9.9.9)\n# 0644 0:0 -> 0600 0:0\n",
            "# new directory, 0755 0:0\n",
            "# new link to /lib/u\n",
            "# new file, 0644 0:0\n",
            "+a\n\\ No newline at end of file",
        ] {
            assert!(text.contains(want), "{want:?} in\n{text}");
        }
    }
}
