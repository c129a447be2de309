//! A plan that does no harm: what would is left alone, with its reason, and the rest is planned anew.

use std::collections::BTreeSet;

use super::{Consequence, Effect, foresee, messages};
use crate::check::{Audit, Options, Subject, SubjectKind};
use crate::error::Result;
use crate::message::{Message, say};
use crate::plan::{Plan, Serves};
use crate::profile::Rule;
use crate::rootfs::StagedRootfs;

/// Plans until nothing is left that harms; each round leaves at least one more pair of row and
/// subject alone, so it ends.
///
/// # Errors
/// As `plan_once`.
pub(crate) fn without_harm<'r>(
    rules: &[&'r Rule],
    image: Audit<'_>,
    plan_once: impl Fn(&[&'r Rule], Audit<'_>) -> Result<Plan>,
) -> Result<Plan> {
    let mut options: Option<Options> = None;
    loop {
        let audit = match &options {
            Some(options) => Audit::new(image.root(), options),
            None => image,
        };
        let mut plan = plan_once(rules, audit)?;
        if plan.changes().is_empty() {
            plan.options = options;
            return Ok(plan);
        }
        let staged = StagedRootfs::with(audit.root(), plan.nodes());
        let found = foresee(&audit, &audit.on(&staged), rules, plan.changes());
        // Whose login the guard looks after: the plan is refused there, and not made to spare it.
        let is_login = |c: &&Consequence| {
            matches!(c.effect, Effect::SshLogin | Effect::EmptyPassword)
                && audit.options().guarded.contains(&c.subject.value)
        };
        let refused: BTreeSet<&Subject> =
            found.iter().filter(is_login).map(|c| &c.subject).collect();
        let guarded = |c: &Consequence| refused.contains(&c.subject);
        // That nobody is left is the sum of others, which are spared one by one.
        let harm =
            found.iter().filter(|c| c.is_harm() && c.effect != Effect::LastAdmin && !guarded(c));
        let mut next = options.clone().unwrap_or_else(|| image.options().clone());
        let mut more = false;
        for consequence in harm {
            let cause = messages::withheld(&consequence.says, advice(consequence.effect));
            for serves in &consequence.by {
                more |= withhold(&mut next, &plan, serves, &cause);
            }
        }
        if !more {
            for consequence in found.iter().filter(|c| c.effect != Effect::NotKnown) {
                say!(warn, consequence.says.clone());
            }
            for consequence in found.iter().filter(|c| c.effect == Effect::NotKnown) {
                say!(info, consequence.says.clone());
            }
            plan.consequences = found;
            plan.options = options;
            return Ok(plan);
        }
        options = Some(next);
    }
}

/// Leaves a pair alone. Where that was not enough, the file itself is left alone for the row.
fn withhold(options: &mut Options, plan: &Plan, serves: &Serves, cause: &Message) -> bool {
    let Serves { rule, subject } = serves;
    let exclusions = &mut options.exclusions;
    if exclusions.of(Some(rule), subject).is_none() {
        exclusions.exclude_of(rule, subject.clone(), cause.clone());
        return true;
    }
    let served = |c: &&crate::plan::PathChange| c.serves.iter().any(|s| **s == *serves);
    let paths: BTreeSet<Subject> =
        plan.changes().iter().filter(served).map(|c| Subject::path(&c.path)).collect();
    let mut more = false;
    for path in paths.into_iter().filter(|path| path.kind == SubjectKind::Path) {
        if exclusions.of(Some(rule), &path).is_none() {
            exclusions.exclude_of(rule, path, cause.clone());
            more = true;
        }
    }
    more
}

/// What to do about it.
fn advice(effect: Effect) -> Message {
    match effect {
        Effect::SshLogin | Effect::EmptyPassword | Effect::LastAdmin => messages::advice_login(),
        Effect::Superuser => messages::advice_superuser(),
        Effect::PasswordChange => messages::advice_password_change(),
        Effect::ServiceAccount => messages::advice_service(),
        Effect::Home => messages::advice_home(),
        Effect::Served => messages::advice_served(),
        Effect::IncomingMail | Effect::GroupMember => messages::advice_waive(),
        Effect::Program => messages::advice_program(),
        Effect::Filesystem => messages::advice_filesystem(),
        Effect::NotKnown => messages::advice_waive(),
    }
}
