//! Shells of the image start with a tight umask.

use schemars::JsonSchema;
use serde::Deserialize;

use super::messages;
use crate::check::accounts::AccountFile;
use crate::check::common::destination::{self, Destination};
use crate::check::common::{glob, preview, remedy, rewrite};
use crate::check::data::{self, BadData};
use crate::check::order::{self, Level, Levels, Looser};
use crate::check::packages::ownership::owned_by_package;
use crate::check::pam::pam_stack::Stack;
use crate::check::{Audit, Consumes, Evidence, Finding, Fix, Gap, Primitive, Subject};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{Change, ImagePath, Rootfs, escape_text};
use crate::text::Lines;
use crate::text::accounts::{AccountLine, Layout};
use crate::text::login_defs::{self, LoginDef};
use crate::text::pam::Rule;
use crate::text::pattern::Wildcards;
use crate::text::script;
use crate::text::shell_umask::{Effect, Umask, umasks};
use crate::text::splice::splice;

/// Something that every login shell reads sets the umask to `umask` or tighter, and nothing among
/// `/etc/profile`, the scripts of `/etc/profile.d` and `/etc/bash.bashrc` sets a looser one, in
/// whatever branch. `login.defs` will do in place of the shells where pam_umask gives every session
/// its value as it is (`USERGROUPS_ENAB no`): the stacks of login, sshd and su ask it without a value of
/// its own, and no account's comment field gives a looser one.
///
/// A looser value is replaced where it stands. Where nothing sets one, `file` is written.
/// The default of `login.defs` is another want.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DefaultUmask {
    /// The bits that must at least be masked, as `"027"`; also what is written.
    pub umask: data::Umask,
    /// The script in `/etc/profile.d` that is written where nothing sets a umask. Its name ends in
    /// `.sh`, sorts late, and does not hold the word umask: scanners that search for lines would
    /// take every line for a setting.
    pub file: ImagePath,
}

const PROFILE: &str = "/etc/profile";
const DIR: &str = "/etc/profile.d";
const BASHRC: &str = "/etc/bash.bashrc";
const LOGIN_DEFS: &str = "/etc/login.defs";
const SESSIONS: [&str; 2] =
    ["/etc/pam.d/common-session", "/etc/pam.d/common-session-noninteractive"];

/// Services whose sessions begin with a shell; those that are there have a stack of their own.
const LOGINS: [&str; 3] = ["/etc/pam.d/login", "/etc/pam.d/sshd", "/etc/pam.d/su"];
/// The field of an account that pam_umask looks for a mask in.
const COMMENT: usize = 4;

/// A script that shells read at their start.
struct Script {
    path: ImagePath,
    text: String,
    umasks: Vec<Umask>,
    /// Whether it is one of `/etc/profile.d`.
    snippet: bool,
}

impl Script {
    /// Whether all login shells read it; bash's own file only bash does.
    fn for_all(&self) -> bool {
        self.path.as_bytes() != BASHRC.as_bytes()
    }
}

impl Primitive for DefaultUmask {
    fn consumers(&self) -> Vec<Consumes> {
        vec![Consumes::usual("shell")]
    }

    fn check_data(&self) -> Result<(), BadData> {
        let file = &self.file;
        let name = file.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
        let inside = file.parent().is_some_and(|dir| dir.as_bytes() == DIR.as_bytes());
        if !inside || !name.ends_with(".sh") || name.starts_with('.') || name.contains("umask") {
            let want = "want a script in /etc/profile.d, as /etc/profile.d/zz-cis.sh";
            return Err(BadData::field("file", format!("found {file}, {want}")));
        }
        Ok(())
    }

    fn looser(&self, before: &Audit<'_>, after: &Audit<'_>) -> Result<Vec<Looser>> {
        order::by_levels(self, before, after, |audit| self.levels(audit))
    }

