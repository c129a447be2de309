//! A path inside an image.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::sync::Arc;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use crate::error::{Error, QUOTED, Result, cut};
use crate::text::lossless::{Raw, is_stand_in};

/// A path inside an image: absolute, without `.`, `..` or doubled slashes; any other bytes.
///
/// It says nothing about symbolic links: resolving is the business of [`super::Rootfs`].
/// Shown (and serialized) as UTF-8 with `\xNN` for every byte that is not printable text.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Shared, because thousands of observations are about one file.
pub struct ImagePath(Arc<[u8]>);

impl ImagePath {
    /// The root of the image.
    pub fn root() -> ImagePath {
        ImagePath(Arc::from(*b"/"))
    }

    /// Checks and normalises `path`. Doubled and trailing slashes and `.` go away. Text of a
    /// configuration file names the bytes that it was made from.
    ///
    /// # Errors
    /// [`Error::BadPath`] when it is empty, relative, or holds `..` or a NUL byte.
    pub fn parse(path: impl Raw) -> Result<ImagePath> {
        let bytes = &*path.raw();
        let bad = |why| Error::BadPath { path: escape(bytes), why };
        if bytes.first() != Some(&b'/') {
            return Err(bad("it does not begin with `/`"));
        }
        if bytes.contains(&0) {
            return Err(bad("it holds a NUL byte"));
        }
        let mut out = Vec::with_capacity(bytes.len());
        for part in bytes.split(|b| *b == b'/') {
            match part {
                b"" | b"." => {}
                b".." => return Err(bad("it holds `..`")),
                name => {
                    out.push(b'/');
                    out.extend_from_slice(name);
                }
            }
        }
        if out.is_empty() {
            out.push(b'/');
        }
        Ok(ImagePath(out.into()))
    }

    /// The entry `name` of this directory. `name` must be one component.
    ///
    /// # Errors
    /// [`Error::BadPath`] when `name` is empty, `.`, `..` or holds a slash.
    pub fn join(&self, name: impl Raw) -> Result<ImagePath> {
        let mut out = self.clone();
        out.push(&name.raw())?;
        Ok(out)
    }

    /// As [`ImagePath::join`], in place.
    pub(super) fn push(&mut self, name: &[u8]) -> Result<()> {
        if name.is_empty() || name == b"." || name == b".." || name.contains(&b'/') {
            return Err(Error::BadPath { path: escape(name), why: "want one plain file name" });
        }
        let dir = if self.is_root() { b"" } else { &*self.0 };
        self.0 = [dir, b"/", name].concat().into();
        Ok(())
    }

    /// Goes up to the directory that holds this entry; the root stays.
    pub(super) fn pop(&mut self) {
        let cut = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        self.0 = self.0[..cut.max(1)].into();
    }

    /// The bytes, beginning with `/`.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Whether this is the root itself.
    pub fn is_root(&self) -> bool {
        &*self.0 == b"/"
    }

    /// The directory that holds this entry; `None` for the root.
    pub fn parent(&self) -> Option<ImagePath> {
        if self.is_root() {
            return None;
        }
        let cut = self.0.iter().rposition(|b| *b == b'/').unwrap_or(0);
        Some(if cut == 0 { ImagePath::root() } else { ImagePath(self.0[..cut].into()) })
    }

    /// The last component; `None` for the root.
    pub fn file_name(&self) -> Option<&OsStr> {
        if self.is_root() {
            return None;
        }
        self.0.rsplit(|b| *b == b'/').next().map(OsStr::from_bytes)
    }

    /// The components from the top.
    pub fn components(&self) -> impl DoubleEndedIterator<Item = &OsStr> {
        self.0.split(|b| *b == b'/').filter(|c| !c.is_empty()).map(OsStr::from_bytes)
    }

    /// Whether this is `dir` or lies below it, by whole components.
    pub fn starts_with(&self, dir: &ImagePath) -> bool {
        dir.is_root()
            || self.0 == dir.0
            || (self.0.starts_with(&dir.0) && self.0.get(dir.0.len()) == Some(&b'/'))
    }

    /// Where the entries of this directory begin, in the order of paths: they all follow one another.
    pub(crate) fn first_below(&self) -> ImagePath {
        let end: &[u8] = if self.is_root() { b"" } else { b"/" };
        ImagePath([&*self.0, end].concat().into())
    }

    /// The path relative to the root (no leading slash); `.` for the root itself.
    pub(crate) fn relative(&self) -> &OsStr {
        if self.is_root() { OsStr::new(".") } else { OsStr::from_bytes(&self.0[1..]) }
    }
}

