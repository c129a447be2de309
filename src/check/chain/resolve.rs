//! Who starts a consumer, and which file it then reads.

use std::rc::Rc;

use super::boot::command::{self, Word};
use super::boot::condition::{self, Condition};
use super::boot::{Boot, BootUnit, Cause, Load, Programs};
use super::table::{Consumer, Program, Starter, consumers};
use super::{Index, Place, messages, stacks};
use crate::check::packages::versions;
use crate::check::{Audit, foreign};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::unit_install::is_unit_name;

/// Where an init is.
const INITS: [&str; 3] = ["/sbin/init", "/lib/systemd/systemd", "/usr/lib/systemd/systemd"];

/// One way in which a consumer starts.
#[derive(Debug, Clone)]
pub(in crate::check) struct Run {
    /// The unit.
    pub unit: String,
    /// The program that it runs.
    pub program: String,
    /// Its arguments.
    pub args: Vec<Word>,
    /// The file that is named there.
    pub file: Option<Word>,
    /// Conditions whose answer was taken from a machine that boots normally.
    pub supposed: Vec<Condition>,
    /// What makes it start: a link, a statement, a job.
    pub at: Place,
}

impl Run {
    /// A program without arguments.
    pub fn of(unit: &str, program: &str, at: Place) -> Run {
        let (unit, program) = (unit.to_owned(), program.to_owned());
        Run { unit, program, args: Vec::new(), file: None, supposed: Vec::new(), at }
    }
}

/// What the tree says about a consumer.
#[derive(Debug, Clone)]
pub(in crate::check) enum Chain {
    /// The root has no init: its starter is outside.
    Outside,
    /// Nothing at boot has to start it: the kernel does, or whoever calls it.
    OnDemand,
    /// It starts, in these ways; never empty.
    Runs(Vec<Run>),
    /// It does not start.
    Stays(Cause),
    /// Neither it nor a unit of it is there.
    Absent,
    /// Its command line cannot be known.
    Unclear(Cause),
}

/// The consumer of a name.
///
/// # Errors
/// There is none.
pub(in crate::check) fn consumer(name: &str) -> Result<&'static Consumer> {
    let found = consumers()?.get(name);
    found.ok_or_else(|| Error::Profile(format!("profiles/consumers.toml: no [{name}]")))
}

/// Whether what starts programs is in the tree: an init. One without a single unit boots nothing: the
/// tree is a part of another, and what starts its programs stands there.
///
/// # Errors
/// The kernel's refusal.
pub(in crate::check) fn has_init(root: &dyn Rootfs) -> Result<bool> {
    struct HasInit(bool);
    Ok(root.memo().derived(|| look_for_init(root).map(HasInit))?.0)
}

fn look_for_init(root: &dyn Rootfs) -> Result<bool> {
    for init in INITS {
        // A link that leads out of the tree's own files is an init all the same.
        if root.stat(&ImagePath::parse(init)?)?.is_some() {
            return Ok(Index::of(root)?.names().any(is_unit_name));
        }
    }
    Ok(false)
}

/// Who starts a consumer.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn resolve(audit: &Audit<'_>, name: &str) -> Result<Rc<Chain>> {
    let consumer = consumer(name)?;
    audit.root().memo().derived_for(name.to_owned(), || resolve_anew(audit, consumer))
}

