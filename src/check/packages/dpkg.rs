//! What dpkg's database says of packages: the prerequisite of many rules, and the subject of some.
//!
//! A half-state is "there" ([`Packages::there`]): a rule that wants a package away is not content
//! with it. It is not "installed" ([`Packages::installed`]): a rule that wants a package is not
//! content with it either.

use std::rc::Rc;

use super::messages;
use crate::check::Evidence;
use crate::error::{Error, Result, cannot};
use crate::rootfs::{ImagePath, Rootfs, quote};
use crate::text::dpkg::{self, Stanza, State};

/// dpkg's database may be this large (bytes); thousands of packages need a few megabytes.
const STATUS_LIMIT: u64 = 64 << 20;
pub(in crate::check) const STATUS: &str = "/var/lib/dpkg/status";
/// What an interrupted dpkg has not merged into the status file yet.
const UPDATES: &str = "/var/lib/dpkg/updates";

/// dpkg's record of one package of one architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record {
    /// How far it has come.
    pub state: State,
    /// The line its name stands in, from 1.
    pub line: usize,
    /// Whether its unpacking was cut off so that only installing it again makes it whole.
    pub reinstall: bool,
    /// Whether the system does not work without it.
    pub essential: bool,
    file: usize,
    /// Where its name stands in the file.
    name: (usize, usize),
    architecture: (usize, usize),
    version: (usize, usize),
}

/// dpkg's database, parsed once. Looking up is a binary search.
#[derive(Debug, Clone)]
pub struct Packages {
    files: Vec<(ImagePath, Rc<[u8]>)>,
    /// By name, then architecture.
    records: Vec<Record>,
}

/// What a record calls its package, in its own bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Names<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its architecture; empty where the record has none.
    pub architecture: &'a [u8],
    /// Its version; empty where the record has none.
    pub version: &'a [u8],
}

/// Which line is not dpkg's, in which of the files.
#[derive(Debug, Clone)]
struct Refused {
    path: ImagePath,
    line: usize,
    found: String,
    want: &'static str,
}

impl Refused {
    fn error(self) -> Error {
        let Refused { path, line, found, want } = self;
        Error::Syntax { path, line, found, want }
    }
}

impl Packages {
    /// Reads the database of the image.
    ///
    /// # Errors
    /// There is none (then what is installed cannot be determined), it cannot be read, or a line in
    /// it is not dpkg's.
    pub fn read(root: &dyn Rootfs) -> Result<Rc<Packages>> {
        root.memo().derived(|| Packages::read_anew(root))
    }

    fn read_anew(root: &dyn Rootfs) -> Result<Packages> {
        let status = ImagePath::parse(STATUS)?;
        let Some(text) = root.read_bytes(&status, STATUS_LIMIT)? else {
            return Err(Error::target(cannot::read, &status, std::io::ErrorKind::NotFound));
        };
        let mut files = vec![(status, text)];
        let updates = ImagePath::parse(UPDATES)?;
        for name in root.list(&updates)?.unwrap_or_default().iter() {
            // dpkg replays the files whose names are numbers and passes over everything else.
            if name.as_encoded_bytes().iter().all(u8::is_ascii_digit) {
                let path = updates.join(name)?;
                if let Some(text) = root.read_bytes(&path, STATUS_LIMIT)? {
                    files.push((path, text));
                }
            }
        }
        let mut packages = Packages { files, records: Vec::new() };
        packages.records = packages.parse().map_err(Refused::error)?;
        Ok(packages)
    }

