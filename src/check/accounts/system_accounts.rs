//! Accounts of the system let nobody in.
//!
//! Programs that run as such an account may need its shell (`su - postgres -c …`). It must stay
//! true that an account which shows signs of being used is reported, not changed.

use std::collections::HashSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    AMBIGUOUS, AccountFile, ByName, Ledger, Lock, PROTECTED, UidRange, is_login, is_no_login_shell,
    is_protected, is_system, passwd_field,
};
use crate::check::systemd::units::{names_in, search_path};
use crate::check::{Finding, Primitive};
use crate::error::Result;
use crate::rootfs::{CONFIG_LIMIT, FileKind, ImagePath, Rootfs, escape, show_name};
use crate::text::accounts::{Edits, Entry, HOME, Layout, PASSWORD, SHELL, UID};

/// Accounts whose shell is a program that does no harm; only their passwords must be locked.
const HARMLESS_SHELLS: &[&[u8]] = &[b"sync", b"halt", b"shutdown"];

/// Accounts whose programs are known to need a shell.
const NEED_A_SHELL: &[&[u8]] =
    &[b"postgres", b"git", b"gitlab-runner", b"nxautomation", b"omsagent"];

/// What is wanted of a password.
const LOCKED: &str = "a locked password";

/// Every account with a number below those of people, root aside, has a shell that lets nobody in
/// and a locked password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SystemAccounts {
    /// Names of accounts that may have a login shell and a usable password.
    #[serde(default)]
    pub exempt: Vec<String>,
}

impl Primitive for SystemAccounts {
    fn audit(&self, root: &dyn Rootfs) -> Result<Finding> {
        let passwd = AccountFile::require(root, Layout::Passwd)?;
        let shadow = AccountFile::require(root, Layout::Shadow)?;
        let (users, secrets) = (passwd.table(), shadow.table());
        let mut audit = Audit {
            root,
            passwd: &passwd,
            shadow: &shadow,
            names: ByName::new(&users),
            secret_names: ByName::new(&secrets),
            no_login: no_login_shell(root)?,
            range: UidRange::read(root)?,
            units: None,
            ledger: Ledger::default(),
            in_passwd: Edits::new(),
            in_shadow: Edits::new(),
        };
        // A border above all numbers would make everybody an account of the system.
        audit.range.require()?;
        let range = audit.range.clone();
        let mut judged = 0;
        for user in users.entries.iter().filter(|u| is_system(u, &range)) {
            judged += 1;
            if self.exempt.iter().any(|name| name.as_bytes() == user.name()) {
                let note = format!("{} is exempt by the profile", show_name(user.name()));
                audit.ledger.note(passwd.at(user.line).note(note));
            } else {
                audit.account(user);
            }
        }
        let Audit { mut ledger, in_passwd, in_shadow, .. } = audit;
        ledger.lines(&passwd, &users, |_| true);
        ledger.lines(&shadow, &secrets, |_| true);
        if judged == 0 && !ledger.has_gaps() {
            let note = format!("no account but root has a number below {}", range.min);
            return Ok(Finding::MetVacuously(vec![passwd.whole().note(note)]));
        }
        Ok(ledger.finish(&[(&passwd, in_passwd), (&shadow, in_shadow)]))
    }
}

struct Audit<'a> {
    root: &'a dyn Rootfs,
    passwd: &'a AccountFile,
    shadow: &'a AccountFile,
    names: ByName<'a>,
    secret_names: ByName<'a>,
    no_login: Option<&'static str>,
    range: UidRange,
    /// The accounts that units run as; read when first needed.
    units: Option<HashSet<Vec<u8>>>,
    ledger: Ledger,
    in_passwd: Edits,
    in_shadow: Edits,
}

