//! A program that reads one file, which its command line names, and none of the usual ones.

use super::{Hit, Sysctl, messages};
use crate::check::common::destination::{self, Destination};
use crate::check::common::{self, conf_dirs, remedy};
use crate::check::{Audit, Evidence, Finding, foreign};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath};
use crate::text::sysctl::{self, Key};

use super::readers::{Files, Reader};

/// The finding where this file alone is read.
pub(super) fn judge(
    want: &Sysctl,
    audit: &Audit<'_>,
    files: &Files,
    path: &ImagePath,
) -> Result<Finding> {
    let root = audit.root();
    let Some(entry) = conf_dirs::read_entry(root, path)? else {
        return Ok(Finding::from_gaps(Vec::new(), Vec::new()));
    };
    let key = Key::new(&want.key);
    // Whichever of the programs it is.
    let dialects = files.dialects();
    let mut wrong = None;
    let mut holding = Vec::new();
    for dialect in dialects {
        let hits = Reader::of_one(dialect, &entry).hits(&key);
        let last = hits.last();
        if let Some(Hit { line, .. }) = last {
            foreign::judged(path, line.line, line.value.as_deref().unwrap_or_default())?;
        }
        let stated = hits.iter().any(|hit| hit.line.states(&want.value));
        match last.filter(|hit| stated && hit.line.is(&want.value)) {
            Some(hit) => super::push_new(&mut holding, want.evidence(hit)),
            None => {
                let nothing = || {
                    let line = format!("{} = {}", want.key, want.value);
                    Evidence::at(path).want(line).note(messages::no_line_gives(&want.key))
                };
                wrong = Some(last.map_or_else(nothing, |hit| want.evidence(hit)));
            }
        }
    }
    let Some(evidence) = wrong else { return Ok(Finding::Met(holding)) };
    let gap = remedy::gap(audit, want.subject(), evidence, || {
        if let Destination::Refused(why) = destination::file(root, path)? {
            return Ok(Err(why));
        }
        let new = sysctl::set(entry.text(), &want.key, &want.value, &dialects);
        Ok(match new == entry.text() {
            true => Err(common::messages::correct_by_hand(path)),
            false => Ok(Change::write(path, new)),
        })
    })?;
    Ok(Finding::from_gaps(vec![gap], holding))
}
