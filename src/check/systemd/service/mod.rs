//! A unit starts at boot, or does not: unit files, masks and links, as systemd reads them.
//!
//! Judged and changed are what is on disk for the next boot. What runs now is not looked at.
//! `enabled` and `disabled` judge one unit each way; other primitives ask them, too.

mod disabled;
mod enabled;
#[cfg(test)]
mod tests;

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::chain::units::Unit;
use crate::check::common::remedy;
use crate::check::data::BadData;
use crate::check::order::{self, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Fix, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::error::kind;
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs, escape};
use crate::text::unit_install::is_unit_name;
pub(in crate::check) use disabled::disabled;
pub(in crate::check) use enabled::{Links, enabled};

/// The unit `unit` is enabled, or disabled. Holds vacuously when there is no such unit and its
/// package is not there.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// The unit's full name, as `cron.service`.
    pub unit: String,
    /// Whether the unit must start at boot.
    pub state: State,
    /// The package that brings the unit; where neither is there, the want holds vacuously.
    pub package: Option<String>,
}

/// What a unit should be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Every link of its own `[Install]` section is there, and it is not masked. For an init
    /// script: it is started in run level 5.
    Enabled,
    /// Nothing pulls it in, or it is masked.
    Disabled,
}

impl Primitive for Service {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        if !is_unit_name(&self.unit) || self.unit.contains("@.") {
            let message = format!("`{}` is not the name of a unit", self.unit);
            return Err(BadData::field("unit", message));
        }
        Ok(())
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::right_or_wrong(self, before, after)
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let nothing = Evidence::note_only(messages::no_unit(&self.unit));
        // What a removed package leaves behind (masks, its init script) is no unit to judge.
        if let Some(package) = &self.package
            && Unit::find(root, &self.unit)?.unmasked().is_none()
            && let Some(absent) = dpkg::absent(root, package)?
        {
            return Ok(Finding::MetVacuously(vec![nothing, absent]));
        }
        let found = match self.state {
            State::Enabled => enabled(audit, &self.unit, Links::All)?,
            State::Disabled => disabled(audit, &self.unit)?,
        };
        Ok(match (found, self.state) {
            (Some(finding), _) => finding,
            (None, State::Disabled) => Finding::MetVacuously(vec![nothing]),
            (None, State::Enabled) => {
                let why = match &self.package {
                    Some(package) => messages::reinstall(&self.unit, package),
                    None => messages::install(&self.unit),
                };
                let evidence = nothing.want(messages::enabled());
                let gap = remedy::none(audit, subject(&self.unit), evidence, why);
                Finding::from_gaps(vec![gap], Vec::new())
            }
        })
    }
}

/// What an entry is, in words: where a link leads.
fn shown(root: &dyn Rootfs, path: &ImagePath) -> Result<Message> {
    Ok(match root.read_link(path)? {
        Some(target) => Message::value(escape(&target)),
        None => match root.stat(path)? {
            Some(stat) if stat.kind == FileKind::File && stat.size == 0 => messages::empty_file(),
            Some(stat) => kind(stat.kind),
            None => messages::nothing(),
        },
    })
}

fn subject(unit: &str) -> Subject {
    Subject::new(SubjectKind::Unit, unit)
}

/// The finding about a unit. Each gap has changes of its own, links and masks, so an exclusion of
/// the unit or of an entry takes whole gaps.
fn finding(audit: &Audit<'_>, unit: &str, mut gaps: Vec<Gap>, holding: Vec<Evidence>) -> Finding {
    let subject = subject(unit);
    for gap in &mut gaps {
        gap.subject = subject.clone();
        let exclusion = match &gap.fix {
            Fix::Changes(changes) => {
                changes.iter().find_map(|change| audit.excluded_in(&subject, change.path()))
            }
            Fix::Package { .. } | Fix::None(_) => audit.excluded(&subject),
        };
        if let Some(exclusion) = exclusion {
            gap.fix = Fix::None(exclusion.cause.clone());
        }
    }
    Finding::from_gaps(gaps, holding)
}
