//! A new password is put to pam_pwquality before it is set.

mod jumps;
mod placement;

use schemars::JsonSchema;
use serde::Deserialize;

use super::changes::{CONF, WORDS, missing_words};
use super::messages;
use super::pam_stack::{COMMON_PASSWORD, Next, Stack, missing};
use super::pwquality::edition;
use crate::check::common::includes::{Budget, Limits};
use crate::check::common::{glob, remedy, rewrite};
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::{Audit, Consumes, Evidence, Finding, Fix, Gap, Primitive, Subject};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, FileKind, ImagePath, Rootfs};
use crate::text::pam::{Action, Rule};
use crate::text::pattern::Wildcards;
use crate::text::pwquality;
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
/// What gaps about the module that sets passwords are about, by whatever name a line has it.
const UNIX: &str = "pam_unix.so";
const PACKAGE: &str = "libpam-pwquality";
const CREDITS: [&str; 4] = ["dcredit", "ucredit", "ocredit", "lcredit"];
/// The module's own argument; the others are the library's.
const RETRY: &str = "retry";

impl Primitive for PamPwquality {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("passwd")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let path = ImagePath::parse(COMMON_PASSWORD)?;
        let Some(stack) = Stack::read(root, "password", &path)? else { return missing(audit) };
        let look = Look { want: self, audit: *audit, root, stack: &stack };
        look.finding(&path)
    }
}

impl PamPwquality {
    /// What the arguments of each line of the module say; without one, `pwquality.conf` decides.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let path = ImagePath::parse(COMMON_PASSWORD)?;
        let Some(stack) = Stack::read(audit.root(), "password", &path)? else { return Ok(levels) };
        for (n, index) in stack.named(MODULE).into_iter().enumerate() {
            let Some(rule) = stack.modules.get(index).map(|m| &m.rule) else { continue };
            let mut add = |key: &str, level| {
                levels.add(stack.subject(MODULE), format!("{n} {key}"), level);
            };
            let retry = rule.value(RETRY).and_then(|(_, value)| value.parse().ok());
            add(RETRY, Level::AtMost(retry.filter(|n| *n >= 1)));
            let number = |key: &str| option(rule, key).map(|(_, value)| value);
            for key in ["minlen", "minclass", "enforcing"] {
                if let Some(value) = number(key) {
                    add(key, Level::AtLeast(Some(value)));
                }
            }
            for key in CREDITS {
                if let Some(value) = number(key) {
                    add(key, Level::AtMost(Some(value)));
                }
            }
        }
        Ok(levels)
    }
}

/// One look at one stack.
struct Look<'a> {
    want: &'a PamPwquality,
    audit: Audit<'a>,
    root: &'a dyn Rootfs,
    stack: &'a Stack,
}

