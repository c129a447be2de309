//! Who uses which account: units, init scripts, cron and at jobs, rules of sudo, mail aliases; and
//! which programs such jobs start.
//!
//! It errs to "used": a word that may be an account's name counts. What a variable hides is kept as
//! not known. Files that are missing, unreadable or not text use nobody.

mod scripts;
pub(crate) mod served;
mod sudo;
#[cfg(test)]
mod tests;
mod units;

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::rc::Rc;

pub(crate) use self::sudo::Sudo;
use crate::check::accounts::AccountFile;
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};
use crate::text::accounts::Layout;
use crate::text::becomes::{Named, named};
use crate::text::crontab;
use crate::text::lossless;

/// A script, table or list may be this large (bytes); a larger one is not known.
const LIMIT: u64 = 256 << 10;

/// What uses an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Way {
    /// A unit that runs as it (`User=`).
    Unit,
    /// A command that becomes it (`su`, `runuser`, `start-stop-daemon` …).
    Becomes,
    /// A line of one of cron's tables.
    Cron,
    /// A table of cron's of its own.
    OwnTable,
    /// A job of at's.
    At,
    /// A rule of sudo's.
    Sudo,
    /// A mail alias.
    Mail,
}

/// One use of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Use {
    /// What uses it.
    pub way: Way,
    /// The file and line.
    pub at: (ImagePath, usize),
    /// The unit that it is, of a use by one.
    pub unit: Option<String>,
}

impl Use {
    /// As messages name it: `/path:12`.
    pub fn spot(&self) -> String {
        match self.at.1 {
            0 => self.at.0.to_string(),
            line => format!("{}:{line}", self.at.0),
        }
    }
}

/// The uses that a tree shows.
#[derive(Debug, Default)]
pub(crate) struct Uses {
    accounts: BTreeMap<String, Vec<Use>>,
    /// Programs that jobs and units start, by their paths, and what starts each.
    pub programs: Vec<(ImagePath, Use)>,
    /// Variables behind programs that become somebody, whose values no file says.
    pub hidden: Vec<(String, Use)>,
}

impl Uses {
    /// Those of the tree as it is.
    ///
    /// # Errors
    /// The kernel's refusal.
    pub fn of(root: &dyn Rootfs) -> Result<Rc<Uses>> {
        root.memo().derived(|| Uses::read(root))
    }

    /// What uses an account, by its name.
    pub fn of_account(&self, name: &str) -> &[Use] {
        self.accounts.get(name).map_or(&[], Vec::as_slice)
    }

    fn read(root: &dyn Rootfs) -> Result<Uses> {
        let passwd = AccountFile::read_or_empty(root, Layout::Passwd)?;
        let table = passwd.table();
        let mut numbers = BTreeMap::new();
        let mut names = BTreeSet::new();
        for user in &table.entries {
            let name = lossless::decode(user.name());
            let number = lossless::decode(user.field(crate::text::accounts::UID));
            numbers.entry(number).or_insert_with(|| name.clone());
            names.insert(name);
        }
        let mut reader =
            Reader { root, names, numbers, uses: Uses::default(), seen: BTreeSet::new() };
        reader.units()?;
        reader.jobs()?;
        reader.sudo()?;
        reader.mail()?;
        Ok(reader.uses)
    }
}

struct Reader<'a> {
    root: &'a dyn Rootfs,
    names: BTreeSet<String>,
    /// Names by numbers, as text.
    numbers: BTreeMap<String, String>,
    uses: Uses,
    /// Scripts that were looked at.
    seen: BTreeSet<ImagePath>,
}

