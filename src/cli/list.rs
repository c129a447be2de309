//! `gokaku list`: rows of the table, chosen by what the table says of them and by what a root holds.

use super::args::{List, TableFormat};
use super::root::Root;
use super::{
    Args, Failure, Guarded, chosen, emit, json, load, nothing_left, options, style, terminal,
};
use crate::check::Outcome;
use crate::profile::{Profile, Rule};
use crate::report::table::{Table, list};

/// Prints the rows.
pub(super) fn run(wanted: &List, args: &Args) -> Result<(), Failure> {
    if wanted.profiles {
        let names: String = crate::profile::names().map(|name| format!("{name}\n")).collect();
        return emit(&names, false);
    }
    let root = match (&wanted.root, wanted.outcome.is_empty()) {
        (Some(root), _) => Some(root.clone()),
        (None, true) => None,
        (None, false) => {
            let variable = std::env::var_os("GOKAKU_ROOT").filter(|value| !value.is_empty());
            let Some(root) = variable else {
                return Err(Failure::Usage(
                    "--outcome needs a root to audit; want --root DIR, or GOKAKU_ROOT".to_owned(),
                ));
            };
            Some(root.into())
        }
    };
    let root = root.map(|root| Root::open(&root, false));
    let opened = root.as_ref().and_then(|root| root.as_ref().ok());
    let profile = load(&wanted.select.table, opened.map(|root| &*root.rootfs))?.profile;
    let rules = filtered(&profile, wanted)?;
    let (target, mut rows): (_, Vec<(&Rule, Option<Outcome>)>) = match root {
        None => (None, rules.into_iter().map(|rule| (rule, None)).collect()),
        Some(root) => {
            let (root, options) = (root?, options(&wanted.guard));
            let guarded = Guarded::new(&profile, rules.clone(), &*root.rootfs, &options)?;
            guarded.warn(true);
            let report = guarded.audit();
            let outcomes = report.rules.iter().map(|row| Some(row.outcome));
            (Some(report.target), rules.into_iter().zip(outcomes).collect())
        }
    };
    rows.retain(|(_, found)| of(&wanted.outcome, |outcome| *found == Some(*outcome)));
    let text = match wanted.format {
        TableFormat::Text => terminal::fit(&list(&rows, style(args))),
        TableFormat::Json => json(&Table::new(&profile, target, &rows))?,
    };
    emit(&text, false)
}

/// The rows that the options leave. Which values a profile has is known only now.
fn filtered<'a>(profile: &'a Profile, wanted: &List) -> Result<Vec<&'a Rule>, Failure> {
    let statuses = profile.statuses.iter().map(|status| status.key().to_owned());
    known("status", &wanted.status, statuses.collect(), profile)?;
    let mut chapters: Vec<String> =
        profile.rules.iter().map(|rule| rule.id.chapter().to_string()).collect();
    chapters.dedup();
    known("chapter", &wanted.chapter, chapters, profile)?;
    let mut rules = chosen(profile, &wanted.select)?;
    rules.retain(|rule| {
        of(&wanted.status, |status| rule.status.key() == status)
            && of(&wanted.chapter, |chapter| rule.id.chapter() == chapter)
            && of(&wanted.severity, |severity| rule.severity == Some(*severity))
    });
    let options = given(wanted);
    if rules.is_empty() && !options.is_empty() {
        return Err(nothing_left(&options, profile));
    }
    Ok(rules)
}

/// Whether one of the values fits; if none is given, everything does.
fn of<T>(values: &[T], fits: impl Fn(&T) -> bool) -> bool {
    values.is_empty() || values.iter().any(fits)
}

/// Refuses a value that no row of the profile can have.
fn known(
    what: &str,
    values: &[impl ToString],
    all: Vec<String>,
    profile: &Profile,
) -> Result<(), Failure> {
    match values.iter().map(ToString::to_string).find(|value| !all.contains(value)) {
        None => Ok(()),
        Some(wrong) => {
            let all = all.join(", ");
            Err(Failure::Usage(format!("no {what} `{wrong}` in {}; it has: {all}", profile.id)))
        }
    }
}

/// The options that choose rows, as they are typed.
fn given(wanted: &List) -> String {
    let mut options = wanted.select.given();
    let mut add = |name: &str, values: Vec<String>| {
        if !values.is_empty() {
            options.push(format!("{name} {}", values.join(",")));
        }
    };
    add("--status", wanted.status.clone());
    add("--chapter", wanted.chapter.iter().map(ToString::to_string).collect());
    add("--severity", wanted.severity.iter().map(|s| s.word().to_owned()).collect());
    options.join(" ")
}
