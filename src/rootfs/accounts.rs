//! The image's own users and groups, from its `passwd` and `group`. The host is never asked.

use std::collections::HashMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::rc::Rc;
use std::sync::Arc;

use users::{Group, Groups, User, Users};

use super::{ImagePath, Rootfs};
use crate::error::Result;
use crate::text::accounts::{AccountLine, PRIMARY_GID, lookup, number};
use crate::text::lossless;

/// An account file may be this large (bytes); larger ones are an error.
pub(crate) const ACCOUNT_LIMIT: u64 = 16 << 20;

/// Names and numbers of an image's accounts. The first line with a name or number counts, as in
/// the C library. Lines that cannot be understood are skipped here; rules about them look at the
/// files themselves.
#[derive(Debug, Default, Clone)]
pub struct AccountDb {
    users: Vec<(u32, u32, OsString)>,
    groups: Vec<(u32, OsString)>,
    /// Which of the users has a number, and which of the groups: the first.
    by_uid: HashMap<u32, usize>,
    by_gid: HashMap<u32, usize>,
}

impl AccountDb {
    /// Reads `/etc/passwd` and `/etc/group` of the image. Missing files are empty.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn read(root: &dyn Rootfs) -> Result<Rc<AccountDb>> {
        root.memo().derived(|| {
            let passwd = root.read_bytes(&ImagePath::parse("/etc/passwd")?, ACCOUNT_LIMIT)?;
            let group = root.read_bytes(&ImagePath::parse("/etc/group")?, ACCOUNT_LIMIT)?;
            let text = |bytes: &Option<Rc<[u8]>>| bytes.clone().unwrap_or_default();
            Ok(AccountDb::parse(&text(&passwd), &text(&group)))
        })
    }

    /// Reads the texts of the two files.
    pub fn parse(passwd: &[u8], group: &[u8]) -> AccountDb {
        let name = |line: &AccountLine<'_>| OsString::from_vec(line.name().to_vec());
        let users: Vec<(u32, u32, OsString)> = lookup(passwd)
            .filter_map(|(line, uid)| Some((uid, number(line.field(PRIMARY_GID))?, name(&line))))
            .collect();
        let groups: Vec<(u32, OsString)> =
            lookup(group).map(|(line, gid)| (gid, name(&line))).collect();
        // Of several with one number the last that is put in stays, so the first goes last.
        let by_uid = users.iter().enumerate().rev().map(|(at, u)| (u.0, at)).collect();
        let by_gid = groups.iter().enumerate().rev().map(|(at, g)| (g.0, at)).collect();
        AccountDb { users, groups, by_uid, by_gid }
    }

    fn user(&self, uid: u32) -> Option<&(u32, u32, OsString)> {
        self.users.get(*self.by_uid.get(&uid)?)
    }

    fn group(&self, gid: u32) -> Option<&(u32, OsString)> {
        self.groups.get(*self.by_gid.get(&gid)?)
    }

    /// The number of the group `name`.
    pub fn gid(&self, name: &str) -> Option<u32> {
        self.get_group_by_name(name).map(|g| g.gid())
    }

    /// The number of the user `name`.
    pub fn uid(&self, name: &str) -> Option<u32> {
        self.get_user_by_name(name).map(|u| u.uid())
    }

    /// The name of the user with this number, a stand-in for each byte that is not UTF-8.
    pub fn name_of(&self, uid: u32) -> Option<String> {
        self.user(uid).map(|u| lossless::decode(u.2.as_bytes()))
    }

    /// The name of the group with this number, a stand-in for each byte that is not UTF-8.
    pub fn group_name_of(&self, gid: u32) -> Option<String> {
        self.group(gid).map(|g| lossless::decode(g.1.as_bytes()))
    }

    /// Whether a user has this number.
    pub fn has_uid(&self, uid: u32) -> bool {
        self.by_uid.contains_key(&uid)
    }

    /// Whether a group has this number.
    pub fn has_gid(&self, gid: u32) -> bool {
        self.by_gid.contains_key(&gid)
    }

    /// `name(number)` of a user, or the bare number where nothing that can be a name is known.
    pub fn show_user(&self, uid: u32) -> String {
        show(uid, self.user(uid).map(|u| u.2.as_os_str()))
    }

    /// `name(number)` of a group, or the bare number where nothing that can be a name is known.
    pub fn show_group(&self, gid: u32) -> String {
        show(gid, self.group(gid).map(|g| g.1.as_os_str()))
    }
}

fn show(id: u32, name: Option<&OsStr>) -> String {
    match name.and_then(|name| plain_name(name.as_bytes())) {
        Some(name) => format!("{name}({id})"),
        None => id.to_string(),
    }
}

