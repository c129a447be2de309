//! A mount point is declared, or carries an option where it is declared.
//!
//! Nothing is mounted and no mount is invented: an option is added to a mount that the image
//! declares anyway, and a line is added to `fstab` only where a rule gives that line.

mod declared;

use schemars::JsonSchema;
use serde::Deserialize;

use self::declared::{Declared, UnitMount, is_early, resolve};
use super::messages;
use crate::check::common::remedy::{self, Remedy};
use crate::check::common::{destination, own_file};
use crate::check::data::BadData;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath, Rootfs, escape_text};
use crate::text::fstab::{self, FstabLine};
use crate::text::mount_options::{self, Flag};
use crate::text::{Lines, mountinfo, unit};

/// What is wanted of the mount on `target`. One of:
///
/// - `option`: where the mount is declared, its options state this one. With `declared = true` a
///   mount that is not declared fails, instead of holding vacuously.
/// - `line`: it is declared, if need be by this line of `fstab`.
/// - `declared = true` alone: it is declared; never made so.
/// - `drop_in`: the name of our drop-in for a vendor's mount unit.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Mount {
    /// The mount point.
    pub target: ImagePath,
    /// The option that the declared mount must state.
    pub option: Option<Flag>,
    /// The line of `fstab` that is added where the mount is not declared.
    pub line: Option<String>,
    /// Whether the mount must be declared; alone, or with `option`.
    #[serde(default)]
    pub declared: bool,
    /// The name of our drop-in for a vendor's mount unit, as `60-site.conf`.
    #[serde(deserialize_with = "own_file::conf_name")]
    pub drop_in: String,
}

enum Want<'a> {
    Option { flag: Flag, must_be_declared: bool },
    Line(&'a str),
    Declared,
}

pub(in crate::check) fn fstab_path() -> Result<ImagePath> {
    ImagePath::parse("/etc/fstab")
}

impl Primitive for Mount {
    fn consumers(&self) -> Vec<Consumes> {
        Vec::new()
    }

    fn check_data(&self) -> Result<(), BadData> {
        self.want().map(drop)
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let text = root.read(&fstab_path()?)?;
        let declared = resolve(root, &self.target, text.as_deref())?;
        let finding = match self.want().map_err(BadData::into_error)? {
            Want::Declared => self.judge_declared(audit, &declared.into_mount(&self.target)?),
            Want::Line(line) => {
                let declared = declared.into_mount(&self.target)?;
                self.judge_line(audit, &declared, text.as_deref(), line)?
            }
            Want::Option { flag, must_be_declared } => match declared {
                Declared::Not(seen) => self.judge_absent(audit, flag, must_be_declared, seen),
                Declared::Lines(entries) => {
                    self.judge_entries(audit, flag, &entries, &text.unwrap_or_default())?
                }
                Declared::Unit(unit) => self.judge_unit(audit, flag, &unit)?,
            },
        };
        Ok(self.with_live_state(root, finding))
    }
}

