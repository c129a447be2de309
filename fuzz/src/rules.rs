//! Whole rules on small trees: judging, planning and what the plan leaves behind.
//!
//! An input is up to as many files as the target has places for, with [`BETWEEN`] between them. A
//! place whose file is missing or empty stays empty. The last byte chooses a rule of the family, or two
//! that are planned together: rules that disagree do so in pairs.

use std::collections::BTreeSet;

use gokaku::check::{Check, Outcome};
use gokaku::plan::PathChange;
use gokaku::plan::{Remedy, plan};
use gokaku::profile::{Disposition, Profile, Rule};
use gokaku::report::diff;
use gokaku::rootfs::{AccountDb, ImagePath, MemoryRootfs, NodeBody, Rootfs};
use gokaku::text::lossless;

use super::support::{chosen_bytes, kept, lines};

/// The line that parts the files of an input.
const BETWEEN: &str = "%%\n";
/// Stands for a password's hash. No verdict and no diff may show it.
const SECRET: &str = "$6$canary";

/// The files that hold secrets.
const SECRETIVE: [&str; 4] = ["/etc/shadow", "/etc/passwd", "/etc/group", "/etc/gshadow"];

thread_local! {
    static PROFILE: &'static Profile =
        Box::leak(Box::new(Profile::embedded().expect("the embedded profile is good")));
}

/// A family of rules and the tree they are tried on.
struct Family {
    rules: Vec<&'static Rule>,
    base: MemoryRootfs,
    places: &'static [&'static str],
}

impl Family {
    fn new(wanted: fn(&Check) -> bool, places: &'static [&'static str], status: &str) -> Family {
        let rules: Vec<&'static Rule> = PROFILE.with(|profile| {
            let about = |rule: &&Rule| match rule.disposition() {
                Disposition::Enforce(checks) => checks.iter().any(wanted),
                Disposition::LeaveAlone { observe, .. } => observe.iter().any(wanted),
            };
            profile.rules.iter().filter(about).collect()
        });
        assert!(!rules.is_empty(), "no rule is about this any more");
        let base = MemoryRootfs::new()
            .file(
                "/etc/passwd",
                "root:x:0:0::/root:/bin/bash\nbob:x:1000:1000::/home/bob:/bin/sh\n",
            )
            .file("/etc/group", "root:x:0:\nshadow:x:42:\nbob:x:1000:\n")
            .file("/etc/issue.net", "Be good.\n")
            .file("/var/lib/dpkg/status", status)
            .dir("/root", 0o700, 0, 0)
            .dir("/home/bob", 0o750, 1000, 1000)
            .file_with("/usr/sbin/nologin", "", 0o755, 0, 0);
        Family { rules, base, places }
    }

    fn tree(&self, data: &[u8]) -> MemoryRootfs {
        let between = BETWEEN.as_bytes();
        let mut rest = Some(data);
        let files = std::iter::from_fn(|| {
            let all = rest.take()?;
            let at = all.windows(between.len()).position(|w| w == between);
            rest = at.map(|at| &all[at + between.len()..]);
            Some(at.map_or(all, |at| &all[..at]))
        });
        let given = self.places.iter().zip(files).filter(|(_, content)| !content.is_empty());
        given.fold(self.base.clone(), |root, (place, content)| root.file(place, content))
    }

    /// Judges and plans, and checks what every plan promises.
    fn run(&self, data: &[u8]) {
        let (pick, data) = chosen_bytes(data);
        let all = self.rules.len();
        let (one, further) = (pick % all, pick / all % all);
        let pair = [self.rules[one], self.rules[(one + further) % all]];
        let rules = if further == 0 { &pair[..1] } else { &pair };
        let root = self.tree(data);
        let open = self.places.iter().any(|place| {
            let path = ImagePath::parse(place).expect("a place is a path");
            let content = root.read_bytes(&path, u64::MAX).ok().flatten();
            content.is_some_and(|text| says_openly(place, &String::from_utf8_lossy(&text)))
        });
        let secret = self.places.contains(&SECRETIVE[0]) && !open;
        let first = match plan(rules, &root) {
            Ok(plan) => plan,
            Err(e) => panic!("rules do not settle: {e}"),
        };
        for judged in &first.after {
            let reason = judged.reason.as_ref().map(ToString::to_string).unwrap_or_default();
            assert!(!reason.contains("never end"), "{judged:?}");
            assert!(judged.remedy != Some(Remedy::Available), "left open: {judged:?}");
            assert!(!secret || !format!("{judged:?}").contains(SECRET), "{judged:?}");
            let seen = judged.seen().flat_map(|e| [&e.found, &e.want, &e.note]);
            let seen = seen.chain([&judged.reason]).flatten();
            assert!(!seen.into_iter().any(|text| lossless::holds(&text.to_string())), "{judged:?}");
        }
        for (before, after) in first.before.iter().zip(&first.after) {
            let lost = before.outcome == Outcome::Met && after.outcome == Outcome::NotMet;
            assert!(!lost, "{before:?}\n{after:?}");
        }
        if first.changes().is_empty() {
            return;
        }
        let done = root.clone().changed(first.nodes());
        let second = match plan(rules, &done) {
            Ok(plan) => plan,
            Err(e) => panic!("rules do not settle a second time: {e}"),
        };
        assert!(second.changes().is_empty(), "again: {:#?}", shown(second.changes()));
        for (planned, found) in first.after.iter().zip(&second.before) {
            assert_eq!(planned.outcome, found.outcome, "{planned:?}\n{found:?}");
        }
        if let Ok(names) = AccountDb::read(&root) {
            let diff = diff::render(first.changes(), &names);
            assert!(!secret || !diff.contains(SECRET), "{diff}");
            assert!(!lossless::holds(&diff), "{diff}");
        }
        first.changes().iter().for_each(comments_stay);
    }
}

