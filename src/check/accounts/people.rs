//! Who is a person, which account is the system's, whom a shell lets in, and who is in which group.
//!
//! One answer for every rule and for the guard against shutting somebody out, from the tree's own
//! files. Where the programs that let people in (sshd, login, PAM) answer differently from a
//! benchmark's list of names, they are right.

use std::collections::{BTreeSet, HashMap};
use std::rc::Rc;

use super::{AccountFile, UidRange, messages};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::{AccountDb, FileKind, ImagePath, Rootfs, escape};
use crate::text::accounts::{AccountLine, GID, Layout, MEMBERS, SHELL, UID, members};

/// Programs that end at once, whoever starts them as a shell.
const SEND_AWAY: [&[u8]; 5] = [b"nologin", b"false", b"sync", b"halt", b"shutdown"];

/// What is started when the account logs in.
fn shell<'a>(user: &AccountLine<'a>) -> &'a [u8] {
    match user.field(SHELL) {
        b"" => b"/bin/sh",
        shell => shell,
    }
}

/// A login account: its shell does not send everybody away, wherever it stands. By the shell, not
/// by the account's name or number. A shell that is not there keeps the account out today
/// ([`why_shut_out`]), but the account is still somebody's: a package may bring the shell.
pub(crate) fn is_login(user: &AccountLine<'_>) -> bool {
    let mut names = shell(user).rsplit(|b| *b == b'/').filter(|name| !name.is_empty());
    names.next().is_none_or(|name| !SEND_AWAY.contains(&name))
}

/// Why an account's shell lets nobody in, as sshd reads it; `None` when it lets somebody in.
///
/// # Errors
/// Where the shell's path leads cannot be determined.
pub(crate) fn why_shut_out(root: &dyn Rootfs, user: &AccountLine<'_>) -> Result<Option<Message>> {
    let (shell, shown) = (shell(user), escape(shell(user)));
    if !is_login(user) {
        return Ok(Some(messages::shell_shuts_out(shown)));
    }
    let Ok(path) = ImagePath::parse(shell) else {
        return Ok(Some(messages::shell_is_no_path(shown)));
    };
    Ok(match root.locate(&path)?.stat {
        Some(stat) if stat.kind == FileKind::File && stat.mode & 0o111 != 0 => None,
        Some(_) => Some(messages::shell_cannot_start(shown)),
        None => Some(messages::shell_is_missing(shown)),
    })
}

/// A person's account: a login account with a number that people get. Nobody's is one where
/// [`UidRange::require`] fails.
pub(in crate::check) fn is_person(user: &AccountLine<'_>, range: &UidRange) -> bool {
    let number = user.number(UID);
    is_login(user) && number != 0 && range.holds(number)
}

/// Why nothing is said or done about people where [`UidRange::require`] fails.
pub(in crate::check) fn no_person(border: &Error) -> Message {
    messages::no_person(Message::from(border))
}

/// A system account: a number below those of people; not root.
pub(in crate::check) fn is_system(user: &AccountLine<'_>, range: &UidRange) -> bool {
    user.number(UID) < range.min && user.name() != b"root"
}

/// The groups of a tree.
pub(crate) struct Groups {
    names: Rc<AccountDb>,
    /// The numbers of the groups that list an account.
    listed: HashMap<Vec<u8>, BTreeSet<u32>>,
}

impl Groups {
    /// Reads `/etc/group`. A missing file is empty.
    ///
    /// # Errors
    /// It cannot be read.
    pub fn read(root: &dyn Rootfs) -> Result<Groups> {
        let file = AccountFile::read_or_empty(root, Layout::Group)?;
        let mut listed: HashMap<Vec<u8>, BTreeSet<u32>> = HashMap::new();
        for group in &file.table().entries {
            for member in members(group.field(MEMBERS)) {
                listed.entry(member.to_owned()).or_default().insert(group.number(GID));
            }
        }
        Ok(Groups { names: AccountDb::read(root)?, listed })
    }

    /// The numbers of the groups that `account` is in.
    pub fn of(&self, account: &[u8], primary: Option<u32>) -> BTreeSet<u32> {
        let listed = self.listed.get(account).into_iter().flatten().copied();
        listed.chain(primary).collect()
    }

