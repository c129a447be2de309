//! The environment's share of the command line. Pipelines set variables that they have no value for:
//! an empty one is one that is not set. An error about a wrong value names the variable.

use std::ffi::OsString;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::PathBuf;

use clap::builder::Resettable;
use clap::error::{ContextKind, ContextValue};
use clap::parser::ValueSource;
use clap::{Arg, ArgMatches, Command, CommandFactory, FromArgMatches};

use super::args::Args;

/// Why there are no arguments.
pub(super) enum Refusal {
    /// An answer (help, version), or a mistake on the command line.
    Clap(clap::Error),
    /// A variable holds what it cannot hold.
    Variable(String),
}

/// The arguments of the process, with what variables say where an option was not given.
pub(super) fn arguments(args: impl IntoIterator<Item = OsString>) -> Result<Args, Refusal> {
    let args: Vec<OsString> = args.into_iter().collect();
    let command = each(Args::command(), &|arg: Arg| match arg.get_env() {
        Some(name) if std::env::var_os(name).is_some_and(|value| value.is_empty()) => {
            arg.env(Resettable::Reset)
        }
        _ => arg,
    });
    match command.clone().try_get_matches_from(&args) {
        Ok(matches) => {
            let mut parsed = Args::from_arg_matches(&matches).map_err(Refusal::Clap)?;
            split(&mut parsed, &matches);
            Ok(parsed)
        }
        Err(e) => match variable_of(&command, &args, &e) {
            Some(told) => Err(Refusal::Variable(told)),
            None => Err(Refusal::Clap(e)),
        },
    }
}

/// The command with every argument of every verb changed.
fn each(command: Command, change: &dyn Fn(Arg) -> Arg) -> Command {
    let names: Vec<String> = command.get_subcommands().map(|v| v.get_name().to_owned()).collect();
    let command = command.mut_args(change);
    names
        .into_iter()
        .fold(command, |command, name| command.mut_subcommand(name, |verb| each(verb, change)))
}

/// What to say of a mistake that is a variable's: without the environment it is not made.
fn variable_of(command: &Command, args: &[OsString], e: &clap::Error) -> Option<String> {
    let text = |kind| match e.get(kind)? {
        ContextValue::String(text) => Some(text.clone()),
        _ => None,
    };
    let (shown, value) = (text(ContextKind::InvalidArg)?, text(ContextKind::InvalidValue)?);
    let bare = each(command.clone(), &|arg: Arg| arg.env(Resettable::Reset));
    let again = bare.try_get_matches_from(args).err();
    if again.is_some_and(|again| again.get(ContextKind::InvalidValue).is_some()) {
        return None;
    }
    let mut command = command.clone();
    // Only then do arguments know how they are shown.
    command.build();
    let verbs = command.get_subcommands().flat_map(Command::get_arguments);
    let arg = command
        .get_arguments()
        .chain(verbs)
        .find(|arg| arg.to_string() == shown && arg.get_env().is_some())?;
    let name = arg.get_env()?.to_string_lossy().into_owned();
    let wanted = match e.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) if !words.is_empty() => {
            format!("want {}", words.join(" or "))
        }
        _ => match std::error::Error::source(e) {
            Some(_) if arg.get_action().takes_values() => {
                std::error::Error::source(e).map(ToString::to_string).unwrap_or_default()
            }
            _ => "want 1, true or yes, or 0, false or no".to_owned(),
        },
    };
    Some(format!("{name}: found {value:?}, {wanted} (the variable of {shown})"))
}

/// A variable holds several files with commas between them; on the command line, a comma is a part
/// of the name.
fn split(args: &mut Args, matches: &ArgMatches) {
    let mut deepest = matches;
    while let Some((_, verb)) = deepest.subcommand() {
        deepest = verb;
    }
    let from_variable = |id: &str| {
        deepest.ids().any(|known| known == id)
            && deepest.value_source(id) == Some(ValueSource::EnvVariable)
    };
    if from_variable("output")
        && let Some(wanted) = args.verb.wanted()
    {
        wanted.output = parts(&wanted.output);
    }
    if from_variable("profile")
        && let Some(table) = args.verb.table()
    {
        table.profile = parts(&table.profile);
    }
}

fn parts(paths: &[PathBuf]) -> Vec<PathBuf> {
    let parts = |path: &PathBuf| -> Vec<PathBuf> {
        let bytes = path.as_os_str().as_bytes().split(|byte| *byte == b',');
        bytes.map(|part| OsString::from_vec(part.to_vec()).into()).collect()
    };
    paths.iter().flat_map(parts).collect()
}
