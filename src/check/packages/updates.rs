//! Which packages have newer versions: shown to a person, never judged.

use std::cmp::Ordering;
use std::collections::HashMap;

use schemars::JsonSchema;
use serde::Deserialize;

use super::dpkg::{self, STATUS};
use super::messages;
use crate::check::chain::units::names_in;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Primitive};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{ImagePath, Rootfs, escape};
use crate::text::deb_version::compare;
use crate::text::dpkg::stanzas;

/// Compares what is installed with the package lists that the image holds.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updates {}

const LISTS: &str = "/var/lib/apt/lists";
/// A list may be this large (bytes); the largest of a distribution have tens of megabytes.
const LIST_LIMIT: u64 = 256 << 20;
/// The head of a release file, where its date stands, lies within so many lines.
const HEAD: usize = 32;
/// More packages than this are counted, not shown.
const SHOWN: usize = 32;

/// What is installed of one package, and the newest version the lists have.
struct Installed {
    version: Vec<u8>,
    newest: Option<Vec<u8>>,
    security: bool,
}

/// By name and architecture.
type Packages = HashMap<(Vec<u8>, Vec<u8>), Installed>;

impl Primitive for Updates {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let mut evidence = Vec::new();
        let mut packages = installed(root, &mut evidence)?;
        let lists = ImagePath::parse(LISTS)?;
        let (mut read, mut packed) = (0, 0);
        for name in names_in(root, &lists)?.iter() {
            let path = lists.join(name)?;
            let name = name.to_string_lossy();
            if name.ends_with("_Packages") {
                compare_list(root, &path, name.contains("-security_"), &mut packages)?;
                read += 1;
            } else if name.contains("_Packages.") {
                packed += 1;
            } else if name.ends_with("_InRelease") || name.ends_with("_Release") {
                evidence.extend(date(root, &path)?);
            }
        }
        evidence.splice(0..0, summary(&packages, read, packed));
        if root.is_live() {
            evidence.extend(reboot(root)?);
        }
        Ok(Finding::Manual(evidence))
    }
}

fn installed(root: &dyn Rootfs, evidence: &mut Vec<Evidence>) -> Result<Packages> {
    let path = ImagePath::parse(STATUS)?;
    let mut packages = Packages::new();
    if root.locate(&path)?.stat.is_none() {
        evidence.push(Evidence::at(&path).note(messages::no_record()));
        return Ok(packages);
    }
    let record = match dpkg::Packages::read(root) {
        Ok(record) => record,
        Err(bad @ Error::Syntax { .. }) => {
            evidence.push(Evidence::note_only(Message::from(&bad)));
            return Ok(packages);
        }
        Err(other) => return Err(other),
    };
    for (names, _) in record.all().filter(|(_, record)| record.state.is_there()) {
        let version = names.version.to_vec();
        packages.insert(
            (names.name.to_vec(), names.architecture.to_vec()),
            Installed { version, newest: None, security: false },
        );
    }
    Ok(packages)
}

/// Notes for each installed package whether the list has a newer version.
fn compare_list(
    root: &dyn Rootfs,
    path: &ImagePath,
    security: bool,
    packages: &mut Packages,
) -> Result<()> {
    let text = root.read_bytes(path, LIST_LIMIT)?.unwrap_or_default();
    for stanza in stanzas(&text).flatten() {
        let key = (stanza.name.to_vec(), stanza.architecture.to_vec());
        let Some(package) = packages.get_mut(&key) else { continue };
        let newer = |than: &[u8]| compare(stanza.version, than) == Ordering::Greater;
        if newer(&package.version) {
            package.security |= security;
            if package.newest.as_deref().is_none_or(newer) {
                package.newest = Some(stanza.version.to_vec());
            }
        }
    }
    Ok(())
}

fn summary(packages: &Packages, read: usize, packed: usize) -> Vec<Evidence> {
    let mut out = Vec::new();
    if packed > 0 {
        out.push(Evidence::note_only(messages::lists_compressed(packed)));
    }
    if read == 0 {
        out.insert(0, Evidence::note_only(messages::no_lists()));
        return out;
    }
    let mut newer: Vec<_> =
        packages.iter().filter_map(|(k, p)| Some((k, p, p.newest.as_ref()?))).collect();
    newer.sort_by_key(|(key, ..)| *key);
    let security = newer.iter().filter(|(_, p, _)| p.security).count();
    let note = messages::newer_versions(newer.len(), packages.len(), security);
    out.insert(0, Evidence::note_only(note));
    for ((name, _), package, newest) in newer.iter().take(SHOWN) {
        let name = escape(name);
        let found = format!("{name} {}", escape(&package.version));
        out.push(Evidence {
            path: ImagePath::parse(STATUS).ok(),
            ..Evidence::default().found(found).want(format!("{name} {}", escape(newest)))
        });
    }
    out
}

