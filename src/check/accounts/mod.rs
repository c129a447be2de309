//! What the rules about accounts share: reading the four account files, who is who in them
//! (`people`), and turning what was found into gaps.
//!
//! Separate from the primitives because they must agree: an account that one rule takes for a
//! person's is nobody else's for the next. It must stay true that no content of a password field
//! ever becomes evidence; a field is said to be empty, locked or to hold a password.

pub mod account_ageing;
pub mod account_unique;
pub(crate) mod clock;
pub mod empty_group;
pub mod login_defs;
pub(crate) mod messages;
pub mod no_empty_passwords;
pub mod past_password_changes;
pub(crate) mod people;
pub mod primary_groups;
pub mod root_group;
pub mod root_only_superuser;
pub mod shadowed_passwords;
pub mod system_accounts;
pub mod useradd_default;

#[cfg(test)]
mod laws;
#[cfg(test)]
pub(super) mod testing;
mod uid_range;

use std::collections::HashMap;
use std::rc::Rc;

pub(super) use uid_range::UidRange;

use super::{Evidence, Finding, Gap, Subject};
use crate::error::{Error, Result};
use crate::message::{Arg, Message};
use crate::rootfs::{ACCOUNT_LIMIT, Change, ImagePath, Rootfs};
use crate::text::accounts::{
    AccountLine, Edits, Fault, Layout, NumberOf, PASSWORD, Table, What, parse,
};

/// So many observations that nothing is wrong with are listed one by one.
pub(super) const SHOWN: usize = 20;

/// One of the four account files of an image.
pub(crate) struct AccountFile {
    /// Its usual place.
    pub path: ImagePath,
    layout: Layout,
    text: Rc<[u8]>,
    /// It is reached through a symbolic link, and is therefore not edited.
    linked: bool,
}

impl AccountFile {
    /// Reads the file; `None` when it is not there.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(root: &dyn Rootfs, layout: Layout) -> Result<Option<AccountFile>> {
        let path = path_of(layout)?;
        let Some(text) = root.read_bytes(&path, ACCOUNT_LIMIT)? else { return Ok(None) };
        let linked = root.locate(&path)?.path != path;
        Ok(Some(AccountFile { path, layout, text, linked }))
    }

    /// Reads the file; one that is not there is empty.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read_or_empty(root: &dyn Rootfs, layout: Layout) -> Result<AccountFile> {
        Ok(match AccountFile::read(root, layout)? {
            Some(file) => file,
            None => {
                AccountFile { path: path_of(layout)?, layout, text: Rc::from([]), linked: false }
            }
        })
    }

    /// Reads the file, without which the rule cannot be judged.
    ///
    /// # Errors
    /// It cannot be read, or is not there.
    pub fn require(root: &dyn Rootfs, layout: Layout) -> Result<AccountFile> {
        match AccountFile::read(root, layout)? {
            Some(file) => Ok(file),
            None => Err(Error::CannotTell { path: path_of(layout)?, why: messages::no_file() }),
        }
    }

    /// The file line by line.
    pub fn table(&self) -> Table<'_> {
        parse(&self.text, self.layout)
    }

    /// Evidence about a line of the file.
    pub fn at(&self, line: usize) -> Evidence {
        Evidence::at(&self.path).line(line)
    }

    /// Evidence about the whole file.
    pub fn whole(&self) -> Evidence {
        Evidence::at(&self.path)
    }
}

fn path_of(layout: Layout) -> Result<ImagePath> {
    ImagePath::parse(match layout {
        Layout::Passwd => "/etc/passwd",
        Layout::Shadow => "/etc/shadow",
        Layout::Group => "/etc/group",
        Layout::Gshadow => "/etc/gshadow",
    })
}

/// What a password field says, without saying what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lock {
    /// Anybody may log in.
    Empty,
    /// No password fits.
    Locked,
    /// A password fits.
    Password,
}

impl Lock {
    /// Of a password field.
    pub fn of(field: &[u8]) -> Lock {
        match field.first() {
            None => Lock::Empty,
            Some(b'!' | b'*') => Lock::Locked,
            Some(_) => Lock::Password,
        }
    }

    /// As evidence shows the field of `account`.
    pub fn of_account(self, account: impl Into<Arg>) -> Message {
        match self {
            Lock::Empty => messages::empty_password(account),
            Lock::Locked => messages::locked_password(account),
            Lock::Password => messages::password_hash(account),
        }
    }
}

