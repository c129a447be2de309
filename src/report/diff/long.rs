//! The diff of two texts that differ in many places, where the shortest one would take quadratic time:
//! one pass, line by line.

use std::collections::HashMap;
use std::fmt::Write;
use std::ops::Range;

use crate::rootfs::ImagePath;

/// Lines times differences that the shortest difference may take.
const WORK: usize = 8 << 20;
/// Lines shown around a difference.
const CONTEXT: usize = 3;

/// Whether the shortest difference would take too long. Every line that only one of the texts has
/// is one, and few are anything else: gokaku edits where a line stands.
pub(super) fn is_long(old: &[u8], new: &[u8]) -> bool {
    let mut counts: HashMap<&[u8], isize> = HashMap::new();
    let mut all = 0_usize;
    for (text, step) in [(old, 1), (new, -1)] {
        for line in lines(text) {
            *counts.entry(line).or_default() += step;
            all += 1;
        }
    }
    let differences: usize = counts.values().map(|count| count.unsigned_abs()).sum();
    all.saturating_mul(differences) > WORK
}

fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split_inclusive(|byte| *byte == b'\n')
}

/// The texts as a unified diff, by one pass: lines at the same place are compared where both texts
/// have as many, between what is the same at both ends; else all of one goes and all of the other
/// comes.
pub(super) fn patch(path: &ImagePath, old: &[u8], new: &[u8]) -> Vec<u8> {
    let (old, new): (Vec<&[u8]>, Vec<&[u8]>) = (lines(old).collect(), lines(new).collect());
    let front = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - front;
    let same = |(a, b): &(&&[u8], &&[u8])| a == b;
    let back = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(same).count();
    let (left, right) = (front..old.len() - back, front..new.len() - back);
    let mut changes: Vec<(Range<usize>, Range<usize>)> = Vec::new();
    if left.len() == right.len() {
        for at in left.filter(|at| old[*at] != new[*at]) {
            match changes.last_mut() {
                Some((a, b)) if a.end == at => (a.end, b.end) = (at + 1, at + 1),
                _ => changes.push((at..at + 1, at..at + 1)),
            }
        }
    } else {
        changes.push((left, right));
    }
    let mut out = format!("--- a{path}\n+++ b{path}\n").into_bytes();
    let mut at = 0;
    while at < changes.len() {
        // Those whose surroundings touch are shown together.
        let mut end = at + 1;
        while end < changes.len() && changes[end].0.start - changes[end - 1].0.end <= 2 * CONTEXT {
            end += 1;
        }
        hunk(&mut out, &changes[at..end], &old, &new);
        at = end;
    }
    out
}

fn hunk(out: &mut Vec<u8>, changes: &[(Range<usize>, Range<usize>)], old: &[&[u8]], new: &[&[u8]]) {
    let [(first_old, first_new), ..] = changes else { return };
    let Some((last_old, last_new)) = changes.last() else { return };
    let before = CONTEXT.min(first_old.start);
    let after = CONTEXT.min(old.len() - last_old.end);
    let shown = |start: usize, end: usize| {
        let (start, len) = (start - before, end + after - (start - before));
        // Of no lines at all, the line before them is named.
        format!("{},{len}", if len == 0 { start } else { start + 1 })
    };
    let (a, b) = (shown(first_old.start, last_old.end), shown(first_new.start, last_new.end));
    let mut head = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(head, "@@ -{a} +{b} @@");
    out.extend(head.into_bytes());
    let mut at = first_old.start - before;
    for (gone, come) in changes {
        old[at..gone.start].iter().for_each(|text| line(out, b' ', text));
        old[gone.clone()].iter().for_each(|text| line(out, b'-', text));
        new[come.clone()].iter().for_each(|text| line(out, b'+', text));
        at = gone.end;
    }
    old[at..at + after].iter().for_each(|text| line(out, b' ', text));
}

fn line(out: &mut Vec<u8>, mark: u8, text: &[u8]) {
    out.push(mark);
    out.extend_from_slice(text);
    if !text.ends_with(b"\n") {
        out.extend_from_slice(b"\n\\ No newline at end of file\n");
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn shown(old: &str, new: &str) -> String {
        let path = ImagePath::parse("/etc/x").unwrap();
        String::from_utf8(patch(&path, old.as_bytes(), new.as_bytes())).unwrap()
    }

    #[test]
    fn lines_are_compared_where_they_stand() {
        let old: String = (1..=30).map(|n| format!("{n}\n")).collect();
        let new = old.replace("\n5\n", "\nfive\n").replace("\n25\n", "\n# 25\n");
        let want = "--- a/etc/x\n+++ b/etc/x\n@@ -2,7 +2,7 @@\n 2\n 3\n 4\n-5\n+five\n 6\n 7\n 8\n\
                    @@ -22,7 +22,7 @@\n 22\n 23\n 24\n-25\n+# 25\n 26\n 27\n 28\n";
        assert_eq!(shown(&old, &new), want);
        let want = "--- a/etc/x\n+++ b/etc/x\n@@ -1,1 +1,2 @@\n-a\n\\ No newline at end of file\n\
                    +a\n+b\n";
        assert_eq!(shown("a", "a\nb\n"), want);
    }

    #[test]
    fn only_what_would_take_long_is_long() {
        let many = |line: &str| line.repeat(10_000).into_bytes();
        assert!(is_long(&many("UMASK 000\n"), &many("# gokaku: UMASK 000\n")));
        let text: Vec<u8> = (0..100_000).flat_map(|n| format!("{n}\n").into_bytes()).collect();
        assert!(!is_long(&text, &[&text[..], b"one more\n"].concat()));
        assert!(!is_long(b"", b"") && !is_long(&text[..3_000], b""));
    }

    proptest! {
        /// A reader of diffs makes the new text of the old one.
        #[test]
        fn it_is_a_diff(old in "[ab]?(\n[abc]?){0,12}", new in "[ab]?(\n[abc]?){0,12}") {
            prop_assume!(old != new);
            let text = shown(&old, &new);
            let patch = diffy::Patch::from_str(&text).unwrap();
            prop_assert_eq!(diffy::apply(&old, &patch).unwrap(), new);
        }
    }
}
