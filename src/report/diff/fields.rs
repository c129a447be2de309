//! What changes in `shadow` and `gshadow`, field by field: `bob: max 99999 -> 365`.
//!
//! Only the kind of a password field is shown, only the names of a list, only the digits of a number of
//! days: what a shifted field holds may be a secret.

use std::fmt::Write;

use super::kind_of_secret;
use crate::rootfs::show_name;

const SHADOW: [&str; 9] =
    ["name", "password", "changed", "min", "max", "warn", "inactive", "expire", "reserved"];
const GSHADOW: [&str; 4] = ["name", "password", "administrators", "members"];

/// The names of the fields of a file whose content never shows; `None` for any other file.
pub(super) fn of(path: &[u8]) -> Option<&'static [&'static str]> {
    match path {
        b"/etc/shadow" | b"/etc/shadow-" => Some(&SHADOW),
        b"/etc/gshadow" | b"/etc/gshadow-" => Some(&GSHADOW),
        _ => None,
    }
}

/// One line for every field that changes, and for every line that comes or goes. Rules change
/// fields in place and add lines; lines that change places show as gone and come.
pub(super) fn render(old: &[u8], new: &[u8], fields: &[&str]) -> String {
    let (old, new) = (lines(old), lines(new));
    let (mut before, mut after) = (old.as_slice(), new.as_slice());
    let mut out = String::new();
    loop {
        match (before, after) {
            ([a, old @ ..], [b, new @ ..]) if name(a) == name(b) => {
                changed(&mut out, a, b, fields);
                (before, after) = (old, new);
            }
            ([a, old @ ..], _) if before.len() >= after.len() => {
                whole(&mut out, "line removed", a, fields);
                before = old;
            }
            (_, [b, new @ ..]) => {
                whole(&mut out, "new line", b, fields);
                after = new;
            }
            _ => return out,
        }
    }
}

fn lines(text: &[u8]) -> Vec<&[u8]> {
    let mut lines: Vec<&[u8]> = text.split(|b| *b == b'\n').collect();
    if lines.last().is_some_and(|last| last.is_empty()) {
        lines.pop();
    }
    lines
}

fn name(line: &[u8]) -> &[u8] {
    line.split(|b| *b == b':').next().unwrap_or_default()
}

fn split(line: &[u8]) -> Vec<&[u8]> {
    line.split(|b| *b == b':').collect()
}

fn changed(out: &mut String, old: &[u8], new: &[u8], names: &[&str]) {
    if old == new {
        return;
    }
    let (old, new) = (split(old), split(new));
    if old.len() != names.len() || new.len() != names.len() {
        out.push_str("# (malformed line)\n");
        return;
    }
    for (index, field) in names.iter().enumerate() {
        let pair = (old.get(index), new.get(index));
        if let (Some(a), Some(b)) = pair
            && a != b
        {
            let (who, a, b) = (who(&old), shown(field, a), shown(field, b));
            // Writing to a String cannot fail.
            let _ = writeln!(out, "# {who}: {field} {a} -> {b}");
        }
    }
}

fn whole(out: &mut String, what: &str, line: &[u8], names: &[&str]) {
    let fields = split(line);
    if fields.len() != names.len() {
        let _ = writeln!(out, "# {what}: (malformed)");
        return;
    }
    let told: Vec<String> = names
        .iter()
        .zip(&fields)
        .skip(1)
        .filter(|(_, value)| !value.is_empty())
        .map(|(field, value)| format!("{field} {}", shown(field, value)))
        .collect();
    let _ = writeln!(out, "# {}: {what}: {}", who(&fields), told.join(", "));
}

fn who(fields: &[&[u8]]) -> String {
    show_name(fields.first().copied().unwrap_or_default())
}

fn shown(field: &str, value: &[u8]) -> String {
    match field {
        _ if value.is_empty() => "none".to_owned(),
        "password" => kind_of_secret(value).to_owned(),
        "administrators" | "members" => {
            let names: Vec<String> = value.split(|b| *b == b',').map(show_name).collect();
            names.join(",")
        }
        _ => match std::str::from_utf8(value) {
            Ok(days) if days.len() <= 9 && days.trim_start_matches('-').parse::<u32>().is_ok() => {
                days.to_owned()
            }
            _ => "(no number)".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_told_by_name() {
        let old = b"root:*:1:0:99999:7:::\nbob:$6$S:1:0:99999:7:::\nx:!:1::::::\n";
        let new =
            b"root:*:1:0:99999:7:::\nbob:!$6$S:1:1:365:7:::\nx:!:1::::::\neve:!:20000::::::\n";
        assert_eq!(
            render(old, new, &SHADOW),
            "# bob: password (hash) -> !(hash)\n# bob: min 0 -> 1\n# bob: max 99999 -> 365\n\
             # eve: new line: password !, changed 20000\n"
        );
        let (old, new) = (b"adm:!::a\nshadow:*::bob,$6$S\n", b"adm:!::a\nshadow:*::\n");
        assert_eq!(
            render(old, new, &GSHADOW),
            "# shadow: members bob,(a name not shown) -> none\n"
        );
    }

    #[test]
    fn malformed_lines_hide_everything() {
        let old = b"bob:SECRET\n$6$SECRET:x:1::::::\nc:x:SECRET::::::\nd:SECRET:1::::::\n";
        let new = b"bob:!\n$6$SECRET:!:1::::::\nc:x:5::::::\n+SECRET/::0::::::\ngone\n";
        let text = render(old, new, &SHADOW);
        assert!(!text.contains("SECRET"), "{text}");
        for want in ["# (malformed line)", "(a name not shown): password", "(no number) -> 5"] {
            assert!(text.contains(want), "{want}: {text}");
        }
        assert!(render(b"", b"", &SHADOW).is_empty());
    }
}
