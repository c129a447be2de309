//! The command line: arguments, dispatch, output, exit status. No logic of its own.

mod args;
mod environment;
mod image;
mod list;
mod logging;
pub(crate) mod messages;
mod outputs;
mod profile;
mod progress;
mod report_file;
mod root;
mod saved;
mod signals;
#[cfg(feature = "internals")]
pub mod status;
#[cfg(not(feature = "internals"))]
mod status;
mod subjects;
mod terminal;

use std::env::VarError;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use crate::apply;
use crate::error::{Error, Result, cannot};
use crate::message::{Arg, Lang, Message, say};
use crate::profile::{Identity, Loaded, Profile, Request, Rule, RuleId};
use crate::report::formats::{self, Style};
use crate::report::{self, Mode, Report, Stamp};
use crate::rootfs::{ImagePath, Rootfs};
use crate::run::{self, Guarded, Hardening, Options, Steps};

use args::{Args, Guard, Judge, Packages, Select, State, Table, Verb};
use environment::Refusal;
use outputs::Outputs;
use root::Root;
use subjects::Subjects;

#[cfg(feature = "internals")]
pub use args::{command, with_rows};

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    // A container's steps are this very program, started again.
    let status = Steps::serve(args.clone()).map_or_else(|status| status, |steps| run(args, steps));
    ExitCode::from(status)
}

/// Runs the program with these arguments (the first is the program's name) and returns the exit
/// status, one of [`status::TABLE`].
fn run(args: Vec<OsString>, steps: Steps) -> u8 {
    let args = match environment::arguments(args) {
        Ok(args) => args,
        Err(Refusal::Variable(told)) => {
            logging::start(args::LogFormat::Text, lang_of_environment(), 0, false, true);
            say!(error, messages::usage(Arg::cause(told)));
            return status::USAGE;
        }
        Err(Refusal::Clap(e)) => {
            // Help and version are answers, on stdout; clap's own status for mistakes is 2.
            let usage = e.use_stderr();
            let _ = e.print();
            return if usage { status::USAGE } else { status::OK };
        }
    };
    // A page that was asked for has no phases.
    let pages = matches!(
        args.verb,
        Verb::List(_) | Verb::Explain { .. } | Verb::Image(_) | Verb::Profile(_)
    );
    logging::start(args.log_format, lang(&args), args.verbose, args.quiet, pages);
    // For every verb, though not every one makes use of it.
    let done = source_date().and_then(|mtime| dispatch(&args, steps, mtime));
    logging::repeat_warnings();
    match done {
        Ok(status) => status,
        Err(Failure::Usage(message)) => {
            say!(error, messages::usage(Arg::cause(message)));
            status::USAGE
        }
        Err(Failure::Library(e)) => {
            say!(error, Message::from(&e));
            match (e.signal(), e) {
                (Some(signal), _) => u8::try_from(signal).map_or(status::FAILED, |s| 128 | s),
                (None, e) if e.is_refusal() => status::REFUSED,
                _ => status::FAILED,
            }
        }
    }
}

enum Failure {
    Usage(String),
    Library(Error),
}

impl From<Error> for Failure {
    fn from(e: Error) -> Failure {
        match e {
            Error::NoSuchRow { .. } => Failure::Usage(e.to_string()),
            e => Failure::Library(e),
        }
    }
}

