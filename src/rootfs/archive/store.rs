//! Where the contents of files are: in the archive itself, by offset; in an unlinked file, once they came out
//! of compressed data; or in that data, to be unpacked once more.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::rc::Rc;

use super::blob::{Blob, Budget, Input, Packing};
use super::entries::{Entries, Entry};
use super::fault::Fault;
use super::limits::Limits;
use super::messages;
use super::sparse::Piece;
use crate::message::Arg;

/// The content of a file.
pub(super) struct Content {
    /// Bytes, holes included.
    pub size: u64,
    /// Bytes without holes.
    stored: u64,
    place: Place,
    sparse: Option<Box<[Piece]>>,
}

impl Content {
    /// What it takes in memory besides its fixed part (bytes).
    pub fn cost(&self) -> usize {
        self.sparse.as_ref().map_or(0, |pieces| size_of_val(&**pieces))
    }
}

#[derive(Clone, Copy)]
enum Place {
    /// In the unlinked file.
    Spooled(u64),
    /// In what comes out of a layer, which may be the layer itself.
    Layer(u32, u64),
}

/// The layers, and what came out of them.
pub(super) struct Store {
    layers: Vec<(Blob, Packing)>,
    limits: Limits,
    /// Of the first reading of everything.
    pub budget: Rc<Budget>,
    /// Of all that is unpacked once more.
    again: Rc<Budget>,
    spool: Option<Spool>,
}

struct Spool {
    file: File,
    used: u64,
    /// What is not written yet.
    pending: Vec<u8>,
}

/// How often all of an archive may be unpacked for contents that were not kept.
const AGAIN: u64 = 4;
/// A file that has a zero in so many of its first bytes is no text, and mostly no rule asks for it.
const HEAD: usize = 512;
/// So much is written at once (bytes).
const PENDING: usize = 1 << 20;

impl Store {
    pub fn new(limits: Limits) -> Store {
        let again = Budget::of(limits.unpacked.saturating_mul(AGAIN));
        let budget = Budget::of(limits.unpacked);
        Store { layers: Vec::new(), limits, budget, again, spool: None }
    }

    /// Takes a layer on, and reads it from its beginning.
    ///
    /// # Errors
    /// A compression that is not read.
    pub fn begin(&mut self, blob: &Blob) -> Result<Entries, Fault> {
        let packing = blob.packing()?;
        self.layers.push((blob.clone(), packing));
        Ok(Entries::new(Input::new(blob, packing, &self.budget)))
    }

    /// Notes where the content of an entry is that comes next in the last layer.
    ///
    /// # Errors
    /// Damaged data, or no room.
    pub fn place(&mut self, entry: &mut Entry, entries: &mut Entries) -> Result<Content, Fault> {
        let at = entries.input.at;
        let layer = self.layers.len().saturating_sub(1);
        let mut place = Place::Layer(u32::try_from(layer).unwrap_or(u32::MAX), at);
        let packed = self.layers.last().is_some_and(|(_, packing)| *packing != Packing::None);
        let used = self.spool.as_ref().map_or(0, |spool| spool.used);
        let fits = entry.size <= self.limits.spooled_file
            && used.saturating_add(entry.stored) <= self.limits.spooled;
        let mut head = [0; HEAD];
        let head = &mut head[..HEAD.min(usize::try_from(entry.stored).unwrap_or(HEAD))];
        if packed && fits {
            entries.input.exactly(head)?;
        }
        if packed && fits && !head.is_empty() && !head.contains(&0) {
            let spool = match &mut self.spool {
                Some(spool) => spool,
                None => self.spool.insert(Spool::new()?),
            };
            place = Place::Spooled(spool.used);
            spool.write(head)?;
            let rest = entry.stored - head.len() as u64;
            entries.input.pieces(rest, &mut |bytes| spool.write(bytes))?;
        }
        let (size, stored) = (entry.size, entry.stored);
        Ok(Content { size, stored, place, sparse: entry.sparse.take() })
    }

    /// All layers were read.
    ///
    /// # Errors
    /// No room.
    pub fn end(&mut self) -> Result<(), Fault> {
        self.spool.as_mut().map_or(Ok(()), Spool::flush)
    }

    /// The bytes of a file, whose size the caller has looked at.
    ///
    /// # Errors
    /// What a second reading of the archive brings.
    pub fn read(&self, content: &Content) -> Result<Vec<u8>, Fault> {
        let size = usize::try_from(content.size).map_err(|_| messages::truncated())?;
        let mut bytes = vec![0; size];
        let whole = [Piece { at: 0, from: 0, len: content.stored }];
        let pieces = content.sparse.as_deref().unwrap_or(&whole);
        let mut input = match content.place {
            Place::Spooled(_) => None,
            Place::Layer(layer, at) => {
                let (blob, packing) =
                    self.layers.get(layer as usize).ok_or_else(messages::truncated)?;
                blob.is_unchanged()?;
                let mut input = Input::new(blob, *packing, &self.again);
                input.skip(at)?;
                Some((input, at))
            }
        };
        for piece in pieces {
            let range = || {
                let start = usize::try_from(piece.at).ok()?;
                Some(start..start.checked_add(usize::try_from(piece.len).ok()?)?)
            };
            let target = range().and_then(|range| bytes.get_mut(range));
            let target = target.ok_or_else(messages::bad_sparse)?;
            match (&mut input, content.place, &self.spool) {
                (Some((input, start)), _, _) => {
                    input.skip(piece.from - (input.at - *start))?;
                    input.exactly(target)?;
                }
                (None, Place::Spooled(at), Some(spool)) => {
                    spool.file.read_exact_at(target, at + piece.from)?;
                }
                _ => return Err(messages::truncated().into()),
            }
        }
        Ok(bytes)
    }

    /// Everything that comes out of compressed data, in an unlinked file.
    ///
    /// # Errors
    /// Damaged or too much data, no room.
    pub fn unpack(&self, blob: &Blob, packing: Packing) -> Result<Blob, Fault> {
        let mut spool = Spool::new()?;
        let mut input = Input::new(blob, packing, &self.budget);
        let mut buffer = vec![0; PENDING];
        loop {
            match input.fill(&mut buffer)? {
                0 => break,
                read => spool.write(&buffer[..read])?,
            }
        }
        spool.flush()?;
        Blob::whole(spool.file)
    }
}

impl Spool {
    fn new() -> Result<Spool, Fault> {
        // No name leads to it: nothing is left behind, however this ends.
        let file = tempfile::tempfile().map_err(|e| no_room(&e))?;
        Ok(Spool { file, used: 0, pending: Vec::with_capacity(PENDING) })
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        self.pending.extend(bytes);
        self.used += bytes.len() as u64;
        match self.pending.len() >= PENDING {
            true => self.flush(),
            false => Ok(()),
        }
    }

    fn flush(&mut self) -> Result<(), Fault> {
        let at = self.used - self.pending.len() as u64;
        self.file.write_all_at(&self.pending, at).map_err(|e| no_room(&e))?;
        self.pending.clear();
        Ok(())
    }
}

fn no_room(e: &std::io::Error) -> Fault {
    messages::no_room(std::env::temp_dir().display().to_string(), Arg::cause(e)).into()
}
