//! The scope of filters at the beginning of a line.

/// The length of a selector at the beginning of `rest`.
pub(super) fn selector_len(rest: &str) -> Option<usize> {
    let bytes = rest.as_bytes();
    let run = |from: usize, good: fn(&u8) -> bool| {
        bytes.get(from..).unwrap_or_default().iter().take_while(|b| good(b)).count()
    };
    let names = run(0, |b| b.is_ascii_alphabetic() || *b == b'*');
    let digits = run(names, |b| (b'0'..=b'7').contains(b));
    let point = names + digits;
    let more = run(point + 1, |b| {
        b.is_ascii_alphabetic() || (b'0'..=b'7').contains(b) || b",!=;.*".contains(b)
    });
    let good = names > 0 && matches!(bytes.get(point), Some(b'.' | b',')) && more > 0;
    good.then_some(point + 1 + more)
}

/// The length of a property filter at the beginning of `rest`.
pub(super) fn property_len(rest: &str) -> Option<usize> {
    let blanks = |text: &str| text.len() - text.trim_start_matches(' ').len();
    let letters = |text: &str| {
        text.find(|c: char| !c.is_ascii_alphabetic() && c != '-').unwrap_or(text.len())
    };
    let mut at = 1;
    let mut name = rest.strip_prefix(':')?;
    for part in 0..2 {
        let mark = if part == 0 { '$' } else { '!' };
        if name.starts_with(mark) {
            at += 1;
            name = name.get(1..)?;
        }
        let len = letters(name);
        at += len;
        let after = name.get(len..)?;
        at += blanks(after);
        let after = after.get(blanks(after)..)?.strip_prefix(',')?;
        at += 1 + blanks(after);
        name = after.get(blanks(after)..)?;
        if len == 0 {
            return None;
        }
    }
    let value = name.strip_prefix('"')?;
    let mut escaped = false;
    for (i, c) in value.char_indices() {
        match c {
            '"' if !escaped => return Some(at + 1 + i + 1),
            c => escaped = c == '\\' && !escaped,
        }
    }
    None
}
