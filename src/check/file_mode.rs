//! A file or directory is open to nobody beyond what is allowed.
//!
//! Bits are only ever taken away: what is tighter than asked for stays. The entry itself is meant,
//! never what a link leads to, and never what lies below a directory.

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;
use std::rc::Rc;

use serde::Deserialize;

use super::mode::Mode;
use super::{Evidence, Finding, Gap, Primitive, place};
use crate::error::{Error, Result};
use crate::rootfs::{AccountDb, Change, FileKind, ImagePath, Rootfs, Stat};
use crate::text::glob;

/// Bits that no key has: a program would not run any more.
const NO_KEYS: u32 = 0o6111;

/// A private key may be this large (bytes); the largest that anybody makes have a fifth of it.
const KEY_LIMIT: u64 = 64 << 10;

/// What stands at `path` has no permission bits beyond `ceiling`, an owner among `owner` and a
/// group among `group`.
///
/// The last component of `path` may hold `*` and `?`. A wrong owner or group becomes the first of
/// the names that the image knows.
#[derive(Debug, Clone, Deserialize)]
#[serde(try_from = "Raw")]
pub struct FileMode {
    path: ImagePath,
    ceiling: Mode,
    kind: Kind,
    owner: Vec<String>,
    group: Vec<String>,
    missing: Missing,
    dangling: Dangling,
    also_host_keys: bool,
}

/// The kind of entry that is wanted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Kind {
    #[default]
    File,
    Dir,
}

/// What it means that nothing is there.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Missing {
    /// The row has nothing to be about, and holds.
    #[default]
    Vacuous,
    /// The image is broken; nothing is created.
    NotMet,
}

/// What it means that a link leads nowhere, or to a place that is filled at boot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Dangling {
    /// The same as any other link: not the real thing.
    #[default]
    NotMet,
    /// A person must look.
    Manual,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    path: ImagePath,
    ceiling: Mode,
    #[serde(default)]
    kind: Kind,
    #[serde(default = "root_only")]
    owner: Vec<String>,
    #[serde(default = "root_only")]
    group: Vec<String>,
    #[serde(default)]
    missing: Missing,
    #[serde(default)]
    dangling: Dangling,
    /// Also the private host keys that `sshd_config` names. They are changed only where they are
    /// plainly keys: the line may name anything.
    #[serde(default)]
    also_host_keys: bool,
}

fn root_only() -> Vec<String> {
    vec!["root".to_owned()]
}

impl TryFrom<Raw> for FileMode {
    type Error = String;

    fn try_from(raw: Raw) -> Result<FileMode, String> {
        let Raw { path, ceiling, kind, owner, group, missing, dangling, also_host_keys } = raw;
        let special = |name: &[u8], chars: &[u8]| name.iter().any(|b| chars.contains(b));
        if path.parent().is_none_or(|dir| special(dir.as_bytes(), b"*?[")) {
            return Err(format!("`{path}`: want `*` and `?` in the last component only"));
        }
        if path.file_name().is_some_and(|name| special(name.as_bytes(), b"[")) {
            return Err(format!("`{path}`: want no pattern but `*` and `?`"));
        }
        for (what, names) in [("owner", &owner), ("group", &group)] {
            if names.is_empty() || names.iter().any(String::is_empty) {
                return Err(format!("`{what}` is empty; want names, as [\"root\"]"));
            }
        }
        Ok(FileMode { path, ceiling, kind, owner, group, missing, dangling, also_host_keys })
    }
}

