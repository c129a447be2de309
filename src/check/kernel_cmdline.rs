//! A word is not among the arguments that GRUB is told to give the kernel.
//!
//! The settings files are shell text, read in order (`/etc/default/grub`, then
//! `/etc/default/grub.d/*.cfg`); a later assignment replaces an earlier one unless it refers to it.
//! There is no remedy: the words are the builder's, and they count only after the boot
//! configuration has been generated again.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, de};

use super::conf_dirs::{self, Body, Entry};
use super::{Evidence, Finding, Gap, Primitive};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::shell_vars::{self, Variable};

/// The kernel is not started with the argument `absent`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KernelCmdline {
    /// The argument, without value: `norandmaps` is also found as `norandmaps=1`.
    #[serde(deserialize_with = "argument")]
    pub absent: String,
}

fn argument<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    let word = String::deserialize(deserializer)?;
    let good = |b: u8| b.is_ascii_alphanumeric() || b"_-.".contains(&b);
    if word.is_empty() || !word.bytes().all(good) {
        return Err(de::Error::custom(format!("`{word}` is not the name of a kernel argument")));
    }
    Ok(word)
}

/// One assignment that counts, and where it stands.
type Place<'e> = (&'e Entry, Variable);

impl Primitive for KernelCmdline {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        let main = conf_dirs::read_entry(root, &ImagePath::parse("/etc/default/grub")?)?;
        let more = conf_dirs::read_dir(root, "/etc/default/grub.d", |name| {
            !name.starts_with(b".") && name.ends_with(b".cfg")
        })?;
        let files: Vec<&Entry> =
            main.iter().chain(&more).filter(|e| matches!(e.body, Body::Text(_))).collect();
        if files.is_empty() {
            let note = "no GRUB settings, so none names kernel arguments";
            return Ok(Finding::MetVacuously(vec![Evidence::note_only(note)]));
        }
        let mut effective: BTreeMap<String, Vec<Place<'_>>> = BTreeMap::new();
        for entry in &files {
            for variable in shell_vars::variables(entry.text()) {
                if !variable.name.starts_with("GRUB_CMDLINE_LINUX") {
                    continue;
                }
                let places = effective.entry(variable.name.clone()).or_default();
                if !variable.append && !refers_to(&variable.value, &variable.name) {
                    places.clear();
                }
                places.push((entry, variable));
            }
        }
        let want = format!("no {}", self.absent);
        let evidence = |(entry, v): &Place<'_>| {
            let found = format!("{}={}", v.name, v.value);
            Evidence::at(&entry.listed).line(v.line).found(found).want(&*want)
        };
        let (with, without): (Vec<_>, Vec<_>) =
            effective.values().flatten().partition(|(_, v)| self.is_in(&v.value));
        let why =
            format!("take `{}` out by hand and generate the boot configuration again", self.absent);
        let gaps = with.into_iter().map(|p| Gap::no_remedy(evidence(p), &*why)).collect();
        let mut holding: Vec<Evidence> = without.into_iter().map(evidence).collect();
        if holding.is_empty() {
            let note = "sets no kernel arguments";
            holding.extend(files.iter().map(|e| Evidence::at(&e.listed).note(note)));
        }
        Ok(Finding::from_gaps(gaps, holding))
    }
}

impl KernelCmdline {
    fn is_in(&self, arguments: &str) -> bool {
        // The kernel takes `-` and `_` in names for the same.
        let same = |a: u8, b: u8| a == b || (b"-_".contains(&a) && b"-_".contains(&b));
        let words = arguments.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        words.filter_map(|word| word.split('=').next()).any(|name| {
            name.len() == self.absent.len()
                && name.bytes().zip(self.absent.bytes()).all(|(a, b)| same(a, b))
        })
    }
}

/// Whether a shell value holds `$NAME` or `${NAME`.
fn refers_to(value: &str, name: &str) -> bool {
    value.match_indices('$').any(|(at, _)| {
        let rest = &value[at + 1..];
        let rest = rest.strip_prefix('{').unwrap_or(rest);
        rest.strip_prefix(name).is_some_and(|after| {
            !after.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        })
    })
}

