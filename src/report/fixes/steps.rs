//! From changes to the steps that a person would take.

use std::collections::HashSet;

use super::{messages, shadow};
use crate::message::Message;
use crate::plan::PathChange;
use crate::report::diff::{self, Withheld};
use crate::rootfs::{EntryAcl, FileKind, ImagePath, Node, NodeBody};

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) enum Step {
    /// A unified diff for `patch -p1`.
    Diff {
        /// Of which file.
        path: ImagePath,
        /// All of it.
        text: String,
    },
    /// A command.
    Run {
        /// Whether it goes before the diffs.
        first: bool,
        /// The program and its arguments.
        words: Vec<Word>,
    },
    /// What no step can be made of.
    Left {
        /// Where.
        path: ImagePath,
        /// What to do instead.
        why: Message,
    },
}

/// A word of a command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::report) enum Word {
    /// Of the program.
    Plain(&'static str),
    /// Any text.
    Text(String),
    /// A path inside the root, without the slash that it begins with.
    Path(String),
    /// The root.
    Root,
}

impl Step {
    pub(in crate::report) fn diff(&self) -> Option<&str> {
        match self {
            Step::Diff { text, .. } => Some(text),
            _ => None,
        }
    }

    pub(in crate::report) fn left(&self) -> Option<Message> {
        match self {
            Step::Left { why, .. } => Some(why.clone()),
            _ => None,
        }
    }
}

/// The steps that make each change, by path.
pub(super) fn of_each(changes: &[PathChange]) -> Vec<(&PathChange, Vec<Step>)> {
    let put_away = diff::put_away(changes);
    let old_names: HashSet<&ImagePath> = put_away.values().copied().collect();
    let one = |change: &PathChange| {
        // Its new name says it.
        if old_names.contains(&change.path) {
            return Vec::new();
        }
        of_one(change, put_away.get(&change.path).copied())
            .unwrap_or_else(|why| vec![Step::Left { path: change.path.clone(), why }])
    };
    changes.iter().map(|change| (change, one(change))).collect()
}

/// All of them.
pub(super) fn of(changes: &[PathChange]) -> Vec<Step> {
    of_each(changes).into_iter().flat_map(|(_, steps)| steps).collect()
}

/// The path as a script can spell it: text on one line.
fn relative(path: &ImagePath) -> Result<String, Message> {
    let text = String::from_utf8(path.as_bytes().to_vec());
    text.ok()
        .filter(|text| *text == path.to_string())
        .and_then(|text| text.strip_prefix('/').map(str::to_owned))
        .ok_or_else(|| messages::name_by_hand(path.to_string()))
}

fn of_one(change: &PathChange, renamed_from: Option<&ImagePath>) -> Result<Vec<Step>, Message> {
    use Word::{Path, Plain, Text};
    let path = relative(&change.path)?;
    let mut steps = Vec::new();
    let mut run = |first: bool, words: Vec<Word>| steps.push(Step::Run { first, words });
    let here = || Path(path.clone());
    let Some(after) = &change.after else {
        run(false, vec![Plain("rm -f"), here()]);
        return Ok(steps);
    };
    let before = change.before.as_ref();
    let is_same_kind = |node: &Node| node.stat.kind == after.stat.kind;
    match &after.body {
        NodeBody::Dir if before.is_none() => run(true, vec![Plain("mkdir -p"), here()]),
        NodeBody::Symlink(target) => {
            let target = String::from_utf8(target.clone())
                .ok()
                .filter(|t| crate::rootfs::escape(t.as_bytes()) == *t);
            let target = target.ok_or_else(|| messages::name_by_hand(change.path.to_string()))?;
            run(false, vec![Plain("ln -sfn --"), Text(target), here()]);
        }
        _ if before.is_some_and(|node| !is_same_kind(node)) => {
            return Err(messages::kind_by_hand(change.path.to_string()));
        }
        NodeBody::File(Some(new)) => match (renamed_from, before.map(|node| &node.body)) {
            (Some(old), _) => {
                run(false, vec![Plain("mv -n"), Path(relative(old)?), here()]);
            }
            (None, Some(NodeBody::File(Some(old)))) if old == new => {}
            (None, old) => {
                let old = match old {
                    Some(NodeBody::File(Some(old))) => Some(&**old),
                    _ => None,
                };
                steps.extend(content(change, &path, old, new)?);
            }
        },
        _ => {}
    }
    attributes(&mut steps, &path, before, after);
    Ok(steps)
}

/// What gives a file its content.
fn content(
    change: &PathChange,
    relative: &str,
    old: Option<&[u8]>,
    new: &[u8],
) -> Result<Vec<Step>, Message> {
    let path = change.path.to_string();
    if old.is_none() && new.is_empty() {
        // A patch makes no empty file.
        let words = vec![Word::Plain(":"), Word::Plain(">"), Word::Path(relative.to_owned())];
        return Ok(vec![Step::Run { first: false, words }]);
    }
    if change.path.as_bytes() == b"/etc/shadow"
        && let Some(old) = old
    {
        return shadow::of(old, new).ok_or_else(|| messages::secret_by_hand(path));
    }
    let hunks =
        diff::exact(&change.path, old.unwrap_or_default(), new).map_err(|why| match why {
            Withheld::Secret => messages::secret_by_hand(&path),
            Withheld::Unprintable => messages::unprintable_by_hand(&path),
            Withheld::TooLong => messages::too_long_by_hand(&path),
        })?;
    // `patch` reads these as the beginning of a quotation.
    if relative.contains(['"', '\\']) {
        return Err(messages::name_by_hand(path));
    }
    // A tab ends a name that has spaces in it.
    let tab = if relative.contains(' ') { "\t" } else { "" };
    let from = match old {
        Some(_) => format!("a/{relative}{tab}"),
        None => "/dev/null".to_owned(),
    };
    let text = format!("--- {from}\n+++ b/{relative}{tab}\n{hunks}");
    Ok(vec![Step::Diff { path: change.path.clone(), text }])
}

/// What gives an entry its owner, mode and ACL.
fn attributes(steps: &mut Vec<Step>, path: &str, before: Option<&Node>, after: &Node) {
    use Word::{Path, Plain, Text};
    let mut run = |words| steps.push(Step::Run { first: false, words });
    let here = || Path(path.to_owned());
    let (new, old) = (&after.stat, before.map(|node| node.stat));
    let owner = format!("{}:{}", new.uid, new.gid);
    let has_owner = old.is_some_and(|old| (old.uid, old.gid) == (new.uid, new.gid));
    if new.kind == FileKind::Symlink {
        if !has_owner {
            run(vec![Plain("chown -h"), Text(owner), here()]);
        }
        return;
    }
    if !has_owner {
        run(vec![Plain("chown"), Text(owner), here()]);
    }
    let acl = match (before.map(|node| &node.acl), &after.acl) {
        (_, EntryAcl::Below) => None,
        (Some(old), new) if old == new => None,
        (None, EntryAcl::Gone) => None,
        (_, new) => Some(new),
    };
    if acl == Some(&EntryAcl::Gone) {
        run(vec![Plain("setfacl -b"), here()]);
    }
    // A change of owner may take set-id bits away.
    if acl.is_some() || !has_owner || old.is_some_and(|old| old.mode != new.mode) {
        run(vec![Plain("chmod"), Text(format!("{:04o}", new.mode)), here()]);
    }
    if let Some(EntryAcl::Is(acl)) = acl {
        let entries = acl.entries_with(new.mode);
        run(vec![Plain("setfacl --set"), Text(entries), here()]);
    }
}
