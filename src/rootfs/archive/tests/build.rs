//! Archives made entry by entry, as honest or not as a test wants them.

use tar::Header;

/// An archive in the making.
pub struct Tar(pub Vec<u8>);

impl Tar {
    pub fn new() -> Tar {
        Tar(Vec::new())
    }

    pub fn file(self, name: &str, content: &[u8]) -> Tar {
        self.file_with(name, content, |_| {})
    }

    pub fn file_with(self, name: &str, content: &[u8], change: impl FnOnce(&mut Header)) -> Tar {
        self.entry(name.as_bytes(), b'0', content, change)
    }

    pub fn dir(self, name: &str, change: impl FnOnce(&mut Header)) -> Tar {
        self.entry(name.as_bytes(), b'5', b"", change)
    }

    pub fn symlink(self, name: &str, target: &str) -> Tar {
        let set = |h: &mut Header| h.set_link_name_literal(target).unwrap();
        self.entry(name.as_bytes(), b'2', b"", set)
    }

    pub fn hard(self, name: &str, target: &str) -> Tar {
        let set = |h: &mut Header| h.set_link_name_literal(target).unwrap();
        self.entry(name.as_bytes(), b'1', b"", set)
    }

    pub fn special(self, name: &str, kind: u8) -> Tar {
        self.entry(name.as_bytes(), kind, b"", |_| {})
    }

    /// An extended header for the entry that comes next.
    pub fn pax(self, records: &[(&str, &[u8])]) -> Tar {
        let mut builder = tar::Builder::new(Vec::new());
        builder.append_pax_extensions(records.iter().copied()).unwrap();
        let mut bytes = builder.into_inner().unwrap();
        // Without the end.
        bytes.truncate(bytes.len() - 1024);
        Tar([self.0, bytes].concat())
    }

    /// A sparse file in GNU tar's old form.
    pub fn sparse(mut self, name: &str, size: u64, map: &[(u64, u64)], content: &[u8]) -> Tar {
        let (first, rest) = map.split_at(map.len().min(4));
        let extended: Vec<&[(u64, u64)]> = rest.chunks(21).collect();
        self = self.head(name.as_bytes(), b'S', content.len() as u64, |h| {
            let gnu = h.as_gnu_mut().unwrap();
            gnu.set_real_size(size);
            gnu.set_is_extended(!extended.is_empty());
            for (slot, (at, len)) in gnu.sparse.iter_mut().zip(first) {
                slot.set_offset(*at);
                slot.set_length(*len);
            }
        });
        for (at, chunk) in extended.iter().enumerate() {
            let mut block = tar::GnuExtSparseHeader::new();
            block.set_is_extended(at + 1 < extended.len());
            for (slot, (at, len)) in block.sparse_mut().iter_mut().zip(*chunk) {
                slot.set_offset(*at);
                slot.set_length(*len);
            }
            self.0.extend(block.as_bytes());
        }
        self.content(content)
    }

    pub fn entry(
        self,
        name: &[u8],
        kind: u8,
        content: &[u8],
        change: impl FnOnce(&mut Header),
    ) -> Tar {
        self.head(name, kind, content.len() as u64, change).content(content)
    }

    /// A header alone.
    pub fn head(
        mut self,
        name: &[u8],
        kind: u8,
        size: u64,
        change: impl FnOnce(&mut Header),
    ) -> Tar {
        let mut header = Header::new_gnu();
        header.as_gnu_mut().unwrap().name[..name.len()].copy_from_slice(name);
        header.set_entry_type(tar::EntryType::new(kind));
        header.set_size(size);
        header.set_mode(if kind == b'5' { 0o755 } else { 0o644 });
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(0);
        change(&mut header);
        header.set_cksum();
        self.0.extend(header.as_bytes());
        self
    }

    /// Content with what fills up its last block.
    pub fn content(mut self, bytes: &[u8]) -> Tar {
        self.0.extend(bytes);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
        self
    }

    pub fn end(mut self) -> Vec<u8> {
        self.0.extend([0; 1024]);
        self.0
    }
}
