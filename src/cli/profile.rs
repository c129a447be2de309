//! `gokaku profile`: a site's own files, checked, shown, compared, begun and changed.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand};

use super::args::{RowIds, Table, subject, until};
use super::root::Root;
use super::{Failure, announce, emit, json, load, messages, saved, status};
use crate::check::accounts::clock;
use crate::check::{Outcome, Subject};
use crate::error::{Error, Result, cannot};
use crate::message::{Arg, Message, say};
use crate::plan::{self, WaiverState};
use crate::profile::edit::{self, NewWaiver, Waived};
use crate::profile::{self, Profile, Request, RuleId, Until};
use crate::report::{Report, RuleReport};

/// The verbs about profiles.
#[derive(Debug, Subcommand)]
pub enum ProfileVerb {
    /// Check files: all mistakes at once, each with file, line, column, and what is meant.
    ///
    /// Each file is checked by itself, over what it extends. Exit status 0: good, with warnings or
    /// without; 1: not good. A waiver that has ended is a mistake here.
    Check {
        /// The files.
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Print the merged profile: one table in one file, each value with its file and line.
    ///
    /// What is printed is itself a profile, and the same one.
    Show {
        /// Which profile.
        #[command(flatten)]
        table: Table,
        /// The root that `auto` is for.
        #[arg(long, value_name = "DIR")]
        root: Option<PathBuf>,
        /// Without files and lines. Reports have the SHA-256 of this text.
        #[arg(long)]
        plain: bool,
    },
    /// Print how two profiles differ when each is merged: layers, tables, or versions of one.
    Diff {
        /// A name, a file, or a directory.
        old: PathBuf,
        /// Another one.
        new: PathBuf,
    },
    /// Print the JSON Schema of profiles, for editors.
    Schema,
    /// Write the commented start of a site's own file.
    New(New),
    /// Add a waiver to a file; its comments stay.
    Waive(Waive),
    /// Remove waivers that reports say are not needed.
    ///
    /// A waiver goes if at least one of the reports has it, and in none of them it is needed.
    Prune {
        /// The site's file.
        file: PathBuf,
        /// A report of `audit` or `apply` with that file, as JSON; may be repeated.
        #[arg(long, value_name = "REPORT", required = true)]
        report: Vec<PathBuf>,
        /// Only list them.
        #[arg(long)]
        dry_run: bool,
    },
}

/// How a site's file begins.
#[derive(Debug, ClapArgs)]
pub struct New {
    /// The file; stdout if it is missing. It must not exist.
    file: Option<PathBuf>,
    /// What the file is a layer over.
    #[arg(long, value_name = "NAME|FILE", default_value = "auto")]
    extends: Vec<String>,
    /// A report as JSON: one waiver for each row and subject that fails there.
    #[arg(long, value_name = "REPORT", requires = "until", requires = "by")]
    waive_from: Option<PathBuf>,
    /// The last day of these waivers, as 2027-03-31.
    #[arg(long, value_name = "DAY", value_parser = until)]
    until: Option<Until>,
    /// Who has decided them.
    #[arg(long, value_name = "NAME")]
    by: Option<String>,
    /// Why.
    #[arg(long, value_name = "TEXT", default_value = "there before gokaku; to be looked at")]
    reason: String,
}

/// A waiver to be added.
#[derive(Debug, ClapArgs)]
pub struct Waive {
    /// The rows.
    #[arg(required = true, value_name = "ID", value_parser = RowIds)]
    rows: Vec<RuleId>,
    /// The site's file; it is made if there is none.
    #[arg(long, value_name = "FILE")]
    file: PathBuf,
    /// What of the row, as account:solr; may be repeated.
    #[arg(long, value_name = "KIND:VALUE", value_parser = subject)]
    only: Vec<Subject>,
    /// Why.
    #[arg(long, value_name = "TEXT")]
    reason: String,
    /// Who has decided it.
    #[arg(long, value_name = "NAME")]
    by: String,
    /// Its last day, as 2027-03-31, or `never`.
    #[arg(long, value_name = "DAY", value_parser = until)]
    until: Until,
    /// Where it was discussed.
    #[arg(long, value_name = "TEXT")]
    ticket: Option<String>,
    /// Accept the drift of a left-alone row.
    #[arg(long)]
    accept_drift: bool,
}

/// Runs a verb about profiles.
pub(super) fn run(verb: &ProfileVerb) -> Result<u8, Failure> {
    match verb {
        ProfileVerb::Check { files } => check(files),
        ProfileVerb::Show { table, root, plain } => {
            let root = root.as_deref().map(|root| Root::open(root, false)).transpose()?;
            let profile = announce(load(table, root.as_ref().map(|root| &*root.rootfs))?);
            let text = if *plain { profile.text() } else { with_places(&profile) };
            emit(&text, false)?;
            Ok(status::OK)
        }
        ProfileVerb::Diff { old, new } => {
            let one = |path: &PathBuf| of_files(vec![path.clone()]).load();
            let (before, after) = (one(old)?.profile.text(), one(new)?.profile.text());
            if before != after {
                let names = (old.display().to_string(), new.display().to_string());
                let mut options = diffy::DiffOptions::new();
                options.set_context_len(6).set_original_filename(names.0);
                options.set_modified_filename(names.1);
                emit(&options.create_patch(&before, &after).to_string(), false)?;
            }
            Ok(status::OK)
        }
        ProfileVerb::Schema => {
            emit(&json(&profile::schema(&Profile::embedded()?))?, false)?;
            Ok(status::OK)
        }
        ProfileVerb::New(new) => begin(new),
        ProfileVerb::Waive(new) => waive(new),
        ProfileVerb::Prune { file, report, dry_run } => prune(file, report, *dry_run),
    }
}

fn of_files(profiles: Vec<PathBuf>) -> Request {
    Request { profiles, ..Request::default() }
}

fn check(files: &[PathBuf]) -> Result<u8, Failure> {
    let today = clock::today().latest;
    let mut good = true;
    for file in files {
        let checked = of_files(vec![file.clone()]).files();
        match checked.and_then(|(files, _)| files.strictly(today).parse()) {
            Ok(profile) => {
                for warning in &profile.warnings {
                    say!(warn, messages::profile_warning(Arg::cause(warning)));
                }
            }
            Err(e) => {
                good = false;
                say!(error, Message::from(&e));
            }
        }
    }
    Ok(if good { status::OK } else { status::FAILED })
}

fn with_places(profile: &Profile) -> String {
    let mut text = String::new();
    for line in &profile.merged {
        text.push_str(&line.text);
        if let Some(place) = &line.place {
            text.push_str(&format!("  # {place}"));
        }
        text.push('\n');
    }
    text
}

/// What a new file says before its waivers.
const START: &str = include_str!("start.toml");

#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
fn begin(new: &New) -> Result<u8, Failure> {
    let profile = of_files(new.extends.iter().map(PathBuf::from).collect()).load()?.profile;
    let vars: String = profile
        .vars
        .iter()
        .map(|var| format!("# {} = {}  # {}\n", var.name, var.value, var.range))
        .collect();
    let names: Vec<String> = new.extends.iter().map(|name| format!("{name:?}")).collect();
    let extends = match &names[..] {
        [one] => one.clone(),
        several => format!("[{}]", several.join(", ")),
    };
    let mut text =
        START.replace("EXTENDS", &format!("extends = {extends}\n")).replace("VARS\n", &vars);
    if let (Some(from), Some(until), Some(by)) = (&new.waive_from, new.until, &new.by) {
        let mut waivers = Vec::new();
        for (rule, only) in failing(&saved::report(from)?) {
            waivers.push(NewWaiver {
                rule,
                only: only.into_iter().collect(),
                reason: new.reason.clone(),
                by: by.clone(),
                until,
                ticket: None,
                accept_drift: false,
            });
        }
        text = edit::with_waivers(&text, &waivers)?;
    }
    let Some(file) = &new.file else {
        emit(&text, false)?;
        return Ok(status::OK);
    };
    if file.exists() {
        return Err(Failure::Usage(format!("{}: is there already", file.display())));
    }
    write(file, &text)?;
    Ok(status::OK)
}

/// Each row that fails in a report, with each subject of it; the row as a whole where not all of them are
/// named, or one cannot be.
fn failing(report: &Report) -> Vec<Waived> {
    let fails = |row: &&RuleReport| {
        row.disposition.is_enforced() && matches!(row.outcome, Outcome::NotMet | Outcome::Unknown)
    };
    let mut all = Vec::new();
    for row in report.rules.iter().filter(fails) {
        let subjects: BTreeSet<&Subject> = row.gaps.iter().map(|gap| &gap.subject).collect();
        let cut = row.evidence.iter().any(|evidence| {
            evidence.note.as_ref().is_some_and(|note| note.id() == "plan.more_gaps")
        });
        // What is a secret stands in no report, and names nothing.
        let hidden = subjects.iter().any(|subject| subject.value.contains("(hash)"));
        let whole = subjects.is_empty() || cut || hidden || has_other_causes(row);
        if row.outcome == Outcome::Unknown || whole {
            all.push((row.id.clone(), None));
        } else {
            all.extend(subjects.into_iter().map(|subject| (row.id.clone(), Some(subject.clone()))));
        }
    }
    all
}

/// Whether the reason of a row is more than those of its gaps: something of it could not be determined.
fn has_other_causes(row: &RuleReport) -> bool {
    let mut of_gaps: Vec<&Message> = Vec::new();
    for reason in row.gaps.iter().filter_map(|gap| gap.reason.as_ref()) {
        if !of_gaps.contains(&reason) {
            of_gaps.push(reason);
        }
    }
    let all = match &of_gaps[..] {
        [] => None,
        [one] => Some((*one).clone()),
        several => {
            Some(plan::messages::reasons(several.iter().copied().cloned().collect::<Vec<_>>()))
        }
    };
    row.reason != all
}

#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
fn waive(new: &Waive) -> Result<u8, Failure> {
    let text = match std::fs::read_to_string(&new.file) {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => "extends = \"auto\"\n".to_owned(),
        read => read.map_err(|e| Error::host(cannot::read_the_profile, &new.file, e))?,
    };
    let waivers: Vec<NewWaiver> = new
        .rows
        .iter()
        .map(|rule| NewWaiver {
            rule: rule.clone(),
            only: new.only.clone(),
            reason: new.reason.clone(),
            by: new.by.clone(),
            until: new.until,
            ticket: new.ticket.clone(),
            accept_drift: new.accept_drift,
        })
        .collect();
    write(&new.file, &edit::with_waivers(&text, &waivers)?)?;
    Ok(status::OK)
}

#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
fn prune(file: &Path, reports: &[PathBuf], dry_run: bool) -> Result<u8, Failure> {
    let text = std::fs::read_to_string(file)
        .map_err(|e| Error::host(cannot::read_the_profile, file, e))?;
    // Whether a waiver is needed anywhere.
    let mut needed: BTreeMap<Waived, bool> = BTreeMap::new();
    for path in reports {
        for row in saved::report(path)?.rules {
            for waiver in row.waivers.into_iter().filter(|waiver| is_of(&waiver.place.file, file)) {
                let here = waiver.state != WaiverState::NotNeeded;
                *needed.entry((row.id.clone(), waiver.subject)).or_default() |= here;
            }
        }
    }
    let (pruned, gone) =
        edit::without_waivers(&text, &|waived| needed.get(waived) == Some(&false))?;
    let lines: String = gone
        .iter()
        .map(|(rule, subject)| match subject {
            None => format!("{rule}\n"),
            Some(subject) => format!("{rule} {}:{}\n", subject.kind.word(), subject.value),
        })
        .collect();
    if !dry_run && !gone.is_empty() {
        write(file, &pruned)?;
    }
    emit(&lines, true)?;
    Ok(status::OK)
}

/// Whether a place in a report is in this file: runs may have named it from elsewhere.
fn is_of(place: &str, file: &Path) -> bool {
    Path::new(place).file_name() == file.file_name()
}

/// Writes a profile that is good, or leaves the file as it was.
fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let fail = |e: std::io::Error| Error::host(cannot::write_to, file, e);
    let dir = match file.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    let mut new = builder.prefix(".gokaku-").suffix(".toml").tempfile_in(dir).map_err(fail)?;
    new.write_all(text.as_bytes()).map_err(fail)?;
    let path = new.path().to_owned();
    of_files(vec![path.clone()]).load().map_err(|e| match e {
        Error::Profile(said) => {
            let shown = file.display().to_string();
            Error::Profile(said.replace(&path.display().to_string(), &shown))
        }
        other => other,
    })?;
    #[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
    let mode = std::fs::metadata(file).map(|meta| meta.permissions()).ok();
    if let Some(mode) = mode {
        new.as_file().set_permissions(mode).map_err(fail)?;
    } else {
        use std::os::unix::fs::PermissionsExt;
        new.as_file().set_permissions(std::fs::Permissions::from_mode(0o644)).map_err(fail)?;
    }
    new.persist(file).map_err(|e| fail(e.error))?;
    Ok(())
}
