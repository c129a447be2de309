//! What the stacks of PAM's services ask: a module when a session begins, a file that they share when
//! a password changes.

use super::boot::Cause;
use super::boot::command::Word;
use super::resolve::{Chain, Run};
use super::table::{Consumer, Module, SharedStack};
use super::{Place, messages};
use crate::check::foreign;
use crate::check::pam::pam_stack::Stack;
use crate::error::{Error, Result};
use crate::message::Arg;
use crate::rootfs::{ImagePath, Rootfs};

/// The service for what others do not say.
const OTHER: &str = "/etc/pam.d/other";

/// Whether every service of the consumer that is there asks its module, or includes its file.
///
/// # Errors
/// A file that cannot be read.
pub(super) fn asked(root: &dyn Rootfs, consumer: &Consumer) -> Result<Chain> {
    match (&consumer.module, &consumer.stack) {
        (Some(module), _) => module_asked(root, consumer, module),
        (None, Some(shared)) => included(root, consumer, shared),
        (None, None) => Ok(Chain::Absent),
    }
}

/// The stack of a service; `None` where there is none. Nobody gets through a service that PAM cannot
/// read.
fn stack_of(root: &dyn Rootfs, kind: &str, path: &ImagePath) -> Result<Option<Stack>> {
    match Stack::read(root, kind, path) {
        Err(Error::Syntax { .. } | Error::CannotTell { .. }) => Ok(None),
        stack => stack,
    }
}

fn module_asked(root: &dyn Rootfs, consumer: &Consumer, module: &Module) -> Result<Chain> {
    let mut without = Vec::new();
    // The services that ask it, and the file that each of them names.
    let mut runs: Vec<Run> = Vec::new();
    for service in &consumer.services {
        let path = ImagePath::parse(format!("/etc/pam.d/{service}"))?;
        let Some(stack) = stack_of(root, &module.kind, &path)? else { continue };
        let asking = stack.named(&module.name);
        let Some(first) = asking.first() else {
            without.push(path);
            continue;
        };
        let rule = stack.modules.get(*first).map(|m| &m.rule);
        let Some((at, line)) = stack.place(*first) else { continue };
        let at = Place::line(at, line);
        let conf = rule.and_then(|rule| rule.value("conf"));
        let file = conf.map(|(_, file)| Word { text: file.to_owned(), at: at.clone() });
        runs.push(Run { file, ..Run::of(service, &module.name, at) });
    }
    let Some(first) = without.first() else { return Ok(asked_for(runs)) };
    let names = Arg::names(without.iter().map(ToString::to_string));
    let why = messages::not_asked(names, &module.name);
    Ok(Chain::Stays(Cause { at: Place::file(first), why }))
}

/// The chain of a module that all services ask: the file that they name, if they agree.
fn asked_for(runs: Vec<Run>) -> Chain {
    let file = |run: &Run| run.file.as_ref().map(|word| word.text.clone());
    let named = runs.iter().find_map(|run| run.file.clone().map(|word| (run, word)));
    let Some((run, word)) = named else {
        return if runs.is_empty() { Chain::Absent } else { Chain::OnDemand };
    };
    if runs.iter().all(|other| file(other) == file(run)) {
        return Chain::Runs(runs);
    }
    let why = messages::other_file(&run.program, word.text);
    Chain::Stays(Cause { at: word.at, why })
}

fn included(root: &dyn Rootfs, consumer: &Consumer, shared: &SharedStack) -> Result<Chain> {
    let file = ImagePath::parse(&shared.file)?;
    let Some(judged) = stack_of(root, &shared.kind, &file)? else { return Ok(Chain::Absent) };
    let is_judged = |path: &ImagePath| judged.sources.iter().any(|source| source.path == *path);
    let mut there = false;
    for service in &consumer.services {
        let path = ImagePath::parse(format!("/etc/pam.d/{service}"))?;
        let Some(own) = stack_of(root, &shared.kind, &path)? else { continue };
        // Without a line of this type PAM asks the service `other`.
        let stack = match own.modules.is_empty() {
            true => match stack_of(root, &shared.kind, &ImagePath::parse(OTHER)?)? {
                Some(other) => other,
                None => continue,
            },
            false => own,
        };
        // Nobody gets through.
        if !stack.succeeds_after(0) {
            continue;
        }
        there = true;
        let reached = stack.reachable(|_| false);
        let mut sets = false;
        for (index, module) in stack.modules.iter().enumerate() {
            let Some((at, line)) = stack.place(index) else { continue };
            foreign::judged(at, line, &module.rule.module)?;
            let is_asked = reached.get(index) == Some(&true);
            if !is_asked || !shared.sets.iter().any(|name| module.rule.is(name)) {
                continue;
            }
            if !is_judged(at) {
                let why = messages::sets_outside(at, line, &module.rule.module, &file);
                return Ok(Chain::Stays(Cause { at: Place::line(at, line), why }));
            }
            sets = true;
        }
        let includes = stack.sources.iter().any(|source| source.path == file);
        if !sets && !includes {
            let why = messages::not_included(&path, &file);
            return Ok(Chain::Stays(Cause { at: Place::file(&path), why }));
        }
    }
    Ok(if there { Chain::OnDemand } else { Chain::Absent })
}
