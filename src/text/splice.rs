//! Several replacements in one text at once: everything between them stays, byte for byte.

use std::ops::Range;

/// A stretch of a text, by byte offsets, and what is to stand there instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Edit {
    /// What goes away; empty to insert before the byte at its start.
    pub range: Range<usize>,
    /// What comes in its place.
    pub new: String,
}

impl Edit {
    /// Replaces a stretch.
    pub fn replace(range: Range<usize>, new: impl Into<String>) -> Edit {
        Edit { range, new: new.into() }
    }

    /// Inserts at an offset.
    pub fn insert(at: usize, new: impl Into<String>) -> Edit {
        Edit { range: at..at, new: new.into() }
    }
}

/// `text` with all edits made. Edits that overlap an earlier one, or do not fit the text, are left
/// out.
pub fn splice(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|e| e.range.start);
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let fits = text.get(edit.range.clone()).is_some();
        if let Some(between) = text.get(at..edit.range.start).filter(|_| fits) {
            out.push_str(between);
            out.push_str(&edit.new);
            at = edit.range.end;
        }
    }
    out.push_str(text.get(at..).unwrap_or_default());
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn several_at_once() {
        let edits = vec![Edit::replace(4..5, "E"), Edit::insert(0, ">"), Edit::replace(1..3, "")];
        assert_eq!(splice("abcdef", edits), ">adEf");
        let overlap = vec![Edit::replace(0..3, "x"), Edit::replace(2..4, "y")];
        assert_eq!(splice("abcdef", overlap), "xdef");
        assert_eq!(splice("é", vec![Edit::insert(1, "x"), Edit::insert(9, "y")]), "é");
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>(), places in proptest::collection::vec((0usize..50, 0usize..5), 0..6)) {
            let edits = places.into_iter().map(|(at, len)| Edit::replace(at..at + len, "x")).collect();
            splice(&text, edits);
        }
    }
}
