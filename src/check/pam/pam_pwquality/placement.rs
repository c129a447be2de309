//! Where the line of pam_pwquality may be put, such that the stack works. Where pam-auth-update takes
//! the file for its own work, it still does afterwards; where it does not, it leaves the file alone
//! anyway.

use super::jumps::{FileEdit, Reshaping};
use super::{Look, MODULE, PACKAGE, UNIX, needs_package, take_vetted};
use crate::check::common::destination::{self, Destination};
use crate::check::common::preview;
use crate::check::packages::dpkg;
use crate::check::packages::ownership::owned_by_package;
use crate::check::pam::messages;
use crate::check::pam::pam_stack::{COMMON_PASSWORD, Module, Stack, StackFile};
use crate::check::{Evidence, Gap};
use crate::error::Result;
use crate::message::Message;
use crate::rootfs::{Change, ImagePath, Rootfs};
use crate::text::Lines;
use crate::text::pam::Rule;
use crate::text::pam::saved::{self, SavedRule};
use crate::text::splice::{Edit, splice};

const PROFILE: &str = "pwquality";
/// The rules pam-auth-update wrote last.
pub(super) const SAVED: &str = "/var/lib/pam/password";
/// The profiles it has asked about.
pub(super) const SEEN: &str = "/var/lib/pam/seen";
const PROFILES: &str = "/usr/share/pam-configs";

/// What pam-auth-update remembers, and would have to.
struct Memory {
    rules: Vec<SavedRule>,
    /// The lines of pwquality's profile, without type.
    quality: Vec<String>,
    /// What must be written for it to know of these lines.
    changes: Vec<Change>,
}

/// Where a line may be put: a file by its number in the stack, an offset in its text, and the module
/// that then follows.
struct Spot {
    source: usize,
    offset: usize,
    index: usize,
}

/// What pam-auth-update makes of the file.
enum Remembered {
    /// It takes the file for its own, and can be made to remember the line.
    Line(Memory),
    /// It takes the file for its own, by these rules, and cannot be made to remember the line.
    File(Vec<SavedRule>),
    /// It does not take the file for its own, and leaves it alone.
    Nothing,
}