fn resolve_anew(audit: &Audit<'_>, consumer: &Consumer) -> Result<Chain> {
    let root = audit.root();
    match consumer.starter {
        Starter::Kernel | Starter::People => return Ok(Chain::OnDemand),
        Starter::Services => return stacks::asked(root, consumer),
        Starter::Init | Starter::Jobs => {}
    }
    if !has_init(root)? {
        return Ok(Chain::Outside);
    }
    let boot = Boot::of(audit)?;
    if consumer.starter == Starter::Jobs {
        return Ok(match super::jobs::starting(audit, &boot)? {
            Ok(runs) => Chain::Runs(runs),
            Err(causes) => match causes.into_iter().next() {
                Some(cause) => Chain::Stays(cause),
                None => {
                    let at = Place::file(&super::jobs::usual_job()?);
                    Chain::Stays(Cause { at, why: messages::nothing_runs(consumer.program()) })
                }
            },
        });
    }
    let table = consumers()?;
    let programs = Programs::of(audit, |unit, program| {
        let of = |c: &Consumer| c.program_at(program).is_some() || is_listed(c, unit);
        table.values().any(of)
    })?;
    let (mut runs, mut unclear, mut stays) = (Vec::new(), None, None);
    for (unit, start) in boot.services() {
        let listed = is_listed(consumer, unit);
        let found = match run(audit, consumer, unit, &programs, listed)? {
            Found::Other => continue,
            Found::Unclear(cause) => {
                unclear.get_or_insert(cause);
                continue;
            }
            Found::Stays(cause) => {
                stays.get_or_insert(cause);
                continue;
            }
            Found::Runs(run) => run,
        };
        let starter = start.by.as_deref().and_then(|by| boot.unit(by));
        match held(root, unit, starter)? {
            Ok(supposed) => {
                let at = start.at.clone().unwrap_or_else(Place::nowhere);
                runs.push(Run { supposed, at, ..found });
            }
            Err(cause) => {
                stays.get_or_insert(cause);
            }
        }
    }
    // The usual unit is named first.
    runs.sort_by_key(|run| {
        consumer.units.iter().position(|u| *u == run.unit).unwrap_or(usize::MAX)
    });
    if !runs.is_empty() {
        return Ok(Chain::Runs(runs));
    }
    if let Some(cause) = unclear {
        return Ok(Chain::Unclear(cause));
    }
    if let Some(cause) = stays {
        return Ok(Chain::Stays(cause));
    }
    // The reason of the first of its units that is there.
    let mut first = None;
    for unit in &consumer.units {
        let Some(cause) = boot.why_not(audit, unit)? else { continue };
        if cause.why.id() != "chain.no_unit" {
            return Ok(Chain::Stays(cause));
        }
        first.get_or_insert(cause);
    }
    let mut there = false;
    for program in &consumer.programs {
        there |= root.locate(&ImagePath::parse(&program.path)?)?.stat.is_some();
    }
    Ok(match first.filter(|_| there) {
        Some(cause) => Chain::Stays(cause),
        None => Chain::Absent,
    })
}

fn is_listed(consumer: &Consumer, unit: &BootUnit) -> bool {
    // `ssh.socket` starts `ssh@….service`.
    let stem = unit.id.split_once('@').map(|(stem, _)| stem);
    let own = |listed: &String| {
        *listed == unit.id
            || unit.names.contains(listed)
            || stem.is_some() && listed.strip_suffix(".socket") == stem
    };
    consumer.units.iter().any(own)
}

enum Found {
    /// It is no business of this consumer's.
    Other,
    Runs(Run),
    Stays(Cause),
    Unclear(Cause),
}

