//! Pieces of files of this machine, read by offset, and what comes out of them when they are compressed.

use std::cell::Cell;
use std::fs::{File, Metadata};
use std::io::{self, BufReader, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::rc::Rc;

use super::fault::{Fault, carried};
use super::messages;
use super::zstd::Zstd;
use crate::message::Arg;

/// So much is read at once of what is read from end to end (bytes).
const CHUNK: usize = 128 << 10;

/// A piece of a file. Reading it moves no position that somebody else relies on.
#[derive(Clone)]
pub(super) struct Blob {
    file: Rc<File>,
    /// Of the file when it was opened.
    stamp: Stamp,
    start: u64,
    /// Bytes.
    pub len: u64,
}

/// What changes with the content of a file: its size, and when it was written.
type Stamp = (u64, i64, i64);

fn stamp_of(meta: &Metadata) -> Stamp {
    // Not when its names changed: an archive may be one that nobody can find any more.
    (meta.len(), meta.mtime(), meta.mtime_nsec())
}

impl Blob {
    /// The whole of an open file.
    ///
    /// # Errors
    /// Anything but a regular file; the kernel's refusal.
    pub fn whole(file: File) -> Result<Blob, Fault> {
        let meta = file.metadata()?;
        if !meta.is_file() {
            return Err(messages::no_file().into());
        }
        Ok(Blob { file: Rc::new(file), stamp: stamp_of(&meta), start: 0, len: meta.len() })
    }

    /// Sees to it that nobody has written to the file since it was opened.
    ///
    /// # Errors
    /// Somebody has.
    pub fn is_unchanged(&self) -> Result<(), Fault> {
        match stamp_of(&self.file.metadata()?) == self.stamp {
            true => Ok(()),
            false => Err(messages::changed().into()),
        }
    }

    /// A piece of it.
    ///
    /// # Errors
    /// It ends before the piece does.
    pub fn piece(&self, at: u64, len: u64) -> Result<Blob, Fault> {
        match at.checked_add(len) {
            Some(end) if end <= self.len => {
                Ok(Blob { start: self.start + at, len, ..self.clone() })
            }
            _ => Err(messages::truncated().into()),
        }
    }

    fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        let room = usize::try_from(self.len.saturating_sub(at)).unwrap_or(usize::MAX);
        let room = room.min(buffer.len());
        loop {
            match self.file.read_at(&mut buffer[..room], self.start + at) {
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                answer => return answer,
            }
        }
    }

    /// Reads it from its beginning.
    pub fn reader(&self) -> Reader {
        Reader { blob: self.clone(), at: 0 }
    }

    /// All of it, at most `limit` bytes.
    ///
    /// # Errors
    /// It is larger, or shorter than it was.
    pub fn bytes(&self, limit: u64) -> Result<Vec<u8>, Fault> {
        if self.len > limit {
            return Err(messages::json_too_large(self.len, limit).into());
        }
        let mut bytes = Vec::new();
        self.reader().read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// How it is compressed, by its first bytes.
    ///
    /// # Errors
    /// A compression that is not read here.
    pub fn packing(&self) -> Result<Packing, Fault> {
        let mut magic = [0; 6];
        let mut filled = 0;
        while filled < magic.len() {
            match self.read_at(filled as u64, &mut magic[filled..])? {
                0 => break,
                read => filled += read,
            }
        }
        let other = match &magic[..filled] {
            [0x1f, 0x8b, ..] => return Ok(Packing::Gzip),
            // A frame, or one to be skipped, as the tools put an index into.
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => {
                return Ok(Packing::Zstd);
            }
            [0xfd, b'7', b'z', b'X', b'Z', 0] => "xz",
            [b'B', b'Z', b'h', ..] => "bzip2",
            [0x04, 0x22, 0x4d, 0x18, ..] => "lz4",
            [b'L', b'Z', b'I', b'P', ..] => "lzip",
            [0x5d, 0, 0, ..] => "lzma",
            [0x1f, 0x9d, ..] => "compress",
            [b'P', b'K', 3, 4, ..] => "zip",
            _ => return Ok(Packing::None),
        };
        Err(messages::packed_otherwise(other).into())
    }
}

/// A position in a blob.
pub(super) struct Reader {
    blob: Blob,
    at: u64,
}

impl Read for Reader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.blob.read_at(self.at, buffer)?;
        self.at += read as u64;
        Ok(read)
    }
}

/// How data is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Packing {
    None,
    Gzip,
    Zstd,
}

