//! A journal's record of one path: its state before the run, and as the run left it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use serde::{Deserialize, Serialize};

use crate::apply::entry::{digest, hex};
use crate::apply::messages;
use crate::apply::shape::Shape;
use crate::error::{Result, kind};
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath};

const TEMPORARY: &str = ".gokaku-";

/// A directory of the target and its modification time.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::apply) struct FolderTime {
    /// The path's bytes, in hexadecimal.
    path: String,
    pub mtime: (i64, i64),
}

impl FolderTime {
    pub fn new(path: &ImagePath, mtime: (i64, i64)) -> FolderTime {
        FolderTime { path: hex(path.as_bytes()), mtime }
    }

    pub fn path(&self) -> Result<ImagePath> {
        ImagePath::parse(unhex(&self.path).unwrap_or_default())
    }
}

/// One path of the target.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::apply) struct Entry {
    /// The path as people read it.
    shown: String,
    /// Its bytes, in hexadecimal.
    path: String,
    /// The temporary name beside it, in hexadecimal.
    temp: String,
    pub before: Option<Saved>,
    pub after: Option<Saved>,
    /// Whether content is replaced; if not, only owner and mode are.
    pub content: bool,
}

/// An entry's shape. Content lies in a file of its own, named by its digest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::apply) struct Saved {
    kind: SavedKind,
    mode: String,
    uid: u32,
    gid: u32,
    mtime: (i64, i64),
    digest: Option<String>,
    xattrs: Vec<(String, String)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum SavedKind {
    File,
    Dir,
    Symlink,
}

impl Entry {
    pub fn new(path: &ImagePath, temp: &OsStr, content: bool) -> Entry {
        Entry {
            shown: path.to_string(),
            path: hex(path.as_bytes()),
            temp: hex(temp.as_bytes()),
            before: None,
            after: None,
            content,
        }
    }

    pub fn path(&self) -> Result<ImagePath> {
        ImagePath::parse(unhex(&self.path).unwrap_or_default())
    }

    /// The path for people.
    pub fn shown(&self) -> &str {
        &self.shown
    }

    pub fn temp(&self) -> OsString {
        OsString::from_vec(unhex(&self.temp).unwrap_or_default())
    }
}

/// The name beside an entry under which its successor is made.
pub(in crate::apply) fn temporary(index: usize) -> OsString {
    // Neither `.conf` nor hidden-but-read: logrotate, modprobe and procps all skip this one.
    OsString::from(format!("{TEMPORARY}{}-{index}.dpkg-new", std::process::id()))
}

/// Whether a name is one that [`temporary`] gives, in whatever process.
pub(in crate::apply) fn is_left_over(name: &OsStr) -> bool {
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    let bare = name.to_str().and_then(|n| n.strip_prefix(TEMPORARY)?.strip_suffix(".dpkg-new"));
    bare.and_then(|b| b.split_once('-')).is_some_and(|(pid, index)| digits(pid) && digits(index))
}

pub(in crate::apply) fn is_temporary(name: &OsStr) -> bool {
    let name = name.as_bytes();
    name.starts_with(TEMPORARY.as_bytes()) && !name.contains(&b'/')
}

impl Saved {
    pub fn of(shape: &Shape) -> Option<Saved> {
        let kind = match shape.kind {
            FileKind::File => SavedKind::File,
            FileKind::Dir => SavedKind::Dir,
            FileKind::Symlink => SavedKind::Symlink,
            _ => return None,
        };
        Some(Saved {
            kind,
            mode: format!("{:04o}", shape.mode),
            uid: shape.uid,
            gid: shape.gid,
            mtime: shape.mtime,
            digest: shape.content.as_deref().map(digest),
            xattrs: shape
                .xattrs
                .iter()
                .map(|(name, value)| (hex(name.as_bytes()), hex(value)))
                .collect(),
        })
    }

