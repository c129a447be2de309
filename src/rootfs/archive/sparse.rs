//! The pieces of sparse files, in the four forms in which archives have them.

use super::blob::Input;
use super::fault::Fault;
use super::limits::PIECES;
use super::messages;
use super::pax::PaxSparse;

/// A piece of a file that is no hole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// Where it begins in the file.
    pub at: u64,
    /// Where it begins in the content that the archive has.
    pub from: u64,
    /// Bytes.
    pub len: u64,
}

/// Collects pieces and sees to it that they fit.
#[derive(Default)]
struct Pieces {
    pieces: Vec<Piece>,
    end: u64,
    stored: u64,
}

impl Pieces {
    fn add(&mut self, at: u64, len: u64) -> Option<()> {
        if at < self.end || self.pieces.len() >= PIECES {
            return None;
        }
        self.end = at.checked_add(len)?;
        if len > 0 {
            self.pieces.push(Piece { at, from: self.stored, len });
        }
        self.stored = self.stored.checked_add(len)?;
        Some(())
    }

    /// All of them, of a file of so many bytes of which the archive has so many.
    fn of(self, size: u64, stored: u64) -> Option<Box<[Piece]>> {
        (self.end <= size && self.stored == stored).then(|| self.pieces.into())
    }
}

fn fits<T>(found: Option<T>) -> Result<T, Fault> {
    found.ok_or_else(|| messages::bad_sparse().into())
}

/// The old form of GNU tar: a map in the header, and in blocks behind it. Returns the size of the file,
/// and its pieces; the input is where its content begins.
///
/// # Errors
/// A map that does not fit.
pub(super) fn old(
    header: &tar::GnuHeader,
    stored: u64,
    input: &mut Input,
) -> Result<(u64, Box<[Piece]>), Fault> {
    let mut pieces = Pieces::default();
    let mut add = |found: &tar::GnuSparseHeader| -> Option<()> {
        match found.is_empty() {
            true => Some(()),
            false => pieces.add(found.offset().ok()?, found.length().ok()?),
        }
    };
    for found in &header.sparse {
        fits(add(found))?;
    }
    let mut more = header.is_extended();
    let mut blocks = 0;
    while more {
        let mut block = tar::GnuExtSparseHeader::new();
        input.exactly(block.as_mut_bytes())?;
        for found in block.sparse() {
            fits(add(found))?;
        }
        more = block.is_extended();
        blocks += 1;
        if blocks > PIECES / 21 {
            return fits(None);
        }
    }
    let size = fits(header.real_size().ok())?;
    Ok((size, fits(pieces.of(size, stored))?))
}

/// The forms that extended headers have. Returns the size of the file, its pieces, and how many bytes of the
/// content their map takes; the input is behind that.
///
/// # Errors
/// A map that does not fit.
pub(super) fn pax(
    said: &PaxSparse,
    stored: u64,
    input: &mut Input,
) -> Result<(u64, Box<[Piece]>, u64), Fault> {
    let size = fits(said.size)?;
    let mut pieces = Pieces::default();
    let mut add = |map: &[u64]| -> Option<()> {
        let (pairs, []) = map.as_chunks::<2>() else { return None };
        pairs.iter().try_for_each(|[at, len]| pieces.add(*at, *len))
    };
    let taken = match (said.major, said.minor) {
        (None | Some(0), _) => {
            fits(add(&said.map))?;
            0
        }
        (Some(1), Some(0) | None) => {
            let (map, taken) = written_map(stored, input)?;
            fits(add(&map))?;
            taken
        }
        _ => return fits(None),
    };
    let left = fits(stored.checked_sub(taken))?;
    Ok((size, fits(pieces.of(size, left))?, taken))
}

/// The map in front of the content: decimal numbers, one a line, the first their number.
fn written_map(stored: u64, input: &mut Input) -> Result<(Vec<u64>, u64), Fault> {
    let (mut numbers, mut taken, mut digits) = (Vec::new(), 0, Vec::new());
    let mut wanted = None;
    while wanted.is_none_or(|wanted| numbers.len() < wanted) {
        let mut block = [0; 512];
        taken += block.len() as u64;
        if taken > stored {
            return fits(None);
        }
        input.exactly(&mut block)?;
        for byte in block {
            match byte {
                b'\n' => {
                    let text = std::str::from_utf8(&digits).ok();
                    let number: u64 = fits(text.and_then(|text| text.parse().ok()))?;
                    digits.clear();
                    match wanted {
                        None => {
                            let pieces = usize::try_from(number).ok().filter(|n| *n <= PIECES);
                            wanted = Some(2 * fits(pieces)?);
                        }
                        Some(_) => numbers.push(number),
                    }
                    if wanted.is_some_and(|wanted| numbers.len() >= wanted) {
                        break;
                    }
                }
                b'0'..=b'9' if digits.len() < 20 => digits.push(byte),
                _ => return fits(None),
            }
        }
    }
    Ok((numbers, taken))
}
