//! Lines that a backslash joins.

use super::super::joined::Joined;
use super::is_space;

/// The first line, from 1, of those that are read as one with line `number`: whatever is put
/// before it does not tear them apart.
pub fn logical_start(text: &str, number: usize) -> usize {
    let mut start = 1;
    for (i, line) in text.split_inclusive('\n').enumerate() {
        if i + 1 >= number {
            break;
        }
        if !line.trim_ascii_end().ends_with('\\') {
            start = i + 2;
        }
    }
    start
}

/// A backslash at the end of a line, blanks after it or not, joins the next one without its
/// leading blanks. This comes before everything else: it holds in comments too.
pub(super) fn join(text: &str) -> Joined {
    let mut joined = Joined::of(text);
    let mut offset = 0;
    let mut continued = false;
    for line in text.split_inclusive('\n') {
        let blanks =
            if continued { line.len() - line.trim_start_matches(is_space).len() } else { 0 };
        let content = line.get(blanks..).unwrap_or_default().trim_end_matches(is_space);
        let end = offset + line.len() - usize::from(line.ends_with('\n'));
        match content.strip_suffix('\\') {
            Some(content) => {
                joined.push(content, offset + blanks);
                continued = true;
            }
            None => {
                joined.push(content, offset + blanks);
                joined.push("\n", end);
                continued = false;
            }
        }
        offset += line.len();
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn where_joined_lines_begin() {
        assert_eq!(logical_start("a\nb\\\nc\\\nd\ne\n", 4), 2);
        assert_eq!(logical_start("a\nb\\\nc\\\nd\ne\n", 5), 5);
        assert_eq!(logical_start("", 1), 1);
    }
}
