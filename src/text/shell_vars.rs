//! Variables set in a file that a shell reads (`/etc/default/grub`, `/etc/ufw/ufw.conf`).
//!
//! Reading only. No expansion: a `$` stays in the value and the caller decides what it means.

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Its name.
    pub name: String,
    /// Whether it is `+=`.
    pub append: bool,
    /// The value, quotes and escapes taken away.
    pub value: String,
}

/// Every assignment, in order. Comments hold none; quotes may span lines.
pub fn variables(text: &str) -> Vec<Variable> {
    let mut out = Vec::new();
    let mut rest = text.chars().peekable();
    let mut line = 1;
    // Assignments stand before the command of a statement, or after `export`.
    let mut leading = true;
    while let Some(&c) = rest.peek() {
        match c {
            '\n' | ';' | '&' | '|' => {
                line += usize::from(c == '\n');
                leading = true;
                rest.next();
            }
            c if c.is_whitespace() => {
                rest.next();
            }
            '#' => while rest.next_if(|c| *c != '\n').is_some() {},
            _ => {
                let start = line;
                let (raw_head, word) = word(&mut rest, &mut line);
                if !leading {
                    continue;
                }
                match assignment(&raw_head, &word) {
                    Some((name, append, value)) => {
                        out.push(Variable { line: start, name, append, value });
                    }
                    None => {
                        leading = matches!(word.as_str(), "export" | "then" | "else" | "do" | "{");
                    }
                }
            }
        }
    }
    out
}

/// One word: its unquoted beginning (where a name and `=` must stand), and all of it unquoted.
fn word(rest: &mut std::iter::Peekable<std::str::Chars<'_>>, line: &mut usize) -> (String, String) {
    let (mut head, mut out) = (String::new(), String::new());
    let mut plain = true;
    let mut quote = None;
    while let Some(&c) = rest.peek() {
        if quote.is_none() && (c.is_whitespace() || matches!(c, ';' | '&' | '|')) {
            break;
        }
        rest.next();
        *line += usize::from(c == '\n');
        match (quote, c) {
            (None, '\'' | '"') => {
                quote = Some(c);
                plain = false;
            }
            (Some(q), c) if q == c => quote = None,
            (None | Some('"'), '\\') => {
                plain = false;
                if let Some(next) = rest.next() {
                    if next == '\n' {
                        *line += 1;
                    } else {
                        if quote.is_some() && !matches!(next, '$' | '`' | '"' | '\\') {
                            out.push('\\');
                        }
                        out.push(next);
                    }
                }
            }
            _ => {
                out.push(c);
                if plain {
                    head.push(c);
                }
            }
        }
    }
    (head, out)
}

fn assignment(head: &str, word: &str) -> Option<(String, bool, String)> {
    let eq = head.find('=')?;
    let (name, value) = (head.get(..eq)?, word.get(eq + 1..)?);
    let (name, append) = match name.strip_suffix('+') {
        Some(name) => (name, true),
        None => (name, false),
    };
    let good = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    good.then(|| (name.to_owned(), append, value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |v: Variable| {
            format!("{}:{}{}={}", v.line, v.name, if v.append { "+" } else { "" }, v.value)
        };
        variables(text).into_iter().map(show).collect()
    }

    #[test]
    fn table() {
        for (text, want) in [
            ("", vec![]),
            ("A=1", vec!["1:A=1"]),
            ("  A=1\nB=2\n", vec!["1:A=1", "2:B=2"]),
            ("#A=1\n # B=2\n", vec![]),
            ("A=1 # note\n", vec!["1:A=1"]),
            ("A=1#2\n", vec!["1:A=1#2"]),
            ("export A='x y'", vec!["1:A=x y"]),
            ("A=\"x y\"; B=z", vec!["1:A=x y", "1:B=z"]),
            ("A=\"$A x\"", vec!["1:A=$A x"]),
            ("A+=\" x\"", vec!["1:A+= x"]),
            ("A=\"x\ny\"\nB=1", vec!["1:A=x\ny", "3:B=1"]),
            ("A=\"x\\\ny\"\nB=1", vec!["1:A=xy", "3:B=1"]),
            ("A=\"a\\\"b\\n\"", vec!["1:A=a\"b\\n"]),
            ("A =1", vec![]),
            ("echo A=1", vec![]),
            ("if x; then A=1; fi", vec!["1:A=1"]),
            ("9A=1", vec![]),
            ("\"A\"=1", vec![]),
            ("A=1\r\nB=2\r\n", vec!["1:A=1", "2:B=2"]),
            ("A=", vec!["1:A="]),
            ("A='unfinished", vec!["1:A=unfinished"]),
        ] {
            assert_eq!(shown(text), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            variables(&text);
        }

        #[test]
        fn quoted_values_come_back(value in "[a-z =.,;#$-]{0,20}") {
            let found = variables(&format!("X='{value}'\n"));
            prop_assert_eq!(&found[0].value, &value);
        }
    }
}