impl<'a> Audit<'a> {
    fn account(&mut self, user: &Entry<'a>) {
        let name = user.name();
        let shown = show_name(name);
        let open_shell = !is_no_login_shell(user.field(SHELL)) && !HARMLESS_SHELLS.contains(&name);
        let in_passwd = user.field(PASSWORD);
        let elsewhere = in_passwd != b"x" && Lock::of(in_passwd) != Lock::Locked;
        if elsewhere {
            let found = format!("{} of {shown}", passwd_field(user));
            let evidence = self.passwd.at(user.line).found(found).want(LOCKED);
            self.ledger.open(evidence, "the password is not in /etc/shadow; move it there first");
        }
        let secret = self.secret_names.first(name);
        let lock = secret.map(|s| Lock::of(s.field(PASSWORD)));
        if !open_shell && lock == Some(Lock::Locked) {
            if !elsewhere {
                let evidence = self.passwd.at(user.line);
                let found = format!("{shown}: no login shell, password locked");
                self.ledger.holds(|| evidence.found(found));
            }
            return;
        }
        let why_not = self.why_not(user).unwrap_or_else(|e| Some(e.to_string()));
        if open_shell {
            let shell = match user.field(SHELL) {
                b"" => "/bin/sh, as none is given".to_owned(),
                shell => escape(shell),
            };
            let evidence = self
                .passwd
                .at(user.line)
                .found(format!("{shown} with shell {shell}"))
                .want("a shell that lets nobody in, as /usr/sbin/nologin");
            match (&why_not, self.no_login) {
                (Some(why), _) => self.ledger.open(evidence, why.clone()),
                (None, None) => {
                    self.ledger.open(evidence, "the image has neither nologin nor false");
                }
                (None, Some(shell)) => {
                    self.in_passwd.set(user.line, SHELL, shell);
                    self.ledger.closable(evidence);
                }
            }
        }
        self.password(user, secret, why_not);
    }

    fn password(&mut self, user: &Entry<'a>, secret: Option<Entry<'a>>, why_not: Option<String>) {
        let shown = show_name(user.name());
        let Some(secret) = secret else {
            let evidence =
                self.passwd.at(user.line).found(format!("{shown} has no line in /etc/shadow"));
            let reason = "add the line by hand (pwconv), or remove the account";
            self.ledger.open(evidence.want(LOCKED), reason);
            return;
        };
        let lock = Lock::of(secret.field(PASSWORD));
        if lock == Lock::Locked {
            return;
        }
        let evidence =
            self.shadow.at(secret.line).found(format!("{} of {shown}", lock.word())).want(LOCKED);
        match why_not {
            Some(why) => self.ledger.open(evidence, why),
            None => {
                let locked = [b"!", secret.field(PASSWORD)].concat();
                self.in_shadow.set(secret.line, PASSWORD, locked);
                self.ledger.closable(evidence);
            }
        }
    }

    /// Why an account is not changed.
    fn why_not(&mut self, user: &Entry<'_>) -> Result<Option<String>> {
        let name = user.name();
        let why = |text: &str| Ok(Some(text.to_owned()));
        if is_protected(self.root, name) {
            return why(PROTECTED);
        }
        if user.number(UID) == 0 {
            return why("it is another name of root, and may be the only way in");
        }
        if is_login(user) && self.range.is_left_behind(user) {
            let min = self.range.min;
            return Ok(Some(format!(
                "its number and its home are a person's, and only UID_MIN {min} in /etc/login.defs \
                 says otherwise; lower that, or see to it by hand"
            )));
        }
        if self.names.is_ambiguous(name) || self.secret_names.is_ambiguous(name) {
            return why(AMBIGUOUS);
        }
        if NEED_A_SHELL.contains(&name) {
            return why("its programs are known to need a shell; see to it by hand");
        }
        if has_crontab(self.root, name)? {
            return why("it has a crontab; see to it by hand");
        }
        if has_keys(self.root, user)? {
            return why("keys are authorised to log in as it; see to it by hand");
        }
        if self.units.is_none() {
            self.units = Some(unit_users(self.root)?);
        }
        let uid = user.number(UID).to_string();
        let runs =
            |users: &HashSet<Vec<u8>>| users.contains(name) || users.contains(uid.as_bytes());
        if self.units.as_ref().is_some_and(runs) {
            return why("a unit runs a program as it, which may need the shell; see to it by hand");
        }
        Ok(None)
    }
}