/// What a unit that starts has to do with a consumer. `listed`: it is one of its units.
fn run(
    audit: &Audit<'_>,
    consumer: &Consumer,
    unit: &BootUnit,
    programs: &Programs,
    listed: bool,
) -> Result<Found> {
    let root = audit.root();
    if let Some(script) = unit.script.as_ref().filter(|_| listed) {
        let args = defaults(root, consumer)?;
        let program = consumer.programs.first();
        let file = program.and_then(|program| named_file(program, &args));
        let program = script.to_string();
        return Ok(Found::Runs(Run {
            args,
            file,
            ..Run::of(&unit.id, &program, Place::nowhere())
        }));
    }
    let commands = match programs.run_by(&unit.id) {
        Some(Ok(commands)) => commands,
        Some(Err((at, missing))) if listed => {
            let why = messages::variables_missing(&unit.id, missing);
            return Ok(Found::Stays(Cause { at: at.clone(), why }));
        }
        Some(Err(_)) | None => return Ok(Found::Other),
    };
    for command in commands {
        let Some(program) = consumer.program_at(&command.program) else { continue };
        if !is_of_version(audit, program)? {
            continue;
        }
        let needed = |needs: &String| command.args.iter().any(|word| word.text == *needs);
        if !program.needs.as_ref().is_none_or(needed) {
            continue;
        }
        let args = match program.wrapper {
            true => defaults(root, consumer)?,
            false => command.args.clone(),
        };
        for word in &args {
            foreign::judged(&word.at.path, word.at.line, &word.text)?;
        }
        let file = named_file(program, &args);
        let program = command.program.clone();
        return Ok(Found::Runs(Run {
            args,
            file,
            ..Run::of(&unit.id, &program, Place::nowhere())
        }));
    }
    match commands.first().filter(|_| listed) {
        Some(command) => {
            let why = messages::other_program(&unit.id, &command.program, consumer.program());
            Ok(Found::Unclear(Cause { at: command.at.clone(), why }))
        }
        None => Ok(Found::Other),
    }
}

/// Whether what the table says of a program is true of the version that is there; one that is not
/// known is taken for the usual one.
fn is_of_version(audit: &Audit<'_>, program: &Program) -> Result<bool> {
    let Some(versions) = &program.versions else { return Ok(true) };
    let there = versions::installed_or_supposed(audit, &versions.package)?;
    Ok(there.is_none_or(|version| versions.hold(&version)))
}

/// The options that an init script or a wrapper passes on.
fn defaults(root: &dyn Rootfs, consumer: &Consumer) -> Result<Vec<Word>> {
    let Some(defaults) = &consumer.defaults else { return Ok(Vec::new()) };
    let path = ImagePath::parse(&defaults.file)?;
    let text = root.read(&path)?.unwrap_or_default();
    let assigned = command::assignments(&text);
    let last = assigned.into_iter().rfind(|(_, name, _)| *name == defaults.variable);
    let Some((line, _, value)) = last else { return Ok(Vec::new()) };
    let at = Place::line(&path, line);
    Ok(command::words(&value).into_iter().map(|text| Word { text, at: at.clone() }).collect())
}

/// The file that a command line names in place of the usual one: the last counts.
pub(super) fn named_file(program: &Program, args: &[Word]) -> Option<Word> {
    let mut named = None;
    let mut rest = args.iter();
    while let Some(word) = rest.next() {
        let at = &word.at;
        if let Some(long) = word.text.strip_prefix("--") {
            let Some(name) = &program.long else { continue };
            match long.split_once('=') {
                Some((option, value)) if option == name => {
                    named = Some(Word { text: value.to_owned(), at: at.clone() });
                }
                None if long == name => named = rest.next().cloned(),
                _ => {}
            }
            continue;
        }
        let Some(letters) = word.text.strip_prefix('-').filter(|letters| !letters.is_empty())
        else {
            if program.plain {
                named = Some(word.clone());
            }
            continue;
        };
        // Several letters may share a dash; the first that takes a value ends them.
        let Some(start) = letters.find(|c| program.values.contains(c)) else { continue };
        let mut tail = letters[start..].chars();
        let letter = tail.next();
        let value = match tail.as_str() {
            "" => rest.next().cloned(),
            value => Some(Word { text: value.to_owned(), at: at.clone() }),
        };
        if letter.is_some() && letter == program.file {
            named = value.or(named);
        }
    }
    named
}