    /// The names of groups, as sshd knows them: it asks for the numbers first and for the name of
    /// each number then.
    pub fn names(&self, numbers: &BTreeSet<u32>) -> Vec<String> {
        numbers.iter().filter_map(|number| self.names.group_name_of(*number)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rootfs::MemoryRootfs;
    use crate::text::accounts::parse;

    /// Login account, person, account of the system.
    fn sets(line: &str, defs: &str) -> (bool, bool, bool) {
        let root = MemoryRootfs::new().file("/etc/login.defs", defs);
        let range = UidRange::read(&root).unwrap();
        let table = parse(line.as_bytes(), Layout::Passwd);
        let user = table.entries[0];
        (is_login(&user), is_person(&user, &range), is_system(&user, &range))
    }

    #[test]
    fn sets_go_by_shell_and_number() {
        for (line, login, person, system) in [
            ("root:x:0:0::/root:/bin/bash", true, false, false),
            ("toor:x:0:0::/root:/bin/bash", true, false, true),
            ("sync:x:4:65534::/bin:/bin/sync", false, false, true),
            ("daemon:x:1:1::/:/usr/sbin/nologin", false, false, true),
            ("odd:x:2:2::/:/usr/sbin/nologin2", true, false, true),
            ("bob:x:1000:1000::/home/bob:", true, true, false),
            ("eve:x:60000:1::/:/bin/false", false, false, false),
            ("nobody:x:65534:1::/:/bin/sh", true, false, false),
        ] {
            assert_eq!(sets(line, ""), (login, person, system), "{line}");
        }
    }

    #[test]
    fn a_shell_that_sends_everybody_away_does_so_wherever_it_stands() {
        for shell in ["/bin/nologin", "/usr/local/bin/nologin", "/usr/bin/false", "/sbin/nologin/"]
        {
            let line = format!("bob:x:1000:1000::/home/bob:{shell}");
            assert_eq!(sets(&line, ""), (false, false, false), "{shell}");
        }
        // A name is no lock: only the shell is.
        for name in ["sync", "halt", "shutdown", "nfsnobody"] {
            let line = format!("{name}:x:4:4::/:/bin/bash");
            assert!(sets(&line, "").0, "{name}");
            let line = format!("bob:x:4:4::/:/sbin/{name}");
            assert_eq!(sets(&line, "").0, name == "nfsnobody", "{name}");
        }
    }

    #[test]
    fn people_have_the_numbers_that_login_defs_gives_them() {
        let person =
            |number: u32, defs: &str| sets(&format!("bob:x:{number}:1::/home/bob:/bin/sh"), defs).1;
        for (number, defs, is) in [
            (999, "", false),
            (1000, "", true),
            (60000, "", true),
            // Set aside for programs and containers, although some lists end at 65533.
            (60001, "", false),
            (65533, "", false),
            (60001, "UID_MAX 70000\n", true),
            (499, "UID_MIN 500\n", false),
            (500, "UID_MIN 500\n", true),
            (1000, "UID_MIN 5000\n", false),
            (0, "UID_MIN 0\n", false),
            // People cannot be distinguished from programs.
            (65500, "UID_MIN 65000\nUID_MAX 66000\n", false),
        ] {
            assert_eq!(person(number, defs), is, "{number} {defs}");
        }
        assert!(sets("app:x:999:1::/:/bin/sh", "").2);
        assert!(!sets("app:x:999:1::/:/bin/sh", "UID_MIN 500\n").2);
    }

    #[test]
    fn who_gets_in_is_a_matter_of_what_the_tree_has() {
        let root = MemoryRootfs::new()
            .file_with("/bin/dash", "", 0o755, 0, 0)
            .link("/bin/sh", "dash")
            .file_with("/bin/nologin", "", 0o755, 0, 0)
            .file("/bin/text", "")
            .dir("/bin/dir", 0o755, 0, 0)
            .link("/bin/loop", "loop");
        let why = |shell: &str| {
            let line = format!("bob:x:1000:1000::/home/bob:{shell}");
            why_shut_out(&root, &parse(line.as_bytes(), Layout::Passwd).entries[0])
        };
        for fine in ["", "/bin/sh", "/bin/dash", "//bin/./sh"] {
            assert_eq!(why(fine).unwrap(), None, "{fine}");
        }
        for (shell, says) in [
            ("/bin/nologin", "the login shell is /bin/nologin"),
            ("/usr/bin/false", "the login shell is /usr/bin/false"),
            ("/bin/zsh", "the login shell /bin/zsh is not there"),
            ("/bin/text", "the login shell /bin/text cannot be started"),
            ("/bin/dir", "the login shell /bin/dir cannot be started"),
            ("sh", "the login shell sh is not a path"),
        ] {
            assert_eq!(why(shell).unwrap().unwrap().to_string(), says);
        }
        assert!(why("/bin/loop").is_err());
        // Out today, and a person all the same: its home is judged, its password is aged.
        assert_eq!(sets("bob:x:1000:1000::/home/bob:/bin/zsh", ""), (true, true, false));
    }

    #[test]
    fn groups_are_numbers_first() {
        let root = MemoryRootfs::new().file(
            "/etc/group",
            "users:x:100:\nadm:x:4:ann, bob\nalias:x:4:\nold:x:100:ann\ncut:x\nx:x:7:ann:more\n",
        );
        let groups = Groups::read(&root).unwrap();
        let of = |name: &[u8], primary| groups.names(&groups.of(name, primary));
        assert_eq!(of(b"ann", Some(1000)), ["adm", "users"], "by the first line with the number");
        assert_eq!(groups.of(b"ann", Some(1000)), [4, 100, 1000].into());
        assert_eq!(of(b"bob", Some(100)), ["adm", "users"]);
        assert_eq!(of(b"eve", None), [""; 0]);
        let none = Groups::read(&MemoryRootfs::new()).unwrap();
        assert_eq!(none.of(b"ann", Some(5)), [5].into());
    }
}
