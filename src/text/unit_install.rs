//! The `[Install]` section of systemd unit files: which links make a unit start. Read only.

use super::unit::Assignment;

/// What `[Install]` asks for, gathered over a unit file and its drop-ins.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Install {
    /// Units that are to want this one.
    pub wanted_by: Vec<String>,
    /// Units that are to require this one.
    pub required_by: Vec<String>,
    /// Further names of this one.
    pub alias: Vec<String>,
}

impl Install {
    /// Whether nothing at all is asked for: the unit cannot be enabled.
    pub fn is_empty(&self) -> bool {
        self.wanted_by.is_empty() && self.required_by.is_empty() && self.alias.is_empty()
    }

    /// What a unit's files say, in systemd's order, the unit file first; an empty assignment forgets
    /// what came before it.
    pub fn read(assignments: &[Assignment]) -> Install {
        let mut install = Install::default();
        for assignment in assignments {
            let list = match (&*assignment.section, assignment.key.as_str()) {
                ("Install", "WantedBy") => &mut install.wanted_by,
                ("Install", "RequiredBy") => &mut install.required_by,
                ("Install", "Alias") => &mut install.alias,
                _ => continue,
            };
            if assignment.value.is_empty() {
                list.clear();
            }
            for word in assignment.value.split_whitespace() {
                let word = word.trim_matches(['"', '\'']);
                if !list.iter().any(|w| w == word) {
                    list.push(word.to_owned());
                }
            }
        }
        install
    }
}

const SUFFIXES: [&str; 11] = [
    "service",
    "socket",
    "target",
    "device",
    "mount",
    "automount",
    "swap",
    "timer",
    "path",
    "slice",
    "scope",
];

/// Whether systemd takes this as the name of a unit. Templates (`x@.service`) count.
pub fn is_unit_name(name: &str) -> bool {
    let Some((stem, suffix)) = name.rsplit_once('.') else { return false };
    let good = |b: u8| b.is_ascii_alphanumeric() || b":-_.\\@".contains(&b);
    name.len() < 256
        && !stem.is_empty()
        && !stem.starts_with('@')
        && SUFFIXES.contains(&suffix)
        && stem.bytes().all(good)
}

/// The template of an instance: `getty@.service` for `getty@tty1.service`.
pub fn template_of(name: &str) -> Option<String> {
    let (stem, rest) = name.split_once('@')?;
    let (instance, suffix) = rest.rsplit_once('.')?;
    (!instance.is_empty()).then(|| format!("{stem}@.{suffix}"))
}

#[cfg(test)]
mod tests {
    use super::super::unit::Unit;
    use super::*;
    use proptest::prelude::*;

    fn read(texts: &[&str]) -> Install {
        let all = texts.iter().flat_map(|t| Unit::parse(t).assignments);
        Install::read(&all.collect::<Vec<_>>())
    }

    #[test]
    fn only_the_section_counts() {
        let unit = "[Unit]\nWantedBy=no.target\n[Install]\n# WantedBy=no.target\n ; Alias=no\n\
            WantedBy = multi-user.target\nwantedby=no.target\nAlias=syslog.service\nAlso=x.socket\n\
            [X-Install]\nAlias=no.service\n";
        let install = read(&[unit]);
        assert_eq!(install.wanted_by, ["multi-user.target"]);
        assert_eq!(install.alias, ["syslog.service"]);
        assert!(install.required_by.is_empty());
        assert!(read(&["[Service]\nExecStart=/bin/true\n"]).is_empty());
    }

    #[test]
    fn lists_join_continue_and_reset() {
        let install = read(&["[Install]\nWantedBy=a.target \\\n  b.target\r\n"]);
        assert_eq!(install.wanted_by, ["a.target", "b.target"]);
        let install = read(&["[Install]\nWantedBy=a.target\n", "[Install]\nWantedBy=\"b.target\""]);
        assert_eq!(install.wanted_by, ["a.target", "b.target"]);
        let install = read(&["[Install]\nWantedBy=a.target\nWantedBy=\nRequiredBy=c.target\\"]);
        assert_eq!(install.wanted_by, [""; 0]);
        assert_eq!(install.required_by, ["c.target"]);
    }

    #[test]
    fn names() {
        for good in ["cron.service", "getty@tty1.service", "a-b_c:d.timer", "x@.socket"] {
            assert!(is_unit_name(good), "{good}");
        }
        for bad in ["cron", "", ".service", "a/b.service", "a b.service", "x.conf", "%i.target"] {
            assert!(!is_unit_name(bad), "{bad}");
        }
        assert_eq!(template_of("getty@tty1.service").as_deref(), Some("getty@.service"));
        assert_eq!(template_of("getty@.service"), None);
        assert_eq!(template_of("cron.service"), None);
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in "(\\[Install\\]\n)?([A-Za-z=\\\\#\\[\\]\" \n]|\\PC){0,80}") {
            read(&[&text]);
        }
    }
}