/// Whether a character acts on what is shown around it: control characters, and those that turn
/// the direction of text or end a line. So do characters that stand for bytes in text: a name that
/// holds one is shown by its bytes.
pub(crate) fn is_control(c: char) -> bool {
    c.is_control()
        || is_stand_in(c)
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// As [`escape`], of so much as a message quotes: a line may be the whole of a file.
pub(crate) fn quote(bytes: &[u8]) -> String {
    let piece = &bytes[..bytes.len().min(QUOTED)];
    let mut shown = cut(&escape(piece), QUOTED).into_owned();
    if piece.len() < bytes.len() && !shown.ends_with(')') {
        shown.push_str("...");
    }
    shown
}

/// UTF-8 text stays, everything else and control characters become `\xNN`.
pub(crate) fn escape(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for c in chunk.valid().chars() {
            if is_control(c) {
                let mut buffer = [0; 4];
                for byte in c.encode_utf8(&mut buffer).bytes() {
                    out.push_str(&format!("\\x{byte:02x}"));
                }
            } else {
                out.push(c);
            }
        }
        for byte in chunk.invalid() {
            out.push_str(&format!("\\x{byte:02x}"));
        }
    }
    out
}

/// As [`escape`], for text of a configuration file: the stand-ins for its bytes stay.
pub(crate) fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) && !is_stand_in(c) {
            out.push_str(&escape(c.encode_utf8(&mut [0; 4]).as_bytes()));
        } else {
            out.push(c);
        }
    }
    out
}

impl fmt::Display for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&escape(&self.0))
    }
}

impl fmt::Debug for ImagePath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl std::str::FromStr for ImagePath {
    type Err = Error;
    fn from_str(s: &str) -> Result<ImagePath> {
        ImagePath::parse(s)
    }
}

impl Serialize for ImagePath {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ImagePath {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<ImagePath, D::Error> {
        let text = String::deserialize(deserializer)?;
        ImagePath::parse(&text).map_err(de::Error::custom)
    }
}

impl JsonSchema for ImagePath {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "ImagePath".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^/", "x-type": "absolute path" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn normalises_and_refuses() {
        let shown = |s: &str| ImagePath::parse(s).map(|p| p.to_string()).ok();
        assert_eq!(shown("/etc//ssh/./sshd_config/"), Some("/etc/ssh/sshd_config".into()));
        assert_eq!(shown("/"), Some("/".into()));
        assert_eq!(shown("//"), Some("/".into()));
        for bad in ["", "etc", "/etc/../shadow", "/a\0b"] {
            assert_eq!(shown(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn parts() {
        let p = ImagePath::parse("/etc/ssh").unwrap();
        assert_eq!(p.parent().unwrap().to_string(), "/etc");
        assert_eq!(p.parent().unwrap().parent().unwrap(), ImagePath::root());
        assert_eq!(ImagePath::root().parent(), None);
        assert_eq!(p.join("sshd_config").unwrap().to_string(), "/etc/ssh/sshd_config");
        assert!(p.join("a/b").is_err() && p.join("..").is_err());
        assert!(p.starts_with(&ImagePath::parse("/etc").unwrap()));
        assert!(!p.starts_with(&ImagePath::parse("/et").unwrap()));
    }

    #[test]
    fn text_names_the_bytes_that_it_was_made_from() {
        let text = crate::text::lossless::decode(b"/etc/caf\xe9");
        let path = ImagePath::parse(&text).unwrap();
        assert_eq!(path.as_bytes(), b"/etc/caf\xe9");
        let etc = ImagePath::parse("/etc").unwrap();
        assert_eq!(etc.join(&text[5..]).unwrap(), path);
        assert_eq!(escape_text("a\u{10ffe9}\x1b"), "a\u{10ffe9}\\x1b");
        // A name that holds a stand-in itself is bytes, and shown so.
        let odd = etc.join(OsStr::new("\u{10ffe9}")).unwrap();
        assert_eq!(odd.to_string(), "/etc/\\xf4\\x8f\\xbf\\xa9");
        assert_eq!(odd.as_bytes(), "/etc/\u{10ffe9}".as_bytes());
    }

    #[test]
    fn odd_bytes_are_shown_escaped() {
        let p = ImagePath::parse(b"/home/a\nb\xff").unwrap();
        assert_eq!(p.to_string(), "/home/a\\x0ab\\xff");
    }
}
