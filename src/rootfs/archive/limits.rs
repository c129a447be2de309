//! How much of this machine an archive may take, whatever it holds.

/// The bounds of one opened archive. Beyond one of them it is refused by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Entries of all layers together.
    pub entries: u64,
    /// Memory for names, owners, modes and the like (bytes, as counted here). Contents are not in memory.
    pub metadata: usize,
    /// What comes out of compressed data, and what is read of headers, of all layers together (bytes).
    /// As much again, four times, is unpacked for contents that were not kept.
    pub unpacked: u64,
    /// The unlinked file in `$TMPDIR` with contents that came out of compressed layers (bytes). What finds
    /// no room in it is unpacked once more when it is asked for.
    pub spooled: u64,
    /// A file is kept there up to this size (bytes), if it looks like a text.
    pub spooled_file: u64,
    /// Directories that are passed through to put all entries in their places, those of links included.
    pub steps: u64,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            entries: 2_000_000,
            metadata: 512 << 20,
            unpacked: 16 << 30,
            spooled: 1 << 30,
            spooled_file: 16 << 20,
            steps: 200_000_000,
        }
    }
}

/// An extended header, or a long name, may be this large (bytes): an attribute of Linux has 64 KiB at most.
pub(super) const HEADER: u64 = 1 << 20;
/// So many pieces a sparse file may have.
pub(super) const PIECES: usize = 1 << 20;
/// Indexes and manifests of images may be this large (bytes).
pub(super) const JSON: u64 = 4 << 20;
/// So many layers an image may have, and so many manifests an index.
pub(super) const LAYERS: usize = 1024;
/// The longest path that the kernel takes (bytes, with a NUL at its end).
pub(super) const PATH: usize = 4096;
/// The longest name in a directory (bytes).
pub(super) const NAME: usize = 255;
