//! The entries of a tar archive, one after another: old, POSIX and GNU headers, with what extended headers
//! say.
//!
//! Where programs disagree on what an archive holds, it is refused.

use tar::{EntryType, Header};

use super::blob::Input;
use super::fault::Fault;
use super::limits::HEADER;
use super::messages;
use super::pax::{AclRecord, Pax, PaxSparse};
use super::sparse::{self, Piece};

const BLOCK: u64 = 512;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    File,
    Dir,
    Symlink,
    HardLink,
    Fifo,
    BlockDevice,
    CharDevice,
}

/// One entry. Its content comes next in the input.
#[derive(Debug)]
pub(super) struct Entry {
    pub name: Vec<u8>,
    pub kind: Kind,
    /// Where a link leads to.
    pub link: Vec<u8>,
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub mtime: i64,
    pub acl: Option<AclRecord>,
    /// Bytes, holes included.
    pub size: u64,
    /// Bytes of content that the archive has.
    pub stored: u64,
    /// The pieces of a sparse file.
    pub sparse: Option<Box<[Piece]>>,
}

/// Reads an archive from its beginning to its end.
pub(super) struct Entries {
    pub input: Input,
    globals: Pax,
    /// Where the next header is.
    next: u64,
}

impl Entries {
    pub fn new(input: Input) -> Entries {
        Entries { input, globals: Pax::default(), next: 0 }
    }

    /// The next entry. What is left of the content of the last one is passed over.
    ///
    /// # Errors
    /// What is no archive, is cut off, or can be understood in two ways.
    pub fn next(&mut self) -> Result<Option<Entry>, Fault> {
        let mut pax = self.globals.clone();
        let (mut long_name, mut long_link) = (None, None);
        loop {
            let Some(header) = self.header()? else { return Ok(None) };
            let name = || header.path_bytes().into_owned();
            let size = header.entry_size().map_err(|_| bad("size").at(&name()))?;
            match header.entry_type() {
                EntryType::GNULongName => long_name = Some(self.long(size)?),
                EntryType::GNULongLink => long_link = Some(self.long(size)?),
                EntryType::XHeader => {
                    let records = self.content(size)?;
                    pax.read(&records).map_err(|why| Fault::from(why).at(&name()))?;
                }
                EntryType::XGlobalHeader => {
                    let records = self.content(size)?;
                    self.globals.read(&records).map_err(|why| Fault::from(why).at(&name()))?;
                    let g = &self.globals;
                    // What can be true of one entry only.
                    if g.path.is_some() || g.link.is_some() || g.size.is_some() || g.acl.is_some() {
                        return Err(bad("global extended header").at(&name()));
                    }
                    self.globals.sparse = PaxSparse::default();
                    pax.read(&records)?;
                }
                // The label of a volume.
                other if other.as_byte() == b'V' => self.pass(size)?,
                _ => {
                    let name = pax.sparse.name.take().or(pax.path.take()).or(long_name);
                    let name = name.unwrap_or_else(|| header.path_bytes().into_owned());
                    let link = pax.link.take().or(long_link);
                    let entry = self.entry(&header, &name, link, pax);
                    return entry.map(Some).map_err(|fault| fault.at(&name));
                }
            }
        }
    }

    /// Everything else is read, too: where compressed data ends, its checksum is.
    ///
    /// # Errors
    /// Damaged data.
    pub fn finish(self) -> Result<(), Fault> {
        self.input.finish()
    }

    fn header(&mut self) -> Result<Option<Header>, Fault> {
        self.input.skip(self.next - self.input.at)?;
        let mut header = Header::new_old();
        match self.input.fill(header.as_mut_bytes())? {
            0 if self.next == 0 => return Err(messages::no_tar().into()),
            0 => return Err(messages::no_end().into()),
            512 => {}
            _ => return Err(messages::truncated().into()),
        }
        self.next = self.input.at;
        let zeros = |header: &Header| header.as_bytes().iter().all(|b| *b == 0);
        if zeros(&header) {
            let read = self.input.fill(header.as_mut_bytes())?;
            return match read == 0 || zeros(&header) {
                true => Ok(None),
                false => Err(messages::lone_zeros().into()),
            };
        }
        let bytes = header.as_bytes();
        let sum = |bytes: &[u8]| bytes.iter().map(|b| u32::from(*b)).sum::<u32>();
        // The field itself counts as blanks.
        let sum = sum(&bytes[..148]) + sum(&bytes[156..]) + 8 * u32::from(b' ');
        if header.cksum().ok() != Some(sum) {
            let first = self.next == BLOCK;
            return Err(if first { messages::no_tar().into() } else { bad("checksum") });
        }
        Ok(Some(header))
    }

