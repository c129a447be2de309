//! A text in which a line may continue on the next one, joined as its reader does, with the
//! original position of each byte.
//!
//! Readers of such texts put the pieces of a line together before they look at it. An editor must
//! find its way back: every offset in the joined text has an offset in the original.

use std::ops::Range;

/// The joined text and the way back.
#[derive(Debug, Clone, Default)]
pub struct Joined {
    text: String,
    /// Offset in the joined text, offset in the original: one entry per piece, ascending.
    pieces: Vec<(usize, usize)>,
    /// Where the original's lines begin.
    lines: Vec<usize>,
}

impl Joined {
    /// Nothing joined yet, for the original `text`.
    pub fn of(text: &str) -> Joined {
        let starts = text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i + 1);
        Joined { lines: std::iter::once(0).chain(starts).collect(), ..Joined::default() }
    }

    /// Appends `piece`, which stands at `offset` in the original.
    pub fn push(&mut self, piece: &str, offset: usize) {
        if piece.is_empty() {
            return;
        }
        let end = self.text.len();
        let follows = self.pieces.last().is_some_and(|(at, from)| from + (end - at) == offset);
        if !follows {
            self.pieces.push((end, offset));
        }
        self.text.push_str(piece);
    }

    /// What the reader sees.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where the byte at `offset` stood in the original.
    pub fn origin(&self, offset: usize) -> usize {
        let after = self.pieces.partition_point(|(at, _)| *at <= offset);
        match after.checked_sub(1).and_then(|i| self.pieces.get(i)) {
            Some((at, from)) => from + (offset - at),
            None => 0,
        }
    }

    /// Where a stretch stood in the original, if it stood there in one piece.
    pub fn origin_of(&self, range: Range<usize>) -> Option<Range<usize>> {
        if range.is_empty() {
            let at = self.origin(range.start);
            return Some(at..at);
        }
        let (start, end) = (self.origin(range.start), self.origin(range.end - 1) + 1);
        (end.checked_sub(start) == Some(range.len())).then_some(start..end)
    }

    /// The line of the original, from 1, in which the byte at `offset` of the joined text stood.
    pub fn line(&self, offset: usize) -> usize {
        self.line_at(self.origin(offset))
    }

    /// The line, from 1, of an offset in the original.
    pub fn line_at(&self, origin: usize) -> usize {
        self.lines.partition_point(|start| *start <= origin)
    }
}

/// The lines of a text, each with its number from 1; a backslash at its end joins a line with the
/// next, with nothing between. A line that begins as `is_comment` says is left out, and joins nothing.
pub fn joined_lines(text: &str, is_comment: impl Fn(&str) -> bool) -> Vec<(usize, String)> {
    let mut all: Vec<(usize, String)> = Vec::new();
    let mut open = false;
    for (index, line) in text.lines().enumerate() {
        if !open && is_comment(line) {
            continue;
        }
        let (part, goes_on) = match line.strip_suffix('\\') {
            Some(part) => (part, true),
            None => (line, false),
        };
        match all.last_mut().filter(|_| open) {
            Some((_, joined)) => joined.push_str(part),
            None => all.push((index + 1, part.to_owned())),
        }
        open = goes_on;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn offsets_lead_back() {
        let original = "ab\\\n  cd\nef";
        let mut joined = Joined::of(original);
        for (piece, offset) in [("ab", 0), ("cd", 6), ("\n", 8), ("ef", 9), ("", 3)] {
            joined.push(piece, offset);
        }
        assert_eq!(joined.text(), "abcd\nef");
        assert_eq!((joined.origin(0), joined.origin(2), joined.origin(5)), (0, 6, 9));
        assert_eq!(joined.origin_of(0..2), Some(0..2));
        assert_eq!(joined.origin_of(1..3), None, "two pieces");
        assert_eq!(joined.origin_of(2..7), Some(6..11));
        assert_eq!((joined.line(0), joined.line(2), joined.line(5)), (1, 2, 3));
        assert_eq!(Joined::default().origin_of(3..3), Some(0..0));
    }

    proptest! {
        #[test]
        fn every_byte_is_found_again(text in "[a-c\\\\\n é]{0,40}") {
            let mut joined = Joined::of(&text);
            let mut at = 0;
            for piece in text.split_inclusive('\\') {
                joined.push(piece.trim_end_matches('\\'), at);
                at += piece.len();
            }
            for (i, b) in joined.text().bytes().enumerate() {
                let origin = joined.origin(i);
                prop_assert_eq!(text.as_bytes()[origin], b);
                prop_assert_eq!(joined.line(i), 1 + text[..].as_bytes()[..origin].iter().filter(|b| **b == b'\n').count());
            }
        }
    }

    #[test]
    fn lines_are_joined_by_a_backslash_at_their_end() {
        let of = |text: &str| joined_lines(text, |line| line.starts_with('#'));
        let line = |number: usize, text: &str| (number, text.to_owned());
        assert_eq!(of("a\\\nb\nc"), [line(1, "ab"), line(3, "c")]);
        assert_eq!(of("# a\\\nb\na\\\n#b"), [line(2, "b"), line(3, "a#b")]);
        assert_eq!(of("a\\"), [line(1, "a")]);
    }
}