impl Primitive for FileMode {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        let ids = Ids::read(root, &self.owner, &self.group)?;
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        let (mut seen, mut unsure) = (Vec::new(), Vec::new());
        for (path, named) in self.paths(root, &mut seen)? {
            let Some(stat) = root.stat(&path)? else {
                seen.push(Evidence::at(&path).note("not there"));
                continue;
            };
            if self.dangling == Dangling::Manual
                && stat.kind == FileKind::Symlink
                && leads_nowhere_yet(root, &path)?
            {
                let note = "a link to nothing, or to what is made at boot; look at the running \
                            system";
                unsure.push(Evidence::at(&path).note(note));
                continue;
            }
            match self.judge(root, (&path, named), stat, &ids)? {
                Ok(evidence) => holding.push(evidence),
                Err(gap) => gaps.push(gap),
            }
        }
        if gaps.is_empty() && !unsure.is_empty() {
            unsure.extend(holding);
            return Ok(Finding::Manual(unsure));
        }
        if !gaps.is_empty() || !holding.is_empty() {
            holding.extend(unsure);
            return Ok(Finding::from_gaps(gaps, holding));
        }
        Ok(match self.missing {
            Missing::Vacuous => Finding::MetVacuously(seen),
            Missing::NotMet => {
                let evidence = Evidence::at(&self.path).want(self.wanted(&ids));
                let advice = "not there, and never created here; bring it from where it belongs";
                Finding::from_gaps(vec![Gap::no_remedy(evidence, advice)], Vec::new())
            }
        })
    }
}

impl FileMode {
    /// The entries that are meant, and who says so. `seen` takes what was looked at when a pattern
    /// fits nothing.
    fn paths(
        &self,
        root: &dyn Rootfs,
        seen: &mut Vec<Evidence>,
    ) -> Result<BTreeMap<ImagePath, Named>> {
        let mut out = BTreeMap::new();
        let pattern = self.path.file_name().map(OsStrExt::as_bytes).unwrap_or_default();
        let parent = self.path.parent().unwrap_or_else(ImagePath::root);
        if pattern.iter().any(|b| matches!(b, b'*' | b'?')) {
            // As in a shell, a leading dot is matched by a dot only.
            let hidden = |name: &[u8]| name.starts_with(b".") && !pattern.starts_with(b".");
            let is_dir = root.locate(&parent)?.stat.is_some_and(|s| s.kind == FileKind::Dir);
            let names = if is_dir { root.list(&parent)? } else { None };
            for name in names.unwrap_or_default().iter() {
                if glob::matches(pattern, name.as_bytes()) && !hidden(name.as_bytes()) {
                    out.insert(parent.join(name)?, Named::ByTheRule);
                }
            }
            if out.is_empty() {
                seen.push(Evidence::at(&self.path).note("nothing fits this pattern"));
            }
        } else {
            out.insert(self.path.clone(), Named::ByTheRule);
        }
        if self.also_host_keys {
            // With an agent, public keys are named there; they are no secret.
            let keys = super::sshd::host_key_paths(root)?;
            for key in keys.into_iter().filter(|p| !p.as_bytes().ends_with(b".pub")) {
                out.entry(key).or_insert(Named::ByTheImage);
            }
        }
        Ok(out)
    }

    fn judge(
        &self,
        root: &dyn Rootfs,
        (path, named): (&ImagePath, Named),
        stat: Stat,
        ids: &Ids,
    ) -> Result<Result<Evidence, Gap>> {
        let evidence = Evidence::at(path);
        let want = match self.kind {
            Kind::File => FileKind::File,
            Kind::Dir => FileKind::Dir,
        };
        if stat.kind != want {
            let evidence = evidence.found(format!("a {}", stat.kind)).want(format!("a {want}"));
            let advice = "not followed and not replaced; put the real thing in its place";
            return Ok(Err(Gap::no_remedy(evidence, advice)));
        }
        let mut evidence = evidence.found(ids.show(stat));
        if stat.kind == FileKind::File && stat.links > 1 {
            let note = format!("has {} names (hard links), which share mode and owner", stat.links);
            evidence = evidence.note(note);
        }
        let mode = stat.mode & self.ceiling.0;
        let uid = pick(stat.uid, &ids.owners);
        let gid = pick(stat.gid, &ids.groups);
        if (mode, uid, gid) == (stat.mode, Pick::Fine, Pick::Fine) {
            return Ok(Ok(evidence));
        }
        let evidence = evidence.want(self.wanted(ids));
        let (Ok(uid), Ok(gid)) = (uid.change(), gid.change()) else {
            let advice = "the image has none of the wanted owners or groups; add them first";
            return Ok(Err(Gap::no_remedy(evidence, advice)));
        };
        let refusal = match place::entry_refusal(root, path)? {
            None if named == Named::ByTheImage => no_key_to_change(root, path, stat)?,
            refusal => refusal,
        };
        Ok(Err(match refusal {
            Some(reason) => Gap::no_remedy(evidence, reason),
            None => {
                let mode = (mode != stat.mode).then_some(mode);
                Gap::fixed_by(evidence, Change::SetStat { path: path.clone(), mode, uid, gid })
            }
        }))
    }

