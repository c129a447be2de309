//! Requested changes, and the resulting difference.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{EntryAcl, ImagePath, Stat};
use crate::text::lossless::Raw;

/// Mode and owner of a file that does not exist yet. Existing files keep theirs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NewFile {
    /// Permission bits.
    pub mode: u32,
    /// Owner, by number.
    pub uid: u32,
    /// Group, by number.
    pub gid: u32,
}

impl NewFile {
    /// A configuration file: root's, 0644.
    pub const CONFIG: NewFile = NewFile { mode: 0o644, uid: 0, gid: 0 };
}

/// One step towards the wanted state. Paths may lead through links inside the root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Change {
    /// The whole new content of a file. Links are followed; parents are made if missing.
    Write {
        /// Which file.
        path: ImagePath,
        /// All of its bytes.
        content: Vec<u8>,
        /// Mode and owner if it is new.
        create: NewFile,
    },
    /// Mode and owner of what stands at a path. The last component is never followed.
    SetStat {
        /// Which entry.
        path: ImagePath,
        /// New permission bits, if they change.
        mode: Option<u32>,
        /// New owner, if it changes.
        uid: Option<u32>,
        /// New group, if it changes.
        gid: Option<u32>,
        /// New access ACL, if it changes.
        acl: EntryAcl,
    },
    /// A symbolic link in place of nothing or of another link.
    Symlink {
        /// Where.
        path: ImagePath,
        /// Its text, as seen from inside the root.
        target: String,
    },
    /// A directory where nothing stands.
    MakeDir {
        /// Where.
        path: ImagePath,
        /// Its mode and owner.
        create: NewFile,
    },
    /// Takes a file or link away.
    Remove {
        /// Which entry.
        path: ImagePath,
    },
    /// Gives a file or link another name in the same directory, where nothing stands.
    Rename {
        /// Which entry.
        path: ImagePath,
        /// The new name.
        to: ImagePath,
    },
}

impl Change {
    /// The path that changes.
    pub fn path(&self) -> &ImagePath {
        match self {
            Change::Write { path, .. }
            | Change::SetStat { path, .. }
            | Change::Symlink { path, .. }
            | Change::MakeDir { path, .. }
            | Change::Rename { path, .. }
            | Change::Remove { path } => path,
        }
    }

    /// Another mode, owner or group, with the ACL as it is.
    pub fn set_stat(
        path: &ImagePath,
        mode: Option<u32>,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Change {
        Change::SetStat { path: path.clone(), mode, uid, gid, acl: EntryAcl::Below }
    }

    /// New text for a configuration file (root's, 0644 if it does not exist yet).
    pub fn write(path: &ImagePath, text: impl Raw) -> Change {
        let content = text.raw().into_owned();
        Change::Write { path: path.clone(), content, create: NewFile::CONFIG }
    }
}

/// What stands, or will stand, at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Kind, mode, owner.
    pub stat: Stat,
    /// What it holds.
    pub body: NodeBody,
    /// Who may do what beyond the mode.
    pub acl: EntryAcl,
}

impl Node {
    /// What stands there with the access ACL that the image below has.
    pub fn new(stat: Stat, body: NodeBody) -> Node {
        Node { stat, body, acl: EntryAcl::Below }
    }
}

/// What an entry holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NodeBody {
    /// A regular file; `None` when its content is that of the image below.
    File(Option<Rc<[u8]>>),
    /// A directory.
    Dir,
    /// A link with this text.
    Symlink(Vec<u8>),
    /// Neither file, directory nor link; only its mode and owner can change.
    Other,
}

/// For what a change is staged: a number that only whoever stages it understands.
pub type Tag = u32;

/// The difference between the image and the stage at one path.
#[derive(Debug, Clone)]
pub struct Difference {
    /// Where, links resolved.
    pub path: ImagePath,
    /// What stands there now. File content is filled in when it is needed for a diff or an undo.
    pub before: Option<Node>,
    /// What will stand there.
    pub after: Option<Node>,
    /// For what it was staged.
    pub tags: BTreeSet<Tag>,
}