/// How many bytes may still be read, or come out of compressed data.
pub(super) struct Budget {
    limit: u64,
    used: Cell<u64>,
}

impl Budget {
    pub fn of(limit: u64) -> Rc<Budget> {
        Rc::new(Budget { limit, used: Cell::new(0) })
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        self.used.set(self.used.get().saturating_add(bytes as u64));
        match self.used.get() > self.limit {
            true => Err(carried(messages::bomb(self.limit))),
            false => Ok(()),
        }
    }
}

/// A stream of bytes that knows where it is, and passes over what is not wanted as cheaply as it can.
pub(super) struct Input {
    from: Flow,
    /// Bytes since the beginning.
    pub at: u64,
}

/// Where the bytes of an input come from.
enum Flow {
    Plain(Blob, Rc<Budget>),
    Packed { stream: Box<dyn Read>, format: &'static str, budget: Rc<Budget> },
}

impl Input {
    pub fn new(blob: &Blob, packing: Packing, budget: &Rc<Budget>) -> Input {
        let source = || BufReader::with_capacity(CHUNK, blob.reader());
        let packed = |stream, format| Flow::Packed { stream, format, budget: Rc::clone(budget) };
        let from = match packing {
            Packing::None => Flow::Plain(blob.clone(), Rc::clone(budget)),
            Packing::Gzip => {
                packed(Box::new(flate2::bufread::MultiGzDecoder::new(source())), "gzip")
            }
            Packing::Zstd => packed(Box::new(Zstd::new(source())), "zstd"),
        };
        Input { from, at: 0 }
    }

    /// Fills the buffer as far as there is something; less than all of it: this is the end.
    ///
    /// # Errors
    /// Damaged or too much data; the kernel's refusal.
    pub fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < buffer.len() {
            let read = match &mut self.from {
                Flow::Plain(blob, budget) => {
                    let read = blob.read_at(self.at, &mut buffer[filled..])?;
                    budget.spend(read)?;
                    read
                }
                Flow::Packed { stream, format, budget } => {
                    let read = unpack(stream, &mut buffer[filled..], format)?;
                    budget.spend(read)?;
                    read
                }
            };
            if read == 0 {
                break;
            }
            filled += read;
            self.at += read as u64;
        }
        Ok(filled)
    }

    /// Fills the buffer.
    ///
    /// # Errors
    /// As [`Input::fill`], and when it ends before.
    pub fn exactly(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        match self.fill(buffer)? == buffer.len() {
            true => Ok(()),
            false => Err(messages::truncated().into()),
        }
    }

    /// Passes over so many bytes.
    ///
    /// # Errors
    /// As [`Input::exactly`].
    pub fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        if let Flow::Plain(blob, _) = &self.from {
            match self.at.checked_add(bytes) {
                Some(end) if end <= blob.len => self.at = end,
                _ => return Err(messages::truncated().into()),
            }
            return Ok(());
        }
        self.pieces(bytes, &mut |_| Ok(()))
    }

    /// Hands over so many bytes, piece by piece.
    ///
    /// # Errors
    /// As [`Input::exactly`], and those of `take`.
    pub fn pieces(
        &mut self,
        bytes: u64,
        take: &mut dyn FnMut(&[u8]) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let mut buffer = vec![0; CHUNK.min(usize::try_from(bytes).unwrap_or(CHUNK))];
        let mut left = bytes;
        while left > 0 {
            let now = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            self.exactly(&mut buffer[..now])?;
            take(&buffer[..now])?;
            left -= now as u64;
        }
        Ok(())
    }

    /// Reads compressed data to its end, where its checksum is.
    ///
    /// # Errors
    /// As [`Input::fill`].
    pub fn finish(mut self) -> Result<(), Fault> {
        if let Flow::Packed { .. } = self.from {
            let mut buffer = vec![0; CHUNK];
            while self.fill(&mut buffer)? > 0 {}
        }
        Ok(())
    }
}

/// A piece of what a stream of compressed data holds.
fn unpack(stream: &mut dyn Read, buffer: &mut [u8], format: &'static str) -> Result<usize, Fault> {
    loop {
        match stream.read(buffer) {
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) if e.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(messages::truncated().into());
            }
            Err(e) if e.raw_os_error().is_some() => return Err(e.into()),
            Err(e) => {
                let cause = crate::error::cut(&e.to_string(), crate::error::QUOTED).into_owned();
                return Err(messages::corrupt(format, Arg::cause(cause)).into());
            }
            Ok(read) => return Ok(read),
        }
    }
}
