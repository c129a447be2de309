//! Log messages are routed to where a profile wants them: to files, or to everybody.

use schemars::JsonSchema;
use serde::Deserialize;

#[cfg(feature = "internals")]
pub use super::route::Selected;
pub use super::route::{Criterion, Receiver, Route};
use super::rsyslog::{Config, MAIN, no_configuration};
use super::{keeping, messages};
use crate::check::common::destination::{self, Destination};
use crate::check::common::{preview, remedy};
use crate::check::data::BadData;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::rootfs::{Change, FileKind, ImagePath, Rootfs};
use crate::text::Lines;
use crate::text::rsyslog::{Mask, Target, What};

/// Messages reach the places that `criteria` name, by whatever rule in rsyslog's configuration.
///
/// Where one of these does not hold, its rule is written to the drop-in `file`. Where none of them
/// holds, the `further` log files come with them, except those that another rule writes already.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RsyslogRouting {
    /// The drop-in below `/etc/rsyslog.d`.
    pub file: ImagePath,
    /// What must hold.
    pub criteria: Vec<Criterion>,
    /// Rules for further log files, which come where no criterion holds. That they are there is not
    /// judged.
    #[serde(default)]
    pub further: Vec<Route>,
}

/// Per criterion whether it holds, and the rules that help it.
struct Judgement {
    criteria: Vec<(bool, Vec<Evidence>)>,
    /// Rules that write nothing, and why.
    notes: Vec<Evidence>,
    /// Messages that no input takes in, and what is missing.
    lost: Vec<(Mask, Evidence)>,
    /// What reaches files, and what reaches everybody.
    reached: [Mask; 2],
}

impl Primitive for RsyslogRouting {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::followed("rsyslogd")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        // Without any, everything would comply.
        if self.criteria.is_empty() {
            return Err(BadData::field("criteria", "found none, want at least one"));
        }
        self.criteria.iter().try_for_each(Criterion::check_data)
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "rsyslog")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let Some(config) = Config::read(audit)? else {
            return Ok(Finding::from_gaps(vec![no_configuration(audit)?], Vec::new()));
        };
        let now = self.judge(root, &config)?;
        let missing: Vec<bool> = now.criteria.iter().map(|(holds, _)| !holds).collect();
        let mut holding: Vec<Evidence> = Vec::new();
        for (criterion, (holds, rules)) in self.criteria.iter().zip(now.criteria) {
            let rules = rules.into_iter().map(|e| e.want(criterion.wanted()));
            holding.extend(rules.take(if holds { usize::MAX } else { 0 }));
        }
        if !missing.contains(&true) {
            holding.extend(now.notes);
            return Ok(Finding::Met(holding));
        }
        let useless = !now.notes.is_empty();
        let whole = !missing.contains(&false);
        holding.extend(now.notes);
        let (mut missing, mut gaps) = (missing, Vec::new());
        for (criterion, missing) in self.criteria.iter().zip(&mut missing).filter(|(_, m)| **m) {
            let of =
                |(mask, _): &&(Mask, Evidence)| mask.and(criterion.messages.mask) != Mask::NONE;
            let (evidence, why) = match (now.lost.iter().find(of), config.stopped()) {
                (Some((_, evidence)), _) => {
                    (evidence.clone(), messages::load_inputs(&criterion.messages.selector))
                }
                (None, Some((evidence, why))) => (evidence.clone(), why.clone()),
                (None, None) => continue,
            };
            let evidence = evidence.want(criterion.wanted());
            gaps.push(remedy::none(audit, about(&criterion.rule), evidence, why));
            *missing = false;
        }
        gaps.extend(self.gaps(audit, &config, missing, (useless, whole))?);
        Ok(Finding::NotMet { gaps, holding })
    }
}