impl Reader<'_> {
    /// A name, or a number, may be an account's.
    fn used(&mut self, name: &str, way: Way, at: &ImagePath, line: usize) {
        self.used_by(name, Use { way, at: (at.clone(), line), unit: None });
    }

    fn used_by(&mut self, name: &str, one: Use) {
        let name = match self.names.get(name).or_else(|| self.numbers.get(name)) {
            Some(name) => name.clone(),
            None => return,
        };
        let of = self.uses.accounts.entry(name).or_default();
        if !of.contains(&one) {
            of.push(one);
        }
    }

    /// The text of a file; `None` for what is missing, no regular file, or too large.
    fn text(&self, path: &ImagePath) -> Option<String> {
        let bytes = self.root.read_bytes(path, LIMIT).ok().flatten()?;
        (!bytes.contains(&0)).then(|| lossless::decode(&bytes))
    }

    /// The paths of the files in a directory.
    fn files_in(&self, dir: &str) -> Result<Vec<ImagePath>> {
        let dir = ImagePath::parse(dir)?;
        let Ok(Some(names)) = self.root.list(&dir) else { return Ok(Vec::new()) };
        let mut files = Vec::new();
        for name in names.iter() {
            let path = dir.join(name)?;
            let stat = self.root.locate(&path).ok().and_then(|at| at.stat);
            if stat.is_some_and(|stat| stat.kind == FileKind::File) {
                files.push(path);
            }
        }
        Ok(files)
    }

    /// What a text with commands becomes. `given` are variables that other files set.
    fn commands(
        &mut self,
        text: &str,
        given: &BTreeMap<String, Vec<String>>,
        place: impl Fn(usize) -> (ImagePath, usize),
    ) {
        for (line, found) in named(text, given) {
            let (path, line) = place(line);
            match found {
                // A bare number is rarely an account's.
                Named::Word(word) if self.names.contains(&word) => {
                    self.used(&word, Way::Becomes, &path, line);
                }
                Named::Word(_) => {}
                Named::Variable(name) => {
                    let one = Use { way: Way::Becomes, at: (path, line), unit: None };
                    self.uses.hidden.push((name, one));
                }
            }
        }
    }

    /// A program that something starts, and what it becomes where it is a script.
    fn program(&mut self, word: &str, way: Way, at: &ImagePath, line: usize) -> Result<()> {
        let Ok(path) = ImagePath::parse(word) else { return Ok(()) };
        let one = Use { way, at: (at.clone(), line), unit: None };
        self.uses.programs.push((path.clone(), one));
        self.script(&path)
    }

    fn jobs(&mut self) -> Result<()> {
        let mut tables = vec![ImagePath::parse("/etc/crontab")?];
        tables.extend(self.files_in("/etc/cron.d")?);
        for table in tables {
            let text = self.text(&table).unwrap_or_default();
            // Also of a table that cron ignores today.
            for entry in crontab::entries(&text).unwrap_or_default() {
                self.used(&entry.account, Way::Cron, &table, entry.line);
                self.job(&entry.command, Way::Cron, &table, entry.line)?;
            }
        }
        for table in self.files_in("/var/spool/cron/crontabs")? {
            let owner = table.file_name().and_then(OsStr::to_str).unwrap_or_default().to_owned();
            self.used(&owner, Way::OwnTable, &table, 0);
            let text = self.text(&table).unwrap_or_default();
            for (number, line) in text.lines().enumerate() {
                self.job(line, Way::Cron, &table, number + 1)?;
            }
        }
        for job in self.files_in("/var/spool/cron/atjobs")? {
            let text = self.text(&job).unwrap_or_default();
            for line in text.lines().take(8) {
                for word in line.split_whitespace() {
                    if let Some(number) = word.strip_prefix("uid=") {
                        self.used(number, Way::At, &job, 0);
                    }
                }
            }
            self.script(&job)?;
        }
        let dirs = ["/etc/init.d", "/etc/cron.hourly", "/etc/cron.daily", "/etc/cron.weekly"];
        for dir in dirs.into_iter().chain(["/etc/cron.monthly", "/etc/logrotate.d"]) {
            for script in self.files_in(dir)? {
                self.script(&script)?;
            }
        }
        self.script(&ImagePath::parse("/etc/rc.local")?)
    }

    /// A command of a job.
    fn job(&mut self, command: &str, way: Way, at: &ImagePath, line: usize) -> Result<()> {
        self.commands(command, &BTreeMap::new(), |_| (at.clone(), line));
        for word in command.split_whitespace().filter(|word| word.starts_with('/')) {
            self.program(word.trim_end_matches([';', ')', '&']), way, at, line)?;
        }
        Ok(())
    }

    fn sudo(&mut self) -> Result<()> {
        let sudo = Sudo::of(self.root)?;
        for rule in &sudo.rules {
            for name in rule.who.iter().chain(&rule.runas) {
                let name = name.strip_prefix('#').unwrap_or(name);
                if name != "root" {
                    self.used(name, Way::Sudo, &rule.path, rule.line);
                }
            }
        }
        Ok(())
    }

    fn mail(&mut self) -> Result<()> {
        let path = ImagePath::parse("/etc/aliases")?;
        let text = self.text(&path).unwrap_or_default();
        for (number, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default();
            // What a line passes mail on to; who only has an alias gets none itself.
            let to = line.split_once(':').map_or(line, |(_, to)| to);
            for word in to.split([',', ' ', '\t', '"']).filter(|w| !w.is_empty() && *w != "root") {
                self.used(word, Way::Mail, &path, number + 1);
            }
        }
        Ok(())
    }
}