    fn find(&self, audit: &Audit<'_>) -> Result<Finding> {
        let root = audit.root();
        let scripts = scripts(root)?;
        let (mut gaps, mut holding) = (Vec::new(), Vec::new());
        let mut unclear = None;
        let mut set = self.is_set(&scripts);
        for script in &scripts {
            let looser = self.looser_values(audit, script)?;
            // Once it is tightened, it is what sets it.
            set |= looser.iter().any(|gap| matches!(gap.fix, Fix::Changes(_)))
                && script.for_all()
                && script.umasks.iter().any(|u| u.sure && u.effect.loosens(self.umask.bits));
            // There may be a hundred thousand; a vector that grows by one more doubles.
            gaps.reserve_exact(looser.len() + FEW_MORE);
            gaps.extend(looser);
            for umask in &script.umasks {
                let evidence = evidence(script, umask);
                if umask.effect == Effect::Unknown {
                    unclear = unclear.or(Some((script.path.clone(), umask.clone())));
                    holding.push(evidence.note(messages::value_unclear()));
                } else if umask.effect.sets(self.umask.bits) {
                    let note = (!umask.sure).then(messages::not_always);
                    holding.push(Evidence { note, ..evidence });
                }
            }
        }
        if !set {
            match self.set_by_pam(root)? {
                Some(evidence) => holding.push(evidence),
                None => gaps.push(self.unset(audit, &scripts)?),
            }
        }
        for session in SESSIONS {
            self.pam(audit, session, &mut gaps, &mut holding)?;
        }
        if let (true, Some((path, umask))) = (gaps.is_empty(), unclear) {
            return Err(Error::Syntax {
                path,
                line: umask.line,
                found: format!("`umask {}`", escape_text(&umask.shown)),
                want: "a umask that the text itself tells",
            });
        }
        Ok(Finding::from_gaps(gaps, holding))
    }
}

/// Gaps that follow those of a script: nothing sets the umask, and what PAM does in a session.
const FEW_MORE: usize = 16;

impl DefaultUmask {
    /// What login shells end up with, and what each script ends with where it surely sets it.
    fn levels(&self, audit: &Audit<'_>) -> Result<Levels> {
        let mut levels = Levels::default();
        let mut in_force = None;
        for script in scripts(audit.root())? {
            let last = script.umasks.iter().rfind(|u| u.sure && u.effect != Effect::Unknown);
            let Some(Effect::Bits { set, .. }) = last.map(|umask| umask.effect) else { continue };
            let level = Level::Grants(0o777 & !set);
            levels.only(Subject::path(&script.path), level.clone());
            if script.for_all() {
                in_force = Some(level);
            }
        }
        levels.only(Subject::key("umask"), in_force.unwrap_or(Level::Grants(0o777)));
        Ok(levels)
    }

    /// Whether some script surely sets a tight umask for every login shell.
    fn is_set(&self, scripts: &[Script]) -> bool {
        let for_all = scripts.iter().filter(|s| s.for_all());
        for_all.flat_map(|s| &s.umasks).any(|u| u.sure && u.effect.sets(self.umask.bits))
    }

    /// What shows that pam_umask sets a tight umask for every session; `None` when it does not.
    fn set_by_pam(&self, root: &dyn Rootfs) -> Result<Option<Evidence>> {
        let path = ImagePath::parse(LOGIN_DEFS)?;
        let text = root.read(&path)?.unwrap_or_default();
        // The shadow tools read another line than pam_umask where there are two: all must do.
        let all = |key: &str, good: &dyn Fn(&str) -> bool| {
            let settings = login_defs::settings(&text, key);
            let each =
                |s: &LoginDef| [&s.shadow, &s.pam].iter().all(|v| v.as_deref().is_some_and(good));
            settings.iter().all(each).then(|| settings.first().map(|s| s.line)).flatten()
        };
        let tight = |value: &str| {
            login_defs::octal(value).is_some_and(|m| m & self.umask.bits == self.umask.bits)
        };
        let (Some(line), Some(_)) = (all("UMASK", &tight), all("USERGROUPS_ENAB", &|v| v == "no"))
        else {
            return Ok(None);
        };
        let mut asked = false;
        for (i, path) in SESSIONS[..1].iter().chain(&LOGINS).enumerate() {
            let Some(stack) = Stack::read(root, "session", &ImagePath::parse(*path)?)? else {
                continue;
            };
            if !takes_login_defs(&stack) {
                return Ok(None);
            }
            asked |= i == 0;
        }
        if !asked || self.loosened_for_somebody(root)? {
            return Ok(None);
        }
        Ok(Some(Evidence::at(&path).line(line).note(messages::pam_sets_it())))
    }

