//! `access.conf`, which pam_access reads: who may log in from where.

use super::joined::joined_lines;

/// A line: `permission : users : origins`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The line, from 1.
    pub line: usize,
    /// Whether it lets in.
    pub allows: bool,
    /// The words of its field of users.
    pub users: Vec<String>,
    /// The words of its field of origins.
    pub origins: Vec<String>,
}

/// Whether something fits a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fits {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// That cannot be said from the file alone.
    Perhaps,
}

/// The lines of the file in their order; those that the module passes over are left out. A backslash
/// at its end joins a line with the next.
pub fn entries(text: &str, field_separator: char, list_separators: &[char]) -> Vec<Entry> {
    let lines = joined_lines(text, |_| false).into_iter();
    lines.filter_map(|(line, text)| entry(&text, line, field_separator, list_separators)).collect()
}

fn entry(text: &str, line: usize, field: char, lists: &[char]) -> Option<Entry> {
    let text = text.trim();
    if text.starts_with('#') {
        return None;
    }
    let mut fields = text.splitn(3, field);
    let allows = match fields.next()?.trim() {
        "+" => true,
        "-" => false,
        _ => return None,
    };
    let mut words = || -> Option<Vec<String>> {
        let words = fields.next()?.split(lists).map(str::trim).filter(|word| !word.is_empty());
        Some(words.map(str::to_owned).collect())
    };
    Some(Entry { line, allows, users: words()?, origins: words()? })
}

/// Whether a list fits: one of its words does, and none of those behind `EXCEPT`.
pub fn list_fits(words: &[String], fits: &dyn Fn(&str) -> Fits) -> Fits {
    let mut parts = words.splitn(2, |word| word == "EXCEPT");
    let any = |words: &[String]| {
        let mut best = Fits::No;
        for word in words {
            match fits(word) {
                Fits::Yes => return Fits::Yes,
                Fits::Perhaps => best = Fits::Perhaps,
                Fits::No => {}
            }
        }
        best
    };
    let found = any(parts.next().unwrap_or_default());
    let Some(rest) = parts.next().filter(|_| found != Fits::No) else { return found };
    match list_fits(rest, fits) {
        Fits::Yes => Fits::No,
        Fits::No => found,
        Fits::Perhaps => Fits::Perhaps,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTS: &[char] = &[',', ' ', '\t'];

    #[test]
    fn lines_have_three_fields() {
        let text = "# x\n+ : root bob : ALL\n-:ALL EXCEPT \\\n root:ALL\nx:y:z\n+:a\n";
        let read = entries(text, ':', LISTS);
        let short: Vec<_> = read.iter().map(|e| (e.line, e.allows, e.users.join(" "))).collect();
        assert_eq!(
            short,
            [(2, true, "root bob".to_owned()), (3, false, "ALL EXCEPT root".to_owned())]
        );
        assert_eq!(read[1].origins, ["ALL"]);
    }

    #[test]
    fn exceptions_nest() {
        let of = |list: &str, name: &str| {
            let words: Vec<String> = list.split(' ').map(str::to_owned).collect();
            list_fits(&words, &|word| match word {
                "@net" => Fits::Perhaps,
                word if word == "ALL" || word == name => Fits::Yes,
                _ => Fits::No,
            })
        };
        assert_eq!(of("ALL", "a"), Fits::Yes);
        assert_eq!(of("ALL EXCEPT a", "a"), Fits::No);
        assert_eq!(of("ALL EXCEPT a", "b"), Fits::Yes);
        assert_eq!(of("ALL EXCEPT a b EXCEPT a", "a"), Fits::Yes);
        assert_eq!(of("@net", "a"), Fits::Perhaps);
        assert_eq!(of("ALL EXCEPT @net", "a"), Fits::Perhaps);
        assert_eq!(of("b", "a"), Fits::No);
    }
}