impl RsyslogRouting {
    /// The messages that are kept, and those that everybody is shown.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let Some(config) = Config::read(audit)? else { return Ok(levels) };
        let [files, everybody] = self.judge(audit.root(), &config)?.reached;
        for (place, mask) in [("files", files), ("everybody", everybody)] {
            let of = |facility: usize| {
                let bits = mask.severities(facility);
                let passes = move |severity: &u32| bits & (1 << severity) != 0;
                (0..8).filter(passes).map(move |severity| format!("{facility}.{severity}"))
            };
            let kept = Level::asks((0..Mask::FACILITIES).flat_map(of));
            levels.only(Subject::new(SubjectKind::Selector, place), kept);
        }
        Ok(levels)
    }

    /// The gaps that a rule of ours could close. `useless`: other rules write nothing; `whole`: no
    /// criterion holds.
    fn gaps(
        &self,
        audit: &Audit<'_>,
        config: &Config,
        mut missing: Vec<bool>,
        (useless, whole): (bool, bool),
    ) -> Result<Vec<Gap>> {
        let root = audit.root();
        let evidence = |c: &Criterion| Evidence::at(&self.file).want(c.wanted());
        let mut gaps = Vec::new();
        for (criterion, missing) in self.criteria.iter().zip(&mut missing).filter(|(_, m)| **m) {
            let subject = about(&criterion.rule);
            if let Some(exclusion) = audit.excluded_in(&subject, &self.file) {
                let gap = Gap::no_remedy(evidence(criterion), exclusion.cause.clone());
                gaps.push(gap.about(subject));
                *missing = false;
            }
        }
        if !missing.contains(&true) {
            return Ok(gaps);
        }
        let path =
            match destination::file(root, &self.file)? {
                Destination::At(path) => path,
                Destination::Refused(why) => {
                    let wanted = self.criteria.iter().zip(missing).filter(|(_, m)| *m);
                    gaps.extend(wanted.map(|(c, _)| {
                        Gap::no_remedy(evidence(c), why.clone()).about(about(&c.rule))
                    }));
                    return Ok(gaps);
                }
            };
        let change = Change::write(&path, self.new_text(audit, config, &path, (&missing, whole))?);
        // A rule behind a discarding one, or in a file that nothing includes, would not help.
        let after = match preview::with(root, std::slice::from_ref(&change)).and_then(|staged| {
            Config::read(&audit.on(&staged))?.map(|c| self.judge(&staged, &c)).transpose()
        }) {
            Ok(Some(after)) => after.criteria.into_iter().map(|(holds, _)| holds).collect(),
            _ => vec![false; self.criteria.len()],
        };
        let mut closed = Vec::new();
        for (criterion, (missing, after)) in self.criteria.iter().zip(missing.iter().zip(after)) {
            let (subject, evidence) = (about(&criterion.rule), evidence(criterion));
            match (missing, after) {
                (false, _) => {}
                (true, true) => closed.push((subject, evidence)),
                (true, false) => {
                    let Route { selector, target } = &criterion.rule;
                    let why = match useless {
                        true => messages::route_useless(selector, target, &self.file),
                        false => messages::route_unseen(selector, target, &self.file, MAIN),
                    };
                    gaps.push(Gap::no_remedy(evidence, why).about(subject));
                }
            }
        }
        gaps.extend(Gap::closed_together(closed, vec![change]));
        Ok(gaps)
    }

    /// The drop-in with the missing rules, and where all are missing those of further files. One that
    /// is there already keeps all of its lines and gets only what is missing.
    fn new_text(
        &self,
        audit: &Audit<'_>,
        config: &Config,
        path: &ImagePath,
        (missing, whole): (&[bool], bool),
    ) -> Result<String> {
        let root = audit.root();
        let there = root.read(path)?.unwrap_or_default();
        let needed: Vec<&Route> =
            self.criteria.iter().zip(missing).filter(|(_, m)| **m).map(|(c, _)| &c.rule).collect();
        let mut lines = Lines::new(&there);
        if !whole || !there.trim().is_empty() {
            if lines.get(lines.len()).is_some_and(|l| l.trim_end().ends_with('\\')) {
                lines.push("");
            }
            for rule in needed {
                lines.push(&line(rule));
            }
            return Ok(lines.to_string());
        }
        let written: Vec<String> = config
            .kinds()
            .filter_map(|kind| match Target::of(kind) {
                Some(Target::File(path)) => Some(path),
                _ => None,
            })
            .collect();
        lines = Lines::new("");
        lines.push("# Log files beside those of the other rules; rotation is set up in");
        lines.push("# /etc/logrotate.d.");
        for rule in needed {
            lines.push(&line(rule));
        }
        for rule in self.further.iter().filter(|rule| audit.excluded(&about(rule)).is_none()) {
            let file = rule.target.trim_start_matches('-');
            if written.iter().any(|w| w == file) {
                continue;
            }
            match obstacle(root, file)? {
                Some(what) => {
                    lines.push(&format!("# left out: {} to {file}: {what}", rule.selector))
                }
                None => lines.push(&line(rule)),
            }
        }
        Ok(lines.to_string())
    }

    fn judge(&self, root: &dyn Rootfs, config: &Config) -> Result<Judgement> {
        let lost = keeping::lost_at_input(root, config)?;
        let useless = keeping::useless(root, config)?;
        let actions = config.actions();
        // What comes in and no rule has discarded yet; what reaches files, and what reaches everybody.
        let mut left = lost.iter().fold(Mask::ALL, |left, (mask, _)| left.without(*mask));
        let mut judgement =
            Judgement { criteria: Vec::new(), notes: Vec::new(), lost, reached: [Mask::NONE; 2] };
        // What reaches the places of each criterion.
        let mut reached = vec![Mask::NONE; self.criteria.len()];
        let mut rules = vec![Vec::new(); self.criteria.len()];
        for action in actions.iter().filter(|s| s.filter.certain) {
            let reach = action.filter.mask.and(left);
            let (place, file) = match &action.what {
                What::Stop => {
                    left = left.without(reach);
                    continue;
                }
                What::Send(Target::File(path)) if path.starts_with("/dev/") => continue,
                What::Send(_) if useless.contains_key(&action.token) => {
                    let note = useless[&action.token].clone();
                    judgement.notes.push(config.evidence(action.token).note(note));
                    continue;
                }
                What::Send(Target::File(path)) => {
                    if let Ok(at) = ImagePath::parse(path)
                        && root.locate(&at)?.stat.is_some_and(|s| s.kind == FileKind::Dir)
                    {
                        let note = messages::directory_in_place(path);
                        judgement.notes.push(config.evidence(action.token).note(note));
                        continue;
                    }
                    (Receiver::File, Some(path))
                }
                What::Send(Target::DynamicFile) => (Receiver::File, None),
                What::Send(Target::Everyone) => (Receiver::Everybody, None),
                What::Send(_) => continue,
            };
            let of_place = &mut judgement.reached[usize::from(place == Receiver::Everybody)];
            *of_place = of_place.or(reach);
            for ((criterion, rules), reached) in
                self.criteria.iter().zip(&mut rules).zip(&mut reached)
            {
                let is_there = match &criterion.in_file {
                    None => criterion.to == place,
                    Some(wanted) => file.is_some_and(|file| is_path(file, wanted)),
                };
                if !is_there {
                    continue;
                }
                // The rules that make it hold, not those that only repeat it.
                if !criterion.holds(reached) && criterion.helped_by(&reach.without(*reached)) {
                    rules.push(config.evidence(action.token));
                }
                *reached = reached.or(reach);
            }
        }
        for ((criterion, rules), reached) in self.criteria.iter().zip(rules).zip(reached) {
            judgement.criteria.push((criterion.holds(&reached), rules));
        }
        Ok(judgement)
    }
}