    fn wanted(&self, ids: &Ids) -> String {
        let names = |names: &[String], ids: &[u32]| match ids {
            [] => format!("{} (unknown in the image)", names.join(" or ")),
            _ => names.join(" or "),
        };
        format!(
            "mode {} or tighter, owner {}, group {}",
            self.ceiling,
            names(&self.owner, &ids.owners),
            names(&self.group, &ids.groups)
        )
    }
}

/// Who says that an entry is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Named {
    ByTheRule,
    /// A line of the image, which may name what is no such thing.
    ByTheImage,
}

/// Why a file that `HostKey` names is not changed; `None` when it is a private key, and nothing
/// else.
fn no_key_to_change(root: &dyn Rootfs, path: &ImagePath, stat: Stat) -> Result<Option<String>> {
    let why = if !path.starts_with(&ImagePath::parse("/etc")?) {
        "it is not below /etc"
    } else if stat.mode & NO_KEYS != 0 {
        "it is a program, by its mode"
    } else if stat.links > 1 {
        "it has another name elsewhere, which may be in use"
    } else {
        match root.read_bytes(path, KEY_LIMIT) {
            Ok(Some(bytes)) if begins_as_a_key(&bytes) => return Ok(None),
            Ok(_) => "it does not begin as a private key",
            Err(Error::TooLarge { .. }) => "it is larger than any key",
            Err(_) => "it cannot be read",
        }
    };
    Ok(Some(format!(
        "a HostKey line of sshd names {path}, which is not changed: {why}; have it name a private \
         key in /etc/ssh, or close this one by hand if it is one"
    )))
}

/// Whether the first line opens a private key, in OpenSSH's own format or in PEM.
fn begins_as_a_key(bytes: &[u8]) -> bool {
    let line = bytes.split(|b| *b == b'\n').next().unwrap_or_default().trim_ascii_end();
    let label = line.strip_prefix(b"-----BEGIN ").and_then(|l| l.strip_suffix(b"PRIVATE KEY-----"));
    label.is_some_and(|l| l.iter().all(|b| b.is_ascii_uppercase() || *b == b' '))
}

fn leads_nowhere_yet(root: &dyn Rootfs, path: &ImagePath) -> Result<bool> {
    let at = root.locate(path)?;
    let made_at_boot = !root.is_live() && at.path.starts_with(&ImagePath::parse("/run")?);
    Ok(at.stat.is_none() || made_at_boot)
}

/// The numbers that are right, in the order of the names.
struct Ids {
    db: Rc<AccountDb>,
    owners: Vec<u32>,
    groups: Vec<u32>,
}

impl Ids {
    fn read(root: &dyn Rootfs, owner: &[String], group: &[String]) -> Result<Ids> {
        // Root is 0 by the kernel's law; the account files are needed for other names only.
        let others = owner.iter().chain(group).any(|name| name != "root");
        let db = match AccountDb::read(root) {
            Ok(db) => db,
            Err(_) if !others => Rc::default(),
            Err(e) => return Err(e),
        };
        let number =
            |name: &String, found: Option<u32>| if name == "root" { Some(0) } else { found };
        let owners = owner.iter().filter_map(|n| number(n, db.uid(n))).collect();
        let groups = group.iter().filter_map(|n| number(n, db.gid(n))).collect();
        Ok(Ids { db, owners, groups })
    }

    fn show(&self, stat: Stat) -> String {
        let (owner, group) = (self.db.show_user(stat.uid), self.db.show_group(stat.gid));
        format!("mode {}, owner {owner}, group {group}", Mode(stat.mode))
    }
}