    /// Sees to it that the next header is looked for behind so many bytes of content.
    fn pass(&mut self, size: u64) -> Result<(), Fault> {
        let padded = size.checked_next_multiple_of(BLOCK);
        let next = padded.and_then(|padded| self.input.at.checked_add(padded));
        self.next = next.ok_or_else(messages::truncated)?;
        Ok(())
    }

    fn content(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > HEADER {
            return Err(messages::header_too_large(size, HEADER).into());
        }
        self.pass(size)?;
        let mut bytes = vec![0; usize::try_from(size).unwrap_or_default()];
        self.input.exactly(&mut bytes)?;
        self.input.skip(self.next - self.input.at)?;
        Ok(bytes)
    }

    /// A long name, up to its NUL.
    fn long(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        let mut name = self.content(size)?;
        let end = name.iter().position(|b| *b == 0).unwrap_or(name.len());
        name.truncate(end);
        Ok(name)
    }

    fn entry(
        &mut self,
        header: &Header,
        name: &[u8],
        link: Option<Vec<u8>>,
        mut pax: Pax,
    ) -> Result<Entry, Fault> {
        let kind = kind_of(header.entry_type(), name)?;
        let in_archive = match pax.size {
            Some(size) => size,
            None => header.entry_size().map_err(|_| bad("size"))?,
        };
        let mut stored = match kind {
            Kind::File => in_archive,
            // All agree that nothing follows, whatever the size says.
            Kind::HardLink => 0,
            _ if in_archive == 0 => 0,
            _ => return Err(messages::unwanted_content(in_archive).into()),
        };
        let (mut size, mut pieces) = (stored, None);
        if header.entry_type() == EntryType::GNUSparse {
            let gnu = header.as_gnu().ok_or_else(messages::bad_sparse)?;
            let (real, found) = sparse::old(gnu, stored, &mut self.input)?;
            (size, pieces) = (real, Some(found));
            self.pass(stored)?;
        } else if kind == Kind::File && pax.sparse.is() {
            self.pass(stored)?;
            let (real, found, map) = sparse::pax(&pax.sparse, stored, &mut self.input)?;
            (size, pieces, stored) = (real, Some(found), stored - map);
        } else {
            self.pass(stored)?;
        }
        let link = match kind {
            Kind::Symlink | Kind::HardLink => {
                link.or_else(|| header.link_name_bytes().map(|name| name.into_owned()))
            }
            _ => None,
        };
        let old = header.as_old();
        Ok(Entry {
            name: name.to_vec(),
            kind,
            link: link.unwrap_or_default(),
            mode: number(&old.mode, header.mode()).ok_or_else(|| bad("mode"))? & 0o7777,
            uid: owner(pax.uid, number(&old.uid, header.uid())).ok_or_else(|| bad("uid"))?,
            gid: owner(pax.gid, number(&old.gid, header.gid())).ok_or_else(|| bad("gid"))?,
            mtime: match pax.mtime {
                Some(mtime) => mtime,
                // A negative one, in the binary form, is in two's complement.
                None => {
                    number(&old.mtime, header.mtime()).ok_or_else(|| bad("mtime"))?.cast_signed()
                }
            },
            acl: pax.acl.take(),
            size,
            stored,
            sparse: pieces,
        })
    }
}

fn bad(field: &str) -> Fault {
    messages::bad_header(field).into()
}

/// A number as a field has it; 0 where it is left out, as container runtimes take it.
fn number<T: Default>(field: &[u8], read: std::io::Result<T>) -> Option<T> {
    match field.iter().all(|b| matches!(b, 0 | b' ')) {
        true => Some(T::default()),
        false => read.ok(),
    }
}

/// An owner; the highest number stands for nobody.
fn owner(pax: Option<u32>, header: Option<u64>) -> Option<u32> {
    pax.or_else(|| u32::try_from(header?).ok().filter(|id| *id != u32::MAX))
}

fn kind_of(found: EntryType, name: &[u8]) -> Result<Kind, Fault> {
    Ok(match found.as_byte() {
        // Before there were directories, a slash at the end said so.
        b'0' | 0 | b'7' if name.ends_with(b"/") => Kind::Dir,
        b'0' | 0 | b'7' | b'S' => Kind::File,
        b'1' => Kind::HardLink,
        b'2' => Kind::Symlink,
        b'3' => Kind::CharDevice,
        b'4' => Kind::BlockDevice,
        b'5' => Kind::Dir,
        b'6' => Kind::Fifo,
        other => {
            let letter = crate::rootfs::escape(&[other]);
            return Err(messages::unknown_type(letter).into());
        }
    })
}
