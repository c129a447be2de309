//! Extended headers (PAX): what they say instead of, and beyond, the header of an entry.

use std::rc::Rc;

use super::acl_text::AclText;
use super::limits::PIECES;
use super::messages;
use crate::message::Message;
use crate::rootfs::Acl;

/// An access ACL as an archive has it.
#[derive(Debug, Clone)]
pub(super) enum AclRecord {
    /// The kernel's form.
    Kernel(Acl),
    /// The text of `getfacl`, with names that only the image's accounts can explain.
    Text(Rc<AclText>),
}

/// What one or more extended headers say. `None`: the header itself counts.
#[derive(Debug, Clone, Default)]
pub(super) struct Pax {
    pub path: Option<Vec<u8>>,
    pub link: Option<Vec<u8>>,
    pub size: Option<u64>,
    pub uid: Option<u32>,
    pub gid: Option<u32>,
    pub mtime: Option<i64>,
    pub acl: Option<AclRecord>,
    pub sparse: PaxSparse,
}

/// What they say of a sparse file, in the three forms of GNU tar.
#[derive(Debug, Clone, Default)]
pub(super) struct PaxSparse {
    pub major: Option<u64>,
    pub minor: Option<u64>,
    /// The name of the file, where the header has that of what it is in the archive.
    pub name: Option<Vec<u8>>,
    /// The size of the file with its holes.
    pub size: Option<u64>,
    /// Offsets and lengths, one after the other.
    pub map: Vec<u64>,
}

impl PaxSparse {
    /// Whether this is a sparse file.
    pub fn is(&self) -> bool {
        self.major.is_some() || !self.map.is_empty() || self.size.is_some()
    }
}

impl Pax {
    /// Takes over all records of an extended header.
    ///
    /// # Errors
    /// A record that cannot be understood.
    pub fn read(&mut self, mut bytes: &[u8]) -> Result<(), Message> {
        while !bytes.is_empty() {
            // Some writers fill up with zeros.
            if bytes.iter().all(|b| *b == 0) {
                return Ok(());
            }
            let (key, value, rest) =
                record(bytes).ok_or_else(|| messages::bad_header("extended header"))?;
            self.set(key, value).ok_or_else(|| messages::bad_header(super::fault::shown(key)))?;
            bytes = rest;
        }
        Ok(())
    }

    /// Takes over one record. An empty value takes back what was said before.
    fn set(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let some = !value.is_empty();
        match key {
            b"path" => self.path = some.then(|| value.to_vec()),
            b"linkpath" => self.link = some.then(|| value.to_vec()),
            b"size" => self.size = number(value)?,
            b"uid" => self.uid = id(value)?,
            b"gid" => self.gid = id(value)?,
            b"mtime" => self.mtime = if some { Some(seconds(value)?) } else { None },
            b"SCHILY.xattr.system.posix_acl_access" => {
                self.acl = if some { Some(AclRecord::Kernel(Acl::checked(value)?)) } else { None };
            }
            b"SCHILY.acl.access" => {
                let text = || Some(AclRecord::Text(Rc::new(AclText::parse(value)?)));
                self.acl = if some { Some(text()?) } else { None };
            }
            b"GNU.sparse.major" => self.sparse.major = number(value)?,
            b"GNU.sparse.minor" => self.sparse.minor = number(value)?,
            b"GNU.sparse.name" => self.sparse.name = some.then(|| value.to_vec()),
            b"GNU.sparse.size" | b"GNU.sparse.realsize" => self.sparse.size = number(value)?,
            b"GNU.sparse.offset" | b"GNU.sparse.numbytes" => {
                self.sparse.map.push(number(value)??);
            }
            b"GNU.sparse.map" => {
                self.sparse.map.clear();
                for part in value.split(|b| *b == b',').filter(|_| some) {
                    self.sparse.map.push(number(part)??);
                }
            }
            _ => {}
        }
        (self.sparse.map.len() <= 2 * PIECES).then_some(())
    }
}

/// The first record: its key, its value (which may hold anything), and what follows.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(20).position(|b| *b == b' ')?;
    let length = usize::try_from(number(&bytes[..blank])??).ok()?;
    let body = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|b| *b == b'=').filter(|at| *at > 0)?;
    Some((&body[..equals], &body[equals + 1..], &bytes[length..]))
}

/// A decimal number; nothing for nothing.
fn number(text: &[u8]) -> Option<Option<u64>> {
    if text.is_empty() {
        return Some(None);
    }
    let digits = text.iter().all(u8::is_ascii_digit).then_some(text)?;
    std::str::from_utf8(digits).ok()?.parse().ok().map(Some)
}

/// An owner.
fn id(text: &[u8]) -> Option<Option<u32>> {
    match number(text)? {
        None => Some(None),
        // The highest number stands for nobody.
        Some(id) => u32::try_from(id).ok().filter(|id| *id != u32::MAX).map(Some),
    }
}

/// Whole seconds of a time, rounded down.
fn seconds(text: &[u8]) -> Option<i64> {
    let text = std::str::from_utf8(text).ok()?;
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    if !part.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let below = whole.starts_with('-') && part.bytes().any(|b| b != b'0');
    seconds.checked_sub(i64::from(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(records: &[(&str, &[u8])]) -> Result<Pax, Message> {
        let mut bytes = Vec::new();
        for (key, value) in records {
            let body = key.len() + value.len() + 3;
            let mut length = body + 1;
            while body + length.to_string().len() != length {
                length = body + length.to_string().len();
            }
            bytes.extend(format!("{length} {key}=").bytes());
            bytes.extend(*value);
            bytes.push(b'\n');
        }
        let mut pax = Pax::default();
        pax.read(&bytes)?;
        Ok(pax)
    }

    #[test]
    fn records_are_told_apart_by_their_lengths_alone() {
        let acl = Acl::new(&[2, 0, 0, 0, 2, 0, 4, 0, 10, b' ', b'=', 0]);
        let pax = of(&[
            ("SCHILY.xattr.system.posix_acl_access", acl.bytes()),
            ("comment", b"x\n11 uid=5\n"),
            ("path", b"a\nb=c"),
            ("mtime", b"-1.5"),
            ("uid", b"4294967294"),
        ]);
        let pax = pax.unwrap();
        assert!(matches!(pax.acl, Some(AclRecord::Kernel(found)) if found == acl));
        assert_eq!((pax.path.as_deref(), pax.mtime), (Some(&b"a\nb=c"[..]), Some(-2)));
        assert_eq!(pax.uid, Some(u32::MAX - 1));
        assert_eq!(of(&[("path", b"a"), ("path", b"")]).unwrap().path, None);
    }

    #[test]
    fn what_cannot_be_understood_is_refused() {
        for (key, value) in [
            ("uid", &b"4294967295"[..]),
            ("uid", b"-1"),
            ("size", b"99999999999999999999"),
            ("size", b"+1"),
            ("mtime", b"x"),
            ("mtime", b"1.-"),
            ("GNU.sparse.map", b"1,,2"),
            ("SCHILY.xattr.system.posix_acl_access", b"\x02\0\0\0x"),
            ("SCHILY.acl.access", b"user:bob:rwz"),
        ] {
            assert!(of(&[(key, value)]).is_err(), "{key}");
        }
        for bytes in [&b"5 a=b\n"[..], b"99 a=b\n", b"6 ab\n\n", b"a=b\n", b"7 =abc\n", b"4 a\n"] {
            assert!(Pax::default().read(bytes).is_err(), "{}", bytes.escape_ascii());
        }
        assert!(Pax::default().read(b"6 a=b\n\0\0").is_ok());
    }
}
