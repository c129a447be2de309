//! What the boot loader tells the kernel about one thing.
//!
//! Only looked at: the command line is a machine's way to boot, and it is not changed for a rule.

use std::rc::Rc;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::chain::units::names_in;
use crate::check::common::remedy;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::message::{Arg, Message};
use crate::rootfs::{CONFIG_LIMIT, ImagePath, Rootfs};
use crate::text::lossless::{self, Raw};
use crate::text::pattern::{Wildcards, matches};
use crate::text::shell_assignments::assignments;

/// The kernel is not given the argument `name` with any other value than those allowed. Where it
/// is given several times, the last one counts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BootArgument {
    /// The argument's name, without `=`.
    pub name: String,
    /// The values that are right, `*` standing for any characters; an argument without `=` has
    /// the empty one. Not giving the argument at all is always right.
    #[serde(default)]
    pub allow: Vec<String>,
}

const GRUB_CFG: &str = "/boot/grub/grub.cfg";
const DEFAULT: &str = "/etc/default/grub";
const DEFAULT_D: &str = "/etc/default/grub.d";
/// What an entry for a normal boot gets, in this order.
const VARIABLES: [&str; 2] = ["GRUB_CMDLINE_LINUX", "GRUB_CMDLINE_LINUX_DEFAULT"];

/// One word of a command line, and where it comes from.
#[derive(Debug)]
struct Word {
    text: String,
    path: ImagePath,
    line: usize,
}

impl Primitive for BootArgument {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let made = made(root)?;
        let next = next(root)?;
        if made.is_none() && next.is_none() {
            let note = Evidence::note_only(messages::no_grub(&self.name));
            return Ok(Finding::MetVacuously(vec![note]));
        }
        let mut gaps = Vec::new();
        let mut holding = Vec::new();
        for (path, command_lines) in [made, next].into_iter().flatten() {
            let mut given = Vec::new();
            for words in command_lines {
                given.extend(words.into_iter().rfind(|w| self.value(&w.text).is_some()));
            }
            if given.is_empty() {
                holding.push(Evidence::at(&path).note(messages::not_given(&self.name)));
            }
            for word in given {
                let Word { text, path, line } = &*word;
                let value = self.value(text).unwrap_or_default();
                let value = value.raw();
                let right =
                    self.allow.iter().any(|a| matches(Wildcards::Stars, a.as_bytes(), &value));
                let evidence = Evidence::at(path).line(*line).found(text.as_str());
                if right {
                    holding.push(evidence);
                    continue;
                }
                // What grub.cfg has was made from the settings.
                let made = path.as_bytes() == GRUB_CFG.as_bytes();
                let source = if made { DEFAULT.to_owned() } else { path.to_string() };
                let why = messages::gives(path, *line, text, source);
                let subject = Subject::new(SubjectKind::BootArgument, &self.name);
                gaps.push(remedy::none(audit, subject, evidence.want(self.wanted()), why));
            }
        }
        Ok(Finding::from_gaps(gaps, holding))
    }
}

impl BootArgument {
    fn value<'a>(&self, word: &'a str) -> Option<&'a str> {
        let (name, value) = word.split_once('=').unwrap_or((word, ""));
        // The kernel takes `-` and `_` in names for the same.
        let plain = |name: &str| name.replace('-', "_");
        (plain(name) == plain(&self.name)).then_some(value)
    }

    fn wanted(&self) -> Message {
        if self.allow.is_empty() {
            return messages::not_given(&self.name);
        }
        let values = self.allow.iter().map(|value| format!("`{}={value}`", self.name));
        messages::not_given_or(&self.name, Arg::names(values))
    }
}

type CommandLines = Option<(ImagePath, Vec<Vec<Rc<Word>>>)>;

/// A command line longer than this (words) is none; the kernel takes a few kilobytes.
const MAX_WORDS: usize = 512;

/// The command lines GRUB was given when its configuration was last made.
fn made(root: &dyn Rootfs) -> Result<CommandLines> {
    let path = ImagePath::parse(GRUB_CFG)?;
    let Some(bytes) = root.read_bytes(&path, CONFIG_LIMIT)? else { return Ok(None) };
    // Titles may be in any encoding; the arguments looked for are plain.
    let text = lossless::decode(&bytes);
    let mut command_lines = Vec::new();
    for (i, line) in text.lines().enumerate() {
        let mut words = line.split_whitespace();
        if !matches!(words.next(), Some("linux" | "linux16" | "linuxefi")) {
            continue;
        }
        let word = |text: &str| {
            let text = text.trim_matches(['"', '\'']).to_owned();
            Rc::new(Word { text, path: path.clone(), line: i + 1 })
        };
        command_lines.push(words.skip(1).map(word).collect());
    }
    Ok(Some((path, command_lines)))
}

