//! What starts logrotate: a job of cron's, a table of cron's, anacron, or a timer.

use super::Index;
use super::boot::{Boot, Cause, command};
use super::cron::{TABLE, TableLine, Tables, tables};
use super::resolve::{Chain, Run, consumer, named_file, resolve, unit_runs};
use super::unit_files::{Fragment, fragment, statements};
use super::units::{self, Pull};
use super::{Place, messages};
use crate::check::logs::messages as logs;
use crate::check::{Audit, Evidence};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{FileKind, ImagePath, Rootfs, Stat};
use crate::text::script::{Word, commands};

const JOBS: [&str; 2] = ["/etc/cron.daily/logrotate", "/etc/cron.hourly/logrotate"];
/// There while systemd runs. Newer packages' jobs look for it and leave the work to the timer.
const SYSTEMD_RUNS: &str = "/run/systemd/system";
const SYSTEMD: [&str; 2] = ["/lib/systemd/systemd", "/usr/lib/systemd/systemd"];
const ANACRON: &str = "/usr/sbin/anacron";
const PROGRAM: &str = "/usr/sbin/logrotate";
/// Its long options whose value may be the next word.
const TAKING: [&str; 3] = ["--log", "--mail", "--state"];

/// Whose timers start wherever systemd is the init.
const STARTING: [&str; 3] = [
    "/etc/systemd/system/timers.target.wants",
    "/etc/systemd/system/multi-user.target.wants",
    "/etc/systemd/system/basic.target.wants",
];

/// What starts logrotate in a tree that boots: timers and cron. Else what keeps each from it.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn starting(
    audit: &Audit<'_>,
    boot: &Boot,
) -> Result<std::result::Result<Vec<Run>, Vec<Cause>>> {
    let (mut runs, mut causes, mut timers) = (Vec::new(), Vec::new(), Vec::new());
    for (unit, start) in boot.services() {
        let Some(timer) = start.by.as_ref().filter(|by| by.ends_with(".timer")) else { continue };
        let own = match command::commands(audit.root(), unit)? {
            Ok(commands) => commands.into_iter().find(|command| command.program == PROGRAM),
            Err(_) => None,
        };
        if own.is_none() && !is_timer(timer) {
            continue;
        }
        let file = own.map(|command| other_file(command.args)).transpose()?.flatten();
        let Some(starter) = boot.unit(timer) else { continue };
        match (unit_runs(audit.root(), unit)?, unit_runs(audit.root(), starter)?) {
            (Err(cause), _) | (_, Err(cause)) => timers.push(cause),
            (Ok(mut supposed), Ok(more)) => {
                supposed.extend(more);
                let at = boot.start(timer).and_then(|start| start.at.clone());
                let at = at.unwrap_or_else(Place::nowhere);
                runs.push(Run { supposed, file, ..Run::of(timer, PROGRAM, at) });
            }
        }
    }
    // The usual timer, where it is there and does nothing.
    for unit in ["logrotate.timer", "logrotate.service"] {
        if let Some(cause) = boot.why_not(audit, unit)?.filter(|_| runs.is_empty())
            && cause.why.id() != "chain.no_unit"
        {
            timers.push(cause);
            break;
        }
    }
    let root = audit.root();
    let tables = tables(root)?;
    let mut jobs = Vec::new();
    for line in tables.lines.iter().filter(|line| line.command.contains(PROGRAM)) {
        jobs.push((line.at.clone(), named_in(&line.command, &line.at)?));
    }
    for job in JOBS {
        let path = ImagePath::parse(job)?;
        let Some(stat) = root.locate(&path)?.stat else { continue };
        let at = Place::file(&path);
        if let Some(why) = idle_job(root, &path, stat)? {
            causes.push(Cause { at, why });
        } else if let Some(cause) = unlisted(audit, &path, &tables)? {
            causes.push(cause);
        } else {
            let text = root.read(&path)?.unwrap_or_default();
            let code = |line: &&str| !line.trim_start().starts_with('#');
            if !text.lines().filter(code).any(|line| line.contains("logrotate")) {
                causes.push(Cause { at, why: logs::job_calls_nothing(&path) });
                continue;
            }
            jobs.push((at.clone(), named_in(&text, &at)?));
        }
    }
    // One that reads the usual file stands for all.
    jobs.sort_by_key(|(_, file)| file.is_some());
    causes.extend(tables.ignored_with(PROGRAM));
    // A job of cron's stands before a timer that is off.
    let by_cron = !jobs.is_empty();
    if let Some((job, file)) = jobs.first() {
        match &*resolve(audit, "cron")? {
            Chain::Runs(cron) => {
                let unit = cron.first().map_or("cron.service", |run| &run.unit);
                let file = file.clone();
                runs.push(Run { file, ..Run::of(unit, PROGRAM, job.clone()) });
            }
            Chain::Stays(cause) | Chain::Unclear(cause) => causes.push(cause.clone()),
            Chain::Outside | Chain::OnDemand => {}
            Chain::Absent => {
                causes.push(Cause { at: job.clone(), why: messages::no_cron(&job.path) });
            }
        }
    }
    runs.sort_by_key(|run| run.file.is_some());
    let (first, second) = if by_cron { (causes, timers) } else { (timers, causes) };
    let causes = first.into_iter().chain(second).collect();
    Ok(if runs.is_empty() { Err(causes) } else { Ok(runs) })
}

