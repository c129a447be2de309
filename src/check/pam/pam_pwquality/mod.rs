//! A new password is put to pam_pwquality before it is set.

mod placement;

use schemars::JsonSchema;
use serde::Deserialize;

use super::pam_stack::{COMMON_PASSWORD, Next, Stack, missing};
use crate::check::common::includes::{Budget, Limits};
use crate::check::common::{glob, rewrite};
use crate::check::{Audit, Evidence, Finding, Fix, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::pam::{Action, Rule};
use crate::text::pattern::Wildcards;
use crate::text::splice::{Edit, splice};

/// In `common-password` no way leads to pam_unix but through pam_pwquality, which ends the change
/// when it refuses, asks at most `retry` times, and has no argument looser than `pwquality.conf`;
/// pam_unix takes the password that was vetted (`use_authtok`).
///
/// Without the module's file nothing is written: a missing module would make every change of a
/// password fail.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PamPwquality {
    /// The highest `retry` that is right; also what is written.
    #[schemars(extend("x-unit" = "attempts"))]
    pub retry: i64,
    /// The smallest `minlen` that an argument of the line may give, as in `pwquality`.
    #[schemars(extend("x-unit" = "characters, with credits added"))]
    pub minlen: i64,
    /// The smallest `minclass` that an argument of the line may give, as in `pwquality`.
    #[schemars(extend("x-unit" = "classes of characters, 0 to 4"))]
    pub minclass: i64,
    /// The highest credit that an argument of the line may give, as in `pwquality`.
    #[schemars(extend("x-unit" = "characters"))]
    pub credits: i64,
}

const MODULE: &str = "pam_pwquality.so";
const PACKAGE: &str = "libpam-pwquality";
/// One of the files of cracklib's word list, where Debian and Ubuntu make it.
const WORDS: &str = "/var/cache/cracklib/cracklib_dict.pwd";
const CREDITS: [&str; 4] = ["dcredit", "ucredit", "ocredit", "lcredit"];
/// The module's own argument; the others are the library's.
const RETRY: &str = "retry";

impl Primitive for PamPwquality {
    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let path = ImagePath::parse(COMMON_PASSWORD)?;
        let Some(stack) = Stack::read(root, "password", &path)? else { return missing(root) };
        let look = Look { want: self, root, stack: &stack };
        look.finding(&path)
    }
}

/// One look at one stack.
struct Look<'a> {
    want: &'a PamPwquality,
    root: &'a dyn Rootfs,
    stack: &'a Stack,
}

