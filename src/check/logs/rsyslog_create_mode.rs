//! Files that rsyslogd creates are closed to others.

use schemars::JsonSchema;
use serde::Deserialize;

use super::rsyslog::{Config, MAIN, RsyslogFile, no_configuration};
use super::{keeping, messages};
use crate::check::common::{preview, remedy, rewrite};
use crate::check::files::mode::Mode;
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::packages::dpkg;
use crate::check::{Audit, Consumes, Evidence, Finding, Gap, Primitive, Subject, SubjectKind};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath};
use crate::text::Lines;
use crate::text::rsyslog::{
    Directive, Object, Target, Token, TokenKind, edited, file_mode, inserted, logical_start,
};
use crate::text::splice::Edit;

/// Every file that rsyslogd creates gets at most the mode `mode`, and, where rsyslogd gives up root's
/// rights, the owner's write bit of it, without which it could not open the file again.
///
/// Actions in the old form take it from the last `$FileCreateMode` before them, 0644 if there is
/// none. Actions of RainerScript do not look at that: they have a parameter of their own, or the
/// default of the module.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RsyslogCreateMode {
    /// The bits that a new file may have, as `"0640"`.
    pub mode: Mode,
}

const DIRECTIVE: &str = "filecreatemode";
/// The mode without a directive.
const BUILT_IN: u32 = 0o644;
const PARAMETER: &str = "fileCreateMode";

/// What is wrong at one token, and the edit of its file that closes it.
struct Wrong {
    token: usize,
    subject: Subject,
    evidence: Evidence,
    edit: Option<Edit>,
}

/// What a walk over the configuration finds.
#[derive(Default)]
struct Walk {
    wrong: Vec<Wrong>,
    /// The places that comply.
    holding: Vec<Evidence>,
    /// The first file action in the old form that no directive stands before, if any.
    bare: Option<usize>,
    /// Whether a directive is there at all.
    stated: bool,
    /// Whether everything was set back to the defaults somewhere before the bare action.
    reset: bool,
}

impl Primitive for RsyslogCreateMode {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::followed("rsyslogd")]
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        if let Some(absent) = dpkg::absent(root, "rsyslog")? {
            return Ok(Finding::MetVacuously(vec![absent]));
        }
        let Some(config) = Config::read(audit)? else {
            return Ok(Finding::from_gaps(vec![no_configuration(audit)?], Vec::new()));
        };
        let walk = self.walk(&config);
        let mut gaps = self.edits(audit, &config, walk.wrong)?;
        if walk.bare.is_some() || !walk.stated {
            gaps.push(self.unstated(audit, &config, walk.bare, walk.reset)?);
        }
        Ok(Finding::from_gaps(gaps, walk.holding))
    }
}

