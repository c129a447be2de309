//! Text that fits a terminal: long lines go on below their own column.

use std::io::IsTerminal;

use textwrap::WordSeparator;
use textwrap::core::Word;

/// No narrower: a word in a line is not readable.
const NARROWEST: usize = 40;

/// The text as stdout shows it best: on a terminal no line is broken by its edge.
pub(super) fn fit(text: &str) -> String {
    let width = std::io::stdout().is_terminal().then(terminal_size::terminal_size).flatten();
    match width {
        Some((width, _)) => fitted(text, usize::from(width.0).max(NARROWEST)),
        None => text.to_owned(),
    }
}

fn fitted(text: &str, width: usize) -> String {
    let mut out = String::with_capacity(text.len());
    for line in text.lines() {
        let below = " ".repeat(column(line, width));
        let options = textwrap::Options::new(width)
            .subsequent_indent(&below)
            .break_words(false)
            .word_separator(WordSeparator::Custom(words));
        for part in textwrap::wrap(line, options) {
            out.push_str(part.trim_end());
            out.push('\n');
        }
    }
    out
}

/// The words of a line: between characters of East Asia, and at blanks; never inside a path or a
/// value, which are copied.
fn words(line: &str) -> Box<dyn Iterator<Item = Word<'_>> + '_> {
    let (mut all, mut start, mut end) = (Vec::new(), 0, 0);
    // Blanks separate, whatever stands behind them: by the rules of Unicode not before a `/`.
    for token in WordSeparator::AsciiSpace.find_words(line) {
        let last = end + token.word.len();
        for part in WordSeparator::UnicodeBreakProperties.find_words(token.word) {
            end += part.word.len() + part.whitespace.len();
            let next = line.get(end..last).and_then(|rest| rest.chars().next());
            let goes_on =
                part.word.ends_with(|c: char| c.is_ascii()) && next.is_some_and(|c| c.is_ascii());
            if end < last && !goes_on {
                all.extend(line.get(start..end).map(Word::from));
                start = end;
            }
        }
        end = last + token.whitespace.len();
        all.extend(line.get(start..end).map(Word::from));
        start = end;
    }
    Box::new(all.into_iter())
}

/// Where a line goes on: below its last column, or a little further in than it begins.
fn column(line: &str, width: usize) -> usize {
    let begin = line.len() - line.trim_start().len();
    let mut at = begin;
    let mut last = None;
    for part in line[begin..].split("  ") {
        at += part.len() + 2;
        if at < line.len() && !part.is_empty() {
            last = Some(at);
        }
    }
    let start = last
        .and_then(|last| line.get(..last + line[last..].len() - line[last..].trim_start().len()));
    match start.map(textwrap::core::display_width) {
        Some(column) if column <= width / 2 => column,
        _ => (begin + 2).min(width / 2),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_go_on_below_their_column() {
        for (line, width, want) in [
            ("short", 40, "short\n"),
            (
                "5.3.10     pass  L1  root does not log in over SSH at all",
                44,
                "5.3.10     pass  L1  root does not log in\n                     over SSH at all\n",
            ),
            (
                "    a text that begins further in goes on there",
                40,
                "    a text that begins further in goes\n      on there\n",
            ),
            (
                "一二三四五六七八九十一二三四五六七八九十一二",
                40,
                "一二三四五六七八九十一二三四五六七八九十\n  一二\n",
            ),
            ("a\n\nb", 40, "a\n\nb\n"),
        ] {
            assert_eq!(fitted(line, width), want);
        }
        let path = format!("/{}", "x/-".repeat(20));
        let line = format!("一二三 {path} 四五六七八九十");
        let want = format!("一二三\n  {path}\n  四五六七八九十\n");
        assert_eq!(fitted(&line, 40), want, "what is copied stays whole");
    }
}