/// The command line it would be given if it were made now.
fn next(root: &dyn Rootfs) -> Result<CommandLines> {
    let first = ImagePath::parse(DEFAULT)?;
    let mut paths = vec![first.clone()];
    let dir = ImagePath::parse(DEFAULT_D)?;
    for name in names_in(root, &dir)?.iter() {
        let bytes = name.as_encoded_bytes();
        if bytes.ends_with(b".cfg") && !bytes.starts_with(b".") {
            paths.push(dir.join(name)?);
        }
    }
    let mut values: [Vec<Rc<Word>>; 2] = Default::default();
    let mut any = false;
    for path in paths {
        let Some(text) = root.read(&path)? else { continue };
        any = true;
        for set in assignments(&text) {
            let Some(which) = VARIABLES.iter().position(|v| *v == set.name) else { continue };
            let mut words = Vec::new();
            if set.append {
                words.append(&mut values[which]);
            }
            for text in set.value.split_whitespace() {
                // A word that is one of the two variables stands for what it held until now.
                let name = text.trim_start_matches('$').trim_matches(['{', '}']);
                let inner = VARIABLES.iter().position(|v| text.starts_with('$') && *v == name);
                match inner.and_then(|i| values.get(i)) {
                    // Doubling again and again is no command line.
                    Some(held) if words.len() + held.len() < MAX_WORDS => {
                        words.extend(held.iter().cloned());
                    }
                    _ => words.push(Rc::new(Word {
                        text: text.to_owned(),
                        path: path.clone(),
                        line: set.line,
                    })),
                }
            }
            values[which] = words;
        }
    }
    Ok(any.then(|| (first, vec![values.concat()])))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{Run, check, gaps, outcome, reasons_on};
    use crate::rootfs::MemoryRootfs;

    const APPARMOR: &str = "boot_argument = { name = \"apparmor\", allow = [\"1\"] }";

    fn default(text: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(DEFAULT, text)
    }

    #[test]
    fn what_the_next_configuration_would_have() {
        for (text, met) in [
            ("", true),
            ("GRUB_CMDLINE_LINUX=\"\"\n", true),
            ("GRUB_CMDLINE_LINUX=\"apparmor=1 quiet\"\n", true),
            ("GRUB_CMDLINE_LINUX=\"quiet apparmor=0\"\n", false),
            ("#GRUB_CMDLINE_LINUX=\"apparmor=0\"\n", true),
            ("GRUB_CMDLINE_LINUX=apparmor=0\nGRUB_CMDLINE_LINUX=quiet\n", true),
            (
                "GRUB_CMDLINE_LINUX=apparmor=0\nGRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX a\"\n",
                false,
            ),
            ("GRUB_CMDLINE_LINUX=a\nGRUB_CMDLINE_LINUX+=\" apparmor=0\"\n", false),
            ("GRUB_CMDLINE_LINUX=apparmor=0\nGRUB_CMDLINE_LINUX_DEFAULT='apparmor=1'\n", true),
            ("GRUB_CMDLINE_LINUX=apparmor=1\nGRUB_CMDLINE_LINUX_DEFAULT='apparmor=0'\n", false),
            ("GRUB_CMDLINE_LINUX='xapparmor=0 apparmor_x=0 apparmor.y=0'\n", true),
            ("GRUB_CMDLINE_LINUX='apparmor'\n", false),
            ("GRUB_TERMINAL='apparmor=0'\n", true),
        ] {
            let want = if met { Outcome::Met } else { Outcome::NotMet };
            assert_eq!(outcome(check(APPARMOR).primitive(), &default(text)), want, "{text}");
        }
        let bomb =
            "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX $GRUB_CMDLINE_LINUX a\"\n".repeat(9999);
        assert_eq!(outcome(check(APPARMOR).primitive(), &default(&bomb)), Outcome::Met);
    }

    #[test]
    fn files_are_read_one_after_the_other() {
        let root = default("GRUB_CMDLINE_LINUX=apparmor=0\n")
            .file("/etc/default/grub.d/50-a.cfg", "GRUB_CMDLINE_LINUX=quiet\n");
        assert_eq!(outcome(check(APPARMOR).primitive(), &root), Outcome::Met);
        let root = root.file("/etc/default/grub.d/60.cfg", "\nGRUB_CMDLINE_LINUX='apparmor=0'\n");
        let why = reasons_on(check(APPARMOR).primitive(), &root).join(" ");
        assert!(why.starts_with("/etc/default/grub.d/60.cfg:2 gives the kernel `apparmor=0`"));
        let root =
            default("").file("/etc/default/grub.d/60.txt", "GRUB_CMDLINE_LINUX='apparmor=0'");
        assert_eq!(outcome(check(APPARMOR).primitive(), &root), Outcome::Met);
    }

    #[test]
    fn an_excluded_argument_says_why_it_stays() {
        let root = default("GRUB_CMDLINE_LINUX='apparmor=0 norandmaps'\n");
        let subject = Subject::new(SubjectKind::BootArgument, "apparmor");
        let scene = root.excluding(subject.clone());
        let apparmor = check(APPARMOR);
        assert_eq!(gaps(apparmor.primitive(), &scene)[0].subject, subject);
        let reasons = reasons_on(apparmor.primitive(), &scene);
        assert!(reasons[0].contains("apparmor is protected"), "{reasons:?}");
        let other = check("boot_argument = { name = \"norandmaps\" }");
        let reasons = reasons_on(other.primitive(), &scene);
        assert!(reasons[0].contains("remove it from /etc/default/grub and run"), "{reasons:?}");
    }

    #[test]
    fn what_was_made_counts_too() {
        let cfg = |line: &str| MemoryRootfs::new().file(GRUB_CFG, format!("# x\n\t{line}\n"));
        for (line, met) in [
            ("linux /vmlinuz root=x ro quiet", true),
            ("linux /vmlinuz root=x apparmor=0", false),
            ("linuxefi /vmlinuz \"apparmor=0\"", false),
            ("linux /vmlinuz apparmor=0 apparmor=1", true),
            ("initrd /apparmor apparmor=0", true),
            ("#linux /vmlinuz apparmor=0", true),
            ("linux apparmor=0", true),
        ] {
            let want = if met { Outcome::Met } else { Outcome::NotMet };
            assert_eq!(outcome(check(APPARMOR).primitive(), &cfg(line)), want, "{line}");
        }
        let both = cfg("linux /v").file(DEFAULT, "GRUB_CMDLINE_LINUX=apparmor=0\n");
        assert_eq!(outcome(check(APPARMOR).primitive(), &both), Outcome::NotMet);
        let odd = MemoryRootfs::new().file(GRUB_CFG, b"menuentry '\xff'\nlinux /v apparmor=0\n");
        assert_eq!(outcome(check(APPARMOR).primitive(), &odd), Outcome::NotMet);
        assert_eq!(
            outcome(check(APPARMOR).primitive(), &MemoryRootfs::new()),
            Outcome::MetVacuously
        );
    }

    #[test]
    fn lists_of_values() {
        let lsm = "boot_argument = { name = \"lsm\", allow = [\"apparmor\", \"apparmor,*\", \
            \"*,apparmor\", \"*,apparmor,*\"] }";
        let met = |value: &str| {
            let root = default(&format!("GRUB_CMDLINE_LINUX='lsm={value}'\n"));
            outcome(check(lsm).primitive(), &root) == Outcome::Met
        };
        assert!(met("apparmor") && met("yama,apparmor") && met("yama,apparmor,bpf"));
        assert!(!met("yama") && !met("apparmorx") && !met(""));
        let root = default("GRUB_CMDLINE_LINUX='a_b-c=0'\n");
        let dashes = "boot_argument = { name = \"a-b_c\", allow = [\"1\"] }";
        assert_eq!(outcome(check(dashes).primitive(), &root), Outcome::NotMet);
        let flag = "boot_argument = { name = \"norandmaps\" }";
        let root = default("GRUB_CMDLINE_LINUX='norandmaps'\n");
        assert_eq!(outcome(check(flag).primitive(), &root), Outcome::NotMet);
    }
}
