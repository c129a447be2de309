//! What a traced run had changed and not yet synced when something began to rely on it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use regex::Regex;

/// How much a run did.
#[derive(Debug, Default)]
pub struct Count {
    pub changes: usize,
    pub syncs: usize,
}

/// Follows the calls of a run on `root`, whose journals lie beside it. `Err`: the first call that
/// came too early, and what was not on disk then.
pub fn check(trace: &str, root: &Path) -> Result<Count, String> {
    let call = Regex::new(r"^\d+ +(\w+)\((.*)\) += (-?\d+)").unwrap();
    let held = Regex::new(r"^\d+<([^>]*)>").unwrap();
    let named = Regex::new(r#"(?:(?:\d+|AT_FDCWD)<([^>]*)>, )?"([^"]*)""#).unwrap();
    let top = root.parent().unwrap();
    let mut dirty: BTreeSet<PathBuf> = BTreeSet::new();
    let (mut seen, mut begun) = (Count::default(), false);
    for line in trace.lines() {
        let Some(found) = call.captures(line).filter(|c| !c[3].starts_with('-')) else { continue };
        let (name, args) = (&found[1], &found[2]);
        let held = held.captures(args).map(|c| PathBuf::from(&c[1]));
        let path = |c: regex::Captures<'_>| {
            Path::new(c.get(1).map_or("/", |dir| dir.as_str())).join(&c[2])
        };
        let paths: Vec<PathBuf> = match name {
            "write" => Vec::new(),
            _ => named.captures_iter(args).map(path).collect(),
        };
        let above = |path: &PathBuf| path.parent().unwrap().to_owned();
        let mut changed = Vec::new();
        match name {
            "openat" if args.contains("O_CREAT") => {
                changed.extend([above(&paths[0]), paths[0].clone()]);
            }
            "write" | "fchmod" | "fchown" | "fsetxattr" | "fremovexattr" => changed.extend(held),
            // The times of links, which cannot be synced, have a name here.
            "utimensat" if paths.is_empty() => changed.extend(held),
            "mkdir" | "mkdirat" => changed.push(above(&paths[0])),
            "symlinkat" => changed.push(above(paths.last().unwrap())),
            "unlink" | "unlinkat" | "rmdir" => {
                dirty.remove(&paths[0]);
                changed.push(above(&paths[0]));
            }
            "rename" | "renameat" | "renameat2" => {
                if dirty.contains(&paths[0]) {
                    return Err(format!("renamed before it was synced: {line}"));
                }
                dirty.retain(|path| !path.starts_with(&paths[0]));
                changed.extend(paths.iter().map(above));
            }
            "fsync" => {
                seen.syncs += usize::from(dirty.remove(&held.unwrap()));
                continue;
            }
            _ => continue,
        }
        changed.retain(|path| path.starts_with(top));
        if changed.is_empty() {
            continue;
        }
        seen.changes += 1;
        // The first change of the tree needs a whole journal; a journal that is renamed needs a tree.
        let of_root = changed[0].starts_with(root);
        let needed: Vec<&PathBuf> = match (of_root, name.starts_with("rename")) {
            (true, _) if !begun => dirty.iter().filter(|path| !path.starts_with(root)).collect(),
            (false, true) => dirty.iter().filter(|path| path.starts_with(root)).collect(),
            _ => Vec::new(),
        };
        if !needed.is_empty() {
            return Err(format!("not synced: {needed:?} at {line}"));
        }
        begun |= of_root;
        dirty.extend(changed);
    }
    let left = dirty.iter().find(|path| path.starts_with(root));
    left.map_or(Ok(seen), |path| Err(format!("never synced: {path:?}")))
}