fn dispatch(args: &Args, steps: Steps, mtime: Option<i64>) -> Result<u8, Failure> {
    match &args.verb {
        Verb::Audit(judge) => judge_root(judge, Mode::Audit, steps, mtime, args),
        Verb::Plan { judge, detailed_exitcode } => {
            let status = judge_root(judge, Mode::Plan, steps, mtime, args)?;
            let gated = judge.baseline.is_some();
            Ok(if *detailed_exitcode || gated { status } else { status & !2 })
        }
        Verb::Apply { judge, .. } => judge_root(judge, Mode::Apply, steps, mtime, args),
        Verb::Revert { root, state, run, force, json } => {
            revert(root, state, *run, force, *json, args)
        }
        Verb::Forget { root, state } => {
            let root = root::to_write(root)?;
            let stop = signals::watch();
            let dropped = apply::forget(&root, &state.state_dir, state.wait(), &stop)?;
            if dropped > 0 {
                let root = root.host_path().display().to_string();
                say!(info, messages::journals_dropped(root, dropped));
            }
            Ok(status::OK)
        }
        Verb::List(wanted) => list::run(wanted, args).map(|()| status::OK),
        Verb::Image(verb) => image::run(verb, lang(args)),
        Verb::Profile(verb) => profile::run(verb),
        Verb::Report(given) => saved::run(given, args),
        Verb::Explain { id, root, table, guard } => {
            explain(id, root.as_deref(), table, guard, args)
        }
    }
}

/// The profile; `auto` is the table for the system that `root` says it is.
fn load(table: &Table, root: Option<&dyn Rootfs>) -> Result<Loaded, Failure> {
    let environment = match std::env::var("GOKAKU_SET") {
        Ok(pairs) if !pairs.is_empty() => Some(pairs),
        Err(VarError::NotUnicode(_)) => {
            return Err(Failure::Usage("GOKAKU_SET: found what is no text, want VAR=VALUE".into()));
        }
        _ => None,
    };
    let request = Request {
        profiles: table.profile.clone(),
        environment,
        values: table.set.clone(),
        // The guard says what is wrong with an os-release that cannot be read.
        root: root.and_then(|root| Identity::read(root).ok()),
    };
    let loaded = request.load().map_err(|e| match e {
        Error::Profile(said) if request.is_wrong_in_its_values() => Failure::Usage(said),
        other => Failure::Library(other),
    })?;
    Ok(loaded)
}

/// What is to be said of a profile before it is used.
fn announce(loaded: Loaded) -> Profile {
    if let Some(name) = loaded.auto {
        say!(info, messages::auto_profile(name));
    }
    for warning in &loaded.profile.warnings {
        say!(warn, messages::profile_warning(Arg::cause(warning)));
    }
    loaded.profile
}

/// The rows that `--rule`, `--skip` and `--level` leave: at least one.
fn chosen<'a>(profile: &'a Profile, select: &Select) -> Result<Vec<&'a Rule>, Failure> {
    let mut rules = profile.select(&select.rule, &select.skip)?;
    rules.retain(|rule| select.level.is_empty() || select.level.contains(&rule.level));
    let given = select.given();
    if rules.is_empty() && !given.is_empty() {
        return Err(nothing_left(&given.join(" "), profile));
    }
    Ok(rules)
}

/// A selection without a row is a mistake: a run about nothing would look green.
fn nothing_left(options: &str, profile: &Profile) -> Failure {
    Failure::Usage(format!("{options}: no row of {} is left; leave one out", profile.id))
}

/// What is taken into account, for the library.
fn options(guard: &Guard) -> Options {
    let options = Options::new()
        .force_target(guard.force_target)
        .quarantine(guard.quarantine)
        .survey(guard.survey);
    guard.protect.iter().fold(options, Options::protect)
}

