//! `modprobe.d`, as kmod reads it.

use gokaku::text::modprobe::{Install, block, installs, normal, repair};

use super::support::{chosen, kept, one_of};

const NAMES: [&str; 4] = ["cramfs", "usb-storage", "hfs", "hfsplus"];

/// What runs instead of loading: with the module on disk, and without.
fn runs(text: &str, module: &str) -> (Option<String>, Option<String>) {
    let all = installs(text);
    let command = |i: &Install| i.command.clone();
    let on = all.iter().find(|i| i.matches(module)).map(command);
    (on, all.iter().find(|i| i.names(module)).map(command))
}

fn blocks(command: &str) -> bool {
    installs(&format!("install x {command}\n")).first().is_some_and(|i| i.blocks())
}

/// What is blocked stays out, what is repaired has nothing against it, and other modules load as
/// they did.
pub fn run(data: &[u8]) {
    let (pick, text) = chosen(data);
    let (name, pick) = one_of(pick, &NAMES);
    let module = normal(name);
    // A line that is joined to the one before it is no line of its own.
    let foreign = |line: &str| !line.contains('\\') && !line.contains(name);
    let joined = text.contains('\\') || text.contains(['*', '?', '[']);

    let (what, _) = one_of(pick, &["block", "repair", "repair all"]);
    let edit = |text: &str| match what {
        "block" => block(text, name),
        _ => repair(text, name, what == "repair all"),
    };
    let new = edit(&text);
    assert_eq!(edit(&new), new, "twice is once");
    let (on, off) = runs(&new, &module);
    if what == "block" {
        let out = on.as_deref().is_some_and(blocks) && off.as_deref().is_some_and(blocks);
        assert!(out, "{new:?}");
    } else {
        assert!(off.as_deref().is_none_or(blocks), "{new:?}");
        assert!(what != "repair all" || on.as_deref().is_none_or(blocks), "{new:?}");
    }
    // A backslash at the very end stands for the file's end mark, until something follows it.
    if text.ends_with('\\') {
        return;
    }
    for other in NAMES.into_iter().filter(|n| *n != name).map(normal) {
        assert_eq!(runs(&text, &other), runs(&new, &other), "{other}: {new:?}");
    }
    if !joined && !text.contains(&module) {
        kept(&text, &new, foreign);
    }
}