impl RsyslogCreateMode {
    /// What the mode of each file that an action of the old form creates lets others do.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let Some(config) = Config::read(audit)? else { return Ok(levels) };
        let mut mode = BUILT_IN;
        for (_, Token { kind, .. }) in config.tokens() {
            match kind {
                TokenKind::Directive(said) if said.name == DIRECTIVE => {
                    mode = file_mode(&said.value).unwrap_or(mode);
                }
                TokenKind::Directive(said) if said.name == "resetconfigvariables" => {
                    mode = BUILT_IN;
                }
                TokenKind::Action(_) if creates_file(kind) => {
                    if let Some(Target::File(path)) = Target::of(kind) {
                        levels.add(about(), path, Level::Grants(mode & 0o077));
                    }
                }
                _ => {}
            }
        }
        Ok(levels)
    }

    fn complies(&self, mode: Option<u32>) -> bool {
        mode.is_some_and(|mode| mode & !self.mode.0 == 0)
    }

    /// Whether files of this mode would get no messages.
    fn is_too_tight(&self, mode: u32, drops_root: bool) -> bool {
        drops_root && keeping::takes_messages(self.mode.0) && !keeping::takes_messages(mode)
    }

    fn wrong_directive(&self, config: &Config, token: usize, directive: &Directive) -> Wrong {
        let evidence = config.evidence(token).want(format!("$FileCreateMode {}", self.mode));
        let edit = directive.set(&self.mode.to_string());
        Wrong { token, subject: about(), evidence, edit }
    }

    fn walk(&self, config: &Config) -> Walk {
        let mut walk = Walk::default();
        let drops_root = keeping::drops_root(config);
        // The directive that is in force, where rsyslogd could not write to files of its mode.
        let mut too_tight = None;
        // What the directives have set so far, and whether the module's default complies.
        let (mut current, mut module_complies) = (false, false);
        for (token, Token { kind, .. }) in config.tokens() {
            match kind {
                TokenKind::Directive(directive) if directive.name == DIRECTIVE => {
                    walk.stated = true;
                    current = true;
                    let evidence = config.evidence(token);
                    let mode = file_mode(&directive.value);
                    let tight = mode.is_some_and(|mode| self.is_too_tight(mode, drops_root));
                    too_tight = tight.then_some((token, directive));
                    if !self.complies(mode) {
                        walk.wrong.push(self.wrong_directive(config, token, directive));
                    } else if !tight {
                        walk.holding.push(evidence);
                    }
                }
                TokenKind::Action(_) if creates_file(kind) && too_tight.is_some() => {
                    let Some((token, directive)) = too_tight.take() else { continue };
                    let mut wrong = self.wrong_directive(config, token, directive);
                    wrong.evidence = wrong.evidence.note(messages::created_too_tight());
                    walk.wrong.push(wrong);
                }
                TokenKind::Directive(directive) if directive.name == "resetconfigvariables" => {
                    (current, too_tight) = (false, None);
                    walk.reset |= walk.bare.is_none();
                }
                TokenKind::Action(_) if creates_file(kind) && !current => {
                    walk.bare = walk.bare.or(Some(token));
                }
                TokenKind::Object(object) if object.is_of("omfile") => {
                    let is_action = object.name == "action";
                    let stated = object.value(&PARAMETER.to_ascii_lowercase());
                    match stated {
                        None if is_action && module_complies => {}
                        None if !is_action => {}
                        Some(mode)
                            if self.complies(file_mode(mode))
                                && file_mode(mode)
                                    .is_none_or(|mode| !self.is_too_tight(mode, drops_root)) =>
                        {
                            walk.holding.push(config.evidence(token));
                            module_complies |= !is_action;
                        }
                        _ => walk.wrong.push(self.wrong_object(config, token, object, stated)),
                    }
                }
                _ => {}
            }
        }
        // Without any action of the old form the reset does no harm.
        walk.reset &= walk.bare.is_some();
        walk
    }

    fn wrong_object(
        &self,
        config: &Config,
        token: usize,
        object: &Object,
        stated: Option<&str>,
    ) -> Wrong {
        let found = match stated {
            Some(mode) => Message::value(format!("{PARAMETER}=\"{mode}\"")),
            None => messages::without_parameter(&object.name, PARAMETER),
        };
        let evidence = config.evidence(token);
        // Else it quotes a value that has to be seen.
        let evidence = if evidence.aside { evidence.found(found) } else { evidence };
        let evidence = evidence.want(format!("{PARAMETER}=\"{}\"", self.mode));
        let subject = match object.value("file").filter(|_| object.name == "action") {
            Some(file) => Subject::new(SubjectKind::Path, file),
            None => Subject::directive(PARAMETER),
        };
        Wrong { token, subject, evidence, edit: object.set(PARAMETER, &self.mode.to_string()) }
    }

    /// One gap per wrong place; the first of a file carries the new text of that file.
    fn edits(&self, audit: &Audit<'_>, config: &Config, wrong: Vec<Wrong>) -> Result<Vec<Gap>> {
        let mut gaps = Vec::new();
        let mut by_file: Vec<Wrongs<'_>> = Vec::new();
        for Wrong { token, subject, evidence, edit } in wrong {
            let (Some(source), Some(edit)) = (config.source(token), edit) else {
                let why = messages::set_mode_by_hand(self.mode.to_string(), place(&evidence));
                gaps.push(remedy::none(audit, subject, evidence, why));
                continue;
            };
            let whole = || audit.excluded(&Subject::path(&source.path));
            if let Some(exclusion) = audit.excluded(&subject).or_else(whole) {
                let gap = Gap::no_remedy(evidence, exclusion.cause.clone());
                gaps.push(gap.about(subject));
                continue;
            }
            match by_file.iter_mut().find(|(file, ..)| file.path == source.path) {
                Some((_, all, edits)) => {
                    all.push((subject, evidence));
                    edits.push(edit);
                }
                None => by_file.push((source, vec![(subject, evidence)], vec![edit])),
            }
        }
        for (RsyslogFile { path, text, .. }, wrong, edits) in by_file {
            let open = |why: Message| {
                let gap =
                    move |(subject, evidence)| Gap::no_remedy(evidence, why.clone()).about(subject);
                wrong.clone().into_iter().map(gap)
            };
            if !in_etc(path) {
                gaps.extend(open(messages::not_below_etc(path)));
                continue;
            }
            match edited(text, edits) {
                Some(new) => gaps.extend(rewrite::gaps(audit.root(), wrong, path, new)?),
                None => gaps.extend(open(messages::quote_open(path))),
            }
        }
        Ok(gaps)
    }

    /// No directive stands before the actions: it is put before the first of them.
    fn unstated(
        &self,
        audit: &Audit<'_>,
        config: &Config,
        bare: Option<usize>,
        reset: bool,
    ) -> Result<Gap> {
        let root = audit.root();
        let main = ImagePath::parse(MAIN)?;
        let line = format!("$FileCreateMode {}", self.mode);
        let evidence = match bare {
            Some(token) => config.evidence(token).note(messages::mode_by_default()),
            None => Evidence::at(&main).note(messages::mode_unset()),
        };
        let evidence = evidence.want(&line);
        let advice = match bare {
            Some(_) => messages::put_before(&line, place(&evidence)),
            None => messages::put_into(&line, &main),
        };
        let Some(source) = config.main().filter(|_| !reset) else {
            return Ok(remedy::none(audit, about(), evidence, advice));
        };
        let first = config.tokens().find(|(token, t)| {
            config.source(*token).is_some_and(|s| s.path == source.path) && begins_rules(&t.kind)
        });
        let before_rules = match first {
            Some((_, token)) => {
                inserted(&source.text, logical_start(&source.text, token.line), &line)
            }
            None => Some(appended(&source.text, &line)),
        };
        let helps = |text: &String| {
            let after = preview::with(root, &[Change::write(&source.path, text.as_str())]);
            let Ok(Some(config)) = after.and_then(|staged| Config::read(&audit.on(&staged))) else {
                return false;
            };
            let walk = self.walk(&config);
            walk.stated && walk.bare.is_none()
        };
        // Where a statement that began before goes on: before everything.
        let mut texts = [before_rules, inserted(&source.text, 1, &line)].into_iter().flatten();
        let Some(text) = texts.find(helps) else {
            return Ok(remedy::none(audit, about(), evidence, advice));
        };
        remedy::rewrite(audit, about(), evidence, &main, text, 0o644)
    }
}

