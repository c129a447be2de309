//! What the programs of a root print: bounded, and safe to show.

use std::io::Read;
use std::sync::mpsc::SyncSender;

use crate::rootfs::escape;

/// So much of a line is kept (bytes).
const LINE: usize = 8 << 10;
/// So much of all lines of one stream is shown (bytes, as shown).
const ALL: usize = 4 << 20;
/// Lines in the queue; a program that prints faster has to wait.
pub(super) const WAITING: usize = 256;

/// A line that was printed.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Its text, without control characters.
    Line(String),
    /// More was printed than is shown.
    Cut,
}

/// Reads a stream to its end and sends its lines: of each the part after the last carriage return,
/// as progress is shown by returning to the beginning of the line; empty ones are left out. What is
/// beyond the bounds is read and thrown away.
pub(super) fn read(mut stream: impl Read, is_out: bool, sender: &SyncSender<(bool, Said)>) {
    let mut buffer = [0; 64 << 10];
    let mut lines = Lines::default();
    loop {
        let read = match stream.read(&mut buffer) {
            Ok(0) => break,
            Ok(read) => read,
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => continue,
            Err(_) => break,
        };
        for said in lines.take(&buffer[..read]) {
            if sender.send((is_out, said)).is_err() {
                return;
            }
        }
    }
    if let Some(said) = lines.end_line() {
        let _ = sender.send((is_out, said));
    }
}

#[derive(Default)]
struct Lines {
    line: Vec<u8>,
    /// Bytes of this line that were not kept.
    over: usize,
    /// A carriage return was the last that came.
    returned: bool,
    /// Bytes shown.
    shown: usize,
    is_cut: bool,
}

impl Lines {
    fn take(&mut self, bytes: &[u8]) -> Vec<Said> {
        let mut all = Vec::new();
        if self.is_cut {
            return all;
        }
        for part in bytes.split_inclusive(|b| matches!(b, b'\n' | b'\r')) {
            let (text, end) = match part.split_last() {
                Some((end @ (b'\n' | b'\r'), text)) => (text, Some(*end)),
                _ => (part, None),
            };
            if !text.trim_ascii().is_empty() && std::mem::take(&mut self.returned) {
                self.line.clear();
                self.over = 0;
            }
            let room = LINE - self.line.len();
            self.line.extend_from_slice(&text[..text.len().min(room)]);
            self.over += text.len().saturating_sub(room);
            match end {
                Some(b'\n') => all.extend(self.end_line()),
                Some(_) => self.returned = true,
                None => {}
            }
            if self.is_cut {
                break;
            }
        }
        all
    }

    fn end_line(&mut self) -> Option<Said> {
        self.returned = false;
        let over = std::mem::take(&mut self.over);
        let mut text = escape(self.line.trim_ascii_end());
        self.line.clear();
        if over > 0 {
            text.push_str(&format!(" … [{over} more bytes]"));
        }
        // Empty ones also take time.
        self.shown += text.len() + 1;
        if self.shown > ALL {
            self.is_cut = true;
            return Some(Said::Cut);
        }
        Some(text).filter(|t| !t.is_empty()).map(Said::Line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(bytes: &[u8]) -> Vec<Said> {
        let (sender, lines) = std::sync::mpsc::sync_channel(usize::from(u16::MAX));
        read(bytes, true, &sender);
        drop(sender);
        lines.into_iter().map(|(_, said)| said).collect()
    }

    fn text(bytes: &[u8]) -> Vec<String> {
        let line = |said| match said {
            Said::Line(text) => text,
            Said::Cut => "CUT".to_owned(),
        };
        said(bytes).into_iter().map(line).collect()
    }

    #[test]
    fn lines_come_as_people_see_them() {
        assert_eq!(text(b"one\r\n\n  two \nthree"), ["one", "  two", "three"]);
        assert_eq!(text(b"10%\r50%\r100%  \r\nend\r"), ["100%", "end"]);
        assert_eq!(text(b"\x1b[2Jx\x00\x07\xff\n"), ["\\x1b[2Jx\\x00\\x07\\xff"]);
    }

    #[test]
    fn a_line_and_all_lines_have_a_bound() {
        let long = text(&[vec![b'x'; 100_000], b"\nnext\n".to_vec()].concat());
        assert_eq!(long.len(), 2);
        assert!(long[0].len() < LINE + 64, "{}", long[0].len());
        assert!(long[0].ends_with(" … [91808 more bytes]"), "{}", &long[0][LINE..]);
        assert_eq!(long[1], "next");

        let nul = text(&vec![0; 5 << 20]);
        assert_eq!(nul.len(), 1);
        assert!(nul[0].len() < 4 * LINE + 64);

        for flood in
            [b"0123456789\n".repeat(1 << 20), b"\n".repeat(8 << 20), b"\0\n".repeat(4 << 20)]
        {
            let mut lines = Lines::default();
            let all: Vec<Said> = flood.chunks(1 << 16).flat_map(|c| lines.take(c)).collect();
            assert_eq!(all.last(), Some(&Said::Cut));
            let bytes: usize =
                all.iter().map(|s| if let Said::Line(l) = s { l.len() } else { 0 }).sum();
            assert!(bytes <= ALL, "{bytes}");
            assert_eq!(all.iter().filter(|s| **s == Said::Cut).count(), 1);
        }
    }
}