/// Whether rsyslog's spelling of a file names this path.
fn is_path(file: &str, path: &ImagePath) -> bool {
    ImagePath::parse(file).is_ok_and(|file| file == *path)
}

fn line(rule: &Route) -> String {
    format!("{:<32}{}", rule.selector, rule.target)
}

/// Why a log file cannot be made at a path: something else stands there, or in its way. The words
/// are part of a comment in the drop-in.
fn obstacle(root: &dyn Rootfs, file: &str) -> Result<Option<String>> {
    if let Some(device) = keeping::leads_to_device(root, Some(file))? {
        return Ok(Some(format!("it leads to {device}")));
    }
    let Ok(path) = ImagePath::parse(file) else { return Ok(Some("it is no path".to_owned())) };
    if let Some(stat) = root.locate(&path)?.stat
        && stat.kind != FileKind::File
    {
        return Ok(Some(format!("it is a {}", stat.kind)));
    }
    if let Some(dir) = path.parent()
        && let Some(stat) = root.locate(&dir)?.stat
        && stat.kind != FileKind::Dir
    {
        return Ok(Some(format!("{dir} is a {}", stat.kind)));
    }
    Ok(None)
}

/// What a rule is about: its selector.
fn about(rule: &Route) -> Subject {
    Subject::new(SubjectKind::Selector, &rule.selector)
}

#[cfg(test)]
mod tests;