impl Mount {
    /// The restrictions that the declared mount states, in each of its lines.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let text = audit.root().read(&fstab_path()?)?;
        let options: Vec<String> = match resolve(audit.root(), &self.target, text.as_deref())? {
            Declared::Not(_) => return Ok(Levels::default()),
            Declared::Unit(unit) => vec![unit.options],
            Declared::Lines(lines) => {
                lines.into_iter().map(|line| line.options.unwrap_or_default()).collect()
            }
        };
        let stated = |flag: &Flag| options.iter().all(|all| mount_options::states(all, *flag));
        let flags = [Flag::Nodev, Flag::Nosuid, Flag::Noexec].into_iter().filter(stated);
        let mut levels = Levels::default();
        levels.only(self.subject(), Level::asks(flags.map(Flag::word)));
        Ok(levels)
    }

    fn want(&self) -> Result<Want<'_>, BadData> {
        let target = &self.target;
        match (self.option, self.line.as_deref(), self.declared) {
            (Some(flag), None, must_be_declared) => Ok(Want::Option { flag, must_be_declared }),
            (None, Some(line), false) => {
                let entries = fstab::entries(line);
                let found = entries.first().and_then(FstabLine::target_path);
                let whole = entries.first().is_some_and(|e| e.options.is_some());
                let wrong = |why: String| Err(BadData::field("line", format!("`{line}` {why}")));
                if line.contains(['\n', '\r']) || !whole {
                    return wrong("is not one line of fstab with its options".to_owned());
                }
                if found.is_none_or(|p| p.as_bytes() != target.as_bytes()) {
                    return wrong(format!("is not a line for `{target}`"));
                }
                Ok(Want::Line(line))
            }
            (None, None, true) => Ok(Want::Declared),
            _ => Err(BadData::whole("want one of `option`, `line` and `declared = true`")),
        }
    }

    /// What every gap is about: the mount, however it is declared.
    fn subject(&self) -> Subject {
        Subject::new(SubjectKind::Mount, self.target.to_string())
    }

    fn judge_declared(&self, audit: &Audit<'_>, declared: &Declared) -> Finding {
        match declared {
            Declared::Not(seen) => {
                let evidence = Evidence::note_only(messages::not_separate(&self.target));
                let evidence = evidence.want(messages::declared_mount());
                let why = messages::declare_mount(&self.target);
                let gaps = vec![remedy::none(audit, self.subject(), evidence, why)];
                Finding::NotMet { gaps, holding: seen.clone() }
            }
            declared => Finding::Met(places(declared)),
        }
    }

    fn judge_line(
        &self,
        audit: &Audit<'_>,
        declared: &Declared,
        text: Option<&str>,
        line: &str,
    ) -> Result<Finding> {
        Ok(match (declared, text) {
            (Declared::Not(seen), Some(text)) => {
                let path = fstab_path()?;
                let evidence = Evidence::at(&path).want(line);
                let gap = remedy::gap(audit, self.subject(), evidence, || {
                    if let Some(reason) = destination::refusal(audit.root(), &path)? {
                        return Ok(Err(reason));
                    }
                    let mut lines = Lines::new(text);
                    lines.push(line);
                    Ok(Ok(Change::write(&path, lines.to_string())))
                })?;
                Finding::NotMet { gaps: vec![gap], holding: seen.clone() }
            }
            // Without a table nothing is declared by hand; what is mounted, systemd mounts itself.
            (Declared::Not(seen), None) => Finding::MetVacuously(seen.clone()),
            (declared, _) => Finding::Met(places(declared)),
        })
    }

    /// Nothing is declared: then nothing can lack an option, unless systemd mounts it all the same.
    fn judge_absent(
        &self,
        audit: &Audit<'_>,
        flag: Flag,
        must_be_declared: bool,
        seen: Vec<Evidence>,
    ) -> Finding {
        let lacks_by_default = is_early(&self.target) && flag == Flag::Noexec;
        if !must_be_declared && !lacks_by_default {
            return Finding::MetVacuously(seen);
        }
        let evidence = Evidence::note_only(messages::not_declared(&self.target));
        let why = messages::declare_with_options(&self.target);
        let gap = remedy::none(audit, self.subject(), evidence.want(flag.word()), why);
        Finding::NotMet { gaps: vec![gap], holding: seen }
    }

    /// On a running system: what is mounted at this moment, beside the verdict.
    fn with_live_state(&self, root: &dyn Rootfs, mut finding: Finding) -> Finding {
        if !root.is_live() {
            return finding;
        }
        let Ok(path) = ImagePath::parse("/proc/self/mountinfo") else { return finding };
        let evidence = match (root.read(&path), std::str::from_utf8(self.target.as_bytes())) {
            (Ok(Some(text)), Ok(target)) => match mountinfo::flags(&text, target) {
                Some(flags) => Evidence::at(&path)
                    .found(escape_text(flags))
                    .note(messages::until_next_boot())
                    .aside(),
                None => Evidence::at(&path).note(messages::nothing_mounted(target)),
            },
            // The verdict is about the files; it stands without this.
            _ => return finding,
        };
        match &mut finding {
            Finding::Met(list)
            | Finding::MetVacuously(list)
            | Finding::Manual(list)
            | Finding::Unmeasured(list) => {
                list.push(evidence);
            }
            Finding::NotMet { holding, .. } => holding.push(evidence),
        }
        finding
    }
}