/// Whether the word stands where it is no secret: in a file without any, or in what an account file
/// tells everybody about a person or a group.
fn says_openly(place: &str, text: &str) -> bool {
    let fields = match place {
        "/etc/passwd" => 7,
        "/etc/group" => 4,
        _ => return !SECRETIVE.contains(&place) && text.contains(SECRET),
    };
    let open = |line: &str| {
        let parts: Vec<&str> = line.split(':').collect();
        parts.len() == fields && parts[2..].iter().any(|part| part.contains(SECRET))
    };
    text.lines().any(open)
}

fn shown(changes: &[PathChange]) -> Vec<(String, String, String)> {
    let text = |node: &Option<gokaku::rootfs::Node>| match node.as_ref().map(|n| &n.body) {
        Some(NodeBody::File(Some(text))) => String::from_utf8_lossy(text).into_owned(),
        other => format!("{other:?}"),
    };
    changes.iter().map(|c| (c.path.to_string(), text(&c.before), text(&c.after))).collect()
}

/// A comment in prose outlives every edit of its file.
fn comments_stay(change: &PathChange) {
    let text = |node: &Option<gokaku::rootfs::Node>| match node.as_ref().map(|n| &n.body) {
        Some(NodeBody::File(Some(text))) => Some(lossless::decode(text)),
        _ => None,
    };
    let (Some(before), Some(after)) = (text(&change.before), text(&change.after)) else { return };
    // A banner is replaced as a whole.
    if ["/etc/issue", "/etc/issue.net", "/etc/motd"].contains(&&*change.path.to_string()) {
        return;
    }
    // What stands behind a backslash belongs to the line before, and so do comments in between.
    let mut joined: BTreeSet<&str> = BTreeSet::new();
    for pair in lines(&before).windows(2) {
        let inside = joined.contains(pair[0]) && pair[0].starts_with(['#', ';']);
        if inside || pair[0].contains('\\') {
            joined.insert(pair[1]);
        }
    }
    // What quotes hold, be it several lines, is a mode for rsyslogd, and is replaced as one.
    let lower = before.to_ascii_lowercase();
    for (at, name) in lower.match_indices("createmode") {
        let mut parts = before[at + name.len()..].splitn(3, '"');
        if parts.next().is_some_and(|gap| gap.trim() == "=") {
            joined.extend(parts.next().map(lines).unwrap_or_default());
        }
    }
    let prose =
        |line: &str| line.starts_with("# ") && line.ends_with('.') && !joined.contains(line);
    kept(&before, &after, prose);
}

