//! Which files the two programs read, in which order, by the versions in the tree.

use crate::check::Audit;
use std::os::unix::ffi::OsStrExt;

use super::{Body, ConfEntry, Dialect, Key, conf_dirs, sysctl};
use crate::check::packages::versions;
use crate::error::Result;
use crate::rootfs::ImagePath;
use crate::text::sysctl::Assignment;

/// The oldest versions whose reading is known here: supposed where neither the tree nor the profile
/// says which it has.
const SYSTEMD: u32 = 237;
const PROCPS: [u32; 3] = [3, 3, 12];

/// Everything that may be read.
pub(super) struct Files {
    etc: Vec<ConfEntry>,
    /// Read on a running system only.
    run: Option<Vec<ConfEntry>>,
    /// `/usr/local/lib`, `/usr/lib`, `/lib`.
    vendor: [Vec<ConfEntry>; 3],
    sysctl_conf: Option<ConfEntry>,
    systemd: Dialect,
    pub procps: Dialect,
}

/// One program, and what it reads, in order.
pub(super) struct Reader<'f> {
    dialect: Dialect,
    pub files: Vec<&'f ConfEntry>,
    /// How many of the files come from directories; what follows is `/etc/sysctl.conf`.
    listed: usize,
}

/// A line that sets the parameter.
pub(super) struct Hit<'f> {
    /// The place among all hits of this reader, in the order in which it sets them.
    pub index: usize,
    /// The place of the file among those of this reader.
    file: usize,
    pub entry: &'f ConfEntry,
    pub line: Assignment,
}

impl Files {
    pub(super) fn read(audit: &Audit<'_>) -> Result<Files> {
        let root = audit.root();
        let dir = |dir: &str| {
            conf_dirs::read_dir(root, &format!("{dir}/sysctl.d"), |n| n.ends_with(b".conf"))
        };
        let systemd = versions::installed_or_supposed(audit, "systemd")?;
        let systemd = systemd.and_then(|v| v.first().copied()).unwrap_or(SYSTEMD);
        let procps = versions::installed_or_supposed(audit, "procps")?;
        let procps = procps.unwrap_or_else(|| PROCPS.to_vec());
        Ok(Files {
            etc: dir("/etc")?,
            run: if root.is_live() { Some(dir("/run")?) } else { None },
            vendor: [dir("/usr/local/lib")?, dir("/usr/lib")?, dir("/lib")?],
            sysctl_conf: conf_dirs::read_entry(root, &ImagePath::parse("/etc/sysctl.conf")?)?,
            systemd: Dialect::systemd(systemd),
            procps: Dialect::procps(&procps),
        })
    }

    pub(super) fn dialects(&self) -> [Dialect; 2] {
        [self.systemd, self.procps]
    }

    /// Every reader whose view must be right. On a running system that is the next boot, when
    /// `/run` is empty, and now, when procps ranks `/run` above `/etc` (18.04) or below (newer).
    pub(super) fn readers(&self) -> Vec<Reader<'_>> {
        let [local, usr, lib] = &self.vendor;
        let mut orders: Vec<Vec<&[ConfEntry]>> = vec![vec![&self.etc, local, usr, lib]];
        if let Some(run) = &self.run {
            orders.push(vec![&self.etc, run, local, usr, lib]);
        }
        let mut readers: Vec<Reader<'_>> = orders.iter().map(|o| self.systemd(o)).collect();
        if let Some(run) = &self.run {
            orders.push(vec![run, &self.etc, local, usr, lib]);
        }
        readers.extend(orders.iter().map(|o| self.procps(o)));
        readers
    }

    fn systemd<'f>(&'f self, order: &[&'f [ConfEntry]]) -> Reader<'f> {
        let files = conf_dirs::layered(order, |e| !e.name.as_bytes().starts_with(b"."));
        Reader { dialect: self.systemd, listed: files.len(), files }
    }

    fn procps<'f>(&'f self, order: &[&'f [ConfEntry]]) -> Reader<'f> {
        // Names that begin with a dot count here.
        let mut files = conf_dirs::layered(order, |_| true);
        let listed = files.len();
        files.extend(&self.sysctl_conf);
        Reader { dialect: self.procps, files, listed }
    }

    /// The text of the file of this name that counts at the next boot.
    pub(super) fn text_named(&self, name: &[u8]) -> &str {
        let all = [&self.etc].into_iter().chain(&self.vendor).flatten();
        all.filter(|e| e.is_named(name)).map(ConfEntry::text).next().unwrap_or("")
    }

    /// Links that lead nowhere.
    pub(super) fn dangling(&self) -> impl Iterator<Item = &ImagePath> {
        let all = [&self.etc].into_iter().chain(&self.run).chain(&self.vendor).flatten();
        all.chain(&self.sysctl_conf).filter(|e| matches!(e.body, Body::Dangling)).map(|e| &e.listed)
    }
}

impl<'f> Reader<'f> {
    /// A program that reads this file alone.
    pub(super) fn of_one(dialect: Dialect, file: &'f ConfEntry) -> Reader<'f> {
        Reader { dialect, files: vec![file], listed: 1 }
    }

    /// Every line that sets `key`, in the order in which the program sets them; what it passes over
    /// comes first.
    pub(super) fn hits(&self, key: &Key) -> Vec<Hit<'f>> {
        let mut hits = Vec::new();
        for (file, entry) in self.files.iter().enumerate() {
            for line in sysctl::assignments(entry.text(), key, self.dialect) {
                hits.push(Hit { index: hits.len(), file, entry, line });
            }
        }
        if self.dialect.keeps_first_place() && is_spelled_twice(&hits) {
            hits = placed(hits);
        }
        hits
    }

    /// Where a line of ours with `value`, spelled plainly, has no effect of its own, because the
    /// program keeps the place of an earlier equal one: that place.
    pub(super) fn kept_place(&self, hits: &[Hit<'_>], value: &str) -> Option<usize> {
        if !self.dialect.keeps_first_place() || !is_spelled_twice(hits) {
            return None;
        }
        hits.iter()
            .rev()
            .find(|hit| hit.line.plain)
            .filter(|hit| hit.line.is(value))
            .map(|h| h.index)
    }

    /// Whether the line is read after the file of this name.
    pub(super) fn is_behind(&self, hit: &Hit<'_>, name: &[u8]) -> bool {
        hit.file >= self.listed || hit.entry.name.as_bytes() > name
    }
}

fn is_spelled_twice(hits: &[Hit<'_>]) -> bool {
    hits.windows(2).any(|two| two[0].line.spelled != two[1].line.spelled)
}

/// The hits as systemd-sysctl collects them: a line that repeats what its spelling has leaves it
/// where it is, another value goes to the end.
fn placed(hits: Vec<Hit<'_>>) -> Vec<Hit<'_>> {
    let (mut passed, mut kept): (Vec<Hit<'_>>, Vec<Hit<'_>>) = (Vec::new(), Vec::new());
    for hit in hits {
        match kept.iter().position(|k| k.line.spelled == hit.line.spelled) {
            Some(at) if kept[at].line.value == hit.line.value => passed.push(hit),
            Some(at) => {
                passed.push(kept.remove(at));
                kept.push(hit);
            }
            None => kept.push(hit),
        }
    }
    passed.extend(kept);
    passed.iter_mut().zip(0..).for_each(|(hit, index)| hit.index = index);
    passed
}

impl ConfEntry {
    pub(super) fn is_named(&self, name: &[u8]) -> bool {
        self.name.as_bytes() == name
    }

    pub(super) fn sorts_before(&self, name: &[u8]) -> bool {
        self.name.as_bytes() < name
    }
}