/// The text with one more line. A backslash at the very end would swallow it.
fn appended(text: &str, line: &str) -> String {
    let mut lines = Lines::new(text);
    if lines.get(lines.len()).is_some_and(|l| l.trim_end().ends_with('\\')) {
        lines.push("");
    }
    lines.push(line);
    lines.to_string()
}

fn in_etc(path: &ImagePath) -> bool {
    path.components().next().is_some_and(|top| top == "etc")
}

/// Whether an action makes files; devices are there already.
fn creates_file(kind: &TokenKind) -> bool {
    match Target::of(kind) {
        Some(Target::File(path)) => !path.starts_with("/dev/"),
        Some(Target::DynamicFile) => true,
        _ => false,
    }
}

/// Whether rules, or other files that may hold some, begin with this token.
fn begins_rules(kind: &TokenKind) -> bool {
    match kind {
        TokenKind::Directive(_) | TokenKind::Statement => false,
        TokenKind::Object(object) => matches!(object.name.as_str(), "action" | "ruleset"),
        _ => true,
    }
}

/// The mode of files that actions of the old form create.
fn about() -> Subject {
    Subject::directive("$FileCreateMode")
}

/// Where the evidence is from, as `path:line`.
fn place(evidence: &Evidence) -> String {
    let path = evidence.path.as_ref().map(ToString::to_string).unwrap_or_default();
    evidence.line.map_or_else(|| path.clone(), |line| format!("{path}:{line}"))
}

/// A file, what is wrong in it, and what puts that right.
type Wrongs<'f> = (&'f RsyslogFile, Vec<(Subject, Evidence)>, Vec<Edit>);

#[cfg(test)]
mod tests;