/// What is to become of an owner or group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pick {
    Fine,
    Becomes(u32),
    /// It is wrong, and the image knows no right one.
    Nobody,
}

fn pick(found: u32, right: &[u32]) -> Pick {
    match right.first() {
        _ if right.contains(&found) => Pick::Fine,
        Some(first) => Pick::Becomes(*first),
        None => Pick::Nobody,
    }
}

impl Pick {
    fn change(self) -> Result<Option<u32>, ()> {
        match self {
            Pick::Fine => Ok(None),
            Pick::Becomes(id) => Ok(Some(id)),
            Pick::Nobody => Err(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::{changed, parse, path, settle, stage};
    use crate::check::{Fix, Outcome};
    use crate::rootfs::MemoryRootfs;

    const KEY: &str = "-----BEGIN RSA PRIVATE KEY-----\nsecret\n";

    fn want(value: &str) -> FileMode {
        parse(value).unwrap()
    }

    fn crontab() -> FileMode {
        want("{ path = '/etc/crontab', ceiling = '0600' }")
    }

    fn shadow() -> FileMode {
        want(
            "{ path = '/etc/shadow', ceiling = '0640', group = ['shadow', 'root'], \
             missing = 'not-met' }",
        )
    }

    fn gaps(want: &FileMode, root: &MemoryRootfs) -> Vec<Gap> {
        match want.audit(root).unwrap() {
            Finding::NotMet { gaps, .. } => gaps,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn bits_are_only_taken_away() {
        let table = [
            (0o644, 0, 0, Some("0600 0:0")),
            (0o600, 0, 0, None),
            (0o400, 0, 0, None),
            (0o000, 0, 0, None),
            (0o4755, 0, 0, Some("0600 0:0")),
            (0o2600, 0, 0, Some("0600 0:0")),
            (0o1600, 0, 0, Some("0600 0:0")),
            (0o440, 0, 0, Some("0400 0:0")),
            (0o600, 5, 0, Some("0600 0:0")),
            (0o600, 0, 42, Some("0600 0:0")),
            (0o000, 1000, 1000, Some("0000 0:0")),
        ];
        for (mode, uid, gid, after) in table {
            let root = MemoryRootfs::new().file_with("/etc/crontab", "x", mode, uid, gid);
            let after: Vec<String> = after.iter().map(|a| format!("/etc/crontab: {a}")).collect();
            assert_eq!(settle(&crontab(), &root), after, "{mode:04o} {uid}:{gid}");
        }
    }

    #[test]
    fn the_first_group_that_the_image_knows_is_given() {
        let named = MemoryRootfs::new().file("/etc/group", "root:x:0:\nshadow:x:77:\n");
        let with =
            |root: &MemoryRootfs, gid| root.clone().file_with("/etc/shadow", "", 0o640, 0, gid);
        for right in [0, 77] {
            assert!(settle(&shadow(), &with(&named, right)).is_empty(), "both are right");
        }
        assert_eq!(settle(&shadow(), &with(&named, 42)), ["/etc/shadow: 0640 0:77"]);
        let bare = MemoryRootfs::new();
        assert_eq!(settle(&shadow(), &with(&bare, 42)), ["/etc/shadow: 0640 0:0"]);
        let tighter = named.clone().file_with("/etc/shadow", "", 0o000, 0, 77);
        assert!(settle(&shadow(), &tighter).is_empty());

        let only = want("{ path = '/etc/shadow', ceiling = '0640', group = ['shadow'] }");
        let gaps = gaps(&only, &with(&bare, 42));
        assert!(matches!(&gaps[0].fix, Fix::None(r) if r.contains("none of the wanted")));
        assert!(gaps[0].evidence.want.as_deref().unwrap().contains("unknown in the image"));
    }

    #[test]
    fn facts_are_shown_with_names() {
        let root = MemoryRootfs::new().file("/etc/passwd", "cron:x:9:9::/:/bin/sh\n").file_with(
            "/etc/crontab",
            "",
            0o4664,
            9,
            12,
        );
        let gaps = gaps(&crontab(), &root);
        let evidence = &gaps[0].evidence;
        assert_eq!(evidence.found.as_deref(), Some("mode 4664, owner cron(9), group 12"));
        let want = "mode 0600 or tighter, owner root, group root";
        assert_eq!(evidence.want.as_deref(), Some(want));
    }

    #[test]
    fn missing_things_are_vacuous_or_a_broken_image() {
        let empty = MemoryRootfs::new();
        assert_eq!(crontab().audit(&empty).unwrap().outcome(), Outcome::MetVacuously);
        let gaps = gaps(&shadow(), &empty);
        assert!(matches!(&gaps[0].fix, Fix::None(r) if r.contains("never created")));
        let below_a_file = MemoryRootfs::new().file("/etc", "");
        assert_eq!(crontab().audit(&below_a_file).unwrap().outcome(), Outcome::MetVacuously);
    }

    #[test]
    fn only_the_real_thing_counts() {
        let dir = want("{ path = '/etc/crontab', ceiling = '0700', kind = 'dir' }");
        let base = MemoryRootfs::new().file_with("/etc/real", "", 0o644, 0, 0);
        let cases = [
            (crontab(), base.clone().link("/etc/crontab", "real")),
            (crontab(), base.clone().link("/etc/crontab", "crontab")),
            (crontab(), base.clone().link("/etc/crontab", "nowhere")),
            (crontab(), base.clone().dir("/etc/crontab", 0o700, 0, 0)),
            (crontab(), base.clone().special("/etc/crontab", FileKind::Fifo)),
            (dir.clone(), base.clone().file("/etc/crontab", "")),
            (dir.clone(), base.clone().link("/etc/crontab", "/etc")),
        ];
        for (want, root) in cases {
            assert!(gaps(&want, &root).iter().all(|g| matches!(g.fix, Fix::None(_))), "{root:?}");
            assert!(changed(&stage(&want, &root)).is_empty());
        }
        let root = base.dir("/etc/crontab", 0o2755, 0, 0);
        assert_eq!(settle(&dir, &root), ["/etc/crontab: 0700 0:0"]);
    }

    #[test]
    fn a_dangling_link_may_be_a_person_s_business() {
        let motd = want("{ path = '/etc/motd', ceiling = '0644', dangling = 'manual' }");
        let of = |root: &MemoryRootfs| motd.audit(root).unwrap().outcome();
        let base = MemoryRootfs::new().file("/run/motd", "").file("/etc/real", "");
        assert_eq!(of(&base.clone().link("/etc/motd", "nowhere")), Outcome::Manual);
        let boot = base.clone().link("/etc/motd", "/run/motd");
        assert_eq!(of(&boot), Outcome::Manual, "made at boot");
        assert_eq!(of(&boot.live()), Outcome::NotMet);
        assert_eq!(of(&base.clone().link("/etc/motd", "real")), Outcome::NotMet);
        assert_eq!(of(&base), Outcome::MetVacuously);
        assert!(motd.audit(&base.link("/etc/motd", "motd")).is_err());
    }

    #[test]
    fn links_on_the_way_are_followed_inside_etc_only() {
        let want = want("{ path = '/etc/cron.d/x', ceiling = '0600' }");
        let inside = MemoryRootfs::new().file("/etc/real.d/x", "").link("/etc/cron.d", "real.d");
        assert_eq!(settle(&want, &inside), ["/etc/real.d/x: 0600 0:0"]);
        let out = MemoryRootfs::new().file("/usr/etc/x", "").link("/etc/cron.d", "/usr/etc");
        assert!(matches!(&gaps(&want, &out)[0].fix, Fix::None(r) if r.contains("outside of /etc")));
        let loops = MemoryRootfs::new().link("/etc/cron.d", "cron.d");
        assert!(want.audit(&loops).is_err());
    }

    #[test]
    fn patterns_take_every_entry_that_fits() {
        let keys = want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600' }");
        let root = MemoryRootfs::new()
            .file_with("/etc/ssh/ssh_host_rsa_key", "", 0o640, 0, 0)
            .file_with("/etc/ssh/ssh_host_ed25519_key", "", 0o600, 0, 0)
            .file_with("/etc/ssh/ssh_host_rsa_key.pub", "", 0o666, 0, 0)
            .file_with("/etc/ssh/my_ssh_host_rsa_key", "", 0o666, 0, 0);
        assert_eq!(settle(&keys, &root), ["/etc/ssh/ssh_host_rsa_key: 0600 0:0"]);
        let linked = root.clone().link("/etc/ssh/ssh_host_dsa_key", "/srv/key");
        assert_eq!(gaps(&keys, &linked).len(), 2);
        for none in [MemoryRootfs::new(), MemoryRootfs::new().file("/etc/ssh", "")] {
            assert_eq!(keys.audit(&none).unwrap().outcome(), Outcome::MetVacuously);
        }
        let all = want("{ path = '/etc/ssh/*', ceiling = '0600' }");
        let hidden = MemoryRootfs::new().file("/etc/ssh/.x", "");
        assert_eq!(all.audit(&hidden).unwrap().outcome(), Outcome::MetVacuously);
    }

    #[test]
    fn host_keys_of_the_configuration_count_too() {
        let keys =
            want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600', also_host_keys = true }");
        let config = "#HostKey /etc/a\nhostkey /etc/k1 # x\nHostKey=\"/etc/k 2\"\nHostKeyX /etc/b\n\
                      HostKey /etc/k.pub\nHostKey relative\nHostKey\nHostKey /etc/none\n\
                      HostKey /etc/ssh/ssh_host_rsa_key\n";
        let root = MemoryRootfs::new()
            .file("/etc/ssh/sshd_config", config)
            .file("/etc/ssh/ssh_host_rsa_key", "")
            .file("/etc/k1", "-----BEGIN PRIVATE KEY-----\r\nx")
            .file("/etc/k 2", "-----BEGIN OPENSSH PRIVATE KEY-----\n")
            .file("/etc/k.pub", KEY)
            .file("/etc/a", KEY)
            .file("/etc/b", KEY);
        let want = ["/etc/k 2", "/etc/k1", "/etc/ssh/ssh_host_rsa_key"];
        assert_eq!(settle(&keys, &root), want.map(|p| format!("{p}: 0600 0:0")));
        let binary = MemoryRootfs::new().file("/etc/ssh/sshd_config", b"\xff");
        assert!(keys.audit(&binary).is_err(), "could not tell");
    }

    #[test]
    fn what_a_configuration_calls_a_host_key_is_changed_only_if_it_is_one() {
        let keys =
            want("{ path = '/etc/ssh/ssh_host_*_key', ceiling = '0600', also_host_keys = true }");
        let naming = |path: &str| {
            MemoryRootfs::new().file("/etc/ssh/sshd_config", format!("HostKey {path}\n"))
        };
        let key = |mode| naming("/etc/key").file_with("/etc/key", KEY, mode, 0, 0);
        assert_eq!(settle(&keys, &key(0o644)), ["/etc/key: 0600 0:0"]);
        let cases = [
            (naming("/bin/bash").file_with("/bin/bash", KEY, 0o755, 0, 0), "not below /etc"),
            (naming("/srv/key").file("/srv/key", KEY), "not below /etc"),
            (naming("/etc/passwd").file("/etc/passwd", "root:x:0:0::/:\n"), "does not begin as"),
            (naming("/etc/key").file("/etc/key", ""), "does not begin as"),
            (naming("/etc/key").file("/etc/key", format!("\n{KEY}")), "does not begin as"),
            (naming("/etc/key").file("/etc/key", format!("# {KEY}")), "does not begin as"),
            (
                naming("/etc/key").file("/etc/key", "-----BEGIN PUBLIC KEY-----\n"),
                "does not begin as",
            ),
            (
                naming("/etc/key").file("/etc/key", "-----BEGIN secret PRIVATE KEY-----\n"),
                "does not begin as",
            ),
            (naming("/etc/key").file("/etc/key", KEY.repeat(4_000)), "larger than any key"),
            (key(0o645), "a program"),
            (key(0o4600), "a program"),
            (key(0o2640), "a program"),
            (key(0o644).restat("/etc/key", |s| s.links = 2), "another name"),
            (naming("/etc/d/key").file("/srv/key", KEY).link("/etc/d", "/srv"), "outside of /etc"),
            (naming("/d/key").file("/etc/key", KEY).link("/d", "/etc"), "outside of /d"),
            (naming("/etc/key").link("/etc/key", "passwd").file("/etc/passwd", ""), "not followed"),
            (naming("/etc/ssh").file("/etc/ssh/x", KEY), "not followed"),
        ];
        for (root, why) in cases {
            let told = gaps(&keys, &root);
            assert_eq!(told.len(), 1, "{told:?}");
            let Fix::None(reason) = &told[0].fix else { panic!("{told:?}") };
            assert!(reason.contains(why), "want {why} in {reason}");
            assert!(!format!("{told:?}").contains("secret"), "the content is shown: {told:?}");
            assert!(changed(&stage(&keys, &root)).is_empty());
        }
        // What the rule itself names stays the rule's, also where the configuration names it.
        let both = naming("/etc/ssh/ssh_host_rsa_key").file("/etc/ssh/ssh_host_rsa_key", "");
        let both = both.restat("/etc/ssh/ssh_host_rsa_key", |s| s.links = 2);
        assert_eq!(settle(&keys, &both), ["/etc/ssh/ssh_host_rsa_key: 0600 0:0"]);
        let closed = naming("/srv/key").file_with("/srv/key", KEY, 0o600, 0, 0);
        assert_eq!(keys.audit(&closed).unwrap().outcome(), Outcome::Met);
    }

    #[test]
    fn account_files_are_not_needed_for_root() {
        let odd = MemoryRootfs::new()
            .dir("/etc/group", 0o755, 0, 0)
            .file_with("/etc/crontab", "", 0o600, 0, 0)
            .file_with("/etc/shadow", "", 0o600, 0, 0);
        assert_eq!(crontab().audit(&odd).unwrap().outcome(), Outcome::Met);
        assert!(shadow().audit(&odd).is_err());
    }

    #[test]
    fn hard_links_are_mentioned() {
        let root = MemoryRootfs::new();
        let want = crontab();
        let ids = Ids::read(&root, &want.owner, &want.group).unwrap();
        let stat = Stat { links: 3, ..Stat::file(0o600) };
        let evidence = want
            .judge(&root, (&path("/etc/crontab"), Named::ByTheRule), stat, &ids)
            .unwrap()
            .unwrap();
        assert!(evidence.note.unwrap().contains("3 names"));
        let dir = Stat { links: 3, ..Stat::dir(0o600) };
        let want = super::tests::want("{ path = '/etc/d', ceiling = '0700', kind = 'dir' }");
        let evidence =
            want.judge(&root, (&path("/etc/d"), Named::ByTheRule), dir, &ids).unwrap().unwrap();
        assert_eq!(evidence.note, None);
    }

    #[test]
    fn mistakes_in_a_profile_are_named() {
        for (value, want) in [
            ("{ path = '/a', ceiling = '0688' }", "`0688` is not a mode"),
            ("{ path = '/a*/b', ceiling = '0600' }", "in the last component only"),
            ("{ path = '/a/[bc]', ceiling = '0600' }", "no pattern but"),
            ("{ path = '/', ceiling = '0600' }", "last component"),
            ("{ path = '/a', ceiling = '0600', kind = 'link' }", "unknown variant `link`"),
            ("{ path = '/a', ceiling = '0600', group = [] }", "`group` is empty"),
            ("{ path = '/a', ceiling = '0600', gruop = [] }", "unknown field `gruop`"),
            ("{ path = '/a' }", "missing field `ceiling`"),
        ] {
            let message = parse::<FileMode>(value).unwrap_err();
            assert!(message.contains(want), "want {want} in {message}");
        }
    }
}