macro_rules! families {
    ($($(#[$doc:meta])* $name:ident: $wanted:pat, $status:expr, [$($place:literal),+ $(,)?];)+) => {$(
        $(#[$doc])*
        pub fn $name(data: &[u8]) {
            thread_local! {
                static FAMILY: Family =
                    Family::new(|check| matches!(check, $wanted), &[$($place),+], $status);
            }
            FAMILY.with(|family| family.run(data));
        }
    )+};
}

const BIONIC: &str = "Package: systemd\nStatus: install ok installed\nVersion: 237-3\n\n\
    Package: procps\nStatus: install ok installed\nVersion: 2:3.3.12-3\n\n\
    Package: kmod\nStatus: install ok installed\nVersion: 24-1\n\n\
    Package: openssh-server\nStatus: install ok installed\nVersion: 1:7.6p1-4\n\n\
    Package: libpam-pwquality\nStatus: install ok installed\nVersion: 1.4.0-2\n\n\
    Package: libpam-modules\nStatus: install ok installed\nVersion: 1.1.8-3\n\n\
    Package: rsyslog\nStatus: install ok installed\nVersion: 8.32.0-1\n\n\
    Package: logrotate\nStatus: install ok installed\nVersion: 3.11.0-0\n\n\
    Package: ntp\nStatus: install ok installed\nVersion: 1:4.2.8p10\n\n\
    Package: postfix\nStatus: install ok installed\nVersion: 3.3.0-1\n\n\
    Package: apport\nStatus: install ok installed\nVersion: 2.20.9-0\n\n\
    Package: gdm3\nStatus: install ok installed\nVersion: 3.28.3-0\n\n\
    Package: systemd-coredump\nStatus: install ok installed\nVersion: 237-3\n\n\
    Package: passwd\nStatus: install ok installed\nVersion: 1:4.5-1\n";

families! {
    /// Kernel parameters over four files.
    rules_sysctl: Check::Sysctl(_), BIONIC,
        ["/etc/sysctl.conf", "/etc/sysctl.d/99-z.conf", "/usr/lib/sysctl.d/50-default.conf",
         "/etc/ufw/sysctl.conf", "/etc/default/ufw"];
    /// Kernel modules over three files.
    rules_modprobe: Check::KernelModule(_), BIONIC,
        ["/etc/modprobe.d/a.conf", "/etc/modprobe.d/z.conf", "/lib/modprobe.d/m.conf"];
    /// sshd's directives, and the two texts that one of them names.
    rules_sshd: Check::Sshd(_), BIONIC,
        ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/a.conf"];
    /// The same for a release that knows `Include`.
    rules_sshd_include: Check::Sshd(_), "Package: openssh-server\nStatus: install ok installed\nVersion: 1:8.9p1-3\n",
        ["/etc/ssh/sshd_config", "/etc/ssh/sshd_config.d/a.conf", "/etc/ssh/sshd_config.d/b.conf"];
    /// rsyslog's files and logrotate's.
    rules_rsyslog: Check::RsyslogRouting(_) | Check::RsyslogCreateMode(_) | Check::LogRotation(_), BIONIC,
        ["/etc/rsyslog.conf", "/etc/rsyslog.d/50-default.conf", "/etc/logrotate.conf",
         "/etc/logrotate.d/rsyslog"];
    /// What is asked of passwords.
    rules_pam: Check::PamPwquality(_) | Check::PamSha512(_) | Check::Pwquality(_), BIONIC,
        ["/etc/pam.d/common-password", "/etc/security/pwquality.conf", "/etc/pam.d/passwd",
         "/var/lib/pam/password", "/usr/share/pam-configs/pwquality"];
    /// Accounts and their defaults.
    rules_accounts: Check::AccountAgeing(_) | Check::PastPasswordChanges(_)
            | Check::SystemAccounts(_) | Check::RootGroup(_) | Check::ShadowedPasswords(_)
            | Check::NoEmptyPasswords(_) | Check::EmptyGroup(_) | Check::RootOnlySuperuser(_)
            | Check::AccountUnique(_) | Check::PrimaryGroups(_) | Check::LoginDefs(_)
            | Check::UseraddDefault(_), BIONIC,
        ["/etc/passwd", "/etc/shadow", "/etc/group", "/etc/gshadow", "/etc/login.defs",
         "/etc/default/useradd"];
    /// Homes, by what `passwd` says of them.
    rules_homes: Check::HomeExists(_) | Check::HomeOwner(_) | Check::HomeMode(_)
            | Check::HomeDotFiles(_) | Check::HomeFileAbsent(_) | Check::RootPath(_), BIONIC,
        ["/etc/passwd", "/etc/environment", "/root/.profile", "/root/.bashrc", "/etc/sudoers"];
    /// Mounts declared in `fstab` and in units.
    rules_mount: Check::Mount(_), BIONIC,
        ["/etc/fstab", "/etc/systemd/system/tmp.mount", "/etc/systemd/system/tmp.mount.d/a.conf"];
    /// What a shell starts with.
    rules_umask: Check::DefaultUmask(_), BIONIC,
        ["/etc/profile", "/etc/bash.bashrc", "/etc/profile.d/a.sh", "/etc/profile.d/zz-cis.sh",
         "/etc/login.defs"];
    /// Drop-ins of systemd, limits, and files in the style of GLib and of shells.
    rules_settings: Check::SystemdConf(_) | Check::Limits(_) | Check::Ini(_) | Check::ShellVar(_)
            | Check::BootArgument(_), BIONIC,
        ["/etc/systemd/journald.conf", "/etc/systemd/coredump.conf", "/etc/security/limits.conf",
         "/etc/gdm3/custom.conf", "/etc/gdm3/greeter.dconf-defaults", "/etc/default/apport",
         "/etc/default/grub", "/etc/systemd/journald.conf.d/a.conf",
         "/etc/security/limits.d/a.conf"];
    /// Time and mail, and login texts.
    rules_daemons: Check::NtpConf(_) | Check::LocalMta(_) | Check::Banner(_) | Check::TimeSync(_), BIONIC,
        ["/etc/ntp.conf", "/etc/postfix/main.cf", "/etc/postfix/master.cf", "/etc/default/ntp",
         "/etc/issue", "/etc/issue.net", "/etc/motd"];
    /// dpkg's record, on which many rules depend, and apt's lists.
    rules_packages: Check::Package(_) | Check::AptSources(_) | Check::Updates(_)
            | Check::Service(_) | Check::ServicesReview(_), "",
        ["/var/lib/dpkg/status", "/etc/apt/sources.list", "/etc/systemd/system/cron.service",
         "/etc/init.d/rsyslog"];
}