/// Where a mount is declared.
fn places(declared: &Declared) -> Vec<Evidence> {
    match declared {
        Declared::Not(seen) => seen.clone(),
        Declared::Lines(entries) => entries.iter().filter_map(line_evidence).collect(),
        Declared::Unit(unit) => vec![unit_evidence(unit)],
    }
}

fn line_evidence(entry: &FstabLine) -> Option<Evidence> {
    let found = match &entry.options {
        Some(options) => Message::value(escape_text(options)),
        None => messages::no_options(),
    };
    Some(Evidence::at(&fstab_path().ok()?).line(entry.line).found(found))
}

fn unit_evidence(unit: &UnitMount) -> Evidence {
    let evidence = Evidence::at(&unit.path).note(messages::decides(&unit.name));
    match unit.line {
        Some(line) => evidence.line(line).found(escape_text(&unit.options)),
        None => evidence.found(messages::no_options_line()),
    }
}

/// How one list of options stands to the wanted one.
enum Verdict {
    Holds,
    /// Stated for a bind mount: a second call of `mount` has to apply it.
    Bind,
    /// Could be added.
    Lacks,
    /// Cannot be added, and why.
    Hopeless(Message),
}

/// `line` of `path` has the options, if a line has them.
fn verdict(options: &str, flag: Flag, path: &ImagePath, line: Option<usize>) -> Verdict {
    let bind = mount_options::is_bind(options);
    let place = || line.map_or_else(|| path.to_string(), |line| format!("{path}:{line}"));
    if !mount_options::is_sound(options) {
        return Verdict::Hopeless(messages::broken_options(place()));
    }
    match (mount_options::states(options, flag), bind) {
        (true, false) => Verdict::Holds,
        (true, true) => Verdict::Bind,
        (false, false) => Verdict::Lacks,
        (false, true) => Verdict::Hopeless(messages::bind_mount(place())),
    }
}

/// What a reader of a gap should know about the found options.
fn noted(mut evidence: Evidence, options: &str, flag: Flag) -> Evidence {
    let remark = match (mount_options::implied_by(options, flag), flag) {
        (Some(word), _) => messages::only_implied(escape_text(word)),
        (None, Flag::Noexec) => messages::noexec_at_next_boot(),
        _ => return evidence.want(flag.word()),
    };
    let note = match evidence.note.take() {
        Some(note) => messages::both(note, remark),
        None => remark,
    };
    evidence.note(note).want(flag.word())
}

impl Mount {
    /// Every line for the target must state the option, whichever of them a reader takes.
    fn judge_entries(
        &self,
        audit: &Audit<'_>,
        flag: Flag,
        entries: &[FstabLine],
        text: &str,
    ) -> Result<Finding> {
        let path = fstab_path()?;
        let (mut gaps, mut holding, mut unsure) = (Vec::new(), Vec::new(), Vec::new());
        let mut lacking = Vec::new();
        let mut lines = Lines::new(text);
        for entry in entries {
            let Some(evidence) = line_evidence(entry) else { continue };
            let written = entry.options.as_deref().unwrap_or("defaults");
            // What systemd has mounted itself is remounted by `mount`, which decodes them.
            let decoded = is_early(&self.target).then(|| fstab::decoded_options(written));
            let options = decoded.as_deref().unwrap_or(written);
            match verdict(options, flag, &path, Some(entry.line)) {
                // Nobody declares a mount with it: what is in force by the way is enough.
                Verdict::Lacks
                    if entry.is_swap() && mount_options::implied_by(options, flag).is_some() =>
                {
                    holding.push(noted(evidence, options, flag));
                }
                Verdict::Lacks if entry.is_swap() => {
                    let reason = messages::remounted_as_swap(&path, entry.line, &self.target);
                    let evidence = noted(evidence, options, flag);
                    gaps.push(remedy::none(audit, self.subject(), evidence, reason));
                }
                Verdict::Holds => holding.push(evidence),
                Verdict::Bind => unsure.push(evidence.note(messages::bind_needs_second_step())),
                Verdict::Hopeless(reason) => {
                    let evidence = noted(evidence, options, flag);
                    gaps.push(remedy::none(audit, self.subject(), evidence, reason));
                }
                Verdict::Lacks => {
                    let options_with = mount_options::require(options, flag);
                    fstab::set_options(&mut lines, entry.line, &options_with);
                    lacking.push(noted(evidence, options, flag));
                }
            }
        }
        // One change closes all of them, so one gap carries it.
        let mut lacking = lacking.into_iter();
        if let Some(first) = lacking.next() {
            gaps.push(remedy::gap(audit, self.subject(), first, || {
                let refusal = destination::refusal(audit.root(), &path)?;
                Ok(refusal.map_or_else(|| Ok(Change::write(&path, lines.to_string())), Err))
            })?);
        }
        holding.splice(0..0, lacking);
        Ok(finish(gaps, holding, unsure))
    }