impl Look<'_> {
    /// Puts the module's line above pam_unix, such that pam-auth-update still sees its own work
    /// where it does.
    pub(super) fn insert(&self, evidence: Evidence, unix: usize) -> Result<Gap> {
        if !dpkg::installed(self.root, PACKAGE)? {
            return Ok(Gap::no_remedy(evidence, needs_package()));
        }
        let (Some(main), Some((home, rule))) = (self.stack.sources.first(), self.home(unix)) else {
            return Ok(Gap::no_remedy(evidence, self.by_hand()));
        };
        if let Some(why) = self.not_here(unix)? {
            return Ok(Gap::no_remedy(evidence, why));
        }
        let take_vetted = take_vetted(rule).unwrap_or_default();
        // The line and what pam_unix then needs are one change.
        if let Some(cause) = self.excluded(UNIX, &home.path).filter(|_| !take_vetted.is_empty()) {
            return Ok(Gap::no_remedy(evidence, cause));
        }
        let remembered = self.memory(main)?;
        let own = vec![format!("requisite\t\t\t{MODULE} retry={}", self.want.retry)];
        let (rules, lines, more) = match remembered {
            Remembered::Line(memory) => (Some(memory.rules), memory.quality, memory.changes),
            Remembered::File(rules) => (Some(rules), own, Vec::new()),
            Remembered::Nothing => (None, own, Vec::new()),
        };
        let feed = line_end(&home.text);
        let text: String = lines.iter().map(|l| format!("password\t{l}{feed}")).collect();
        let end = self.end();
        for place in self.places(unix) {
            let come = Some((place.index, u32::try_from(lines.len()).unwrap_or(u32::MAX)));
            let shape = Reshaping { gone: None, come, end: &end };
            let Some(mut edits) = self.jumps(&shape) else { continue };
            edits.push((place.source, Edit::insert(place.offset, text.as_str())));
            edits.extend(take_vetted.iter().map(|edit| (self.source(unix), edit.clone())));
            let Some(mut changes) = self.write(edits)? else { continue };
            if let Some(rules) = &rules
                && !self.agrees(&changes, rules)?
            {
                continue;
            }
            changes.extend(more.iter().cloned());
            if self.helps(&changes) {
                let evidence = match rules {
                    Some(_) => evidence,
                    None => evidence.note(messages::hand_made(COMMON_PASSWORD, MODULE)),
                };
                return Ok(Gap::fixed_by_all(evidence, changes));
            }
        }
        let why = match rules {
            Some(_) => messages::foreign_to_pam_auth_update(COMMON_PASSWORD, self.by_hand()),
            None => self.by_hand(),
        };
        Ok(Gap::no_remedy(evidence, why))
    }

    /// Moves the module's line, which stands at `below`, to above pam_unix.
    pub(super) fn move_up(&self, evidence: Evidence, below: usize, unix: usize) -> Result<Gap> {
        let (Some((home, _)), Some(moved)) = (self.home(unix), self.stack.modules.get(below))
        else {
            return Ok(Gap::no_remedy(evidence, self.by_hand()));
        };
        if moved.source != self.source(unix) || self.level(below) != self.level(unix) {
            return Ok(Gap::no_remedy(evidence, self.by_hand()));
        }
        let refused = match self.not_here(unix)? {
            None if owned_by_package(self.root, &home.path)? => {
                Some(messages::file_of_package(&home.path, self.by_hand()))
            }
            refused => refused,
        };
        if let Some(why) = refused {
            return Ok(Gap::no_remedy(evidence, why));
        }
        let span = moved.rule.span.clone();
        let line = home.text.get(span.clone()).unwrap_or_default();
        let feed = if line.ends_with('\n') { "" } else { line_end(&home.text) };
        let line = format!("{line}{feed}");
        // A place where pam-auth-update still sees its own work is better than one where not.
        let mut second = None;
        let (remembered, end) = (self.remembered()?, self.end());
        for place in self.places(unix) {
            let shape = Reshaping { gone: Some(below), come: Some((place.index, 1)), end: &end };
            let Some(mut edits) = self.jumps(&shape) else { continue };
            edits.push((place.source, Edit::insert(place.offset, line.as_str())));
            edits.push((moved.source, Edit::replace(span.clone(), "")));
            let Some(changes) = self.write(edits)? else { continue };
            if !self.helps(&changes) {
                continue;
            }
            if let Some(rules) = &remembered
                && self.agrees(&changes, rules)?
            {
                return Ok(Gap::fixed_by_all(evidence, changes));
            }
            second = second.or(Some(changes));
        }
        Ok(match second {
            Some(changes) => Gap::fixed_by_all(evidence, changes),
            None => Gap::no_remedy(evidence, self.by_hand()),
        })
    }

    /// What gives the jumps to nowhere a goal; `None` where that cannot be done, or the stack would
    /// not work with it.
    pub(super) fn mended(&self) -> Result<Option<Vec<Change>>> {
        let end = self.end();
        let shape = Reshaping { end: &end, ..Reshaping::default() };
        let Some(edits) = self.jumps(&shape).filter(|_| !end.is_empty()) else { return Ok(None) };
        let changes = self.write(edits)?;
        Ok(changes.filter(|changes| self.works(changes, |look, unix| look.broken(unix).is_empty())))
    }

    /// The file of pam_unix's line, and that line.
    fn home(&self, unix: usize) -> Option<(&StackFile, &Rule)> {
        let module = self.stack.modules.get(unix)?;
        Some((self.stack.sources.get(module.source)?, &module.rule))
    }

    fn source(&self, index: usize) -> usize {
        self.stack.modules.get(index).map_or(0, |m| m.source)
    }

    fn level(&self, index: usize) -> usize {
        self.stack.modules.get(index).map_or(0, |m| m.level)
    }

    /// Why no line may be put where pam_unix stands.
    fn not_here(&self, unix: usize) -> Result<Option<Message>> {
        let Some((home, _)) = self.home(unix) else { return Ok(Some(self.by_hand())) };
        if let Some(cause) = self.excluded(MODULE, &home.path) {
            return Ok(Some(cause));
        }
        if let Destination::Refused(why) = destination::file(self.root, &home.path)? {
            return Ok(Some(why));
        }
        // The file itself is made when the package is configured; one that it includes may be
        // another package's.
        let theirs = self.source(unix) != 0 && owned_by_package(self.root, &home.path)?;
        Ok(theirs.then(|| messages::file_of_package(&home.path, self.by_hand())))
    }

    /// The files with these edits; `None` where one may not be written, or is read twice.
    fn write(&self, mut edits: Vec<FileEdit>) -> Result<Option<Vec<Change>>> {
        let mut changes = Vec::new();
        for (number, source) in self.stack.sources.iter().enumerate() {
            let (here, rest): (Vec<_>, Vec<_>) = edits.into_iter().partition(|(s, _)| *s == number);
            edits = rest;
            if here.is_empty() {
                continue;
            }
            let Destination::At(at) = destination::file(self.root, &source.path)? else {
                return Ok(None);
            };
            let readings = self.stack.sources.iter().filter(|s| s.path == source.path).count();
            if readings > 1 {
                return Ok(None);
            }
            let text = splice(&source.text, here.into_iter().map(|(_, edit)| edit).collect());
            changes.push(Change::write(&at, text));
        }
        Ok(Some(changes))
    }

    /// Whether pam-auth-update takes the file for its own with these changes.
    fn agrees(&self, changes: &[Change], rules: &[SavedRule]) -> Result<bool> {
        let staged = preview::with(self.root, changes)?;
        let text = staged.read(&ImagePath::parse(COMMON_PASSWORD)?)?.unwrap_or_default();
        Ok(saved::agrees(&text, rules, "password"))
    }

    /// What a person can do.
    fn by_hand(&self) -> Message {
        let line = format!("password requisite {MODULE} retry={}", self.want.retry);
        messages::put_line(COMMON_PASSWORD, line)
    }

    /// Where the line may go: above pam_unix and the history that looks at the same password, above
    /// each line of its file before that, and above the stretch that pam-auth-update compares.
    fn places(&self, unix: usize) -> Vec<Spot> {
        let (source, level) = (self.source(unix), self.level(unix));
        let at_home = |module: &Module| module.source == source && module.level == level;
        let mut places: Vec<Spot> = Vec::new();
        for (index, module) in self.stack.modules.iter().enumerate().take(unix + 1).rev() {
            if at_home(module) && places.len() < 16 {
                places.push(Spot { source, offset: module.rule.span.start, index });
            }
        }
        // A password that is refused is asked for again, and the history must see the last one.
        let above = self.stack.modules.iter().take(unix).rev();
        let histories = above.take_while(|m| at_home(m) && m.rule.is("pam_pwhistory.so")).count();
        if histories < places.len() {
            places[..=histories].rotate_right(1);
        }
        let Some(main) = self.stack.sources.first() else { return places };
        if let Some(stretch) = saved::primary(&main.text) {
            let mark = stretch.start.saturating_sub(2);
            let offset = main.text.split_inclusive('\n').take(mark).map(str::len).sum();
            let here = |m: &Module| m.source == 0 && m.rule.span.start >= offset;
            if let Some(index) = self.stack.modules.iter().position(here) {
                places.push(Spot { source: 0, offset, index });
            }
        }
        places
    }

    /// Whether the stack vets every password, and works, with these changes.
    fn helps(&self, changes: &[Change]) -> bool {
        self.works(changes, |look, unix| {
            let quality = look.stack.named(MODULE);
            let bypassed = look.stack.reachable(|i| quality.contains(&i));
            let open = unix.iter().any(|i| bypassed.get(*i) == Some(&true));
            !open && look.broken(unix).is_empty()
        })
    }

    /// Whether the stack is as `judge` wants it with these changes, given what sets passwords there.
    fn works(&self, changes: &[Change], judge: impl Fn(&Look<'_>, &[usize]) -> bool) -> bool {
        let after = || -> Result<bool> {
            let staged = preview::with(self.root, changes)?;
            let path = ImagePath::parse(COMMON_PASSWORD)?;
            let Some(stack) = Stack::read(&staged, "password", &path)? else { return Ok(false) };
            let audit = self.audit.on(&staged);
            let look = Look { want: self.want, audit, root: &staged, stack: &stack };
            Ok(judge(&look, &stack.unix()))
        };
        after().unwrap_or(false)
    }

    fn remembered(&self) -> Result<Option<Vec<SavedRule>>> {
        Ok(self.root.read(&ImagePath::parse(SAVED)?)?.map(|text| saved::saved(&text)))
    }

    /// What pam-auth-update must remember for the module's line to be its own.
    fn memory(&self, main: &StackFile) -> Result<Remembered> {
        let (saved_path, seen_path) = (ImagePath::parse(SAVED)?, ImagePath::parse(SEEN)?);
        let Some(text) = self.root.read(&saved_path)? else { return Ok(Remembered::Nothing) };
        let rules = saved::saved(&text);
        if !saved::agrees(&main.text, &rules, "password") {
            return Ok(Remembered::Nothing);
        }
        let Some(seen) = self.root.read(&seen_path)? else { return Ok(Remembered::File(rules)) };
        let known: Vec<String> =
            rules.iter().filter(|r| r.profile == PROFILE).map(|r| r.rule.clone()).collect();
        if !known.is_empty() {
            return Ok(match good(&known) {
                true => Remembered::Line(Memory { rules, quality: known, changes: Vec::new() }),
                false => Remembered::File(rules),
            });
        }
        let profile = |name: &str| -> Result<String> {
            let path = ImagePath::parse(PROFILES)?.join(name)?;
            Ok(self.root.read(&path)?.unwrap_or_default())
        };
        let (quality, unix) = (profile(PROFILE)?, profile("unix")?);
        // The first profile of all may have rules of its own for that.
        let first = rules.first().is_some_and(|r| r.profile == "unix");
        let mut lines = saved::profile_rules(&quality, "Password-Initial");
        if !first || lines.is_empty() {
            lines = saved::profile_rules(&quality, "Password");
        }
        let unix = saved::profile_rules(&unix, "Password");
        if !good(&lines) || unix.is_empty() {
            return Ok(Remembered::File(rules));
        }
        let Some(new) = saved::with_profile(&text, (PROFILE, &lines), ("unix", &unix)) else {
            return Ok(Remembered::File(rules));
        };
        let rules = saved::saved(&new);
        let mut changes = vec![Change::write(&saved_path, new)];
        if !seen.lines().any(|line| line == PROFILE) {
            let mut lines = Lines::new(&seen);
            lines.push(PROFILE);
            changes.push(Change::write(&seen_path, lines.to_string()));
        }
        Ok(Remembered::Line(Memory { rules, quality: lines, changes }))
    }
}

/// Whether these are rules that can be put in front: the module's own, without a jump.
fn good(rules: &[String]) -> bool {
    !rules.is_empty() && rules.iter().all(|r| r.contains(MODULE) && !r.starts_with('['))
}

pub(super) fn line_end(text: &str) -> &'static str {
    if text.split_inclusive('\n').next().is_some_and(|l| l.ends_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    }
}
