//! Packages are there, or are not, by dpkg's own record.
//!
//! A package to be absent is there in any half-state too; a package to be present is there only
//! when it is whole. What `rc` packages left behind does not count. There is no change to a file
//! that would close a gap: the package manager must run.

use schemars::JsonSchema;
use serde::Deserialize;

use super::dpkg::{Packages, STATUS};
use super::messages;
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::{
    Audit, Consumes, Evidence, Finding, Fix, Gap, Presence, Primitive, Subject, SubjectKind,
};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{CONFIG_LIMIT, FileKind, ImagePath, Rootfs, escape};
use crate::text::pattern::{Wildcards, matches};

/// None of the packages `absent` is there, or one of the packages `present` is installed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Package {
    /// Packages of which none may be there, not even in a half-installed state; `*` stands for any
    /// characters. Exactly one of `absent` and `present` is given.
    #[serde(default)]
    pub absent: Vec<String>,
    /// Packages of which one must be installed, completely; the first is the one to install.
    #[serde(default)]
    pub present: Vec<String>,
    /// Packages that are only reported when they are there; `*` as above.
    #[serde(default)]
    pub note_only: Vec<String>,
    /// A program with its arguments that must run in the root before the packages are purged.
    #[serde(default)]
    pub before: Vec<String>,
    /// What keeps the packages of `absent` from being purged although they should go.
    pub unless_used: Option<Use>,
}

/// A word in files that shows that somebody needs the package.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Use {
    /// The word to look for, as a whole word: letters, digits, `_` and `-` belong to a word.
    pub word: String,
    /// Directories in which every file is read; links are not followed.
    pub under: Vec<ImagePath>,
}

/// Whether dpkg would take this as a name.
fn is_name(name: &str) -> bool {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.".contains(&b);
    name.bytes().all(good) && name.starts_with(|c: char| c.is_ascii_alphanumeric())
}

impl Primitive for Package {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        if self.absent.is_empty() == self.present.is_empty() {
            return Err(BadData::whole("want either `absent` or `present`, with names"));
        }
        let lists =
            [("absent", &self.absent), ("present", &self.present), ("note_only", &self.note_only)];
        for (field, name) in lists.iter().flat_map(|(f, names)| names.iter().map(move |n| (f, n))) {
            let is_pattern = name.contains('*') && *field != "present";
            if !is_name(&if is_pattern { name.replace('*', "x") } else { name.clone() })
                || name.starts_with('*')
            {
                let message = format!("`{name}` is not the name of a package");
                return Err(BadData::field(*field, message));
            }
        }
        Ok(())
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let packages = Packages::read(audit.root())?;
        let mut finding = if self.absent.is_empty() {
            self.audit_present(&packages, audit)
        } else {
            self.audit_absent(&packages, audit)?
        };
        for name in there(&packages, &self.note_only)? {
            let mentioned = packages.evidence(&name).note(messages::only_reported());
            match &mut finding {
                Finding::Met(evidence) | Finding::NotMet { holding: evidence, .. } => {
                    evidence.push(mentioned);
                }
                Finding::MetVacuously(_) | Finding::Manual(_) | Finding::Unmeasured(_) => {}
            }
        }
        Ok(finding)
    }
}

impl Package {
    fn audit_absent(&self, packages: &Packages, audit: &Audit<'_>) -> Result<Finding> {
        let names = there(packages, &self.absent)?;
        if names.is_empty() {
            let absent = |name: &String| {
                if !name.contains('*') {
                    return packages.evidence(name);
                }
                let note = messages::none_matches(name);
                Evidence { path: ImagePath::parse(STATUS).ok(), ..Evidence::note_only(note) }
            };
            return Ok(Finding::Met(self.absent.iter().map(absent).collect()));
        }
        let used = match &self.unless_used {
            Some(used) => used.find(audit.root())?,
            None => None,
        };
        // An excluded package is no part of the operation that the others share.
        let free = |name: &&String| audit.excluded(&about(name)).is_none();
        let purge = Fix::Package {
            names: names.iter().filter(free).cloned().collect(),
            want: Presence::Absent,
            before: self.before.clone(),
        };
        let mut gaps = Vec::new();
        for name in &names {
            let subject = about(name);
            let fix = match (audit.excluded(&subject), &used) {
                (Some(exclusion), _) => Fix::None(exclusion.cause.clone()),
                (None, Some((_, why))) => Fix::None(messages::maybe_in_use(why, name)),
                (None, None) => purge.clone(),
            };
            let evidence = packages.evidence(name).want(messages::wants_absent());
            gaps.push(Gap { subject, evidence, fix });
        }
        let holding = used.map(|(evidence, _)| evidence).into_iter().collect();
        Ok(Finding::NotMet { gaps, holding })
    }