    /// Whether pam_umask gives some account another mask, which its comment field names.
    fn loosened_for_somebody(&self, root: &dyn Rootfs) -> Result<bool> {
        let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
        let loosens = |text: &str| {
            let value = text.get(..6).filter(|key| key.eq_ignore_ascii_case("umask="));
            value.is_some_and(|key| {
                let mask = login_defs::octal(&text[key.len()..]).unwrap_or(0);
                mask & self.umask.bits != self.umask.bits
            })
        };
        let names = |account: &AccountLine<'_>| {
            let comment = String::from_utf8_lossy(account.field(COMMENT));
            comment.split(',').any(loosens)
        };
        Ok(passwd.table().entries.iter().any(names))
    }

    /// The gaps of the looser values of a script. They are about the script.
    fn looser_values(&self, audit: &Audit<'_>, script: &Script) -> Result<Vec<Gap>> {
        let root = audit.root();
        let loose: Vec<&Umask> =
            script.umasks.iter().filter(|u| u.effect.loosens(self.umask.bits)).collect();
        if loose.is_empty() {
            return Ok(Vec::new());
        }
        let want = messages::want_umask(self.line());
        let evidence = |u: &Umask| evidence(script, u).want(want.clone());
        let refused = |why: &dyn Fn(&Umask) -> Message| {
            Ok(loose.iter().map(|u| Gap::no_remedy(evidence(u), why(u))).collect())
        };
        let subject = Subject::path(&script.path);
        if let Some(exclusion) = audit.excluded_in(&subject, &script.path) {
            return refused(&|_| exclusion.cause.clone());
        }
        if script.snippet && owned_by_package(root, &script.path)? {
            let (path, umask) = (&script.path, &self.umask.text);
            return refused(&|u| messages::script_of_package(path, u.line, umask));
        }
        // The value, not the line: a branch that is left without a command is a syntax error, and
        // then the shell reads nothing more.
        let edits = loose.iter().map(|u| u.set(&self.umask.text)).collect();
        let all = loose.iter().map(|u| (subject.clone(), evidence(u))).collect();
        rewrite::gaps(root, all, &script.path, splice(&script.text, edits))
    }

    /// What a script says.
    fn line(&self) -> String {
        format!("umask {}", self.umask.text)
    }

    /// Nothing sets the umask: our own script does, or `/etc/profile` where it reads no scripts.
    fn unset(&self, audit: &Audit<'_>, scripts: &[Script]) -> Result<Gap> {
        let root = audit.root();
        let profile = ImagePath::parse(PROFILE)?;
        let main = scripts.iter().find(|s| s.path == profile);
        let always = main.and_then(|main| snippets(&main.text)) == Some(Reading::Always);
        let target = if always { &self.file } else { &profile };
        let subject = Subject::key("umask");
        let gap = match audit.excluded_in(&subject, target) {
            Some(exclusion) => Gap::no_remedy(self.nothing(target), exclusion.cause.clone()),
            None if main.is_none() => {
                let evidence = Evidence::at(&profile).want(self.line());
                let evidence = evidence.note(messages::missing(&profile));
                Gap::no_remedy(evidence, messages::no_profile(&profile))
            }
            None => self.set_in(root, target)?,
        };
        Ok(gap.about(subject))
    }

    /// Evidence that nothing sets the umask; it belongs in the file at `target`.
    fn nothing(&self, target: &ImagePath) -> Evidence {
        Evidence::at(target).want(self.line()).note(messages::nothing_sets_it())
    }

    fn set_in(&self, root: &dyn Rootfs, target: &ImagePath) -> Result<Gap> {
        let (line, evidence) = (self.line(), self.nothing(target));
        let at = match destination::file(root, target)? {
            Destination::At(at) => at,
            Destination::Refused(why) => return Ok(Gap::no_remedy(evidence, why)),
        };
        let mut lines = Lines::new(&root.read(&at)?.unwrap_or_default());
        lines.push(&line);
        let change = Change::write(&at, lines.to_string());
        let after = preview::with(root, std::slice::from_ref(&change));
        let helps = after.and_then(|staged| Ok(self.is_set(&self::scripts(&staged)?)));
        Ok(if helps.unwrap_or(false) {
            Gap::fixed_by(evidence, change)
        } else {
            Gap::no_remedy(evidence, messages::perhaps_unreached(line, target))
        })
    }

    /// What PAM sets for a session, before any shell starts.
    fn pam(
        &self,
        audit: &Audit<'_>,
        path: &str,
        gaps: &mut Vec<Gap>,
        holding: &mut Vec<Evidence>,
    ) -> Result<()> {
        let root = audit.root();
        let Some(stack) = Stack::read(root, "session", &ImagePath::parse(path)?)? else {
            return Ok(());
        };
        for index in stack.named("pam_umask.so") {
            let value = stack.modules.get(index).and_then(|m| m.rule.value("umask"));
            let mask = value.and_then(|(_, value)| u32::from_str_radix(value, 8).ok());
            match (mask, stack.place(index)) {
                (Some(mask), Some((path, line))) if mask & self.umask.bits != self.umask.bits => {
                    let want = messages::want_umask(format!("umask={}", self.umask.text));
                    let subject = stack.subject("pam_umask.so");
                    let why = messages::overrides_login_defs(path, line);
                    let evidence = stack.evidence(index).want(want);
                    gaps.push(remedy::none(audit, subject, evidence, why));
                }
                _ => holding.push(stack.evidence(index)),
            }
        }
        Ok(())
    }
}