impl Look<'_> {
    fn finding(&self, path: &ImagePath) -> Result<Finding> {
        let stack = self.stack;
        let (unix, quality) = (stack.unix(), stack.named(MODULE));
        if unix.is_empty() {
            let evidence = Evidence::at(path).want(messages::want_unix_line());
            let why = messages::no_unix_vetting(path);
            return Ok(not_met(self.open(UNIX, evidence, why)));
        }
        let named = quality.first().and_then(|i| self.rule(*i)).map(|r| r.module.clone());
        let Some(module) = module_file(self.root, named.as_deref())? else {
            let evidence = match quality.first() {
                Some(index) => {
                    let module = named.as_deref().unwrap_or(MODULE);
                    stack.evidence(*index).note(messages::no_such_module(module))
                }
                None => Evidence::at(path),
            };
            return Ok(not_met(self.open(MODULE, evidence.want(MODULE), needs_package())));
        };
        let (mut gaps, mut holding) = (self.broken(&unix), Vec::new());
        let bypassed = stack.reachable(|i| quality.contains(&i));
        let open = unix.iter().find(|i| bypassed.get(**i) == Some(&true));
        let excluded = self.excluded(MODULE, path);
        let placed = match (open, quality.last()) {
            (None, _) => None,
            (Some(unix), None) => {
                let evidence = Evidence::at(path).want(messages::want_above(MODULE));
                let evidence = evidence.note(messages::module_without_line(&module));
                Some(match excluded {
                    Some(cause) => Gap::no_remedy(evidence, cause),
                    None => self.insert(evidence, *unix)?,
                })
            }
            (Some(unix), Some(below)) => {
                let evidence = stack.evidence(*unix).want(messages::want_before(MODULE));
                Some(match excluded {
                    Some(cause) => Gap::no_remedy(evidence, cause),
                    None => self.move_up(evidence, *below, *unix)?,
                })
            }
        };
        let placed = placed.map(|gap| self.without_words(gap)).transpose()?;
        if let Some(gap) = placed.map(|gap| gap.about(stack.subject(MODULE))) {
            if matches!(gap.fix, Fix::Changes(_)) {
                // It was tried: after it nothing is broken any more.
                let ours = |broken: &&mut Gap| self.audit.excluded(&broken.subject).is_none();
                gaps.iter_mut().filter(ours).for_each(|broken| broken.fix = gap.fix.clone());
            }
            gaps.push(gap);
        } else if !gaps.is_empty()
            && let Some(changes) = self.mended()?
        {
            let ours = |broken: &&mut Gap| self.audit.excluded(&broken.subject).is_none();
            let fix = Fix::Changes(changes.into());
            gaps.iter_mut().filter(ours).for_each(|broken| broken.fix = fix.clone());
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
        holding.push(Evidence::at(&module).note(messages::module_there()));
        holding.extend(self.no_words()?);
        Ok(Finding::from_gaps(gaps, holding))
    }

    /// The gap with what keeps the module from refusing every password, where it would begin to ask a
    /// list of words that is not there.
    fn without_words(&self, gap: Gap) -> Result<Gap> {
        let Fix::Changes(changes) = &gap.fix else { return Ok(gap) };
        let line = self.stack.named(MODULE).first().and_then(|index| self.rule(*index));
        if missing_words(self.root, line)?.is_none() {
            return Ok(gap);
        }
        let conf = ImagePath::parse(CONF)?;
        let found = self.root.locate(&conf)?;
        // A link, or no file: the line alone would end password changes, which the plan sees.
        if found.path != conf || found.stat.is_none_or(|stat| stat.kind != FileKind::File) {
            return Ok(gap);
        }
        if let Some(exclusion) = self.audit.excluded_in(&Subject::key("dictcheck"), &conf) {
            return Ok(Gap::no_remedy(gap.evidence, exclusion.cause.clone()));
        }
        let text = self.root.read(&conf)?.unwrap_or_default();
        let text = pwquality::set(&text, edition(&self.audit), "dictcheck", 0);
        let mut changes = changes.to_vec();
        changes.push(Change::write(&conf, text));
        Ok(Gap::fixed_by_all(gap.evidence.note(messages::set_without_words()), changes))
    }

    /// The module looks every password up in a list of words, and refuses when it finds no list:
    /// not looser, but news to whoever sets a password on this image.
    fn no_words(&self) -> Result<Option<Evidence>> {
        let list = ImagePath::parse(WORDS)?;
        let missing = self.root.locate(&list)?.stat.is_none();
        Ok(missing.then(|| Evidence::at(&list).note(messages::no_word_list())))
    }

    fn rule(&self, index: usize) -> Option<&Rule> {
        self.stack.modules.get(index).map(|m| &m.rule)
    }

    /// Why nothing may be changed for a module in the file at `path`.
    fn excluded(&self, module: &str, path: &ImagePath) -> Option<Message> {
        let exclusion = self.audit.excluded_in(&self.stack.subject(module), path)?;
        Some(exclusion.cause.clone())
    }

    /// A gap about a module, without a safe remedy.
    fn open(&self, module: &str, evidence: Evidence, why: Message) -> Gap {
        remedy::none(&self.audit, self.stack.subject(module), evidence, why)
    }

    /// What makes a change of a password fail in any case.
    fn broken(&self, unix: &[usize]) -> Vec<Gap> {
        let mut gaps = Vec::new();
        for index in self.stack.bad_jumps() {
            let (Some(rule), Some((path, line))) = (self.rule(index), self.stack.place(index))
            else {
                continue;
            };
            let evidence = self.stack.evidence(index).want(messages::want_jump());
            gaps.push(self.open(&rule.module, evidence, messages::bad_jump(path, line)));
        }
        let reached = self.stack.reachable(|_| false);
        for index in unix {
            let Some((path, line)) = self.stack.place(*index) else { continue };
            let evidence = self.stack.evidence(*index);
            if reached.get(*index) != Some(&true) {
                let evidence = evidence.want(messages::want_reached());
                gaps.push(self.open(UNIX, evidence, messages::unreached(path, line)));
            } else if gaps.is_empty() && !self.stack.succeeds_after(*index) {
                let evidence = evidence.want(messages::want_success());
                gaps.push(self.open(UNIX, evidence, messages::leads_to_deny(path, line)));
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
            let want = evidence().want(messages::want_control("requisite"));
            wrong.add(self, (index, MODULE), want, edit.map(|e| vec![e]));
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
            wrong.add(self, (index, MODULE), want, edit.map(|e| vec![e]));
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
        wrong.add(self, (index, UNIX), evidence, take_vetted(rule));
    }
}

/// A file by its number in the stack, what is wrong in it, and what puts that right.
type Wrongs = (usize, Vec<(Subject, Evidence)>, Vec<Edit>);

/// Wrong words and what puts them right, per file.
#[derive(Default)]
struct Wrong {
    files: Vec<Wrongs>,
    hopeless: Vec<Gap>,
}

impl Wrong {
    fn count(&self) -> usize {
        self.hopeless.len() + self.files.iter().map(|(_, all, _)| all.len()).sum::<usize>()
    }

    fn add(
        &mut self,
        look: &Look<'_>,
        (index, module): (usize, &str),
        evidence: Evidence,
        edits: Option<Vec<Edit>>,
    ) {
        let source = look.stack.modules.get(index).map_or(0, |m| m.source);
        let Some((path, line)) = look.stack.place(index) else { return };
        let edits = match look.excluded(module, path) {
            Some(cause) => Err(cause),
            None => edits.ok_or_else(|| messages::correct_line(path, line)),
        };
        let subject = look.stack.subject(module);
        match (edits, self.files.iter_mut().find(|(s, _, _)| *s == source)) {
            (Err(why), _) => self.hopeless.push(Gap::no_remedy(evidence, why).about(subject)),
            (Ok(edits), Some((_, all, more))) => {
                all.push((subject, evidence));
                more.extend(edits);
            }
            (Ok(edits), None) => self.files.push((source, vec![(subject, evidence)], edits)),
        }
    }

    fn gaps(self, look: &Look<'_>) -> Result<Vec<Gap>> {
        let mut gaps = self.hopeless;
        for (source, wrong, edits) in self.files {
            let Some(source) = look.stack.sources.get(source) else { continue };
            let text = splice(&source.text, edits);
            gaps.extend(rewrite::gaps(look.root, wrong, &source.path, text)?);
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

fn needs_package() -> Message {
    messages::needs_package(PACKAGE, format!("chroot ROOT apt-get install {PACKAGE}"))
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

#[cfg(test)]
mod tests;
