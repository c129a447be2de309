//! A kernel parameter has a value at boot.
//!
//! Two programs set parameters from the same directories: systemd-sysctl at boot, and procps'
//! `sysctl --system`, which node provisioning runs. They rank `/run`, hidden files and
//! `/etc/sysctl.conf` differently; under both the last line must give the value, and a line must
//! say so: complying by the kernel's default alone is a gap. systemd-sysctl keeps one place for each
//! spelling of a key, that of the first equal line. ufw, when it is on, writes a file of
//! its own after both.
//!
//! The value goes into the want's `file`; lines of later files below `/etc` that say otherwise are
//! switched off. A vendor's later file is outranked by a line in the want's `late_file`, or, if its own
//! name sorts behind that, hidden by a copy in `/etc` without the line. `/etc/sysctl.conf` is
//! edited through whatever link names it, and never removed.

mod named;
mod readers;
#[cfg(test)]
mod tests;
mod ufw;

use std::collections::BTreeMap;
use std::os::unix::ffi::OsStrExt;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer};

use self::readers::{Files, Hit, Reader};
use super::messages;
use crate::check::chain;
use crate::check::common::conf_dirs::{self, Body, ConfEntry};
use crate::check::common::destination::{self, Destination};
use crate::check::common::remedy::{self, Remedy};
use crate::check::common::{self, own_file};
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, foreign};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath};
use crate::text::sysctl::{self, Dialect, Key};

/// The directory for files of our own.
const DIR: &str = "/etc/sysctl.d";
/// Words in the names of files that network plug-ins of a cluster write.
const CNI_WORDS: [&str; 9] =
    ["antrea", "calico", "canal", "cilium", "cni", "flannel", "kube-router", "multus", "weave"];

/// The parameter `key` has `value` after boot, by every reader, and a line says so.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sysctl {
    /// The parameter, as `net.ipv4.ip_forward`: words with dots.
    pub key: String,
    /// The wanted value, in the parameter's own unit; also what is written.
    pub value: String,
    /// Whether a contrary line in a file of a cluster's network plug-in stays as it is and is only
    /// reported.
    #[serde(default)]
    pub keep_cni_owned: bool,
    /// The file for our own lines, below `/etc/sysctl.d`.
    #[serde(deserialize_with = "own_file")]
    pub file: ImagePath,
    /// The file there for lines that must outrank a vendor's: its name sorts behind theirs, and
    /// before what a site keeps for last.
    #[serde(deserialize_with = "own_file")]
    pub late_file: ImagePath,
}

fn own_file<'de, D: Deserializer<'de>>(deserializer: D) -> Result<ImagePath, D::Error> {
    own_file::conf_in(deserializer, DIR)
}

