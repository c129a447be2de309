//! Files that have further names (hard links) and are replaced under one of them: owner, mode and ACL
//! that a run sets count for the old content, too.
//!
//! It is held open while it is replaced, and set when all else is done: until then a failure has
//! nothing to undo there.

use std::fs::File;

use super::entry::set_in_place;
use super::journal::EntryChange;
use super::messages;
use super::shape::Shape;
use crate::error::Result;
use crate::message::{Message, say};
use crate::plan::PathChange;
use crate::rootfs::{ImagePath, Stat};

/// The old files of a run.
#[derive(Default)]
pub(super) struct OtherNames(Vec<Held>);

struct Held {
    path: ImagePath,
    file: File,
    before: Shape,
    after: Shape,
}

impl OtherNames {
    /// Adds the old file of a step, if it is to be closed under other names.
    pub fn extend(&mut self, path: &ImagePath, file: Option<File>, step: &EntryChange) {
        if let (Some(file), Some(before), Some(after)) = (file, &step.before, &step.after) {
            let bare = |shape: &Shape| Shape { content: None, ..shape.clone() };
            let (before, after) = (bare(before), bare(after));
            self.0.push(Held { path: path.clone(), file, before, after });
        }
    }

    /// Sets them all; when one cannot be set, none is.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn close(&self) -> Result<()> {
        for (done, held) in self.0.iter().enumerate() {
            if let Err(e) = set_in_place(&held.file, &held.path, &held.after) {
                put_back(&self.0[..=done]);
                return Err(e);
            }
        }
        Ok(())
    }

    /// Takes back what [`OtherNames::close`] did.
    pub fn reopen(&self) {
        put_back(&self.0);
    }
}

fn put_back(held: &[Held]) {
    for Held { path, file, before, .. } in held {
        if let Err(e) = set_in_place(file, path, before) {
            say!(warn, Message::from(&e));
        }
    }
}

/// Whether a change closes the old file under other names.
pub(super) fn concerns(change: &PathChange) -> bool {
    let (Some(before), Some(after)) = (&change.before, &change.after) else { return false };
    let of = |stat: &Stat| (stat.mode, stat.uid, stat.gid);
    change.has_new_content()
        && before.stat.links > 1
        && (of(&before.stat) != of(&after.stat) || before.acl != after.acl)
}

/// What a revert will not bring back.
pub(super) fn beyond_undo(changes: &[PathChange]) -> impl Iterator<Item = Message> {
    let concerned = changes.iter().filter(|change| concerns(change));
    concerned.filter_map(|change| {
        let others = change.before.as_ref()?.stat.links.saturating_sub(1);
        Some(messages::closed_under_other_names(&change.path, others))
    })
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};

    use super::*;
    use crate::rootfs::FileKind;

    #[test]
    fn when_one_cannot_be_closed_none_is() {
        let dir = tempfile::tempdir().unwrap();
        let held = |name: &str| {
            let path = dir.path().join(name);
            std::fs::write(&path, "x").unwrap();
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o644)).unwrap();
            let file = File::open(&path).unwrap();
            let (uid, gid) = file.metadata().map(|m| (m.uid(), m.gid())).unwrap();
            let shape = |mode| Shape {
                kind: FileKind::File,
                mode,
                uid,
                gid,
                mtime: (0, 0),
                content: None,
                xattrs: Vec::new(),
            };
            let path = ImagePath::parse(format!("/{name}")).unwrap();
            Held { path, file, before: shape(0o644), after: shape(0o600) }
        };
        let mode = |name: &str| dir.path().join(name).metadata().unwrap().mode() & 0o777;
        let mut old = OtherNames(vec![held("a"), held("b")]);
        old.close().unwrap();
        assert_eq!((mode("a"), mode("b")), (0o600, 0o600));
        old.reopen();
        assert_eq!((mode("a"), mode("b")), (0o644, 0o644));
        // No filesystem has an attribute of this name.
        old.0[1].after.xattrs.push(("nowhere.x".into(), Vec::new()));
        assert!(old.close().is_err());
        assert_eq!((mode("a"), mode("b")), (0o644, 0o644));
    }
}
