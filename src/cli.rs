//! The command line: arguments, dispatch, output, exit status. No logic of its own.

mod args;
mod environment;
mod guards;
mod image;
mod logging;
pub(crate) mod messages;
mod outputs;
mod progress;
mod report_file;
mod signals;
pub mod status;

use std::env::VarError;
use std::ffi::OsString;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;

use crate::apply;
use crate::check::{self, Audit, Exclusions, Subject};
use crate::error::{Error, Result, cannot};
use crate::message::{Arg, Lang, Message, say};
use crate::plan;
use crate::profile::{Profile, Rule, RuleId};
use crate::report::{self, Mode, Report, TargetRef, text::Style};
use crate::rootfs::{AccountDb, DiskRootfs, ImagePath, Rootfs};

use args::{Args, Format, Guard, Judge, Packages, Select, State, Table, Verb};
use environment::Refusal;
use outputs::Outputs;

pub use args::{command, with_rows};

/// This program, for what is started again.
const OWN: &str = "/proc/self/exe";

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    let args: Vec<OsString> = std::env::args_os().collect();
    // A container's steps are this very program, started again.
    let status = apply::serve(&args).unwrap_or_else(|| run(args));
    ExitCode::from(status)
}

/// Runs the program with these arguments (the first is the program's name) and returns the exit
/// status, one of [`status::TABLE`].
pub fn run(args: impl IntoIterator<Item = OsString>) -> u8 {
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
    let pages = matches!(args.verb, Verb::List(_) | Verb::Explain { .. } | Verb::Image(_));
    logging::start(args.log_format, lang(&args), args.verbose, args.quiet, pages);
    // For every verb, though not every one makes use of it.
    let done = source_date().and_then(|mtime| dispatch(&args, mtime));
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
                (None, Error::Guard(_)) => status::REFUSED,
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
        Failure::Library(e)
    }
}

fn dispatch(args: &Args, mtime: Option<i64>) -> Result<u8, Failure> {
    match &args.verb {
        Verb::Audit(judge) => judge_root(judge, Mode::Audit, mtime, args),
        Verb::Plan { judge, detailed_exitcode } => {
            let status = judge_root(judge, Mode::Plan, mtime, args)?;
            Ok(if *detailed_exitcode { status } else { status & !2 })
        }
        Verb::Apply { judge, .. } => judge_root(judge, Mode::Apply, mtime, args),
        Verb::Revert { root, state, run, force, json } => {
            revert(root, state, *run, force, *json, args)
        }
        Verb::Forget { root, state } => {
            let root = DiskRootfs::open(root)?;
            let stop = signals::watch();
            let dropped = apply::forget(&root, &state.state_dir, state.wait(), &stop)?;
            if dropped > 0 {
                let root = root.host_path().display().to_string();
                say!(info, messages::journals_dropped(root, dropped));
            }
            Ok(status::OK)
        }
        Verb::List(select) => {
            let profile = load(&select.table)?;
            let rules = chosen(&profile, select)?;
            let style = style(args);
            emit(&report::text::list(&rules, style), false)?;
            Ok(status::OK)
        }
        Verb::Image(verb) => image::run(verb, lang(args)),
        Verb::Explain { id, root, table, guard } => {
            explain(id, root.as_deref(), table, guard, args)
        }
    }
}

fn load(table: &Table) -> Result<Profile, Failure> {
    let embedded = table.profile.to_str().and_then(Profile::named);
    Ok(embedded.unwrap_or_else(|| Profile::from_dir(&table.profile))?)
}

/// The rows that `--rule` and `--skip` leave. An id of a section stands for the rows below it.
fn chosen<'a>(profile: &'a Profile, select: &Select) -> Result<Vec<&'a Rule>, Failure> {
    for wanted in select.rule.iter().chain(&select.skip) {
        if !profile.rules.iter().any(|r| r.id.is_within(wanted)) {
            return Err(Failure::Usage(format!(
                "no rule {wanted} in {}; `gokaku list` shows them all{}",
                profile.id,
                nearest(profile, wanted)
            )));
        }
    }
    let any = |ids: &[RuleId], rule: &Rule| ids.iter().any(|w| rule.id.is_within(w));
    let kept =
        |r: &&Rule| (select.rule.is_empty() || any(&select.rule, r)) && !any(&select.skip, r);
    Ok(profile.rules.iter().filter(kept).collect())
}

/// The existing ids that share the longest beginning with a wrong one.
fn nearest(profile: &Profile, wrong: &RuleId) -> String {
    let wrong = wrong.to_string();
    let common = |id: &str| id.bytes().zip(wrong.bytes()).take_while(|(a, b)| a == b).count();
    let best = profile.rules.iter().map(|r| r.id.to_string()).max_by_key(|id| common(id));
    best.filter(|id| common(id) > 1).map(|id| format!(" (nearest: {id})")).unwrap_or_default()
}