fn judge_root(
    judge: &Judge,
    mode: Mode,
    steps: Steps,
    mtime: Option<i64>,
    args: &Args,
) -> Result<u8, Failure> {
    // A mistake on the command line is said first, whatever there is at the root.
    subjects::fit(&judge.wanted, mode == Mode::Plan)?;
    let opened = Root::open(&judge.root, mode == Mode::Apply);
    let loaded = load(&judge.select.table, opened.as_ref().ok().map(|root| &*root.rootfs))?;
    chosen(&loaded.profile, &judge.select)?;
    let opened = opened?;
    let profile = announce(loaded);
    let rules = chosen(&profile, &judge.select)?;
    let root = &*opened.rootfs;
    let options = options_of(judge, steps, mtime, args);
    let guarded = Guarded::new(&profile, rules, root, &options)?;
    // Before anything is changed: without it the run would have no verdict.
    let baseline = judge.baseline.as_deref();
    let baseline_file = baseline.as_slice();
    let baseline = baseline.map(|path| saved::baseline(path, &(&profile).into())).transpose()?;
    let outputs = Outputs::open(&judge.wanted, Some(&opened), baseline_file)?;
    let subjects = Subjects::open(&judge.wanted)?;
    progress::opened(&guarded.target, &profile, &guarded.rules);
    guarded.warn(mode == Mode::Apply);
    let mut run = None;
    let mut report = match mode {
        Mode::Audit => guarded.audit(),
        Mode::Plan => guarded.plan()?,
        Mode::Apply => {
            let Some(root) = root.on_disk() else { return Ok(status::FAILED) };
            let done = Hardening::of(guarded, root)?.apply()?;
            if let Some(name) = done.journal.as_deref().and_then(Path::file_name) {
                run = Some(name.display().to_string());
            }
            done.report
        }
    };
    if judge.stamp {
        report.stamp = Some(mtime.map_or_else(Stamp::now, Stamp::at));
    }
    let table = saved::ids(&profile);
    report.comparison = baseline.map(|earlier| report.compare(&earlier, Some(&table)));
    let shown = style(args);
    let told = subjects.digested().map_err(Failure::from).and_then(|subjects| {
        report.attached.subjects = subjects;
        write(outputs, &report, mode, shown)
    });
    if told.is_err() && mode == Mode::Apply && !report.changes.is_empty() {
        let root = judge.root.display().to_string();
        say!(
            error,
            match run {
                None => messages::hardened_unreported(root),
                Some(run) => messages::hardened_unreported_in(root, run),
            }
        );
    }
    told?;
    logging::repeat_warnings();
    progress::ended(&report, judge.strict);
    let mut status = report.exit_status(judge.strict);
    if let Some(why) = report.packages.as_ref().and_then(|p| p.failure.as_ref()) {
        say!(error, messages::no_packages_changed(why));
    }
    if mode == Mode::Plan && report.comparison.is_none() {
        // A printed plan is a success; pending changes affect the status only on request.
        let pending = !report.changes.is_empty() || status == status::NOT_AS_DECLARED;
        if status != status::FAILED {
            status = if pending { status::NOT_AS_DECLARED } else { status::OK };
        }
    }
    Ok(status)
}

/// Writes the report wherever it is wanted.
fn write(outputs: Outputs, report: &Report, mode: Mode, shown: Style) -> Result<(), Failure> {
    outputs.write(mode == Mode::Apply, |format, to_file| {
        let style = if to_file { Style { colour: false, ..shown } } else { shown };
        Ok(formats::write(report, format, style)?)
    })
}

/// How a root is judged and changed, for the library.
fn options_of(judge: &Judge, steps: Steps, mtime: Option<i64>, args: &Args) -> Options {
    let guard = &judge.guard;
    let mut options =
        options(guard).survey(guard.survey || judge.strict).allow_lockout(judge.allow_lockout);
    if judge.validate {
        options = options.validate(steps.clone());
    }
    options = options.fixes(judge.wanted.format.iter().any(|format| format.needs_fixes()));
    let Verb::Apply { state, packages, protect_package, package_timeout, .. } = &args.verb else {
        return options;
    };
    if *packages == Packages::Apply {
        let limit = Duration::from_secs(*package_timeout);
        let packages = run::Packages::new(steps).time_limit(limit);
        options = options.packages(protect_package.iter().fold(packages, run::Packages::protect));
    }
    if let Some(mtime) = mtime {
        options = options.mtime(mtime);
    }
    options.state_dir(&state.state_dir).wait(state.wait()).stop(signals::watch())
}

