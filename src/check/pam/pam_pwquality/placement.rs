//! Where the line of pam_pwquality may be put, such that the stack works and pam-auth-update still
//! takes the file for its own work.

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
use crate::rootfs::{Change, ImagePath};
use crate::text::Lines;
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

/// Where a line may be put: an offset in the text, and the module that then follows it.
struct Spot {
    offset: usize,
    index: usize,
}

impl Look<'_> {
    /// Puts the module's line above pam_unix, such that pam-auth-update sees its own work.
    pub(super) fn insert(&self, evidence: Evidence, unix: usize) -> Result<Gap> {
        if !dpkg::installed(self.root, PACKAGE)? {
            return Ok(Gap::no_remedy(evidence, needs_package()));
        }
        let unknown = || messages::foreign_to_pam_auth_update(COMMON_PASSWORD, self.by_hand());
        let main = self.stack.sources.first();
        let (Some(main), Some(Module { source: 0, rule, .. })) =
            (main, self.stack.modules.get(unix))
        else {
            return Ok(Gap::no_remedy(evidence, self.by_hand()));
        };
        let take_vetted = take_vetted(rule).unwrap_or_default();
        // The line and what pam_unix then needs are one change.
        if let Some(cause) = self.excluded(UNIX, &main.path).filter(|_| !take_vetted.is_empty()) {
            return Ok(Gap::no_remedy(evidence, cause));
        }
        let Some(memory) = self.memory(main)? else {
            return Ok(Gap::no_remedy(evidence, unknown()));
        };
        let at = match destination::file(self.root, &main.path)? {
            Destination::At(at) => at,
            Destination::Refused(why) => return Ok(Gap::no_remedy(evidence, why)),
        };
        let end = line_end(&main.text);
        let line: String = memory.quality.iter().map(|l| format!("password\t{l}{end}")).collect();
        let added = i32::try_from(memory.quality.len()).unwrap_or(i32::MAX);
        for place in self.places(main, unix) {
            let mut edits = vec![Edit::insert(place.offset, line.as_str())];
            let Some(jumps) = self.jumps(None, (place.index, added)) else { continue };
            edits.extend(jumps);
            edits.extend(take_vetted.iter().cloned());
            let text = splice(&main.text, edits);
            if !saved::agrees(&text, &memory.rules, "password") {
                continue;
            }
            let mut changes = vec![Change::write(&at, text)];
            changes.extend(memory.changes.iter().cloned());
            if self.helps(&changes) {
                return Ok(Gap::fixed_by_all(evidence, changes));
            }
        }
        Ok(Gap::no_remedy(evidence, unknown()))
    }

    /// Moves the module's line, which stands at `below`, to above pam_unix.
    pub(super) fn shift(&self, evidence: Evidence, below: usize, unix: usize) -> Result<Gap> {
        let at_home = |i: usize| self.stack.modules.get(i).filter(|m| m.source == 0);
        let (Some(main), Some(moved), Some(_)) =
            (self.stack.sources.first(), at_home(below), at_home(unix))
        else {
            return Ok(Gap::no_remedy(evidence, self.by_hand()));
        };
        let at = match destination::file(self.root, &main.path)? {
            Destination::At(at) => at,
            Destination::Refused(why) => return Ok(Gap::no_remedy(evidence, why)),
        };
        if owned_by_package(self.root, &main.path)? {
            let why = messages::file_of_package(&main.path, self.by_hand());
            return Ok(Gap::no_remedy(evidence, why));
        }
        let span = moved.rule.span.clone();
        let line = main.text.get(span.clone()).unwrap_or_default();
        let end = if line.ends_with('\n') { "" } else { line_end(&main.text) };
        let line = format!("{line}{end}");
        // A place where pam-auth-update still sees its own work is better than one where not.
        let mut second = None;
        for place in self.places(main, unix) {
            let mut edits = vec![Edit::insert(place.offset, line.as_str())];
            edits.push(Edit::replace(span.clone(), ""));
            let Some(jumps) = self.jumps(Some(below), (place.index, 1)) else { continue };
            edits.extend(jumps);
            let text = splice(&main.text, edits);
            let changes = vec![Change::write(&at, text.as_str())];
            if !self.helps(&changes) {
                continue;
            }
            if self.remembered()?.is_some_and(|rules| saved::agrees(&text, &rules, "password")) {
                return Ok(Gap::fixed_by_all(evidence, changes));
            }
            second = second.or(Some(changes));
        }
        Ok(match second {
            Some(changes) => Gap::fixed_by_all(evidence, changes),
            None => Gap::no_remedy(evidence, self.by_hand()),
        })
    }

    /// What a person can do.
    fn by_hand(&self) -> Message {
        let line = format!("password requisite {MODULE} retry={}", self.want.retry);
        messages::put_line(COMMON_PASSWORD, line)
    }

    /// Where the line may go: above pam_unix, above each line before that, and above the stretch
    /// that pam-auth-update compares.
    fn places(&self, main: &StackFile, unix: usize) -> Vec<Spot> {
        let mut places: Vec<Spot> = Vec::new();
        for (index, module) in self.stack.modules.iter().enumerate().take(unix + 1).rev() {
            // Only lines of the file itself; and only in a stack without stacks of their own.
            if module.source == 0 && places.len() < 16 {
                places.push(Spot { offset: module.rule.span.start, index });
            }
        }
        if let Some(stretch) = saved::primary(&main.text) {
            let mark = stretch.start.saturating_sub(2);
            let offset = main.text.split_inclusive('\n').take(mark).map(str::len).sum();
            let here = |m: &Module| m.source == 0 && m.rule.span.start >= offset;
            if let Some(index) = self.stack.modules.iter().position(here) {
                places.push(Spot { offset, index });
            }
        }
        places
    }

    /// The jumps that must count one more or less when the module at `from` goes away and `to.1`
    /// ones come before the module at `to.0`. `None` where a jump cannot be edited, or no change may
    /// touch it.
    fn jumps(&self, from: Option<usize>, to: (usize, i32)) -> Option<Vec<Edit>> {
        let mut edits = Vec::new();
        for (index, module) in self.stack.modules.iter().enumerate() {
            let shift = |count: u32| {
                let last = index.saturating_add(count as usize);
                let over = |at: usize| index < at && last >= at;
                let gone = from.is_some_and(over);
                let come = if over(to.0) { to.1 } else { 0 };
                come - i32::from(gone)
            };
            if Some(index) == from {
                continue;
            }
            let more = module.rule.shift_jumps(shift);
            let excluded = || {
                let subject = self.stack.subject(&module.rule.module);
                self.audit.excluded(&subject).is_some()
            };
            if !more.is_empty() && (module.source != 0 || module.level != 0 || excluded()) {
                return None;
            }
            edits.extend(more);
        }
        Some(edits)
    }

    /// Whether the stack vets every password, and works, with these changes.
    fn helps(&self, changes: &[Change]) -> bool {
        let after = || -> Result<bool> {
            let staged = preview::with(self.root, changes)?;
            let path = ImagePath::parse(COMMON_PASSWORD)?;
            let Some(stack) = Stack::read(&staged, "password", &path)? else { return Ok(false) };
            let (unix, quality) = (stack.unix(), stack.named(MODULE));
            let audit = self.audit.on(&staged);
            let look = Look { want: self.want, audit, root: &staged, stack: &stack };
            let bypassed = stack.reachable(|i| quality.contains(&i));
            let open = unix.iter().any(|i| bypassed.get(*i) == Some(&true));
            Ok(!open && look.broken(&unix).is_empty())
        };
        after().unwrap_or(false)
    }

    fn remembered(&self) -> Result<Option<Vec<SavedRule>>> {
        Ok(self.root.read(&ImagePath::parse(SAVED)?)?.map(|text| saved::saved(&text)))
    }

    /// What pam-auth-update must remember for the module's line to be its own; `None` where it no
    /// longer takes the file for its own, or that cannot be determined.
    fn memory(&self, main: &StackFile) -> Result<Option<Memory>> {
        let (saved_path, seen_path) = (ImagePath::parse(SAVED)?, ImagePath::parse(SEEN)?);
        let (Some(text), Some(seen)) = (self.root.read(&saved_path)?, self.root.read(&seen_path)?)
        else {
            return Ok(None);
        };
        let rules = saved::saved(&text);
        if !saved::agrees(&main.text, &rules, "password") {
            return Ok(None);
        }
        let known: Vec<String> =
            rules.iter().filter(|r| r.profile == PROFILE).map(|r| r.rule.clone()).collect();
        if !known.is_empty() {
            return Ok(good(&known).then_some(Memory {
                rules,
                quality: known,
                changes: Vec::new(),
            }));
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
            return Ok(None);
        }
        let Some(new) = saved::with_profile(&text, (PROFILE, &lines), ("unix", &unix)) else {
            return Ok(None);
        };
        let rules = saved::saved(&new);
        let mut changes = vec![Change::write(&saved_path, new)];
        if !seen.lines().any(|line| line == PROFILE) {
            let mut lines = Lines::new(&seen);
            lines.push(PROFILE);
            changes.push(Change::write(&seen_path, lines.to_string()));
        }
        Ok(Some(Memory { rules, quality: lines, changes }))
    }
}

/// Whether these are rules that can be put in front: the module's own, without a jump.
fn good(rules: &[String]) -> bool {
    !rules.is_empty() && rules.iter().all(|r| r.contains(MODULE) && !r.starts_with('['))
}

fn line_end(text: &str) -> &'static str {
    if text.split_inclusive('\n').next().is_some_and(|l| l.ends_with("\r\n")) {
        "\r\n"
    } else {
        "\n"
    }
}