/// The file that logrotate is to read in place of the usual one, where a script or a line of a table
/// calls it with words that are always the same.
fn named_in(text: &str, at: &Place) -> Result<Option<command::Word>> {
    for call in commands(text) {
        let words: Vec<Option<String>> = call.words.iter().map(Word::literal).collect();
        let is_program = |word: &Option<String>| word.as_deref() == Some(PROGRAM);
        let Some(program) = words.iter().position(is_program) else { continue };
        // Before it may stand what runs another program; a test only looks at it.
        let name = words.iter().flatten().find(|word| !word.contains('='));
        if name.is_some_and(|name| matches!(name.as_str(), "test" | "[" | "[[" | "command")) {
            continue;
        }
        let at = match at.line {
            Some(_) => at.clone(),
            None => Place::line(&at.path, call.line),
        };
        let args = words.into_iter().skip(program + 1).flatten();
        return other_file(args.map(|text| command::Word { text, at: at.clone() }).collect());
    }
    Ok(None)
}

/// The file that these arguments of logrotate name, unless the usual one is among them.
fn other_file(args: Vec<command::Word>) -> Result<Option<command::Word>> {
    let consumer = consumer("logrotate")?;
    let mut plain = Vec::new();
    let mut rest = args.into_iter();
    while let Some(word) = rest.next() {
        if TAKING.contains(&word.text.as_str()) {
            rest.next();
        } else {
            plain.push(word);
        }
    }
    if plain.iter().any(|word| consumer.reads.contains(&word.text)) {
        return Ok(None);
    }
    Ok(consumer.program_at(PROGRAM).and_then(|program| named_file(program, &plain)))
}

/// Why nothing runs the jobs of a directory; `None` when something does.
fn unlisted(audit: &Audit<'_>, job: &ImagePath, tables: &Tables) -> Result<Option<Cause>> {
    let lines = &tables.lines;
    let root = audit.root();
    let Some(dir) = job.parent() else { return Ok(None) };
    let dir = dir.to_string();
    let runs = |text: &str| {
        text.contains("run-parts")
            && text
                .split(|c: char| c.is_whitespace() || ")\"';".contains(c))
                .any(|word| word.trim_end_matches('/') == dir)
    };
    let listing: Vec<&TableLine> = lines.iter().filter(|line| runs(&line.command)).collect();
    let anacron = ImagePath::parse(ANACRON)?;
    let there = root.locate(&anacron)?.stat;
    let there = there.is_some_and(|s| s.kind == FileKind::File && s.mode & 0o111 != 0);
    // The usual line leaves the work to anacron where that is there.
    let yields = |line: &&&TableLine| there && line.command.contains(ANACRON);
    if listing.iter().any(|line| !yields(&line)) {
        return Ok(None);
    }
    if let Some(line) = listing.first() {
        let table = ImagePath::parse("/etc/anacrontab")?;
        let text = root.read(&table)?.unwrap_or_default();
        if !text.lines().any(|line| !line.trim_start().starts_with('#') && runs(line)) {
            let why = messages::anacron_does_not_run(&dir);
            return Ok(Some(Cause { at: Place::file(&table), why }));
        }
        let called = |line: &&TableLine| {
            line.command.contains("anacron") && !line.command.contains("run-parts")
        };
        if lines.iter().any(|line| called(&line)) {
            return Ok(None);
        }
        return Ok(match &*resolve(audit, "anacron")? {
            Chain::Stays(cause) => Some(cause.clone()),
            Chain::Absent => {
                Some(Cause { at: line.at.clone(), why: messages::anacron_does_not_run(&dir) })
            }
            _ => None,
        });
    }
    if let Some(ignored) = tables.ignored_with(&dir) {
        return Ok(Some(ignored));
    }
    let table = ImagePath::parse(TABLE)?;
    Ok(Some(Cause { at: Place::file(&table), why: messages::no_table_runs(&dir) }))
}