/// The file that a consumer reads in place of the usual ones, as far as it can be judged: one that
/// its command line names, an ordinary file under `/etc`.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn followed_file(audit: &Audit<'_>, name: &str) -> Result<Option<ImagePath>> {
    let consumer = consumer(name)?;
    let Chain::Runs(runs) = &*resolve(audit, name)? else { return Ok(None) };
    let other = |run: &Run| run.other_file(consumer).map(|word| word.text.clone());
    let Some(file) = runs.first().and_then(other) else { return Ok(None) };
    // Of jobs, the first stands for all.
    let agree = runs.iter().all(|run| other(run).as_ref() == Some(&file));
    if !agree && consumer.starter != Starter::Jobs {
        return Ok(None);
    }
    let under_etc = |path: &ImagePath| path.as_bytes().starts_with(b"/etc/");
    let Some(path) = ImagePath::parse(&file).ok().filter(under_etc) else { return Ok(None) };
    let at = audit.root().locate(&path)?;
    let is_file = at.stat.is_some_and(|stat| stat.kind == FileKind::File);
    Ok(Some(path).filter(|_| is_file && under_etc(&at.path)))
}

/// As [`followed_file`]; else the first of the usual ones.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn main_file(audit: &Audit<'_>, name: &str) -> Result<ImagePath> {
    match followed_file(audit, name)? {
        Some(path) => Ok(path),
        None => ImagePath::parse(consumer(name)?.reads.first().map_or("/", String::as_str)),
    }
}

/// What keeps a started unit from running, or the conditions that were supposed to hold.
fn held(
    root: &dyn Rootfs,
    unit: &BootUnit,
    starter: Option<&BootUnit>,
) -> Result<std::result::Result<Vec<Condition>, Cause>> {
    let mut supposed = Vec::new();
    for unit in [Some(unit), starter].into_iter().flatten() {
        match unit_runs(root, unit)? {
            Ok(conditions) => supposed.extend(conditions),
            Err(cause) => return Ok(Err(cause)),
        }
    }
    Ok(Ok(supposed))
}

/// Whether a unit that is started runs: the conditions that were supposed to hold, or what fails.
///
/// # Errors
/// A file that cannot be looked at.
pub(in crate::check) fn unit_runs(
    root: &dyn Rootfs,
    unit: &BootUnit,
) -> Result<std::result::Result<Vec<Condition>, Cause>> {
    let conditions = condition::of(root, unit)?;
    Ok(match conditions.failed {
        Some(failed) => {
            let why = match conditions.supposed.contains(&failed) {
                true => messages::condition_of_machine(&unit.id, &failed.text),
                false => messages::condition_fails(&unit.id, &failed.text),
            };
            Err(Cause { at: failed.at, why })
        }
        None => Ok(conditions.supposed),
    })
}

/// Why a unit does not run at boot; `None` when it does, or when the root has no init.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn unit_stays(audit: &Audit<'_>, name: &str) -> Result<Option<Cause>> {
    let root = audit.root();
    if !has_init(root)? {
        return Ok(None);
    }
    let boot = Boot::of(audit)?;
    if let Some(cause) = boot.why_not(audit, name)? {
        return Ok(Some(cause));
    }
    let Some(unit) = boot.unit(name) else { return Ok(None) };
    let starter = boot.start(name).and_then(|start| boot.unit(start.by.as_deref()?));
    if let Load::Ready = unit.load
        && let Err((at, missing)) = command::commands(root, unit)?
    {
        let why = messages::variables_missing(&unit.id, &missing);
        return Ok(Some(Cause { at, why }));
    }
    Ok(held(root, unit, starter)?.err())
}

/// What makes a unit start at boot, or once the system runs; `None` when nothing does, or when the
/// root has no init.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn unit_starts(audit: &Audit<'_>, name: &str) -> Result<Option<Cause>> {
    if !has_init(audit.root())? {
        return Ok(None);
    }
    let boot = Boot::of(audit)?;
    let Some(start) = boot.start(name) else { return Ok(None) };
    let at = start.at.clone().unwrap_or_else(Place::nowhere);
    let why: Message = match &start.by {
        Some(by) => messages::started_by(by, name),
        None => messages::started_at_boot(name),
    };
    Ok(Some(Cause { at, why }))
}