/// The name of an account or a group for people to read. What can be none may have slipped in from
/// another field, and be a secret.
pub(crate) fn show_name(name: &[u8]) -> String {
    plain_name(name).unwrap_or_else(|| "(a name not shown)".to_owned())
}

fn plain_name(name: &[u8]) -> Option<String> {
    let fits = |b: &u8| b.is_ascii_alphanumeric() || b"_-+.@".contains(b) || *b >= 0x80;
    let is_name = name.len() <= 32 && name.strip_suffix(b"$").unwrap_or(name).iter().all(fits);
    is_name.then(|| super::escape(name))
}

impl Users for AccountDb {
    fn get_user_by_uid(&self, uid: u32) -> Option<Arc<User>> {
        let (uid, gid, name) = self.user(uid)?;
        Some(Arc::new(User::new(*uid, name, *gid)))
    }

    fn get_user_by_name<S: AsRef<OsStr> + ?Sized>(&self, username: &S) -> Option<Arc<User>> {
        let (uid, gid, name) = self.users.iter().find(|u| u.2 == username.as_ref())?;
        Some(Arc::new(User::new(*uid, name, *gid)))
    }

    // An image runs nothing: nobody is its current user.
    fn get_current_uid(&self) -> u32 {
        0
    }
    fn get_current_username(&self) -> Option<Arc<OsStr>> {
        None
    }
    fn get_effective_uid(&self) -> u32 {
        0
    }
    fn get_effective_username(&self) -> Option<Arc<OsStr>> {
        None
    }
}

impl Groups for AccountDb {
    fn get_group_by_gid(&self, gid: u32) -> Option<Arc<Group>> {
        let (gid, name) = self.group(gid)?;
        Some(Arc::new(Group::new(*gid, name)))
    }

    fn get_group_by_name<S: AsRef<OsStr> + ?Sized>(&self, group_name: &S) -> Option<Arc<Group>> {
        let (gid, name) = self.groups.iter().find(|g| g.1 == group_name.as_ref())?;
        Some(Arc::new(Group::new(*gid, name)))
    }

    fn get_current_gid(&self) -> u32 {
        0
    }
    fn get_current_groupname(&self) -> Option<Arc<OsStr>> {
        None
    }
    fn get_effective_gid(&self) -> u32 {
        0
    }
    fn get_effective_groupname(&self) -> Option<Arc<OsStr>> {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_come_from_the_text_alone() {
        let db = AccountDb::parse(
            b"root:x:0:0::/root:/bin/bash\n\n+nis:x:7:7:::\nbroken\nb\xc3\xbcro:x:1000:1000::/home/b:/bin/sh\n",
            b"root:x:0:\nshadow:x:42:\nshadow:x:43:\nx:x:4294967296:\n",
        );
        assert_eq!(db.gid("shadow"), Some(42), "the first line counts");
        assert_eq!(db.uid("büro"), Some(1000));
        let twice = AccountDb::parse(b"a:x:1:1:::\nb:x:1:1:::\n", b"c:x:1:\nd:x:1:\n");
        assert_eq!(twice.name_of(1).as_deref(), Some("a"), "the first line with a number counts");
        assert_eq!(twice.group_name_of(1).as_deref(), Some("c"));
        assert_eq!(db.uid("+nis"), None);
        assert_eq!(db.gid("x"), None, "too large for a group number");
        let odd = AccountDb::parse(
            b"a:x:4294967295:1:::\nb:x:1:4294967295:::\nc:x:+5:1:::\nd:x: 6:1:::\n",
            b"shadow:x:4294967295:\nplus:x:+5:\nblank:x:6 :\nzeros:x:007:\n",
        );
        for none in ["a", "b", "c", "d"] {
            assert_eq!(odd.uid(none), None, "{none}: no number that a file could belong to");
        }
        assert_eq!([odd.gid("shadow"), odd.gid("plus"), odd.gid("blank")], [None; 3]);
        assert_eq!(odd.gid("zeros"), Some(7));
        let foreign = AccountDb::parse(b" #no:x:5:5:::\nb\xfcro:x:6:6:::\n", b"w\xe4g:x:7:\n");
        assert_eq!(foreign.name_of(5), None, "the C library skips the blank and reads a comment");
        assert_eq!(lossless::encode(foreign.name_of(6).unwrap()), b"b\xfcro");
        assert_eq!(lossless::encode(foreign.group_name_of(7).unwrap()), b"w\xe4g");
        assert_eq!(db.show_user(0), "root(0)");
        assert_eq!(db.show_group(99), "99");
        let slipped = AccountDb::parse(b"$6$salt:x:0:0::/:\n", b"pc01$:x:0:\na b:x:1:\n");
        assert_eq!(slipped.show_user(0), "0", "it can be no name");
        assert_eq!(slipped.show_group(0), "pc01$(0)");
        assert_eq!(slipped.show_group(1), "1");
    }
}
