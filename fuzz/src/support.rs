//! What the targets share: how an input is taken apart, and what every editor must keep.

use std::borrow::Cow;

use gokaku::text::lossless;

/// Takes the last byte off an input: it chooses what is asked of the text before it. A real file is
/// so a good input as it stands. Bytes that are not UTF-8 have stand-ins, as those of a file.
pub fn chosen(data: &[u8]) -> (usize, Cow<'_, str>) {
    let (pick, text) = chosen_bytes(data);
    (pick, Cow::Owned(lossless::decode(text)))
}

/// As [`chosen`], for texts that need not be UTF-8.
pub fn chosen_bytes(data: &[u8]) -> (usize, &[u8]) {
    data.split_last().map_or((0, data), |(pick, text)| (usize::from(*pick), text))
}

/// The choice `pick` of a list, and what is left of the number for further choices.
pub fn one_of<T: Copy>(pick: usize, list: &[T]) -> (T, usize) {
    (list[pick % list.len()], pick / list.len())
}

/// The lines of a text without line feeds.
pub fn lines(text: &str) -> Vec<&str> {
    text.split_inclusive('\n').map(|l| l.strip_suffix('\n').unwrap_or(l)).collect()
}

/// Panics unless every line of `before` that `foreign` names stands in `after` too, byte for byte
/// and in this order.
pub fn kept(before: &str, after: &str, foreign: impl Fn(&str) -> bool) {
    let mut after_lines = lines(after).into_iter();
    for line in lines(before).into_iter().filter(|l| foreign(l)) {
        // A last line may get the line end that it lacked, and its file's own one is `\r\n`.
        let same = |l: &str| l == line || l.strip_suffix('\r') == Some(line);
        assert!(after_lines.any(same), "lost or moved {line:?}:\n{before:?}\n{after:?}");
    }
}

/// Panics unless all lines but those from `first` to `last` (from 1) are the same in both texts.
pub fn kept_around(before: &str, after: &str, first: usize, last: usize) {
    let (old, new) = (lines(before), lines(after));
    let (head, tail) = (first.saturating_sub(1).min(old.len()), old.len().saturating_sub(last));
    assert_eq!(old[..head], new[..head], "before line {first}");
    assert_eq!(old[old.len() - tail..], new[new.len().saturating_sub(tail)..], "after line {last}");
}