    fn audit_present(&self, packages: &Packages, audit: &Audit<'_>) -> Finding {
        if let Some(name) = self.present.iter().find(|name| packages.installed(name)) {
            return Finding::Met(vec![packages.evidence(name)]);
        }
        // One that is half there is the one to repair; else the first is the one to install.
        let half = self.present.iter().find(|name| packages.there(name));
        let name = half.or(self.present.first()).cloned().unwrap_or_default();
        let evidence = packages.evidence(&name).want(messages::wants_installed());
        let subject = about(&name);
        let gap = match audit.excluded(&subject) {
            Some(exclusion) => Gap::no_remedy(evidence, exclusion.cause.clone()),
            None => Gap::package(evidence, vec![name], Presence::Present),
        };
        Finding::NotMet { gaps: vec![gap.about(subject)], holding: Vec::new() }
    }
}

fn about(package: &str) -> Subject {
    Subject::new(SubjectKind::Package, package)
}

/// The packages that are there, half-states included, and match one of the patterns.
fn there(packages: &Packages, patterns: &[String]) -> Result<Vec<String>> {
    let mut names: Vec<String> = Vec::new();
    for pattern in patterns {
        if pattern.contains('*') {
            let fits = |name: &&[u8]| matches(Wildcards::Stars, pattern.as_bytes(), name);
            let matching = packages.names().filter(fits);
            names.extend(matching.map(escape).filter(|name| packages.there(name)));
        } else if packages.there(pattern) {
            names.push(pattern.clone());
        }
    }
    names.sort();
    names.dedup();
    // The names go into a command that a person may copy: nothing but names may come out here.
    if let Some(bad) = names.iter().find(|name| !is_name(name)) {
        let at = packages.evidence(bad);
        return Err(Error::Syntax {
            path: at.path.map_or_else(|| ImagePath::parse(STATUS), Ok)?,
            line: at.line.unwrap_or(1),
            found: format!("`{bad}`"),
            want: "the name of a package",
        });
    }
    Ok(names)
}

/// A tree that is searched for a use has at most this many entries and levels; what is larger
/// is not somebody's few units and scripts.
const MAX_ENTRIES: usize = 4096;
const MAX_DEPTH: usize = 8;

impl Use {
    /// The first file that has the word, or what is too large to be searched for it; why that
    /// matters.
    fn find(&self, root: &dyn Rootfs) -> Result<Option<(Evidence, Message)>> {
        let mut left = MAX_ENTRIES;
        let mut todo: Vec<(ImagePath, usize)> =
            self.under.iter().rev().map(|dir| (dir.clone(), 0)).collect();
        while let Some((path, depth)) = todo.pop() {
            let Some(stat) = root.stat(&path)? else { continue };
            left = left.saturating_sub(1);
            if left == 0 || depth > MAX_DEPTH {
                let why = messages::too_large_to_search(&path, &self.word);
                return Ok(Some((Evidence::at(&path).note(why.clone()), why)));
            }
            match stat.kind {
                FileKind::Dir => {
                    for name in root.list(&path)?.unwrap_or_default().iter().rev() {
                        todo.push((path.join(name)?, depth + 1));
                    }
                }
                // A file large enough to be refused is neither a unit nor a script.
                FileKind::File if stat.size <= CONFIG_LIMIT => {
                    let bytes = root.read_bytes(&path, CONFIG_LIMIT)?.unwrap_or_default();
                    if let Some(line) = line_with(&bytes, self.word.as_bytes()) {
                        let why = messages::used(&path, line, &self.word);
                        let evidence = Evidence::at(&path).line(line).note(why.clone());
                        return Ok(Some((evidence, why)));
                    }
                }
                _ => {}
            }
        }
        Ok(None)
    }
}