/// What starts logrotate where the root has no init to ask: a job that is in order, or an enabled
/// timer. Else what was looked at in vain.
///
/// # Errors
/// A file that cannot be read.
pub(in crate::check) fn by_files(
    root: &dyn Rootfs,
) -> Result<std::result::Result<Evidence, Vec<Message>>> {
    let mut notes = Vec::new();
    for job in JOBS {
        let path = ImagePath::parse(job)?;
        let Some(stat) = root.locate(&path)?.stat else { continue };
        match idle_job(root, &path, stat)? {
            None => {
                let mode = logs::mode(format!("{:04o}", stat.mode));
                return Ok(Ok(Evidence::at(&path).found(mode)));
            }
            Some(why) => notes.push(why),
        }
    }
    for (name, link) in Index::of(root)?.linked(root)? {
        let Some(timer) = name.to_str().filter(|n| is_timer(n)) else { continue };
        let dir = link.parent();
        let starts = |wants: &str| dir.as_ref().is_some_and(|d| d.as_bytes() == wants.as_bytes());
        if !STARTING.iter().any(|wants| starts(wants)) {
            continue;
        }
        match started_by(root, &link, timer)? {
            Ok(unit) => {
                return Ok(Ok(Evidence::at(&link).found(logs::timer_enabled(timer, unit))));
            }
            Err(why) => notes.push(why),
        }
    }
    Ok(Err(notes))
}

/// The usual job.
///
/// # Errors
/// None for this path.
pub(in crate::check) fn usual_job() -> Result<ImagePath> {
    ImagePath::parse(JOBS[0])
}

/// Why a job of cron's does not start logrotate.
fn idle_job(root: &dyn Rootfs, path: &ImagePath, stat: Stat) -> Result<Option<Message>> {
    if stat.kind != FileKind::File {
        return Ok(Some(logs::job_not_regular(path)));
    }
    if stat.mode & 0o111 == 0 {
        return Ok(Some(logs::job_not_executable(path, format!("{:04o}", stat.mode))));
    }
    if stat.size == 0 {
        return Ok(Some(logs::job_empty(path)));
    }
    let mut has_systemd = false;
    for program in SYSTEMD {
        has_systemd |= root.locate(&ImagePath::parse(program)?)?.stat.is_some();
    }
    let text = root.read(path)?.unwrap_or_default();
    let asks = |word: &Word| word.literal().is_some_and(|w| w == SYSTEMD_RUNS);
    let yields = has_systemd && commands(&text).iter().any(|c| c.words.iter().any(asks));
    Ok(yields.then(|| logs::job_yields(path)))
}

/// The unit file of an enabled timer, or why it does not start logrotate.
fn started_by(
    root: &dyn Rootfs,
    link: &ImagePath,
    timer: &str,
) -> Result<std::result::Result<ImagePath, Message>> {
    if units::pull(root, link)? != Some(Pull::Link) {
        return Ok(Err(logs::link_enables_nothing(link)));
    }
    let file = |unit: &str| -> Result<std::result::Result<ImagePath, Message>> {
        Ok(match fragment(root, unit, false)? {
            Fragment::File(path) => Ok(path),
            Fragment::Masked(by) => Err(logs::unit_masked(unit, by)),
            Fragment::Missing | Fragment::Generated => Err(logs::unit_missing(unit)),
        })
    };
    let unit = match file(timer)? {
        Ok(unit) => unit,
        Err(why) => return Ok(Err(logs::enabled_but(timer, why))),
    };
    let said = statements(root, timer, Some(&unit))?;
    let service = match said.iter().rfind(|a| a.is("Timer", "Unit")) {
        Some(named) if !named.value.is_empty() => named.value.clone(),
        _ => timer.replace(".timer", ".service"),
    };
    Ok(match file(&service)? {
        Ok(_) => Ok(unit),
        Err(why) => Err(logs::enabled_but(timer, why)),
    })
}

/// `logrotate.timer`, or one of a product's own such as `aks-logrotate.timer`.
fn is_timer(name: &str) -> bool {
    name == "logrotate.timer" || name.ends_with("-logrotate.timer")
}