fn judge_root(judge: &Judge, mode: Mode, mtime: Option<i64>, args: &Args) -> Result<u8, Failure> {
    let profile = load(&judge.select.table)?;
    let rules = chosen(&profile, &judge.select)?;
    let root = DiskRootfs::open(&judge.root)?;
    let Guarded { root, target, options, accounts } =
        guarded(root, &judge.guard, &profile, judge.strict)?;
    let audit = Audit::new(&root, &options);
    let names = AccountDb::read(&root)?;
    let outputs = Outputs::open(judge, &root)?;
    progress::opened(&target, &profile, &rules);
    guards::clock(&rules, &root);
    if let Some(left) = apply::left_behind(&root).filter(|_| mode != Mode::Apply) {
        say!(warn, left);
    }
    let mut run = None;
    let report = match mode {
        Mode::Audit => {
            let judged = plan::audit(&rules, audit);
            plan::log_judged(&rules, &judged, false);
            Report::new(mode, &profile, target, &rules, None, &judged, (&[], &names))
        }
        Mode::Plan => {
            let plan = plan::plan(&rules, audit)?;
            guards::lockout(judge.allow_lockout, &audit, &accounts, &plan, false)?;
            if judge.validate {
                apply::validate(&root, plan.changes(), Path::new(OWN))?;
            }
            let (before, after) = (Some(plan.before.as_slice()), &plan.after);
            Report::new(mode, &profile, target, &rules, before, after, (plan.changes(), &names))
        }
        Mode::Apply => {
            let Verb::Apply { state, packages, protect_package, package_timeout, .. } = &args.verb
            else {
                return Ok(status::FAILED);
            };
            let review = |root: &DiskRootfs, plan: &plan::Plan| {
                let audit = Audit::new(root, &options);
                guards::lockout(judge.allow_lockout, &audit, &accounts, plan, true)?;
                match judge.validate {
                    true => apply::validate(root, plan.changes(), Path::new(OWN)),
                    false => Ok(()),
                }
            };
            let runner = (*packages == Packages::Apply).then(|| apply::packages::Runner {
                program: OWN.into(),
                protect: [profile.protected_packages.as_slice(), protect_package].concat(),
                time_limit: std::time::Duration::from_secs(*package_timeout),
            });
            let how = apply::Options {
                audit: options.clone(),
                mtime,
                review: Some(&review),
                runner: runner.as_ref(),
                wait: state.wait(),
                stop: signals::watch(),
            };
            let done = apply::harden(&root, &rules, &state.state_dir, &how)?;
            if let Some(name) = done.applied.journal.as_deref().and_then(Path::file_name) {
                run = Some(name.display().to_string());
            }
            let before = Some(done.plan.before.as_slice());
            let changes = done.plan.changes();
            let after = &done.after;
            let report =
                Report::new(mode, &profile, target, &rules, before, after, (changes, &names));
            report.with_packages(&done.packages)
        }
    };
    let shown = style(args);
    let told = outputs.write(mode == Mode::Apply, |format, to_file| match format {
        Format::Text => {
            let style = if to_file { Style { colour: false, ..shown } } else { shown };
            let mut text = String::new();
            if mode == Mode::Plan {
                text.extend(report.changes.iter().filter_map(|change| change.diff.as_deref()));
            }
            text.push_str(&report::text::render(&report, style));
            Ok(text)
        }
        Format::Json => json(&report),
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
    if mode == Mode::Plan {
        // A printed plan is a success; pending changes affect the status only on request.
        let pending = !report.changes.is_empty() || status == status::NOT_AS_DECLARED;
        if status != status::FAILED {
            status = if pending { status::NOT_AS_DECLARED } else { status::OK };
        }
    }
    Ok(status)
}

/// A root that is the right one, and how it is audited.
struct Guarded {
    root: DiskRootfs,
    target: TargetRef,
    options: check::Options,
    /// The accounts that nothing may shut out.
    accounts: Vec<String>,
}

/// Checks that it is the right root, and collects how it is to be audited.
fn guarded(
    root: DiskRootfs,
    guard: &Guard,
    profile: &Profile,
    strict: bool,
) -> Result<Guarded, Failure> {
    let identity = guards::target(guard, profile, &root)?;
    let accounts = guards::accounts(guard, &root)?;
    let mut exclusions = Exclusions::none();
    for account in &accounts {
        exclusions.exclude(Subject::account(account.as_bytes()), messages::protected(account));
    }
    let options = check::Options {
        survey: guard.survey || strict,
        quarantine: guard.quarantine,
        versions: profile.target.versions.clone(),
        exclusions,
    };
    let target = TargetRef {
        root: root.host_path().display().to_string(),
        os: identity.os,
        version: identity.version,
        live: root.is_live(),
    };
    Ok(Guarded { root, target, options, accounts })
}

fn revert(
    root: &Path,
    state: &State,
    run: Option<u32>,
    force: &[ImagePath],
    as_json: bool,
    args: &Args,
) -> Result<u8, Failure> {
    let root = DiskRootfs::open(root)?;
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
    let text = report::to_json(data)
        .map_err(|e| Error::host(cannot::write_the_report, "-", std::io::Error::from(e)))?;
    Ok(format!("{text}\n"))
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
    let profile = load(table)?;
    let Some(rule) = profile.rule(id) else {
        let near = nearest(&profile, id);
        return Err(Failure::Usage(format!("no rule {id} in {}{near}", profile.id)));
    };
    let style = Style { all: true, ..style(args) };
    let mut text = report::text::explain(&profile, rule, &rule.wants, style);
    if let Some(root) = root {
        let Guarded { root, target, options, accounts } =
            guarded(DiskRootfs::open(root)?, guard, &profile, false)?;
        guards::clock(&[rule], &root);
        let audit = Audit::new(&root, &options);
        let plan = plan::plan(&[rule], audit)?;
        guards::lockout(true, &audit, &accounts, &plan, false)?;
        let (before, names) = (&plan.before, AccountDb::read(&root)?);
        let now = Report::new(Mode::Audit, &profile, target, &[rule], None, before, (&[], &names));
        text.push('\n');
        text.push_str(&report::text::rows(&now, style));
        text.push_str(&report::diff::render(plan.changes(), &names));
    }
    emit(&text, false)?;
    Ok(status::OK)
}