fn revert(
    root: &Path,
    state: &State,
    run: Option<u32>,
    force: &[ImagePath],
    as_json: bool,
    args: &Args,
) -> Result<u8, Failure> {
    let root = root::to_write(root)?;
    let stop = signals::watch();
    let done = apply::revert_run(&root, &state.state_dir, run, force, state.wait(), &stop)?;
    let told = match as_json {
        true => json(&done),
        false => Ok(report::reverted::render(&done, args.verbose > 0, lang(args))),
    };
    let told = told.and_then(|text| emit(&text, true));
    if told.is_err() {
        let paths = done.paths.len();
        say!(
            error,
            match done.run {
                Some(run) => messages::reverted_unreported(&done.root, format!("{run:06}"), paths),
                None => messages::undone_unreported(&done.root, paths),
            }
        );
    }
    told?;
    Ok(status::OK)
}

fn json(data: &impl serde::Serialize) -> Result<String, Failure> {
    Ok(formats::json(data)?)
}

/// `SOURCE_DATE_EPOCH`, for images that must be reproducible bit by bit.
fn source_date() -> Result<Option<i64>, Failure> {
    match std::env::var("SOURCE_DATE_EPOCH") {
        Err(VarError::NotPresent) => Ok(None),
        Ok(text) if text.is_empty() => Ok(None),
        Ok(text) if text.parse::<i64>().is_ok_and(|seconds| seconds >= 0) => Ok(text.parse().ok()),
        answer => {
            let found = answer.unwrap_or_else(|_| "what is no text".to_owned());
            let found = format!("SOURCE_DATE_EPOCH: found {found:?}, want seconds since 1970");
            Err(Failure::Usage(found))
        }
    }
}

/// Text on stdout. A reader that has gone away (`| head`) is no failure, unless the text is an
/// `answer` about something that was done.
fn emit(text: &str, answer: bool) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(e) if answer || e.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Error::host(cannot::write_to, "stdout", e).into())
        }
        _ => Ok(()),
    }
}

fn style(args: &Args) -> Style {
    let colour = has_colour(&std::io::stdout());
    Style { lang: lang(args), colour, all: args.verbose > 0 }
}

/// The language of what is printed and logged.
fn lang(args: &Args) -> Lang {
    args.lang.unwrap_or_else(lang_of_environment)
}

/// Whether what goes to `stream` has colour: the report's and the log's.
fn has_colour(stream: &impl IsTerminal) -> bool {
    let value = |name| std::env::var_os(name).filter(|value| !value.is_empty());
    let plain = value("NO_COLOR").is_some() || value("TERM").is_some_and(|term| term == "dumb");
    let forced = value("CLICOLOR_FORCE").is_some_and(|value| value != "0");
    !plain && (forced || stream.is_terminal())
}

fn lang_of_environment() -> Lang {
    let locale = ["LC_ALL", "LC_MESSAGES", "LANG"]
        .into_iter()
        .find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    if locale.is_some_and(|l| l.starts_with("ja")) { Lang::Ja } else { Lang::En }
}

fn explain(
    id: &RuleId,
    root: Option<&Path>,
    table: &Table,
    guard: &Guard,
    args: &Args,
) -> Result<u8, Failure> {
    let root = root.map(|root| Root::open(root, false));
    let opened = root.as_ref().and_then(|root| root.as_ref().ok());
    let loaded = load(table, opened.map(|root| &*root.rootfs))?;
    let profile = if root.is_some() { announce(loaded) } else { loaded.profile };
    let rule = profile.rule(id).ok_or_else(|| profile.no_such_row(id))?;
    let style = Style { all: true, ..style(args) };
    let mut text = report::table::explain(&profile, rule, &rule.wants, style);
    let mut changes = String::new();
    if let Some(opened) = root {
        let (opened, options) = (opened?, options(guard));
        let guarded = Guarded::new(&profile, vec![rule], &*opened.rootfs, &options)?;
        guarded.warn(true);
        let (now, diffs) = guarded.explain()?;
        text.push('\n');
        text.push_str(&report::text::consequences(&now, style));
        text.push_str(&report::text::rows(&now, style));
        changes = diffs;
    }
    // A diff is copied as it stands.
    emit(&(terminal::fit(&text) + &changes), false)?;
    Ok(status::OK)
}