/// A shell of the image that lets nobody in. `nologin` is in `/usr/sbin`, and on older trees there
/// alone.
fn no_login_shell(root: &dyn Rootfs) -> Result<Option<&'static str>> {
    for shell in ["/usr/sbin/nologin", "/bin/false"] {
        let found = root.locate(&ImagePath::parse(shell)?)?.stat;
        if found.is_some_and(|s| s.kind == FileKind::File && s.mode & 0o111 != 0) {
            return Ok(Some(shell));
        }
    }
    Ok(None)
}

fn has_crontab(root: &dyn Rootfs, name: &[u8]) -> Result<bool> {
    match ImagePath::parse("/var/spool/cron/crontabs")?.join(OsStr::from_bytes(name)) {
        Ok(path) => Ok(root.stat(&path)?.is_some()),
        Err(_) => Ok(false),
    }
}

fn has_keys(root: &dyn Rootfs, user: &Entry<'_>) -> Result<bool> {
    // What is no path in a root is no home that sshd could use.
    let Ok(home) = ImagePath::parse(user.field(HOME)) else { return Ok(false) };
    let keys = home.join(".ssh")?;
    for name in ["authorized_keys", "authorized_keys2"] {
        if root.stat(&keys.join(name)?)?.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The names and numbers that services run as.
fn unit_users(root: &dyn Rootfs) -> Result<HashSet<Vec<u8>>> {
    let mut users = HashSet::new();
    for dir in search_path(root)? {
        for name in names_in(root, &dir)?.iter() {
            let at = dir.join(name)?;
            if name.as_bytes().ends_with(b".service") {
                add_users(root, &at, &mut users)?;
            } else if name.as_bytes().ends_with(b".service.d") {
                for name in names_in(root, &at)?.iter() {
                    add_users(root, &at.join(name)?, &mut users)?;
                }
            }
        }
    }
    Ok(users)
}

fn add_users(root: &dyn Rootfs, unit: &ImagePath, users: &mut HashSet<Vec<u8>>) -> Result<()> {
    // A masked unit is a link to a device, and runs nothing.
    if root.locate(unit)?.stat.is_none_or(|s| s.kind != FileKind::File) {
        return Ok(());
    }
    let text = root.read_bytes(unit, CONFIG_LIMIT)?;
    for line in text.as_deref().unwrap_or_default().split(|b| *b == b'\n') {
        let mut parts = line.splitn(2, |b| *b == b'=');
        if parts.next().map(<[u8]>::trim_ascii) == Some(b"User") {
            users.insert(parts.next().unwrap_or_default().trim_ascii().to_vec());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use crate::check::Outcome;
    use crate::check::accounts::testing::{
        PASSWD, SHADOW, changed_lines, image, open, outcome, settle_lines, stage, want, with,
    };
    use crate::rootfs::{FileKind, MemoryRootfs};

    /// The image with another shell (and password) of the system account `_apt`.
    fn apt(shell: &str, password: &str) -> MemoryRootfs {
        let line = "_apt:x:104:65534::/nonexistent:";
        let passwd = with(PASSWD, &format!("{line}/usr/sbin/nologin"), &format!("{line}{shell}"));
        let shadow = with(SHADOW, "_apt:*:", &format!("_apt:{password}:"));
        image().file("/etc/passwd", passwd).file("/etc/shadow", shadow)
    }

    #[test]
    fn shells_and_passwords_are_closed() {
        let want = want("system_accounts = {}");
        let want = want.primitive();
        assert!(settle_lines(want, &image()).is_empty());
        for fine in ["/usr/sbin/nologin", "/sbin/nologin", "/bin/false", "/usr/bin/false"] {
            for locked in ["*", "!", "!!", "!$6$a$b", "*LOCK*"] {
                assert!(settle_lines(want, &apt(fine, locked)).is_empty(), "{fine} {locked}");
            }
        }
        let line = "_apt:x:104:65534::/nonexistent:";
        for shell in
            ["/bin/bash", "", "/bin/nologin", "/usr/sbin/nologin2", "/BIN/FALSE", "/bin/sync"]
        {
            assert_eq!(
                settle_lines(want, &apt(shell, "*")),
                [format!("-{line}{shell}"), format!("+{line}/usr/sbin/nologin")]
            );
        }
        assert_eq!(
            settle_lines(want, &apt("/bin/false", "$6$a$b")),
            ["-_apt:$6$a$b:18000:0:99999:7:::", "+_apt:!$6$a$b:18000:0:99999:7:::"]
        );
        assert_eq!(
            settle_lines(want, &apt("/bin/false", "")).last().unwrap(),
            "+_apt:!:18000:0:99999:7:::"
        );
        assert_eq!(settle_lines(want, &apt("/bin/sh", "x")).len(), 4, "both files");
        let no_nologin =
            apt("/bin/sh", "*").without("/usr/sbin").file_with("/bin/false", "", 0o755, 0, 0);
        assert_eq!(settle_lines(want, &no_nologin).last().unwrap(), &format!("+{line}/bin/false"));
    }

    #[test]
    fn who_is_meant() {
        let want = want("system_accounts = { exempt = [\"backup\"] }");
        let want = want.primitive();
        let user = |line: &str, defs: &str| {
            let name = line.split(':').next().unwrap();
            image()
                .file("/etc/passwd", format!("{PASSWD}{line}\n"))
                .file("/etc/shadow", format!("{SHADOW}{name}:$6$a$b:1::::::\n"))
                .file("/etc/login.defs", defs)
        };
        for (line, defs, meant) in [
            ("eve:x:999:1::/:/bin/sh", "", true),
            ("eve:x:1000:1::/:/bin/sh", "", false),
            ("eve:x:999:1::/:/bin/sh", "UID_MIN 500\n", false),
            ("eve:x:999:1::/:/bin/sh", "SYS_UID_MIN 500\n#UID_MIN 500\n", true),
            ("eve:x:65534:1::/:/bin/sh", "", false),
            ("backup:x:34:1::/:/bin/sh", "", false),
            ("halt:x:7:1::/:/sbin/halt", "", true),
        ] {
            let lines = settle_lines(want, &user(line, defs)).len();
            let want = match (meant, line.starts_with("halt")) {
                (false, _) => 0,
                (true, true) => 2, // the password alone
                (true, false) => 4,
            };
            assert_eq!(lines, want, "{line} {defs}");
        }
        let nobody = image().file("/etc/passwd", "root:x:0:0::/root:/bin/sh\n+::::::\n");
        assert_eq!(outcome(want, &nobody), Outcome::MetVacuously);
    }

    #[test]
    fn a_border_that_makes_people_accounts_of_the_system_locks_nobody_out() {
        let want = want("system_accounts = {}");
        let want = want.primitive();
        let people = |defs: &str| {
            image()
                .file("/etc/shadow", with(SHADOW, "bob:!:", "bob:$6$a$b:"))
                .file("/etc/login.defs", defs)
        };
        for defs in [
            "UID_MIN 4294967295\n",
            "UID_MIN 65000\n",
            "UID_MAX 999\n",
            "UID_MIN 65000\nUID_MAX 99999\n",
        ] {
            let message = want.audit(&people(defs)).unwrap_err().to_string();
            assert!(message.starts_with("/etc/login.defs:1: found UID_MIN "), "{message}");
            assert!(changed_lines(&stage(want, &people(defs))).is_empty());
        }
        let above = people("UID_MIN 5000\n");
        assert!(changed_lines(&stage(want, &above)).is_empty());
        let told = open(want, &above);
        assert_eq!(told.len(), 2, "the shell and the password");
        assert!(told.iter().all(|t| t.contains("only UID_MIN 5000")), "{told:?}");
        // Without the other signs the border is believed, as the benchmark does.
        let program = with(PASSWD, "/home/bob:", "/var/lib/bob:");
        assert_eq!(settle_lines(want, &above.clone().file("/etc/passwd", program)).len(), 4);
        let low = with(PASSWD, "bob:x:1000:", "bob:x:999:");
        assert_eq!(settle_lines(want, &people("").file("/etc/passwd", low)).len(), 4);
    }

    #[test]
    fn what_is_in_use_is_left() {
        let want = want("system_accounts = {}");
        let want = want.primitive();
        let sh = || apt("/bin/sh", "*");
        let unit = "[Service]\n User = _apt \n";
        let home = |shell: &str| {
            let line = "_apt:x:104:65534::/nonexistent:/usr/sbin/nologin";
            let text = with(PASSWD, line, &format!("_apt:x:104:65534::/var/apt:{shell}"));
            image().file("/etc/passwd", text)
        };
        let cases = [
            ("protected", sh().protecting("_apt")),
            ("crontab", sh().file("/var/spool/cron/crontabs/_apt", "")),
            ("unit", sh().file("/lib/systemd/system/a.service", unit)),
            ("unit by number", sh().file("/etc/systemd/system/a.service", "User=104\n")),
            ("unit of the machine", sh().file("/usr/local/lib/systemd/system/a.service", unit)),
            ("drop-in", sh().file("/etc/systemd/system/a.service.d/u.conf", unit)),
            ("keys", home("/bin/sh").file("/var/apt/.ssh/authorized_keys", "")),
            ("no shell to give", sh().without("/usr/sbin")),
            ("two lines", sh().file("/etc/shadow", format!("{SHADOW}_apt:*:1::::::\n"))),
        ];
        for (what, root) in cases {
            assert!(changed_lines(&stage(want, &root)).is_empty(), "{what}");
            assert_eq!(open(want, &root).len(), 1, "{what}");
        }
        let toor = image()
            .file("/etc/passwd", format!("{PASSWD}toor:x:0:0::/root:/bin/sh\n"))
            .file("/etc/shadow", format!("{SHADOW}toor:$6$a$b:1::::::\n"));
        assert!(changed_lines(&stage(want, &toor)).is_empty());
        assert_eq!(open(want, &toor).len(), 2);
        let postgres = image()
            .file("/etc/passwd", format!("{PASSWD}postgres:x:113:1::/var/lib:/bin/bash\n"))
            .file("/etc/shadow", format!("{SHADOW}postgres:*:1::::::\n"));
        assert_eq!(open(want, &postgres).len(), 1);
        let other = sh()
            .file("/lib/systemd/system/a.service", "#User=_apt\nUser=_aptx\nUserX=_apt\n")
            .special("/dev/null", FileKind::CharDevice)
            .link("/etc/systemd/system/b.service", "/dev/null")
            .file("/etc/systemd/system/c.timer", unit);
        assert_eq!(settle_lines(want, &other).len(), 2);
    }

    #[test]
    fn lines_that_are_missing_or_malformed() {
        let want = want("system_accounts = {}");
        let want = want.primitive();
        let no_line = image().file("/etc/shadow", with(SHADOW, "_apt:*:18000:0:99999:7:::\n", ""));
        assert_eq!(open(want, &no_line).len(), 1);
        let cut = image().file("/etc/passwd", format!("{PASSWD}eve:x:7:7\n"));
        assert_eq!(open(want, &cut).len(), 1);
        let in_passwd = image().file("/etc/passwd", with(PASSWD, "_apt:x:", "_apt:$6$a$b:"));
        assert_eq!(open(want, &in_passwd).len(), 1);
        assert_eq!(outcome(want, &image().without("/etc/shadow")), Outcome::Unknown);
        let returns = PASSWD.replace('\n', "\r\n");
        let staged = image().file("/etc/passwd", &returns);
        let lines = changed_lines(&stage(want, &staged));
        assert!(lines.iter().all(|l| l.starts_with('-') || l.ends_with("nologin")), "{lines:?}");
        assert_eq!(outcome(want, &staged), Outcome::NotMet);
    }
}