impl Primitive for Sysctl {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::followed("sysctl")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        let Sysctl { key, value, .. } = self;
        let good = |b: u8| b.is_ascii_alphanumeric() || b"_-".contains(&b);
        let good = |part: &str| !part.is_empty() && part.bytes().all(good);
        if key.starts_with('-') || !key.split('.').all(good) {
            let want = "want words with dots, as kernel.randomize_va_space";
            return Err(BadData::field("key", format!("`{key}` is not a parameter; {want}")));
        }
        let bad = |c: char| c.is_control() || c == '#' || c == ';';
        if value.is_empty() || value.trim() != value || value.contains(bad) {
            let want = "want one without comment or blanks around it";
            return Err(BadData::field("value", format!("`{value}` is not a value; {want}")));
        }
        Ok(())
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let supposed = ["systemd", "procps"].map(|package| audit.supposed_version(package));
        let files = root.memo().derived_for(format!("{supposed:?}"), || Files::read(audit))?;
        if let Some(path) = chain::followed_file(audit, "sysctl")? {
            return named::judge(self, audit, &files, &path);
        }
        let readers = files.readers();
        let key = Key::new(&self.key);
        let hits: Vec<Vec<Hit<'_>>> = readers.iter().map(|r| r.hits(&key)).collect();
        let mut holding = Vec::new();
        let mut gaps = Gaps { want: self, audit, files: &files, found: BTreeMap::new() };
        for (reader, hits) in readers.iter().zip(&hits) {
            if let Some(Hit { entry, line, .. }) = hits.last() {
                let said = line.value.as_deref().unwrap_or_default();
                foreign::judged(&entry.listed, line.line, said)?;
            }
            let stated = hits.iter().any(|hit| hit.line.states(&self.value));
            // Words behind the value are ignored; a line in our own spelling is corrected all the same.
            let right = |hit: &&Hit<'_>| {
                hit.line.is(&self.value) || !hit.line.plain && hit.line.begins_with(&self.value)
            };
            match hits.last().filter(|hit| stated && right(hit)) {
                Some(hit) => push_new(&mut holding, self.evidence(hit)),
                None => gaps.of(reader, hits)?,
            }
        }
        let mut found: Vec<Gap> = gaps.found.into_values().collect();
        ufw::judge(self, audit, files.procps, &mut found, &mut holding)?;
        for path in files.dangling() {
            push_new(&mut holding, Evidence::at(path).note(messages::leads_nowhere()));
        }
        if root.is_live() {
            holding.push(Evidence::note_only(messages::files_are_judged()));
        }
        Ok(Finding::from_gaps(found, holding))
    }
}

impl Sysctl {
    /// What every gap is about: the parameter.
    fn subject(&self) -> Subject {
        Subject::key(&self.key)
    }

    fn evidence(&self, hit: &Hit<'_>) -> Evidence {
        let at = Evidence::at(&hit.entry.listed).line(hit.line.line).want(&*self.value);
        match &hit.line.value {
            Some(value) => at.found(&**value),
            None => at.note(messages::takes_back(&self.key)),
        }
    }
}

/// The gaps, one for each file.
struct Gaps<'a> {
    want: &'a Sysctl,
    audit: &'a Audit<'a>,
    files: &'a Files,
    found: BTreeMap<ImagePath, Gap>,
}