/// Whether a stack asks pam_umask, and each time for the value of login.defs: one of the module's own
/// is another matter, and its `usergroups` loosens that of login.defs.
fn takes_login_defs(stack: &Stack) -> bool {
    let reached = stack.reachable(|_| false);
    let named = stack.named("pam_umask.so");
    let asked: Vec<_> = named
        .iter()
        .filter(|index| reached.get(**index) == Some(&true))
        .filter_map(|index| stack.modules.get(*index))
        .collect();
    let as_it_is = |rule: &Rule| !rule.has("usergroups") && rule.value("umask").is_none();
    !asked.is_empty() && asked.iter().all(|module| as_it_is(&module.rule))
}

fn evidence(script: &Script, umask: &Umask) -> Evidence {
    Evidence::at(&script.path).line(umask.line).found(format!("umask {}", umask.shown))
}

/// The scripts in the order in which a login shell reads them. Those of `/etc/profile.d` count
/// only where `/etc/profile` reads them.
fn scripts(root: &dyn Rootfs) -> Result<Vec<Script>> {
    let mut scripts = Vec::new();
    let mut add = |path: ImagePath, snippet: bool, always: bool| -> Result<Option<String>> {
        let Some(text) = root.read(&path)? else { return Ok(None) };
        let mut umasks = umasks(&text);
        for umask in &mut umasks {
            umask.sure &= always;
        }
        scripts.push(Script { path, text: text.clone(), umasks, snippet });
        Ok(Some(text))
    };
    let profile = add(ImagePath::parse(PROFILE)?, false, true)?;
    add(ImagePath::parse(BASHRC)?, false, true)?;
    if let Some(reading) = profile.and_then(|text| snippets(&text)) {
        for path in glob::entries(root, &ImagePath::parse(DIR)?, Wildcards::Libc, "*.sh")? {
            add(path, true, reading == Reading::Always)?;
        }
    }
    Ok(scripts)
}

/// How `/etc/profile` reads the scripts of `/etc/profile.d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    /// In every login shell.
    Always,
    /// Not where the script has ended before.
    Perhaps,
}

/// How a script reads the files of `/etc/profile.d`; `None`: no command names them.
fn snippets(text: &str) -> Option<Reading> {
    let names = |c: &script::Command| c.words.iter().any(|w| w.raw().contains(DIR));
    let mut naming = script::commands(text).into_iter().filter(names).peekable();
    naming.peek()?;
    Some(if naming.any(|c| c.reached) { Reading::Always } else { Reading::Perhaps })
}

#[cfg(test)]
mod tests;