/// The lines of a table by name, in the order in which readers find them.
pub(crate) struct ByName<'a>(HashMap<&'a [u8], (AccountLine<'a>, usize)>);

impl<'a> ByName<'a> {
    /// Of all lines of the table.
    pub fn new(table: &Table<'a>) -> ByName<'a> {
        let mut map: HashMap<&[u8], (AccountLine<'_>, usize)> =
            HashMap::with_capacity(table.entries.len());
        for entry in &table.entries {
            map.entry(entry.name()).or_insert((*entry, 0)).1 += 1;
        }
        // A faulty line may be taken for the account it names.
        for fault in &table.faults {
            if let Some((entry, count)) = map.get_mut(fault.name)
                && entry.line != fault.line
            {
                *count += 1;
            }
        }
        ByName(map)
    }

    /// The line that counts for `name`: the first.
    pub fn first(&self, name: &[u8]) -> Option<AccountLine<'a>> {
        self.0.get(name).map(|found| found.0)
    }

    /// Whether `name` stands on more than one line.
    pub fn is_ambiguous(&self, name: &[u8]) -> bool {
        self.0.get(name).is_some_and(|found| found.1 > 1)
    }
}

/// Whether a password fits, an empty one included.
pub(crate) fn has_password(user: &AccountLine<'_>, secrets: &ByName<'_>) -> bool {
    let field = match user.field(PASSWORD) {
        b"x" => secrets.first(user.name()).map(|secret| secret.field(PASSWORD)),
        own => Some(own),
    };
    field.is_some_and(|field| Lock::of(field) != Lock::Locked)
}

/// What was found, sorted by what can be done about it.
#[derive(Default)]
pub(super) struct Ledger {
    open: Vec<Gap>,
    closable: Vec<(Subject, Evidence)>,
    holding: Vec<Evidence>,
    subjects: usize,
    unlisted: usize,
}

impl Ledger {
    /// A difference without a safe remedy.
    pub fn open(&mut self, subject: Subject, evidence: Evidence, reason: Message) {
        self.open.push(Gap::no_remedy(evidence, reason).about(subject));
    }

    /// A difference that the edits given to [`Ledger::finish`] close.
    pub fn closable(&mut self, subject: Subject, evidence: Evidence) {
        self.closable.push((subject, evidence));
    }

    /// A difference with its own change.
    pub fn gap(&mut self, gap: Gap) {
        self.open.push(gap);
    }

    /// Whether any difference was found.
    pub fn has_gaps(&self) -> bool {
        !self.open.is_empty() || !self.closable.is_empty()
    }

    /// Something that a reader should know, always listed.
    pub fn note(&mut self, evidence: Evidence) {
        self.holding.push(evidence);
    }

    /// A subject of the rule that is as it should be. The first few are listed.
    pub fn holds(&mut self, evidence: impl FnOnce() -> Evidence) {
        self.subjects += 1;
        if self.subjects <= SHOWN {
            self.holding.push(evidence());
        } else {
            self.unlisted += 1;
        }
    }

    /// Notes the lines of a file that no rule can judge, and reports those that this rule would
    /// have to (`concerns`): they cannot be right silently.
    pub fn lines(
        &mut self,
        file: &AccountFile,
        table: &Table<'_>,
        concerns: impl Fn(&Fault<'_>) -> bool,
    ) {
        if let Some(line) = table.remote.first() {
            let count = table.remote.len();
            self.note(file.at(*line).note(messages::remote_lines(count)));
        }
        for (at, fault) in table.faults.iter().filter(|f| concerns(f)).enumerate() {
            if at == SHOWN {
                let rest = table.faults.iter().filter(|f| concerns(f)).count() - SHOWN;
                let evidence = file.whole().found(messages::more_malformed(rest));
                let advice = messages::correct_lines(&file.path);
                self.open(Subject::path(&file.path), evidence, advice);
                break;
            }
            self.open(
                Subject::line(&file.path, fault.line),
                file.at(fault.line)
                    .found(messages::malformed(in_words(fault.what)))
                    .want(messages::well_formed()),
                messages::correct_line(&file.path, fault.line),
            );
        }
    }

    /// The finding; the edits close what was [`Ledger::closable`].
    pub fn finish(mut self, edits: &[(&AccountFile, Edits)]) -> Finding {
        let edits = || edits.iter().filter(|(_, e)| !e.is_empty());
        if let Some((file, _)) = edits().find(|(file, _)| file.linked) {
            let reason = messages::linked_file(&file.path);
            for (subject, evidence) in std::mem::take(&mut self.closable) {
                self.open(subject, evidence, reason.clone());
            }
        }
        let changes =
            edits().map(|(file, e)| Change::write(&file.path, e.apply(&file.text))).collect();
        let mut gaps = Gap::closed_together(self.closable, changes);
        if gaps.is_empty() {
            gaps = self.open;
        } else {
            gaps.extend(self.open);
        }
        if self.unlisted > 0 {
            self.holding.push(Evidence::note_only(messages::more_hold(self.unlisted)));
        }
        Finding::from_gaps(gaps, self.holding)
    }
}

/// What is wrong with a line.
fn in_words(what: What) -> Message {
    match what {
        What::Fields(found, want) => messages::wrong_fields(found, want),
        What::NoName => messages::no_name(),
        What::BlankBeforeName => messages::blank_before_name(),
        What::NotANumber(NumberOf::User) => messages::bad_user_number(),
        What::NotANumber(NumberOf::Group) => messages::bad_group_number(),
        What::Nul => messages::nul_byte(),
        What::CarriageReturn => messages::carriage_return(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn the_first_line_counts_and_faulty_ones_make_a_name_ambiguous() {
        let text =
            b"a:x:1:1::/:/bin/sh\na:x:2:2::/:/bin/sh\nb:x:3:3::/:\n b:x:4:4::/:\nc:x:5:5::/:\r";
        let table = parse(text, Layout::Passwd);
        let names = ByName::new(&table);
        assert_eq!(names.first(b"a").unwrap().line, 1);
        assert!(names.is_ambiguous(b"a") && names.is_ambiguous(b"b"));
        assert!(!names.is_ambiguous(b"c"), "one line, even if it is odd");
        assert!(names.first(b"d").is_none());
    }

    #[test]
    fn missing_and_linked_files_are_known() {
        let root = MemoryRootfs::new().file("/data/passwd", "").link("/etc/passwd", "/data/passwd");
        assert!(AccountFile::require(&root, Layout::Passwd).unwrap().linked);
        let missing = AccountFile::require(&root, Layout::Shadow).err().unwrap();
        assert!(missing.to_string().starts_with("/etc/shadow: cannot be judged"), "{missing}");
    }
}
