//! `softdep` lines: what is loaded before and after a module.
//!
//! Where the first line that is about a module has something to load, kmod loads the module itself,
//! whatever its `install` line says.

use std::collections::BTreeMap;

use super::{Edit, Logical, apply, logical, normal};
use crate::text::DISABLED;
use crate::text::pattern::{self, Wildcards};

/// A `softdep` line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Softdep {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Which modules, as it is spelled.
    pub spelled: String,
    /// Which modules, as kmod compares them: a shell pattern with `_` for `-`.
    pub pattern: String,
    /// The rest of the line, blanks around it taken away.
    pub rest: String,
}

impl Softdep {
    /// Whether it names exactly this module ([`normal`] form).
    pub fn names(&self, module: &str) -> bool {
        self.pattern == module
    }

    /// Whether it is about this module, by name or by pattern.
    pub fn matches(&self, module: &str) -> bool {
        pattern::matches(Wildcards::Libc, self.pattern.as_bytes(), module.as_bytes())
    }

    /// What is to be loaded, in [`normal`] form: the words behind `pre:` and `post:`.
    pub fn loads(&self) -> Vec<String> {
        let words = self.rest.split(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        let mut listed = false;
        let mut out = Vec::new();
        for word in words.filter(|word| !word.is_empty()) {
            match word {
                "pre:" | "post:" => listed = true,
                word if listed => out.push(normal(word)),
                _ => {}
            }
        }
        out
    }
}

/// Every `softdep` line, in order. The first one that is about a module counts for it.
pub fn softdeps(text: &str) -> Vec<Softdep> {
    logical(text).filter_map(|line| line.softdep()).collect()
}

/// What a name is an alias of in this file, or has a command for: kmod then takes it for a module.
pub fn is_known(text: &str, name: &str) -> bool {
    logical(text).any(|line| {
        let Some((verb, first, _)) = line.words() else { return false };
        match verb {
            "alias" => {
                let first = normal(first);
                pattern::matches(Wildcards::Libc, first.as_bytes(), name.as_bytes())
            }
            "install" | "remove" => normal(first) == name,
            _ => false,
        }
    })
}

/// Takes away what the file loads beside `name`: its own lines become comments, and a pattern,
/// which may be about other modules too, is preceded by a line for this one with nothing to load.
pub fn alone(text: &str, name: &str) -> String {
    let module = normal(name);
    let mut edits = BTreeMap::new();
    for line in logical(text) {
        let Some(found) = line.softdep() else { continue };
        if found.loads().is_empty() {
            if found.matches(&module) {
                break;
            }
        } else if found.names(&module) {
            // The comment swallows the lines that were joined to this one.
            let first = line.first.strip_suffix('\n').unwrap_or(line.first);
            let edit = Edit { replace: Some(format!("{DISABLED}{first}")), ..Edit::default() };
            edits.insert(line.line, edit);
        } else if found.matches(&module) {
            let before = vec![format!("softdep {name} pre:")];
            edits.insert(line.line, Edit { before, ..Edit::default() });
            break;
        }
    }
    apply(text, &edits)
}

impl Logical<'_> {
    fn softdep(&self) -> Option<Softdep> {
        let (verb, module, rest) = self.words()?;
        (verb == "softdep" && !rest.is_empty()).then(|| Softdep {
            line: self.line,
            spelled: module.to_owned(),
            pattern: normal(module),
            rest: rest.trim_matches([' ', '\t']).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reading() {
        for (text, want) in [
            ("softdep hfs pre: jffs2\n", vec!["1:hfs=jffs2"]),
            ("softdep usb-storage post: a-b pre: c", vec!["1:usb_storage=a_b,c"]),
            ("\tsoftdep \\\n hfs* pre:\x0bx\r\n", vec!["1:hfs*=x"]),
            ("softdep hfs jffs2 pre:\n", vec!["1:hfs="]),
            ("softdep hfs pre:x\n", vec!["1:hfs="]),
            ("softdep hfs\n#softdep hfs pre: x\nSoftdep hfs pre: x\n", vec![]),
        ] {
            let show = |s: Softdep| format!("{}:{}={}", s.line, s.pattern, s.loads().join(","));
            let found: Vec<String> = softdeps(text).into_iter().map(show).collect();
            assert_eq!(found, want, "{text:?}");
        }
    }

    #[test]
    fn names_that_are_modules() {
        let text = "alias fs-* hfs\ninstall a-b /bin/true\nremove c x\nblacklist d\n";
        for (name, known) in [("fs_x", true), ("a_b", true), ("c", true), ("d", false)] {
            assert_eq!(is_known(text, name), known, "{name}");
        }
    }

    #[test]
    fn leaving_a_module_alone() {
        for (text, want) in [
            (
                "softdep hfs pre: x\nsoftdep b pre: x",
                "# gokaku: softdep hfs pre: x\nsoftdep b pre: x",
            ),
            ("softdep hfs \\\n pre: x\n", "# gokaku: softdep hfs \\\n pre: x\n"),
            ("softdep h* pre: x\n", "softdep hfs pre:\nsoftdep h* pre: x\n"),
            ("softdep hfs pre:\nsoftdep hfs pre: x\n", "softdep hfs pre:\nsoftdep hfs pre: x\n"),
        ] {
            assert_eq!(alone(text, "hfs"), want, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_left_alone_loads_nothing(
            text in "((softdep (a-b|a_b|a\\*|\\*|b|a) (pre:|post:)?( [ab])?|install a x)( \\\\)?\n){0,6}"
        ) {
            let once = alone(&text, "a-b");
            let first = softdeps(&once).into_iter().find(|s| s.matches("a_b"));
            prop_assert!(first.is_none_or(|s| s.loads().is_empty()), "{once:?}");
            prop_assert_eq!(alone(&once, "a-b"), once.clone());
            for other in ["a", "b"] {
                let first = |text: &str| {
                    softdeps(text).into_iter().find(|s| s.matches(other)).map(|s| s.loads())
                };
                prop_assert_eq!(first(&once), first(&text), "{}", other);
            }
        }

        #[test]
        fn nothing_panics(text in any::<String>(), name in any::<String>()) {
            softdeps(&alone(&text, &name));
        }
    }
}