    fn judge_unit(&self, audit: &Audit<'_>, flag: Flag, unit: &UnitMount) -> Result<Finding> {
        let evidence = unit_evidence(unit);
        Ok(match verdict(&unit.options, flag, &unit.path, unit.line) {
            Verdict::Holds => Finding::Met(vec![evidence]),
            Verdict::Bind => {
                let note = Evidence::note_only(messages::bind_needs_second_step());
                Finding::Manual(vec![evidence, note])
            }
            Verdict::Hopeless(reason) => {
                let evidence = noted(evidence, &unit.options, flag);
                let gap = remedy::none(audit, self.subject(), evidence, reason);
                Finding::from_gaps(vec![gap], Vec::new())
            }
            Verdict::Lacks => {
                let evidence = noted(evidence, &unit.options, flag);
                let gap = remedy::gap(audit, self.subject(), evidence, || {
                    let options = mount_options::require(&unit.options, flag);
                    unit_change(audit.root(), unit, &options, &self.drop_in)
                })?;
                Finding::from_gaps(vec![gap], Vec::new())
            }
        })
    }
}

fn finish(gaps: Vec<Gap>, mut holding: Vec<Evidence>, unsure: Vec<Evidence>) -> Finding {
    let manual = gaps.is_empty() && !unsure.is_empty();
    holding.extend(unsure);
    if manual { Finding::Manual(holding) } else { Finding::from_gaps(gaps, holding) }
}

/// The change that gives a unit these options: in the file that decides, if that is a file of
/// `/etc`; else in a drop-in there that decides instead.
fn unit_change(
    root: &dyn Rootfs,
    unit: &UnitMount,
    options: &str,
    drop_in: &str,
) -> Result<Remedy> {
    let set = |text: &str| unit::set(text, "Mount", "Options", options);
    let text = root.read(&unit.path)?.unwrap_or_default();
    let in_etc = unit.path.starts_with(&ImagePath::parse("/etc")?);
    if in_etc && destination::refusal(root, &unit.path)?.is_none() {
        return Ok(Ok(Change::write(&unit.path, set(&text))));
    }
    let dir = ImagePath::parse("/etc/systemd/system")?.join(format!("{}.d", unit.name))?;
    let ours = dir.join(drop_in)?;
    let mut path = ours.clone();
    let mut base = root.read(&ours)?.unwrap_or_default();
    // A drop-in that sorts behind ours has the last word: a file of its name hides it.
    if unit.drop_in
        && let Some(name) = unit.path.file_name()
        && Some(name) >= ours.file_name()
    {
        path = dir.join(name)?;
        base = text;
        // Nor can that file be under /etc already, and not be ours to change.
        if let Some(reason) = destination::refusal(root, &unit.path)?.filter(|_| in_etc) {
            return Ok(Err(reason));
        }
    }
    Ok(match destination::refusal(root, &path)? {
        Some(reason) => Err(reason),
        None => Ok(Change::write(&path, set(&base))),
    })
}

#[cfg(test)]
mod tests;