/// The first line, from 1, that has the word and is no comment.
fn line_with(text: &[u8], word: &[u8]) -> Option<usize> {
    let part_of_word = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || b == b'-';
    let has_word = |line: &[u8]| {
        line.split(|b| !part_of_word(*b)).any(|w| w == word)
            && !matches!(line.trim_ascii_start().first(), Some(b'#' | b';'))
    };
    text.split(|b| *b == b'\n').position(has_word).map(|i| i + 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Outcome;
    use crate::check::testing::{Run, check, gaps, outcome, reasons_on, try_check};
    use crate::rootfs::MemoryRootfs;

    fn root(packages: &[(&str, &str)]) -> MemoryRootfs {
        let stanza = |(name, status): &(&str, &str)| {
            format!("Package: {name}\nStatus: {status}\nArchitecture: amd64\n\n")
        };
        MemoryRootfs::new().file(STATUS, packages.iter().map(stanza).collect::<String>())
    }

    const WHOLE: &str = "install ok installed";

    /// Rows, packages that fail them, and look-alikes that do not.
    const ABSENT: &[(&str, &[&str], &[&str])] = &[
        ("prelink", &["prelink"], &["prelink-doc", "libprelink"]),
        (
            "xserver-xorg*",
            &["xserver-xorg", "xserver-xorg-core", "xserver-xorg-legacy-hwe-18.04"],
            &["libx11-6", "libxext6", "x11-common", "xauth", "xkb-data", "xserver-common"],
        ),
        ("avahi-daemon", &["avahi-daemon"], &["libavahi-common3", "avahi-utils"]),
        ("cups", &["cups"], &["libcups2", "cups-daemon", "cups-client"]),
        (
            "isc-dhcp-server",
            &["isc-dhcp-server"],
            &["isc-dhcp-client", "isc-dhcp-common", "isc-dhcp-server-ldap"],
        ),
        ("slapd", &["slapd"], &["libldap-2.4-2", "slapd-contrib"]),
        ("nfs-kernel-server", &["nfs-kernel-server"], &["nfs-common"]),
        ("bind9", &["bind9"], &["bind9-host", "dnsutils", "dnsmasq-base", "bind9utils"]),
        ("vsftpd", &["vsftpd"], &["ftp"]),
        ("apache2", &["apache2"], &["apache2-utils", "nginx", "lighttpd"]),
        ("dovecot-imapd", &["dovecot-imapd"], &["dovecot-core"]),
        ("samba", &["samba"], &["cifs-utils", "samba-common", "libsmbclient", "samba-libs"]),
        ("squid", &["squid"], &["squid3", "squid-common"]),
        ("snmpd", &["snmpd"], &["snmp", "libsnmp30"]),
        ("nis", &["nis"], &["libnss-nis", "rpcbind"]),
        ("rsh-client", &["rsh-client"], &["openssh-client", "rsh-server"]),
        ("talk", &["talk"], &["ytalk", "inetutils-talk"]),
        ("ldap-utils", &["ldap-utils"], &["libldap-common"]),
        ("iptables-persistent", &["iptables-persistent"], &["netfilter-persistent", "iptables"]),
        ("nftables", &["nftables"], &["libnftables0", "libnftnl7"]),
    ];

    #[test]
    fn names_and_their_look_alikes() {
        for (pattern, hits, others) in ABSENT {
            let check = check(&format!("package = {{ absent = [\"{pattern}\"] }}"));
            let others: Vec<_> = others.iter().map(|n| (*n, WHOLE)).collect();
            assert_eq!(outcome(check.primitive(), &root(&others)), Outcome::Met, "{pattern}");
            for hit in *hits {
                let root = root(&[others.as_slice(), &[(hit, WHOLE)]].concat());
                assert_eq!(outcome(check.primitive(), &root), Outcome::NotMet, "{hit}");
                let want =
                    format!("needs a package operation, run: chroot ROOT apt-get purge {hit}");
                assert_eq!(reasons_on(check.primitive(), &root), [want]);
            }
        }
    }

    #[test]
    fn half_states_are_there_but_not_installed() {
        let absent = check("package = { absent = [\"nis\"] }");
        let present = check("package = { present = [\"nis\"] }");
        for (status, there, whole) in [
            (WHOLE, true, true),
            ("hold ok installed", true, true),
            ("deinstall ok installed", true, true),
            ("install reinstreq half-installed", true, false),
            ("install ok unpacked", true, false),
            ("install ok half-configured", true, false),
            ("install ok triggers-awaited", true, false),
            ("install ok triggers-pending", true, false),
            ("deinstall ok config-files", false, false),
            ("purge ok not-installed", false, false),
        ] {
            let root = root(&[("nis", status)]);
            let word = |met| if met { Outcome::Met } else { Outcome::NotMet };
            assert_eq!(outcome(absent.primitive(), &root), word(!there), "{status}");
            assert_eq!(outcome(present.primitive(), &root), word(whole), "{status}");
        }
    }

    #[test]
    fn any_of_several_is_enough() {
        let sudo = check("package = { present = [\"sudo\", \"sudo-ldap\"] }");
        let primitive = sudo.primitive();
        assert_eq!(outcome(primitive, &root(&[("sudo", WHOLE)])), Outcome::Met);
        assert_eq!(outcome(primitive, &root(&[("sudo-ldap", WHOLE)])), Outcome::Met);
        let none = root(&[("sudoku", WHOLE), ("sudo", "deinstall ok config-files")]);
        let command = "needs a package operation, run: chroot ROOT apt-get install sudo";
        assert_eq!(reasons_on(primitive, &none), [command]);
        let half = root(&[("sudo-ldap", "install ok unpacked")]);
        assert_eq!(reasons_on(primitive, &half), [format!("{command}-ldap")]);
    }

    #[test]
    fn several_packages_are_one_operation() {
        let check = check("package = { absent = [\"dovecot-imapd\", \"dovecot-pop3d\"] }");
        let root = root(&[("dovecot-pop3d", WHOLE), ("dovecot-imapd", WHOLE)]);
        let reasons = reasons_on(check.primitive(), &root);
        assert_eq!(reasons.len(), 2);
        assert_eq!(reasons[0], reasons[1]);
        assert!(reasons[0].ends_with("purge dovecot-imapd dovecot-pop3d"), "{reasons:?}");
    }

    #[test]
    fn a_mention_is_no_verdict() {
        let check = check("package = { absent = [\"cups\"], note_only = [\"cups-*\"] }");
        let root = root(&[("cups-daemon", WHOLE), ("cups-bsd", "deinstall ok config-files")]);
        let Finding::Met(evidence) = check.primitive().audit(&root).unwrap() else { panic!() };
        assert_eq!(evidence.len(), 2);
        assert_eq!(
            evidence[0].note.as_ref().map(ToString::to_string).as_deref(),
            Some("package cups is not there")
        );
        assert_eq!(
            evidence[1].found.as_ref().map(ToString::to_string).as_deref(),
            Some("cups-daemon installed")
        );
    }

    #[test]
    fn what_must_run_first_is_said() {
        let want = "package = { absent = [\"prelink\"], before = [\"prelink\", \"-ua\"] }";
        let reasons = reasons_on(check(want).primitive(), &root(&[("prelink", WHOLE)]));
        let command = "chroot ROOT prelink -ua && chroot ROOT apt-get purge prelink";
        assert!(reasons[0].ends_with(command), "{reasons:?}");
    }

    #[test]
    fn what_is_in_use_is_not_to_be_purged() {
        let check = check(
            "package = { absent = [\"nftables\"], unless_used = { word = \"nft\", \
             under = [\"/etc/systemd/system\", \"/opt/azure\"] } }",
        );
        let root = root(&[("nftables", WHOLE)])
            .file("/etc/systemd/system/a.service", "[Unit]\nAfter=nftables.service\n# nft\n")
            .link("/etc/systemd/system/b.service", "/opt/else/b.service")
            .file("/opt/else/b.service", "ExecStart=/usr/sbin/nft\n");
        assert!(reasons_on(check.primitive(), &root)[0].ends_with("apt-get purge nftables"));
        let root = root.file("/opt/azure/bin/nat.sh", "#!/bin/sh\n\n/usr/sbin/nft -f \"$1\"\n");
        let reasons = reasons_on(check.primitive(), &root);
        assert!(reasons[0].starts_with("/opt/azure/bin/nat.sh:3 uses `nft`"), "{reasons:?}");
    }

    #[test]
    fn without_a_record_nothing_can_be_told() {
        for want in ["package = { absent = [\"nis\"] }", "package = { present = [\"nis\"] }"] {
            assert_eq!(outcome(check(want).primitive(), &MemoryRootfs::new()), Outcome::Unknown);
            let bad = MemoryRootfs::new().file(STATUS, "what is this\n");
            assert_eq!(outcome(check(want).primitive(), &bad), Outcome::Unknown);
        }
        let empty = check("package = { absent = [\"nis\"] }");
        assert_eq!(outcome(empty.primitive(), &root(&[])), Outcome::Met);
    }

    #[test]
    fn a_record_does_not_get_words_into_a_command() {
        let check = check("package = { absent = [\"xserver-xorg*\"] }");
        let root = root(&[("xserver-xorg && reboot", WHOLE)]);
        let message = check.primitive().audit(&root).unwrap_err().to_string();
        let want =
            "/var/lib/dpkg/status:1: found `xserver-xorg && reboot`, want the name of a package";
        assert_eq!(message, want);
    }

    #[test]
    fn mistakes_in_a_profile_are_named() {
        for (want, word) in [
            ("package = {}", "either `absent` or `present`"),
            ("package = { absent = [] }", "either `absent` or `present`"),
            ("package = { absent = [\"a\"], present = [\"b\"] }", "either `absent` or `present`"),
            ("package = { absent = [\"*\"] }", "`*` is not the name"),
            ("package = { present = [\"a*\"] }", "`a*` is not the name"),
            ("package = { absent = [\"Nis\"] }", "`Nis` is not the name"),
            ("package = { absent = [\"a b\"] }", "`a b` is not the name"),
            ("package = { absence = [\"nis\"] }", "unknown field `absence`"),
        ] {
            let message = try_check(want).unwrap_err().to_string();
            assert!(message.contains(word), "{want}: {message}");
        }
    }

    #[test]
    fn an_excluded_package_is_no_part_of_the_operation() {
        let purge = check("package = { absent = [\"talk\", \"ntalk\", \"nis\"] }");
        let there = root(&[("talk", WHOLE), ("ntalk", WHOLE), ("nis", WHOLE)]);
        let scene = there.excluding(about("ntalk"));
        let found = gaps(purge.primitive(), &scene);
        assert_eq!(found.len(), 3);
        for gap in found {
            match gap.fix {
                Fix::Package { names, .. } => assert_eq!(names, ["nis", "talk"], "{}", gap.subject),
                fix => assert_eq!((gap.subject, fix.reason().is_some()), (about("ntalk"), true)),
            }
        }
        let install = check("package = { present = [\"sudo\", \"sudo-ldap\"] }");
        let scene = root(&[]).excluding(about("sudo"));
        let [gap] = &gaps(install.primitive(), &scene)[..] else { panic!() };
        assert!(matches!(gap.fix, Fix::None(_)), "{gap:?}");
    }
}