#[cfg(test)]
mod tests {
    use super::super::Outcome;
    use super::super::testing::{gaps, outcome, stage};
    use super::*;
    use crate::check::Fix;
    use crate::rootfs::{FileKind, MemoryRootfs};

    const GRUB: &str = "/etc/default/grub";
    const CLOUD: &str = "/etc/default/grub.d/50-cloudimg-settings.cfg";

    fn aslr() -> KernelCmdline {
        KernelCmdline { absent: "norandmaps".into() }
    }

    fn root(files: &[(&str, &str)]) -> MemoryRootfs {
        files.iter().fold(MemoryRootfs::new(), |root, (path, text)| root.file(path, text))
    }

    #[test]
    fn table() {
        use Outcome::{Met, MetVacuously, NotMet};
        for (files, want) in [
            (vec![], MetVacuously),
            (vec![(GRUB, "")], Met),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=\"quiet\"\n")], Met),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=\"quiet norandmaps\"\n")], NotMet),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX_DEFAULT=norandmaps")], NotMet),
            (vec![(GRUB, "  export GRUB_CMDLINE_LINUX='norandmaps=1'")], NotMet),
            (vec![(GRUB, "#GRUB_CMDLINE_LINUX=\"norandmaps\"\n")], Met),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=\"xnorandmaps norandmapsx no-randmaps\"\n")], Met),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=\"NORANDMAPS\"\n")], Met),
            (vec![(GRUB, "GRUB_DEFAULT=norandmaps\n")], Met),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=norandmaps\r\n")], NotMet),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=norandmaps\nGRUB_CMDLINE_LINUX=quiet")], Met),
            (vec![(GRUB, "GRUB_CMDLINE_LINUX=norandmaps"), (CLOUD, "GRUB_CMDLINE_LINUX=x")], Met),
            (
                vec![
                    (GRUB, "GRUB_CMDLINE_LINUX=norandmaps"),
                    (CLOUD, "GRUB_CMDLINE_LINUX=\"${GRUB_CMDLINE_LINUX} x\""),
                ],
                NotMet,
            ),
            (
                vec![
                    (GRUB, "GRUB_CMDLINE_LINUX=norandmaps"),
                    (CLOUD, "GRUB_CMDLINE_LINUX=\"$GRUB_CMDLINE_LINUX_DEFAULT\""),
                ],
                Met,
            ),
            (vec![(CLOUD, "GRUB_CMDLINE_LINUX_DEFAULT+=\" norandmaps\"")], NotMet),
            (vec![("/etc/default/grub.d/x.bak", "GRUB_CMDLINE_LINUX=norandmaps")], MetVacuously),
        ] {
            assert_eq!(outcome(&aslr(), &root(&files)), want, "{files:?}");
        }
    }

    #[test]
    fn nothing_is_changed() {
        let root = root(&[(GRUB, "A=1\nGRUB_CMDLINE_LINUX=norandmaps\n")]);
        assert!(stage(&aslr(), &root).changes().unwrap().is_empty());
        let gaps = gaps(&aslr(), &root);
        assert_eq!(gaps[0].evidence.line, Some(2));
        assert!(matches!(gaps[0].fix, Fix::None(_)));
    }

    #[test]
    fn dashes_and_underscores_are_one() {
        let want = KernelCmdline { absent: "a_b".into() };
        let files = [(GRUB, "GRUB_CMDLINE_LINUX=a-b=0")];
        assert_eq!(outcome(&want, &root(&files)), Outcome::NotMet);
    }

    #[test]
    fn what_cannot_be_told() {
        let fifo = MemoryRootfs::new().special(GRUB, FileKind::Fifo);
        assert_eq!(outcome(&aslr(), &fifo), Outcome::Unknown);
        let binary = MemoryRootfs::new().file(GRUB, b"\xff");
        assert_eq!(outcome(&aslr(), &binary), Outcome::Unknown);
    }

    #[test]
    fn only_a_name_is_a_name() {
        assert!(toml::from_str::<KernelCmdline>("absent = 'norandmaps'").is_ok());
        for bad in ["absent = ''", "absent = 'a b'", "absent = 'a=1'", "present = 'a'"] {
            assert!(toml::from_str::<KernelCmdline>(bad).is_err(), "{bad}");
        }
    }
}
