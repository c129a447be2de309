//! The rules of sudo, with what its file includes.

use std::rc::Rc;

use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::lossless;
use crate::text::sudoers::{SudoRule, Sudoers, parse};

/// As deep as sudo goes is 128; real files go two.
const MOST_FILES: usize = 200;
const LIMIT: u64 = 1 << 20;

/// A rule and where it stands; aliases are replaced by what they stand for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rule {
    /// The file.
    pub path: ImagePath,
    /// The line, from 1.
    pub line: usize,
    /// Who: names, `%group`, `#number`, `ALL`.
    pub who: Vec<String>,
    /// As whom.
    pub runas: Vec<String>,
    /// It lets somebody do everything as root.
    pub makes_root: bool,
    /// No password is asked.
    pub no_password: bool,
}

/// All rules of a tree.
#[derive(Debug, Default)]
pub(crate) struct Sudo {
    /// In the order in which sudo reads them.
    pub rules: Vec<Rule>,
}

impl Sudo {
    /// Those of the tree; none where there is no sudo.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn of(root: &dyn Rootfs) -> Result<Rc<Sudo>> {
        root.memo().derived(|| {
            let mut read: Vec<(ImagePath, Sudoers)> = Vec::new();
            file(root, &ImagePath::parse("/etc/sudoers")?, &mut read)?;
            let aliases = |name: &str| read.iter().find_map(|(_, text)| text.aliases.get(name));
            let expand = |names: &[String]| {
                let mut all: Vec<String> = Vec::new();
                let mut todo: Vec<String> = names.to_vec();
                while let Some(name) = todo.pop() {
                    match aliases(&name).filter(|_| all.len() + todo.len() < 10_000) {
                        Some(more) if !all.contains(&name) => todo.extend(more.iter().cloned()),
                        _ => all.push(name),
                    }
                }
                all
            };
            let rule = |path: &ImagePath, rule: &SudoRule| {
                let runas = expand(&rule.runas);
                let root = runas.iter().any(|name| ["ALL", "root", "#0"].contains(&name.as_str()));
                Rule {
                    path: path.clone(),
                    line: rule.line,
                    who: expand(&rule.who),
                    makes_root: root && rule.all_commands,
                    runas,
                    no_password: rule.no_password,
                }
            };
            let rules =
                read.iter().flat_map(|(path, text)| text.rules.iter().map(move |r| (path, r)));
            Ok(Sudo { rules: rules.map(|(path, r)| rule(path, r)).collect() })
        })
    }

    /// The rules that let somebody with this name, number and groups do everything as root.
    pub fn makes_root<'a>(
        &'a self,
        name: &'a str,
        uid: u32,
        groups: &'a [String],
    ) -> impl Iterator<Item = &'a Rule> {
        let number = format!("#{uid}");
        let fits = move |word: &String| {
            word == "ALL"
                || word == name
                || *word == number
                || word.strip_prefix('%').is_some_and(|group| groups.iter().any(|g| g == group))
        };
        self.rules.iter().filter(move |rule| rule.makes_root && rule.who.iter().any(&fits))
    }
}

fn file(root: &dyn Rootfs, path: &ImagePath, read: &mut Vec<(ImagePath, Sudoers)>) -> Result<()> {
    if read.len() >= MOST_FILES || read.iter().any(|(known, _)| known == path) {
        return Ok(());
    }
    let Ok(Some(bytes)) = root.read_bytes(path, LIMIT) else { return Ok(()) };
    let text = parse(&lossless::decode(&bytes));
    let includes = text.includes.clone();
    read.push((path.clone(), text));
    for (_, include, is_dir) in includes {
        let Ok(include) = ImagePath::parse(&include) else { continue };
        if !is_dir {
            file(root, &include, read)?;
            continue;
        }
        let Ok(Some(names)) = root.list(&include) else { continue };
        for name in names.iter() {
            // sudo passes over names with a dot, and over backups.
            let shown = name.to_string_lossy();
            if !shown.contains('.') && !shown.ends_with('~') {
                file(root, &include.join(name)?, read)?;
            }
        }
    }
    Ok(())
}