impl Look<'_> {
    fn finding(&self, path: &ImagePath) -> Result<Finding> {
        let stack = self.stack;
        let (unix, quality) = (stack.unix(), stack.named(MODULE));
        if unix.is_empty() {
            let evidence = Evidence::at(path).want("a line with pam_unix.so");
            let advice = "no line sets passwords with pam_unix.so; see by hand that this stack \
                          vets new passwords";
            return Ok(not_met(Gap::no_remedy(evidence, advice)));
        }
        let named = quality.first().and_then(|i| self.rule(*i)).map(|r| r.module.clone());
        let Some(module) = module_file(self.root, named.as_deref())? else {
            let evidence = match quality.first() {
                Some(index) => stack.evidence(*index).note("there is no such module: PAM fails"),
                None => Evidence::at(path),
            };
            return Ok(not_met(Gap::no_remedy(evidence.want(MODULE), needs_package())));
        };
        let (mut gaps, mut holding) = (self.broken(&unix), Vec::new());
        let bypassed = stack.reachable(|i| quality.contains(&i));
        let open = unix.iter().find(|i| bypassed.get(**i) == Some(&true));
        let placed = match (open, quality.last()) {
            (None, _) => None,
            (Some(unix), None) => {
                let evidence = Evidence::at(path).want(format!("{MODULE} above pam_unix"));
                let evidence = evidence.note(format!("{module} is there, but no line names it"));
                Some(self.insert(evidence, *unix)?)
            }
            (Some(unix), Some(below)) => {
                let evidence = stack.evidence(*unix).want(format!("{MODULE} before it"));
                Some(self.shift(evidence, *below, *unix)?)
            }
        };
        if let Some(gap) = placed {
            if matches!(gap.fix, Fix::Changes(_)) {
                // It was tried: after it nothing is broken any more.
                gaps.iter_mut().for_each(|broken| broken.fix = gap.fix.clone());
            }
            gaps.push(gap);
        }
        let mut wrong = Wrong::default();
        for index in quality {
            self.judge_quality(index, &mut wrong, &mut holding);
        }
        for index in unix {
            // One that no vetting line stands before gets its word with that line.
            if bypassed.get(index) != Some(&true) {
                self.judge_unix(index, &mut wrong, &mut holding);
            }
        }
        gaps.extend(wrong.gaps(self)?);
        holding.push(Evidence::at(&module).note("the module is there"));
        holding.extend(self.no_words()?);
        Ok(Finding::from_gaps(gaps, holding))
    }

    /// The module looks every password up in a list of words, and refuses when it finds no list:
    /// not looser, but news to whoever sets a password on this image.
    fn no_words(&self) -> Result<Option<Evidence>> {
        let list = ImagePath::parse(WORDS)?;
        let note = "the word list is not there, so every new password of an ordinary user is \
                    refused unless pwquality.conf has dictcheck = 0; install cracklib-runtime";
        Ok(self.root.locate(&list)?.stat.is_none().then(|| Evidence::at(&list).note(note)))
    }

    fn rule(&self, index: usize) -> Option<&Rule> {
        self.stack.modules.get(index).map(|m| &m.rule)
    }

    /// What makes a change of a password fail in any case.
    fn broken(&self, unix: &[usize]) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for index in self.stack.bad_jumps() {
            let evidence = self.stack.evidence(index).want("a jump to a module that is there");
            let advice = "it jumps over more modules than follow, which PAM takes for a failure; \
                          end the stack with `password required pam_permit.so` by hand";
            gaps.push(Gap::no_remedy(evidence, advice));
        }
        let reached = self.stack.reachable(|_| false);
        for index in unix {
            if reached.get(*index) != Some(&true) {
                let evidence = self.stack.evidence(*index).want("a module that is reached");
                let advice = "the lines before it end or jump in every case; see to them by hand";
                gaps.push(Gap::no_remedy(evidence, advice));
            } else if gaps.is_empty() && !self.stack.succeeds_after(*index) {
                let evidence = self.stack.evidence(*index).want("success when it succeeds");
                let advice = "its success leads to pam_deny; see to its jump by hand";
                gaps.push(Gap::no_remedy(evidence, advice));
            }
        }
        gaps
    }

    fn judge_quality(&self, index: usize, wrong: &mut Wrong, holding: &mut Vec<Evidence>) {
        let Some(rule) = self.rule(index) else { return };
        let evidence = || self.stack.evidence(index);
        let before = wrong.count();
        // The second is what it says when somebody has tried too often.
        let refusals = ["authtok_err", "maxtries"].map(|answer| rule.control.action(answer));
        let approval = self.stack.next(index, rule.control.action("success"));
        let ends = refusals.iter().all(|action| matches!(action, Action::Die | Action::Bad));
        if !ends || !matches!(approval, Next::At(next) if next == index + 1) {
            let edit = rule.set_control("requisite");
            wrong.add(self, index, evidence().want("control requisite"), edit.map(|e| vec![e]));
        }
        for (name, value) in self.arguments(rule) {
            let there = match name {
                RETRY => rule.value(name).map(|(at, _)| at),
                _ => option(rule, name).map(|(at, _)| at),
            };
            let edit = match there {
                Some(at) => rule.set_argument(at, &format!("{name}={value}")),
                None => rule.insert_argument(0, &format!("{name}={value}")),
            };
            let want = evidence().want(format!("{name}={value}"));
            wrong.add(self, index, want, edit.map(|e| vec![e]));
        }
        if wrong.count() == before {
            holding.push(evidence());
        }
    }

    /// The arguments that the line must have, or have otherwise.
    fn arguments(&self, rule: &Rule) -> Vec<(&'static str, i64)> {
        let want = self.want;
        let number = |name: &str| option(rule, name).map(|(_, value)| value);
        let retry = rule.value(RETRY).and_then(|(_, value)| value.parse().ok());
        let mut wishes = Vec::new();
        if !retry.is_some_and(|n| (1..=want.retry).contains(&n)) {
            wishes.push((RETRY, want.retry));
        }
        if number("minlen").is_some_and(|n| n < want.minlen) {
            wishes.push(("minlen", want.minlen));
        }
        let each = CREDITS.iter().all(|name| number(name).is_some_and(|n| n <= want.credits));
        let classes = number("minclass");
        if !each && classes.is_some_and(|n| n < want.minclass) {
            wishes.push(("minclass", want.minclass));
        }
        let by_classes = classes.is_some_and(|n| n >= want.minclass);
        for name in CREDITS {
            let loose = |n: i64| n > want.credits && (n > 0 || !by_classes);
            if number(name).is_some_and(loose) {
                wishes.push((name, want.credits));
            }
        }
        if number("enforcing") == Some(0) {
            wishes.push(("enforcing", 1));
        }
        wishes
    }

    fn judge_unix(&self, index: usize, wrong: &mut Wrong, holding: &mut Vec<Evidence>) {
        let Some(rule) = self.rule(index) else { return };
        if rule.has("use_authtok") {
            holding.push(self.stack.evidence(index));
            return;
        }
        let evidence = self.stack.evidence(index).want("use_authtok");
        wrong.add(self, index, evidence, take_vetted(rule));
    }
}