    fn parse(&self) -> Result<Vec<Record>, Refused> {
        let mut records: Vec<Record> = Vec::new();
        for (file, (path, text)) in self.files.iter().enumerate() {
            // A name is a piece of the text, so its place is a difference of addresses.
            let place = |piece: &[u8]| {
                if piece.is_empty() {
                    return (0, 0);
                }
                let at = (piece.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
                (at, at + piece.len())
            };
            for stanza in dpkg::stanzas(text) {
                let Stanza {
                    name, architecture, version, state, line, reinstall, essential, ..
                } = stanza.map_err(|bad| Refused {
                    path: path.clone(),
                    line: bad.line,
                    found: format!("`{}`", quote(bad.found)),
                    want: bad.want,
                })?;
                let (name, architecture, version) =
                    (place(name), place(architecture), place(version));
                records.push(Record {
                    state,
                    line,
                    reinstall,
                    essential,
                    file,
                    name,
                    architecture,
                    version,
                });
            }
        }
        // Stable, so that of several records of one package the last one written comes last.
        records.sort_by(|a, b| self.key(a).cmp(&self.key(b)));
        records.dedup_by(|later, earlier| {
            let same = self.key(later) == self.key(earlier);
            if same {
                *earlier = *later;
            }
            same
        });
        Ok(records)
    }

    fn bytes(&self, file: usize, (start, end): (usize, usize)) -> &[u8] {
        self.files.get(file).and_then(|(_, text)| text.get(start..end)).unwrap_or_default()
    }

    fn name(&self, record: &Record) -> &[u8] {
        self.bytes(record.file, record.name)
    }

    fn key(&self, record: &Record) -> (&[u8], &[u8]) {
        (self.name(record), self.bytes(record.file, record.architecture))
    }

    /// The records of the package with exactly this name, one per architecture.
    pub fn records(&self, name: &str) -> &[Record] {
        let name = name.as_bytes();
        let start = self.records.partition_point(|r| self.name(r) < name);
        let len = self.records[start..].partition_point(|r| self.name(r) == name);
        &self.records[start..start + len]
    }

    /// The name of every package dpkg has a record of, sorted, each once.
    pub fn names(&self) -> impl Iterator<Item = &[u8]> {
        let mut last: Option<&[u8]> = None;
        self.records
            .iter()
            .map(|r| self.name(r))
            .filter(move |name| last.replace(name) != Some(name))
    }

    /// The furthest state any architecture of the package has reached; `None` if dpkg has no
    /// record of it.
    pub fn state(&self, name: &str) -> Option<State> {
        self.records(name).iter().map(|r| r.state).max()
    }

    /// Every record, by name, then architecture.
    pub fn all(&self) -> impl Iterator<Item = (Names<'_>, &Record)> {
        self.records.iter().map(|r| {
            let architecture = self.bytes(r.file, r.architecture);
            let names =
                Names { name: self.name(r), architecture, version: self.bytes(r.file, r.version) };
            (names, r)
        })
    }

    /// Whether dpkg was cut off before it had merged what it did into its status file.
    pub fn is_unmerged(&self) -> bool {
        self.files.len() > 1
    }

    /// Whether the package is whole and configured.
    pub fn installed(&self, name: &str) -> bool {
        self.state(name).is_some_and(State::is_installed)
    }

    /// Whether any of the package is on disk, half-states included.
    pub fn there(&self, name: &str) -> bool {
        self.state(name).is_some_and(State::is_there)
    }

    /// The version of the package, if any of it is on disk.
    pub fn version(&self, name: &str) -> Option<&[u8]> {
        let there = self.records(name).iter().filter(|r| r.state.is_there());
        there.max_by_key(|r| r.state).map(|r| self.bytes(r.file, r.version))
    }

    /// The paths of all packages' configuration files, those of removed packages included.
    pub fn conffiles(&self) -> impl Iterator<Item = &[u8]> {
        let stanzas = self.files.iter().flat_map(|(_, text)| dpkg::stanzas(text).flatten());
        stanzas.flat_map(|stanza| stanza.conffiles())
    }

    /// What the database says of a package, for a report: path, line and state word.
    pub fn evidence(&self, name: &str) -> Evidence {
        let record = self.records(name).iter().max_by_key(|r| r.state);
        let file = self.files.get(record.map_or(0, |r| r.file)).map(|(path, _)| path.clone());
        let evidence = Evidence { path: file, ..Evidence::default() };
        match record {
            Some(record) => {
                evidence.line(record.line).found(format!("{name} {}", record.state.word()))
            }
            None => evidence.note(messages::not_there(name)),
        }
    }
}

/// Whether the package `name` is whole and configured, as [`Packages::installed`].
///
/// # Errors
/// As [`Packages::read`].
pub fn installed(root: &dyn Rootfs, name: &str) -> Result<bool> {
    Ok(Packages::read(root)?.installed(name))
}

/// Whether any of the package `name` is on disk, as [`Packages::there`].
///
/// # Errors
/// As [`Packages::read`].
pub fn there(root: &dyn Rootfs, name: &str) -> Result<bool> {
    Ok(Packages::read(root)?.there(name))
}

/// The prerequisite of a rule about a package's files: `None` when the package is there, else
/// the evidence that it is not.
///
/// # Errors
/// As [`Packages::read`].
pub fn absent(root: &dyn Rootfs, name: &str) -> Result<Option<Evidence>> {
    let packages = Packages::read(root)?;
    Ok((!packages.there(name)).then(|| packages.evidence(name)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    fn root(status: &str) -> MemoryRootfs {
        MemoryRootfs::new().file(STATUS, status)
    }

    fn stanza(name: &str, arch: &str, status: &str) -> String {
        format!("Package: {name}\nStatus: {status}\nArchitecture: {arch}\n\n")
    }

    #[test]
    fn names_are_exact_and_half_states_are_there() {
        let text = [
            stanza("gdm3", "amd64", "install ok installed"),
            stanza("gdm3-doc", "all", "deinstall ok config-files"),
            stanza("libx", "i386", "install ok half-configured"),
            stanza("libx", "amd64", "install ok not-installed"),
            stanza("held", "all", "hold ok installed"),
        ]
        .concat();
        let packages = Packages::read(&root(&text)).unwrap();
        let seen = |name| (packages.there(name), packages.installed(name));
        assert_eq!(seen("gdm3"), (true, true));
        assert_eq!(seen("gdm"), (false, false));
        assert_eq!(seen("gdm3-doc"), (false, false));
        assert_eq!(seen("libx"), (true, false));
        assert_eq!(seen("held"), (true, true));
        assert_eq!(packages.records("libx").len(), 2);
        let names: Vec<_> = packages.names().map(String::from_utf8_lossy).collect();
        assert_eq!(names, ["gdm3", "gdm3-doc", "held", "libx"]);
        assert_eq!(packages.state("libx"), Some(State::HalfConfigured));
        let shown = packages.evidence("libx");
        assert_eq!(
            (shown.line, shown.found.as_ref().map(ToString::to_string).as_deref()),
            (Some(9), Some("libx half-configured"))
        );
        assert_eq!(
            packages.evidence("nope").note.unwrap().to_string(),
            "package nope is not there"
        );
    }

    #[test]
    fn without_a_database_nothing_can_be_told() {
        let message = installed(&MemoryRootfs::new(), "x").unwrap_err().to_string();
        assert_eq!(message, "/var/lib/dpkg/status: cannot read: entity not found");
        let message = installed(&root("Package: a\nwhat\n"), "x").unwrap_err().to_string();
        assert_eq!(message, "/var/lib/dpkg/status:2: found `what`, want `Field: value`");
        assert!(!installed(&root(""), "x").unwrap(), "an empty database is one");
    }

    #[test]
    fn what_an_interrupted_dpkg_left_counts() {
        let root = root(&stanza("a", "all", "install ok installed"))
            .file("/var/lib/dpkg/updates/0001", stanza("a", "all", "deinstall ok half-installed"))
            .file("/var/lib/dpkg/updates/0002", stanza("a", "all", "deinstall ok config-files"))
            .file("/var/lib/dpkg/updates/tmp.i", "junk");
        let packages = Packages::read(&root).unwrap();
        assert_eq!(packages.state("a"), Some(State::ConfigFiles));
        assert_eq!(
            absent(&root, "a").unwrap().unwrap().path.unwrap().to_string(),
            "/var/lib/dpkg/updates/0002"
        );
    }

    #[test]
    fn two_thousand_packages_are_no_matter() {
        let text: String =
            (0..2000).map(|i| stanza(&format!("p{i}"), "amd64", "install ok installed")).collect();
        let packages = Packages::read(&root(&text)).unwrap();
        assert!((0..2000).all(|i| packages.installed(&format!("p{i}"))));
        assert!(!packages.there("p2000"));
    }
}
