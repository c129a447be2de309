//! A plan for `patch -p1`. What a patch cannot hold stands in remarks, which `patch` passes over: a
//! command behind `# $`, or why something is left out.

use std::fmt::Write;

use crate::message::Lang;
use crate::report::fixes::{Patch, Step, in_the_root, messages};
use crate::rootfs::escape;

/// The patch, with its remarks in a language.
pub(super) fn render(patch: &Patch, lang: Lang) -> String {
    let head = match patch.entries.is_empty() {
        true => messages::patch_nothing(),
        false => messages::patch_head(),
    };
    let mut out = format!("# {}\n", head.text(lang));
    for entry in &patch.entries {
        let rules: Vec<String> = entry.rules.iter().map(ToString::to_string).collect();
        // Writing to a String cannot fail.
        let _ = writeln!(out, "#\n# {} ({})", entry.path, rules.join(" "));
        for step in &entry.steps {
            let _ = match step {
                Step::Diff { text, .. } => write!(out, "{text}"),
                Step::Run { words, .. } => writeln!(out, "# $ {}", in_the_root(words)),
                Step::Left { why, .. } => {
                    let left = messages::patch_left(why).text(lang);
                    writeln!(out, "# {}", escape(left.as_bytes()))
                }
            };
        }
    }
    out
}
