//! What the command line is given of earlier runs: reports and baselines, files of this machine.

use std::collections::BTreeSet;
use std::io::Read;
use std::path::{Path, PathBuf};

use super::args::{Args, Saved};
use super::outputs::Outputs;
use super::subjects::{self, Subjects};
use super::{Failure, messages, progress, status, style};
use crate::error::{Error, Result, cannot};
use crate::message::Message;
use crate::profile::{Profile, RuleId};
use crate::report::compare::Compared;
use crate::report::formats::{self, Style};
use crate::report::matrix::Matrix;
use crate::report::{self, Baseline, ProfileRef, Report};

/// The limit of a file (bytes); the largest reports of the tests have a tenth of it.
const LARGEST: u64 = 256 << 20;

/// A saved report; `-` is stdin.
///
/// # Errors
/// A file that cannot be read; [`Error::Report`] for what is no report, naming the file.
pub(super) fn report(path: &Path) -> Result<Report> {
    report::from_json(&text(path)?).map_err(|e| of_file(path, e))
}

/// The baseline of a file, for a report of `profile`.
///
/// # Errors
/// A file that cannot be read; [`Error::Report`] for what is no baseline of the profile.
pub(super) fn baseline(path: &Path, profile: &ProfileRef) -> Result<Baseline> {
    Baseline::read(&text(path)?, profile).map_err(|e| of_file(path, e))
}

/// The ids of a profile: what is missing from them has left the table.
pub(super) fn ids(profile: &Profile) -> BTreeSet<RuleId> {
    profile.rules.iter().map(|rule| rule.id.clone()).collect()
}

fn of_file(path: &Path, e: Error) -> Error {
    Error::Report(messages::of_file(path.display().to_string(), Message::from(&e)))
}

#[allow(clippy::disallowed_methods)] // a file of this machine, named by the user
fn text(path: &Path) -> Result<String> {
    let fail = |e| Error::host(cannot::read, path, e);
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(LARGEST + 1).read_to_string(&mut text),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST + 1).read_to_string(&mut text)),
    };
    match read.map_err(fail)? {
        size if size as u64 > LARGEST => {
            Err(Error::Report(messages::too_large(path.display().to_string(), LARGEST >> 20)))
        }
        _ => Ok(text),
    }
}

/// `gokaku report`.
pub(super) fn run(given: &Saved, args: &Args) -> std::result::Result<u8, Failure> {
    let inputs = given.files.iter().chain(&given.compare).chain(&given.baseline);
    let inputs: Vec<&Path> = inputs.map(PathBuf::as_path).collect();
    subjects::fit(&given.wanted, false)?;
    let outputs = Outputs::open(&given.wanted, None, &inputs)?;
    let shown = style(args);
    let style = |to_file| if to_file { Style { colour: false, ..shown } } else { shown };
    match (&given.compare[..], &given.files[..]) {
        ([old, new], _) => {
            let (earlier, new) = (report(old)?, report(new)?);
            new.is_of_the_table_of(&earlier).map_err(|e| of_file(old, e))?;
            let compared = Compared::of(&earlier, &new);
            outputs.write(false, |format, to_file| Ok(compared.write(format, style(to_file))?))?;
            Ok(status::OK)
        }
        (_, [file]) => {
            let mut report = report(file)?;
            let status = gate(&mut report, given.baseline.as_deref())?;
            report.attached.subjects = Subjects::open(&given.wanted)?.digested()?;
            outputs.write(false, |format, to_file| {
                Ok(formats::write(&report, format, style(to_file))?)
            })?;
            Ok(status)
        }
        (_, files) => {
            let mut matrix = Matrix::new();
            let mut worst = status::OK;
            for (file, name) in files.iter().zip(names(files)) {
                // One after the other: a table of hundreds of images holds outcomes only.
                let mut report = report(file)?;
                worst = worse(worst, gate(&mut report, given.baseline.as_deref())?);
                matrix.add(name, &report).map_err(|e| of_file(file, e))?;
            }
            outputs.write(false, |format, to_file| Ok(matrix.write(format, style(to_file))?))?;
            Ok(worst)
        }
    }
}

/// Compares a report with the baseline, and says what is worse.
fn gate(report: &mut Report, file: Option<&Path>) -> Result<u8> {
    let Some(file) = file else { return Ok(status::OK) };
    let earlier = baseline(file, &report.profile)?;
    report.comparison = Some(report.compare(&earlier, None));
    progress::compared(report);
    Ok(report.exit_status(false))
}

/// The graver of two exit statuses: what could not be told before what is known to be worse.
fn worse(a: u8, b: u8) -> u8 {
    let grave = |status| match status {
        status::OK => 0,
        status::NOT_AS_DECLARED => 1,
        _ => 2,
    };
    if grave(b) > grave(a) { b } else { a }
}

/// What images are called: the names of the files, as far as they differ.
fn names(files: &[PathBuf]) -> Vec<String> {
    let short = |path: &PathBuf| path.file_stem().map(|name| name.display().to_string());
    let all: Vec<Option<String>> = files.iter().map(short).collect();
    let name = |(path, short): (&PathBuf, &Option<String>)| match short {
        Some(name) if all.iter().filter(|other| *other == short).count() == 1 => name.clone(),
        _ => path.display().to_string(),
    };
    files.iter().zip(&all).map(name).collect()
}