impl Gaps<'_> {
    /// Adds what keeps this reader from the value.
    fn of(&mut self, reader: &Reader<'_>, hits: &[Hit<'_>]) -> Result<()> {
        self.own(reader, hits)?;
        let kept = reader.kept_place(hits, &self.want.value);
        let behind = hits.iter().filter(|h| {
            reader.is_behind(h, name_of(&self.want.file)) || kept.is_some_and(|at| h.index > at)
        });
        let last_right = hits.iter().rposition(|h| h.line.is(&self.want.value));
        for hit in behind.filter(|h| !h.line.is(&self.want.value)) {
            // What /etc has is corrected wherever it stands; the rest only where it decides.
            let overruled = last_right.is_some_and(|at| at > hit.index);
            if hit.entry.is_editable() || !overruled {
                self.contrary(hit)?;
            }
        }
        Ok(())
    }

    /// Our own file must say so.
    fn own(&mut self, reader: &Reader<'_>, hits: &[Hit<'_>]) -> Result<()> {
        let path = &self.want.file;
        let name = name_of(path);
        let seen = reader.files.iter().find(|e| e.is_named(name));
        let own = || hits.iter().filter(|h| h.entry.is_named(name));
        let last = own().next_back();
        if last.is_some_and(|hit| hit.line.is(&self.want.value))
            && own().any(|hit| hit.line.states(&self.want.value))
        {
            return Ok(());
        }
        let evidence = match last {
            Some(hit) => self.want.evidence(hit),
            None => {
                Evidence::at(path).want(self.line()).note(messages::no_line_gives(&self.want.key))
            }
        };
        if let Some(hiding) = seen.filter(|e| e.is_listed_in("/run")) {
            return self.add(path, evidence, |_| Ok(Err(messages::hides(&hiding.listed, path))));
        }
        self.add(path, evidence, |gaps| gaps.written(path))
    }

    /// A line behind ours says otherwise.
    fn contrary(&mut self, hit: &Hit<'_>) -> Result<()> {
        let entry = hit.entry;
        // One gap for each file: a new text for each line of it would take time with its square.
        if self.found.contains_key(&entry.real) {
            return Ok(());
        }
        let evidence = self.want.evidence(hit).note(messages::later_line_decides());
        if self.want.keep_cni_owned && is_cni(entry) {
            let why = messages::of_a_network_plug_in(&entry.listed);
            self.add(&entry.real, evidence, |_| Ok(Err(why)))
        } else if !hit.line.whole {
            let why = messages::line_too_long(&entry.listed, hit.line.line);
            self.add(&entry.real, evidence, |_| Ok(Err(why)))
        } else if entry.is_editable() {
            self.add(&entry.real, evidence, |gaps| Ok(Ok(gaps.disabled(entry, &entry.real))))
        } else if entry.is_listed_in("/run") {
            let why = messages::made_at_run_time(&entry.listed);
            self.add(&entry.real, evidence, |_| Ok(Err(why)))
        } else if entry.sorts_before(name_of(&self.want.late_file)) && hit.line.plain {
            // Of another spelling, it would still be set behind ours: that has an earlier place.
            let late = &self.want.late_file;
            self.add(late, evidence, |gaps| gaps.written(late))
        } else if entry.is_vendor() {
            let mask = ImagePath::parse(DIR)?.join(&entry.name)?;
            self.add(&mask, evidence, |gaps| {
                Ok(match destination::file(gaps.audit.root(), &mask)? {
                    Destination::Refused(why) => Err(why),
                    Destination::At(_) => Ok(gaps.disabled(entry, &mask)),
                })
            })
        } else {
            let why = common::messages::correct_there(&entry.listed, &entry.real);
            self.add(&entry.real, evidence, |_| Ok(Err(why)))
        }
    }

    /// A line in a file of ours. The file begins as what it hides elsewhere.
    fn written(&self, path: &ImagePath) -> Result<Remedy> {
        if let Destination::Refused(why) = destination::file(self.audit.root(), path)? {
            return Ok(Err(why));
        }
        let old = self.files.text_named(name_of(path));
        let new = sysctl::set(old, &self.want.key, &self.want.value, &self.files.dialects());
        Ok(if new == old {
            Err(common::messages::correct_by_hand(path))
        } else {
            Ok(Change::write(path, new))
        })
    }

    /// The file at `path` gets the text of the entry, its lines about the parameter switched off.
    fn disabled(&self, entry: &ConfEntry, path: &ImagePath) -> Change {
        let Sysctl { key, value, .. } = self.want;
        Change::write(path, sysctl::disable(entry.text(), key, value, &self.files.dialects()))
    }

    fn line(&self) -> String {
        format!("{} = {}", self.want.key, self.want.value)
    }

    /// Adds the gap of a file that has none yet.
    fn add(
        &mut self,
        path: &ImagePath,
        evidence: Evidence,
        remedy: impl FnOnce(&Self) -> Result<Remedy>,
    ) -> Result<()> {
        if !self.found.contains_key(path) {
            let gap = remedy::gap(self.audit, self.want.subject(), evidence, || remedy(self))?;
            self.found.insert(path.clone(), gap);
        }
        Ok(())
    }
}

fn name_of(path: &ImagePath) -> &[u8] {
    path.file_name().unwrap_or_default().as_bytes()
}

fn is_cni(entry: &ConfEntry) -> bool {
    let name = entry.name.to_string_lossy().to_ascii_lowercase();
    CNI_WORDS.iter().any(|word| name.contains(word))
}

fn push_new(list: &mut Vec<Evidence>, evidence: Evidence) {
    if !list.contains(&evidence) {
        list.push(evidence);
    }
}
