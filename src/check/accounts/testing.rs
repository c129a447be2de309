//! For the tests of the rules about accounts.

use crate::check::testing::settled;
pub(in crate::check) use crate::check::testing::{
    Run, Scene, check as want, outcome, stage, try_check as try_want,
};
use crate::check::{Audit, Evidence, Finding, Fix, Primitive};
use crate::rootfs::{MemoryRootfs, StagedRootfs, Stat};

pub(in crate::check) const PASSWD: &str = "\
root:x:0:0:root:/root:/bin/bash
daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin
sync:x:4:65534:sync:/bin:/bin/sync
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
_apt:x:104:65534::/nonexistent:/usr/sbin/nologin
bob:x:1000:1000:Bob,,,:/home/bob:/bin/bash
";
pub(in crate::check) const SHADOW: &str = "\
root:*:18000:0:99999:7:::
daemon:*:18000:0:99999:7:::
sync:*:18000:0:99999:7:::
nobody:*:18000:0:99999:7:::
_apt:*:18000:0:99999:7:::
bob:!:18000:0:99999:7:::
";
pub(in crate::check) const GROUP: &str = "\
root:x:0:
daemon:x:1:
shadow:x:42:
nogroup:x:65534:
bob:x:1000:
";
pub(in crate::check) const GSHADOW: &str = "\
root:*::
daemon:*::
shadow:*::
nogroup:*::
bob:!::
";

/// An image as it is installed, with one person's account.
pub(in crate::check) fn image() -> MemoryRootfs {
    MemoryRootfs::new()
        .file("/etc/passwd", PASSWD)
        .file_with("/etc/shadow", SHADOW, 0o640, 0, 42)
        .file("/etc/group", GROUP)
        .file_with("/etc/gshadow", GSHADOW, 0o640, 0, 42)
        .file("/etc/login.defs", "# numbers\nUID_MIN\t\t\t 1000\nUID_MAX\t\t\t60000\n")
        .file_with("/usr/sbin/nologin", "", 0o755, 0, 0)
        .dir("/root", 0o700, 0, 0)
        .dir("/home", 0o755, 0, 0)
        .dir("/home/bob", 0o750, 1000, 1000)
}

/// The stock text of an account file with one line in place of another.
pub(in crate::check) fn with(text: &str, line: &str, new: &str) -> String {
    assert!(text.contains(line), "{line}");
    text.replacen(line, new, 1)
}

/// What is wrong and stays so: the line or path, what was found, and why nothing is done.
pub(in crate::check) fn open<'a>(want: &dyn Primitive, audit: impl Into<Audit<'a>>) -> Vec<String> {
    let found = want.find(&audit.into());
    let Ok(Finding::NotMet { gaps, .. }) = found else { return Vec::new() };
    let shown = gaps.into_iter().filter_map(|gap| match gap.fix {
        Fix::None(reason) => {
            let Evidence { path, line, found, note, .. } = gap.evidence;
            let place = path.map(|p| p.to_string()).unwrap_or_default();
            let line = line.map(|l| format!(":{l}")).unwrap_or_default();
            let found = found.or(note).map(|m| m.to_string()).unwrap_or_default();
            Some(format!("{place}{line}: {found}: {reason}"))
        }
        _ => None,
    });
    shown.collect()
}

/// As [`stage`], for what can be closed: in the end it holds. The lines that changed_lines, as
/// `-old` and `+new`, and what became of other entries.
pub(in crate::check) fn settle_lines<'a>(
    want: &dyn Primitive,
    audit: impl Into<Audit<'a>>,
) -> Vec<String> {
    changed_lines(&settled(want, audit))
}

/// The lines that a stage changed_lines, and what became of other entries.
pub(in crate::check) fn changed_lines(staged: &StagedRootfs<'_>) -> Vec<String> {
    let mut out = Vec::new();
    for change in staged.changes().unwrap() {
        let after = change.after.unwrap();
        let text = |body: &crate::rootfs::NodeBody| match body {
            crate::rootfs::NodeBody::File(Some(text)) => String::from_utf8_lossy(text).into_owned(),
            _ => String::new(),
        };
        let (old, new) = (change.before.as_ref().map(|n| text(&n.body)), text(&after.body));
        let stat = |s: Stat| (s.mode, s.uid, s.gid);
        if change.before.as_ref().map(|n| stat(n.stat)) != Some(stat(after.stat)) {
            let (mode, uid, gid) = stat(after.stat);
            out.push(format!("{} {mode:04o} {uid}:{gid}", change.path));
        }
        let old = old.unwrap_or_default();
        let (old, new): (Vec<&str>, Vec<&str>) =
            (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
        let minus = old.iter().filter(|line| !new.contains(line)).map(|l| format!("-{l}"));
        let plus = new.iter().filter(|line| !old.contains(line)).map(|l| format!("+{l}"));
        out.extend(minus.chain(plus).map(|l| l.trim_end_matches('\n').to_owned()));
    }
    out
}
