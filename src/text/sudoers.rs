//! `sudoers`: who may become whom.

use std::collections::BTreeMap;

use super::joined::joined_lines;

/// A rule: somebody may run commands as somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SudoRule {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Who: names, `%group`, `#number`, `ALL`; one with `!` before it is not meant.
    pub who: Vec<String>,
    /// As whom: the names in its brackets; root where there are none.
    pub runas: Vec<String>,
    /// Whether all commands are meant.
    pub all_commands: bool,
    /// Whether no password is asked.
    pub no_password: bool,
}

/// What a file of sudo's says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sudoers {
    /// Its rules.
    pub rules: Vec<SudoRule>,
    /// Files and directories that it includes, in their order: the line, the path, and whether it is
    /// a directory.
    pub includes: Vec<(usize, String, bool)>,
    /// `User_Alias` and `Runas_Alias`.
    pub aliases: BTreeMap<String, Vec<String>>,
}

/// Reads a file; lines that are neither are passed over.
pub fn parse(text: &str) -> Sudoers {
    let mut all = Sudoers::default();
    for (line, text) in joined_lines(text, |_| false) {
        let text = text.trim();
        let include = [
            ("@includedir", true),
            ("#includedir", true),
            ("@include", false),
            ("#include", false),
        ];
        let found = include.iter().find_map(|(word, dir)| {
            let rest = text.strip_prefix(word)?;
            rest.starts_with([' ', '\t']).then(|| (rest.trim().trim_matches('"'), *dir))
        });
        if let Some((path, dir)) = found {
            all.includes.push((line, path.to_owned(), dir));
            continue;
        }
        let text = text.split('#').next().filter(|head| !head.trim().is_empty());
        // `#1000` is a number, not a comment; such rules begin with it or have it behind `%`.
        let Some(text) = text else { continue };
        let first = text.split_whitespace().next().unwrap_or_default();
        match first {
            "User_Alias" | "Runas_Alias" => {
                for part in text[first.len()..].split(':') {
                    if let Some((name, names)) = part.split_once('=') {
                        all.aliases.insert(name.trim().to_owned(), list(names));
                    }
                }
            }
            "Host_Alias" | "Cmnd_Alias" | "Cmd_Alias" => {}
            _ if first.starts_with("Defaults") => {}
            _ => all.rules.extend(rule(line, text)),
        }
    }
    all
}

fn rule(line: usize, text: &str) -> Option<SudoRule> {
    let (left, commands) = text.split_once('=')?;
    // The last word of the left side is the list of hosts.
    let left = left.replace(" ,", ",").replace(", ", ",");
    let (who, _hosts) = left.trim().rsplit_once(char::is_whitespace)?;
    let mut commands = commands.trim();
    let mut runas = vec!["root".to_owned()];
    if let Some((inside, rest)) = commands.strip_prefix('(').and_then(|c| c.split_once(')')) {
        let users = inside.split(':').next().unwrap_or_default();
        if !users.trim().is_empty() {
            runas = list(users);
        }
        commands = rest.trim();
    }
    let mut no_password = false;
    while let Some((tag, rest)) = commands.split_once(':') {
        let tag = tag.trim();
        if tag.is_empty() || !tag.bytes().all(|b| b.is_ascii_uppercase() || b == b'_') {
            break;
        }
        no_password |= tag == "NOPASSWD";
        commands = rest.trim();
    }
    let all_commands = list(commands).iter().any(|command| command == "ALL");
    Some(SudoRule { line, who: list(who), runas, all_commands, no_password })
}

fn list(text: &str) -> Vec<String> {
    text.split(',').map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_and_includes() {
        let read = parse(
            "Defaults env_reset\n# x\nUser_Alias OPS = ann, bob\nroot ALL=(ALL:ALL) ALL\n\
             %sudo\tALL=(ALL:ALL) NOPASSWD: ALL\nOPS ALL = /bin/ls\nann, eve ALL=(app) NOPASSWD:\\\n \
             /x, /y\n@includedir /etc/sudoers.d\n#include /etc/more\n",
        );
        let of = |n: usize| &read.rules[n];
        assert_eq!(read.rules.len(), 4);
        assert_eq!(
            (of(0).who.join(","), of(0).all_commands, of(0).no_password),
            ("root".into(), true, false)
        );
        assert_eq!(
            (of(1).who.join(","), of(1).all_commands, of(1).no_password),
            ("%sudo".into(), true, true)
        );
        assert_eq!(
            (of(2).who.join(","), of(2).runas.join(","), of(2).all_commands),
            ("OPS".into(), "root".into(), false)
        );
        assert_eq!(
            (of(3).who.join(","), of(3).runas.join(","), of(3).line),
            ("ann,eve".into(), "app".into(), 7)
        );
        assert_eq!(
            read.includes,
            [(9, "/etc/sudoers.d".to_owned(), true), (10, "/etc/more".to_owned(), false)]
        );
        assert_eq!(read.aliases["OPS"], ["ann", "bob"]);
    }
}
