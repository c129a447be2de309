//! Every assignment in a file that a shell reads (`/etc/default/grub`, `/etc/ufw/ufw.conf`),
//! whatever the branch: where `shell_var` says what one variable surely is, this leaves nothing out.
//!
//! Reading only. No expansion: a `$` stays in the value and the caller decides what it means.

use super::script::{Part, commands};

/// One assignment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Assignment {
    /// The line its command begins in, from 1.
    pub line: usize,
    /// The variable's name.
    pub name: String,
    /// Whether it is `+=`.
    pub append: bool,
    /// The value, quotes and escapes taken away.
    pub value: String,
}

/// Every assignment that outlives its command, in order.
pub fn assignments(text: &str) -> Vec<Assignment> {
    let mut out = Vec::new();
    for command in commands(text).iter().filter(|c| !c.aside) {
        for word in command.declarations() {
            let Some((name, append, parts)) = word.assignment() else { continue };
            let value: String = parts.iter().map(shown).collect();
            // Some editors end lines with a carriage return.
            let value = value.strip_suffix('\r').unwrap_or(&value).to_owned();
            out.push(Assignment { line: command.line, name: name.to_owned(), append, value });
        }
    }
    out
}

fn shown(part: &Part) -> String {
    match part {
        Part::Text(text) | Part::Other(text) => text.clone(),
        Part::Variable(name) => format!("${name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(text: &str) -> Vec<String> {
        let show = |v: Assignment| {
            format!("{}:{}{}={}", v.line, v.name, if v.append { "+" } else { "" }, v.value)
        };
        assignments(text).into_iter().map(show).collect()
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
            assignments(&text);
        }

        #[test]
        fn quoted_values_come_back(value in "[a-z =.,;#$-]{0,20}") {
            let found = assignments(&format!("X='{value}'\n"));
            prop_assert_eq!(&found[0].value, &value);
        }
    }
}