    pub fn kind(&self) -> FileKind {
        match self.kind {
            SavedKind::File => FileKind::File,
            SavedKind::Dir => FileKind::Dir,
            SavedKind::Symlink => FileKind::Symlink,
        }
    }

    /// Owner and group.
    pub fn owner(&self) -> (u32, u32) {
        (self.uid, self.gid)
    }

    /// Permission bits; `None` when the journal holds none.
    pub fn mode(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok()
    }

    /// The digest of its content, which names the file that holds it.
    pub fn content(&self) -> Option<&str> {
        self.digest.as_deref()
    }

    /// The whole shape, given its content; `None` when the mode or an attribute is malformed.
    pub fn shape(&self, content: Option<Vec<u8>>) -> Option<Shape> {
        let xattr = |(name, value): &(String, String)| {
            Some((OsString::from_vec(unhex(name)?), unhex(value)?))
        };
        Some(Shape {
            kind: self.kind(),
            mode: self.mode()?,
            uid: self.uid,
            gid: self.gid,
            mtime: self.mtime,
            content,
            xattrs: self.xattrs.iter().map(xattr).collect::<Option<_>>()?,
        })
    }

    /// Whether what stands there now is this: kind, owner, mode and, if it counts, content.
    pub fn is(&self, now: Option<&Shape>, content: bool) -> bool {
        let Some(now) = now.and_then(Saved::of) else { return false };
        let link = self.kind == SavedKind::Symlink;
        (now.kind, now.owner()) == (self.kind, self.owner())
            && (link || now.mode == self.mode)
            && (!content || now.digest == self.digest)
    }

    /// As [`Saved::is`], and attributes too, and the time of what was replaced whole.
    pub fn is_exactly(&self, now: Option<&Shape>, content: bool) -> bool {
        let saved = now.and_then(Saved::of);
        self.is(now, content)
            && saved.is_some_and(|n| n.xattrs == self.xattrs && (!content || n.mtime == self.mtime))
    }

    /// Each way in which what stands there now is not this, as `what: expected …, found …`.
    pub fn differences(&self, now: &Shape, content: bool) -> Vec<Message> {
        let mut out = Vec::new();
        let mut tell = |what: Message, want: Message, found: Message| {
            out.push(messages::differs(what, want, found));
        };
        let Some(now) = Saved::of(now).filter(|n| n.kind == self.kind) else {
            tell(messages::kind(), kind(self.kind()), kind(now.kind));
            return out;
        };
        if content && now.digest != self.digest {
            let short = |digest: &Option<String>| {
                digest
                    .as_deref()
                    .map_or_else(messages::too_much_to_read, |d| Message::value(format!("{d:.16}")))
            };
            tell(messages::content(), short(&self.digest), short(&now.digest));
        }
        if now.owner() != self.owner() {
            let shown = |(uid, gid): (u32, u32)| Message::value(format!("{uid}:{gid}"));
            tell(messages::owner(), shown(self.owner()), shown(now.owner()));
        }
        if self.kind != SavedKind::Symlink && now.mode != self.mode {
            tell(messages::mode(), Message::value(&*self.mode), Message::value(&*now.mode));
        }
        if now.xattrs != self.xattrs {
            let names = |saved: &Saved| {
                let known = saved.xattrs.iter().filter_map(|(name, _)| unhex(name));
                let names: Vec<String> =
                    known.map(|n| String::from_utf8_lossy(&n).into_owned()).collect();
                if names.is_empty() { messages::none() } else { Message::value(names.join(" ")) }
            };
            let (want, found) = (names(self), names(&now));
            let found = if want == found { messages::other_values(found) } else { found };
            tell(messages::attributes(), want, found);
        }
        out
    }
}

pub(super) fn unhex(text: &str) -> Option<Vec<u8>> {
    if !text.len().is_multiple_of(2) || !text.is_ascii() {
        return None;
    }
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).ok()).collect()
}