/// Wrong words and what puts them right, per file.
#[derive(Default)]
struct Wrong {
    files: Vec<(usize, Vec<Evidence>, Vec<Edit>)>,
    hopeless: Vec<Gap>,
}

impl Wrong {
    fn count(&self) -> usize {
        self.hopeless.len() + self.files.iter().map(|(_, all, _)| all.len()).sum::<usize>()
    }

    fn add(
        &mut self,
        look: &Look<'_>,
        module: usize,
        evidence: Evidence,
        edits: Option<Vec<Edit>>,
    ) {
        let source = look.stack.modules.get(module).map_or(0, |m| m.source);
        let Some(edits) = edits else {
            self.hopeless.push(Gap::no_remedy(evidence, "write it there by hand"));
            return;
        };
        match self.files.iter_mut().find(|(s, _, _)| *s == source) {
            Some((_, all, more)) => {
                all.push(evidence);
                more.extend(edits);
            }
            None => self.files.push((source, vec![evidence], edits)),
        }
    }

    fn gaps(self, look: &Look<'_>) -> Result<Vec<Gap>> {
        let mut gaps = self.hopeless;
        for (source, evidence, edits) in self.files {
            let Some(source) = look.stack.sources.get(source) else { continue };
            let text = splice(&source.text, edits);
            gaps.extend(rewrite::gaps(look.root, about(evidence), &source.path, text)?);
        }
        Ok(gaps)
    }
}

/// The last argument that sets an option of the library, and its value. The library takes the name
/// in any case, and passes over a value that is no number.
fn option(rule: &Rule, name: &str) -> Option<(usize, i64)> {
    rule.arguments.iter().enumerate().rev().find_map(|(at, argument)| {
        let (found, value) = argument.text.split_once('=')?;
        let value: i32 = value.trim_ascii_start().parse().ok()?;
        found.eq_ignore_ascii_case(name).then(|| (at, value.into()))
    })
}

fn not_met(gap: Gap) -> Finding {
    Finding::NotMet { gaps: vec![gap], holding: Vec::new() }
}

fn needs_package() -> String {
    format!("needs package {PACKAGE}, run: chroot ROOT apt-get install {PACKAGE}")
}

/// What makes pam_unix take the password that was vetted before it; behind `obscure`, where its
/// profile has it.
fn take_vetted(rule: &Rule) -> Option<Vec<Edit>> {
    let obscure = rule.arguments.iter().position(|a| a.text == "obscure");
    let at = obscure.map_or(0, |i| i + 1);
    let mut words = Vec::new();
    if !rule.has("use_authtok") {
        words.push("use_authtok");
    }
    if !rule.has("try_first_pass") && !rule.has("use_first_pass") {
        words.push("try_first_pass");
    }
    if words.is_empty() {
        return Some(Vec::new());
    }
    Some(vec![rule.insert_argument(at, &words.join(" "))?])
}

/// The module's file in the image.
fn module_file(root: &dyn Rootfs, named: Option<&str>) -> Result<Option<ImagePath>> {
    let is_file = |path: &ImagePath| -> Result<bool> {
        let stat = root.locate(path)?.stat;
        Ok(stat.is_some_and(|s| s.kind == FileKind::File && s.size > 0))
    };
    if let Some(path) = named.filter(|n| n.starts_with('/')) {
        let path = ImagePath::parse(path)?;
        return Ok(is_file(&path)?.then_some(path));
    }
    for dir in ["/lib/*-linux-gnu*", "/usr/lib/*-linux-gnu*", "/lib", "/usr/lib", "/lib64"] {
        let mut budget = Budget::new(Limits::NO_FILES, &ImagePath::parse(dir)?);
        let pattern = format!("{dir}/security/{MODULE}");
        for path in glob::expand(root, Wildcards::Libc, &pattern, &mut budget)? {
            if is_file(&path)? {
                return Ok(Some(path));
            }
        }
    }
    Ok(None)
}

/// What the gaps are about.
fn about(evidence: Vec<Evidence>) -> Vec<(Subject, Evidence)> {
    evidence.into_iter().map(|e| (Subject::new(SubjectKind::PamModule, MODULE), e)).collect()
}

#[cfg(test)]
mod tests;