/// When a list was made, by its own word.
fn date(root: &dyn Rootfs, path: &ImagePath) -> Result<Option<Evidence>> {
    let text = root.read_bytes(path, LIST_LIMIT)?.unwrap_or_default();
    let lines = text.split(|b| *b == b'\n').take(HEAD).enumerate();
    let found = lines.filter_map(|(i, line)| Some((i + 1, line.strip_prefix(b"Date:")?))).next();
    Ok(found.map(|(line, date)| {
        Evidence::at(path)
            .line(line)
            .found(escape(date.trim_ascii()))
            .note(messages::date_of_list())
    }))
}

/// On the running system: whether an update waits for a reboot.
fn reboot(root: &dyn Rootfs) -> Result<Option<Evidence>> {
    let path = ImagePath::parse("/run/reboot-required")?;
    let there = root.stat(&path)?.is_some();
    Ok(there.then(|| Evidence::at(&path).note(messages::reboot_pending())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::check;
    use crate::rootfs::MemoryRootfs;

    fn look(root: &MemoryRootfs) -> Vec<Evidence> {
        match check("updates = {}").primitive().audit(root).unwrap() {
            Finding::Manual(evidence) => evidence,
            finding => panic!("{finding:?}"),
        }
    }

    fn stanza(name: &str, version: &str, state: &str) -> String {
        let status = if state.is_empty() { String::new() } else { format!("Status: {state}\n") };
        format!("Package: {name}\n{status}Architecture: amd64\nVersion: {version}\n\n")
    }

    fn image() -> MemoryRootfs {
        let status = [
            stanza("bash", "4.4.18-2ubuntu1", "install ok installed"),
            stanza("cron", "3.0pl1-128", "install ok installed"),
            stanza("gone", "1.0", "deinstall ok config-files"),
        ];
        MemoryRootfs::new().file(STATUS, status.concat())
    }

    #[test]
    fn newer_versions_are_counted() {
        let main = [
            stanza("bash", "4.4.18-2ubuntu1", ""),
            stanza("bash", "4.4.18-2ubuntu1.2", ""),
            stanza("gone", "2.0", ""),
            stanza("other", "2.0", ""),
        ];
        let root = image()
            .file(
                &format!("{LISTS}/a_ubuntu_dists_bionic_main_binary-amd64_Packages"),
                main.concat(),
            )
            .file(
                &format!("{LISTS}/a_ubuntu_dists_bionic-security_main_binary-amd64_Packages"),
                stanza("bash", "4.4.18-2ubuntu1.3", ""),
            )
            .file(
                &format!("{LISTS}/a_ubuntu_dists_bionic_InRelease"),
                "-----BEGIN PGP SIGNED MESSAGE-----\nDate: Thu, 26 Apr 2018 23:37:48 UTC\n",
            )
            .file(&format!("{LISTS}/lock"), "");
        let evidence = look(&root);
        let note = "1 of 2 packages has a newer version in the image's lists, 1 of them in a \
            security list";
        assert_eq!(evidence[0].note.as_ref().map(ToString::to_string).as_deref(), Some(note));
        assert_eq!(
            evidence[1].found.as_ref().map(ToString::to_string).as_deref(),
            Some("bash 4.4.18-2ubuntu1")
        );
        assert_eq!(
            evidence[1].want.as_ref().map(ToString::to_string).as_deref(),
            Some("bash 4.4.18-2ubuntu1.3")
        );
        assert_eq!(
            evidence[2].found.as_ref().map(ToString::to_string).as_deref(),
            Some("Thu, 26 Apr 2018 23:37:48 UTC")
        );
        assert_eq!(evidence.len(), 3);
    }

    #[test]
    fn what_an_interrupted_dpkg_left_counts() {
        let root = image()
            .file(&format!("{LISTS}/a_Packages"), stanza("bash", "4.4.18-2ubuntu1.2", ""))
            .file(
                "/var/lib/dpkg/updates/0001",
                stanza("bash", "4.4.18-2ubuntu1.2", "install ok unpacked"),
            );
        assert!(
            look(&root)[0].note.as_ref().unwrap().to_string().starts_with("0 of 2 packages have")
        );
    }

    #[test]
    fn what_cannot_be_counted_is_said() {
        let evidence = look(&image());
        assert!(
            evidence[0]
                .note
                .as_ref()
                .unwrap()
                .to_string()
                .starts_with("the image holds no package lists")
        );
        let evidence = look(&image().file(&format!("{LISTS}/a_Packages.lz4"), b"\x04\x22"));
        assert!(
            evidence[1]
                .note
                .as_ref()
                .unwrap()
                .to_string()
                .starts_with("1 package list is compressed")
        );
        let evidence = look(&MemoryRootfs::new());
        assert_eq!(
            evidence[1].note.as_ref().map(ToString::to_string).as_deref(),
            Some("there is no record of what is installed")
        );
        let bad = look(&image().file(STATUS, "what\n"));
        assert!(bad[1].note.as_ref().unwrap().to_string().contains("found `what`"), "{bad:?}");
        let live = image().file("/run/reboot-required", "");
        assert_eq!(look(&live).len(), 1, "an image's /run says nothing");
        assert_eq!(look(&live.live()).len(), 2);
    }
}
