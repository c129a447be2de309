//! The access ACL of a file or directory: who may do what beyond the mode.

use std::collections::BTreeSet;
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, OwnedFd};
use std::rc::Rc;

use nix::errno::Errno;
use xattr::FileExt;

use super::{AccountDb, Stat};

/// The attribute that holds it.
pub const ATTRIBUTE: &str = "system.posix_acl_access";

pub(super) const USER_OBJ: u16 = 0x01;
pub(super) const USER: u16 = 0x02;
pub(super) const GROUP_OBJ: u16 = 0x04;
pub(super) const GROUP: u16 = 0x08;
pub(super) const MASK: u16 = 0x10;
pub(super) const OTHER: u16 = 0x20;

/// Bytes before the entries: the version.
const HEAD: usize = 4;

/// An access ACL, byte by byte as the kernel gives it (`system.posix_acl_access`, version 2).
///
/// Its mask is not read here: it is the group part of the mode.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Acl(Rc<[u8]>);

/// The access ACL of a staged entry.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum EntryAcl {
    /// That of the image below, if it has one.
    #[default]
    Below,
    /// None: the mode says everything.
    Gone,
    /// This one.
    Is(Acl),
}

impl From<Option<Acl>> for EntryAcl {
    fn from(acl: Option<Acl>) -> EntryAcl {
        acl.map_or(EntryAcl::Gone, EntryAcl::Is)
    }
}

/// Somebody whom an ACL names, by number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Named {
    /// A user.
    User(u32),
    /// A group.
    Group(u32),
}

impl Named {
    /// With what it may do, as `getfacl` writes it: `user daemon(1) r--`.
    pub(crate) fn shown(self, bits: u32, names: &AccountDb) -> String {
        let letter = |(bit, letter)| if bits & bit == 0 { '-' } else { letter };
        let bits: String = [(4, 'r'), (2, 'w'), (1, 'x')].map(letter).iter().collect();
        match self {
            Named::User(id) => format!("user {} {bits}", names.show_user(id)),
            Named::Group(id) => format!("group {} {bits}", names.show_group(id)),
        }
    }
}

#[derive(Clone, Copy)]
struct Entry {
    tag: u16,
    /// Read 4, write 2, execute 1.
    bits: u16,
    id: u32,
}

impl Entry {
    fn named(self) -> Option<Named> {
        match self.tag {
            USER => Some(Named::User(self.id)),
            GROUP => Some(Named::Group(self.id)),
            _ => None,
        }
    }

    /// What it lets somebody do whom the mode does not speak of already: root may do all, and the
    /// owner and the file's group have entries of their own.
    fn grants(self, stat: &Stat) -> u32 {
        match self.named() {
            None | Some(Named::User(0)) => 0,
            Some(Named::User(id)) if id == stat.uid => 0,
            Some(Named::Group(id)) if id == stat.gid => 0,
            Some(_) => u32::from(self.bits) & (stat.mode >> 3) & 7,
        }
    }
}

/// The access ACL of what an `O_PATH` descriptor stands for, if it has one. `open` opens it for reading,
/// where there is no `/proc`.
pub(super) fn of(
    probe: BorrowedFd<'_>,
    open: impl FnOnce() -> nix::Result<OwnedFd>,
) -> io::Result<Option<Acl>> {
    let is = |e: &io::Error, errno: Errno| e.raw_os_error() == Some(errno as i32);
    let own = format!("/proc/self/fd/{}", probe.as_raw_fd());
    let found = match xattr::get_deref(own, ATTRIBUTE) {
        Err(e) if is(&e, Errno::ENOENT) => std::fs::File::from(open()?).get_xattr(ATTRIBUTE),
        answer => answer,
    };
    match found {
        Ok(bytes) => Ok(bytes.as_deref().map(Acl::new)),
        // A filesystem, or a kernel, without ACLs.
        Err(e) if is(&e, Errno::EOPNOTSUPP) || is(&e, Errno::ENOSYS) => Ok(None),
        Err(e) => Err(e),
    }
}

impl Acl {
    /// An ACL in the kernel's form.
    pub fn new(bytes: &[u8]) -> Acl {
        Acl(bytes.into())
    }

    /// As [`Acl::new`], where the kernel would take it: `None` otherwise.
    pub(super) fn checked(bytes: &[u8]) -> Option<Acl> {
        let (version, entries) = bytes.split_first_chunk::<HEAD>()?;
        let whole = u32::from_le_bytes(*version) == 2 && entries.len().is_multiple_of(8);
        let acl = Acl::new(bytes);
        let known = [USER_OBJ, USER, GROUP_OBJ, GROUP, MASK, OTHER];
        (whole && acl.entries().all(|e| known.contains(&e.tag) && e.bits <= 7)).then_some(acl)
    }

    /// An ACL of entries with tag, bits and id.
    pub(super) fn of_entries(entries: impl IntoIterator<Item = (u16, u16, u32)>) -> Acl {
        Acl::of(entries.into_iter().map(|(tag, bits, id)| Entry { tag, bits, id }))
    }

    /// The mode of a file that had `mode` and is given this ACL, as the kernel changes it.
    pub(super) fn mode_with(&self, mode: u32) -> u32 {
        let bits = |tag: u16| self.entries().find(|e| e.tag == tag).map(|e| u32::from(e.bits));
        let group = bits(MASK).or_else(|| bits(GROUP_OBJ)).unwrap_or(mode >> 3 & 7);
        let (user, other) = (bits(USER_OBJ), bits(OTHER));
        let (user, other) = (user.unwrap_or(mode >> 6 & 7), other.unwrap_or(mode & 7));
        mode & !0o777 | user << 6 | group << 3 | other
    }

    /// Whether the mode says everything that this ACL says: the kernel keeps none then.
    pub(super) fn is_a_mode(&self) -> bool {
        self.entries().all(|e| matches!(e.tag, USER_OBJ | GROUP_OBJ | OTHER))
    }

    /// An ACL in the kernel's form, of these entries: `(tag, bits, id)`.
    fn of(entries: impl IntoIterator<Item = Entry>) -> Acl {
        let mut bytes = 2_u32.to_le_bytes().to_vec();
        for Entry { tag, bits, id } in entries {
            bytes.extend(tag.to_le_bytes());
            bytes.extend(bits.to_le_bytes());
            bytes.extend(id.to_le_bytes());
        }
        Acl(bytes.into())
    }

    /// The kernel's form.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn entries(&self) -> impl Iterator<Item = Entry> {
        self.0.get(HEAD..).unwrap_or_default().as_chunks::<8>().0.iter().map(|e| Entry {
            tag: u16::from_le_bytes([e[0], e[1]]),
            bits: u16::from_le_bytes([e[2], e[3]]),
            id: u32::from_le_bytes([e[4], e[5], e[6], e[7]]),
        })
    }

    /// The whole ACL of a file with this mode, as `setfacl --set` takes it.
    pub(crate) fn entries_with(&self, mode: u32) -> String {
        let letters = |bits: u32| -> String {
            let letter = |(bit, letter)| if bits & bit == 0 { '-' } else { letter };
            [(4, 'r'), (2, 'w'), (1, 'x')].map(letter).iter().collect()
        };
        let one = |entry: Entry| {
            let own = letters(entry.bits.into());
            match entry.tag {
                USER_OBJ => format!("u::{}", letters(mode >> 6)),
                USER => format!("u:{}:{own}", entry.id),
                GROUP => format!("g:{}:{own}", entry.id),
                MASK => format!("m::{}", letters(mode >> 3)),
                OTHER => format!("o::{}", letters(mode)),
                _ => format!("g::{own}"),
            }
        };
        self.entries().map(one).collect::<Vec<_>>().join(",")
    }

    /// Whom it lets do something of which the mode says nothing, and what (read 4, write 2,
    /// execute 1).
    pub fn granted(&self, stat: &Stat) -> Vec<(Named, u32)> {
        let granted = self.entries().filter_map(|e| Some((e.named()?, e.grants(stat))));
        granted.filter(|(_, bits)| *bits != 0).collect()
    }

    /// Whether an account, not root, may do all of `want` (read 4, write 2, execute 1), as the kernel
    /// decides it: the owner by the mode, then a user that is named, then any group of the account
    /// that grants it, then the others.
    pub fn allows(&self, stat: &Stat, uid: u32, gids: &BTreeSet<u32>, want: u32) -> bool {
        let mask = (stat.mode >> 3) & 7;
        if uid == stat.uid {
            return (stat.mode >> 6) & want == want;
        }
        let named = self.entries().find(|e| e.tag == USER && e.id == uid);
        if let Some(entry) = named {
            return u32::from(entry.bits) & mask & want == want;
        }
        let mut in_a_group = false;
        for entry in self.entries() {
            let is_his = match entry.tag {
                GROUP_OBJ => gids.contains(&stat.gid),
                GROUP => gids.contains(&entry.id),
                _ => false,
            };
            in_a_group |= is_his;
            if is_his && u32::from(entry.bits) & mask & want == want {
                return true;
            }
        }
        !in_a_group && stat.mode & want == want
    }

    /// What becomes of mode and ACL when nobody whom it names may do more than `ceiling` allows
    /// others, and nobody may do more than before.
    pub fn within(&self, stat: &Stat, ceiling: u32) -> (u32, EntryAcl) {
        let mode = stat.mode & ceiling;
        let (allowed, others, mask) = (ceiling & 7, mode & 7, (mode >> 3) & 7);
        let bits_of = |is: &dyn Fn(u16) -> bool| {
            let fitting = self.entries().filter(|e| is(e.tag));
            fitting.fold(0, |all, e| all | u32::from(e.bits)) & mask
        };
        let group = bits_of(&|tag| tag == GROUP_OBJ);
        let groups = bits_of(&|tag| tag == GROUP_OBJ || tag == GROUP);
        let mut kept = Vec::new();
        for entry in self.entries() {
            let grants = entry.grants(stat);
            let left = grants & allowed;
            // Without its entry, somebody is one of the others, or a user of any group.
            let of_a_group = if entry.tag == USER { groups } else { 0 };
            let is_tighter = others & !left != 0 || of_a_group & !grants != 0;
            match grants & !allowed {
                0 => kept.push(entry),
                _ if is_tighter => kept.push(Entry { bits: left as u16, ..entry }),
                _ => {}
            }
        }
        if !kept.iter().any(|e| e.named().is_some()) {
            return ((mode & !0o070) | (group << 3), EntryAcl::Gone);
        }
        let bits = |entry: Entry| match entry.tag {
            USER_OBJ => (mode >> 6) & 7,
            MASK => mask,
            OTHER => others,
            _ => u32::from(entry.bits),
        };
        let acl = Acl::of(kept.into_iter().map(|e| Entry { bits: bits(e) as u16, ..e }));
        (mode, EntryAcl::Is(acl))
    }
}

#[cfg(test)]
pub(crate) mod testing {
    use super::*;

    /// An ACL of a file with this mode, whose group may do `group`, that names these.
    pub(crate) fn acl(mode: u32, group: u16, named: &[(Named, u16)]) -> Acl {
        let base = |tag, bits| Entry { tag, bits, id: u32::MAX };
        let part = |shift: u32| ((mode >> shift) & 7) as u16;
        let mut entries = vec![base(USER_OBJ, part(6)), base(GROUP_OBJ, group)];
        entries.extend(named.iter().map(|(who, bits)| match *who {
            Named::User(id) => Entry { tag: USER, bits: *bits, id },
            Named::Group(id) => Entry { tag: GROUP, bits: *bits, id },
        }));
        entries.extend([base(MASK, part(3)), base(OTHER, part(0))]);
        // The kernel's order is that of the tags.
        entries.sort_by_key(|e| (e.tag, e.id));
        Acl::of(entries)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::testing::acl;
    use super::*;
    use Named::{Group, User};

    fn stat(mode: u32) -> Stat {
        Stat { uid: 5, gid: 42, ..Stat::file(mode) }
    }

    #[test]
    fn who_is_granted_something_beyond_the_mode() {
        let all = [(User(0), 7), (User(5), 7), (User(6), 6), (Group(42), 7), (Group(7), 1)];
        let granted = |mode: u32| acl(mode, 4, &all).granted(&stat(mode));
        assert_eq!(granted(0o670), [(User(6), 6), (Group(7), 1)]);
        assert_eq!(granted(0o640), [(User(6), 4)], "the mask limits everybody");
        assert_eq!(granted(0o607), []);
        assert_eq!(Acl::new(b"").granted(&stat(0o777)), []);
    }

    #[test]
    fn what_is_beyond_goes_and_the_rest_stays() {
        type Names = &'static [(Named, u16)];
        // Mode, the group's own bits, who is named; the ceiling; mode and names then.
        let cases: [(u32, u16, Names, u32, u32, Option<Names>); 6] = [
            // The group keeps what it really had, not what the mask showed.
            (0o660, 4, &[(User(6), 6)], 0o640, 0o640, None),
            (0o640, 0, &[(User(6), 4)], 0o640, 0o600, None),
            (0o664, 4, &[(User(6), 6), (User(7), 4)], 0o644, 0o644, Some(&[(User(7), 4)])),
            // Somebody who was shut out stays shut out.
            (0o664, 4, &[(User(6), 0), (User(7), 6)], 0o644, 0o644, Some(&[(User(6), 0)])),
            // Who had less than the others keeps that.
            (0o666, 6, &[(User(6), 2)], 0o644, 0o644, Some(&[(User(6), 0)])),
            (0o660, 6, &[(Group(42), 6), (User(0), 6)], 0o660, 0o660, Some(&[])),
        ];
        for (mode, group, named, ceiling, new, left) in cases {
            let (found, rest) = acl(mode, group, named).within(&stat(mode), ceiling);
            assert_eq!(format!("{found:04o}"), format!("{new:04o}"), "{mode:o} {named:?}");
            match (left, rest) {
                (None, rest) => assert_eq!(rest, EntryAcl::Gone, "{mode:o} {named:?}"),
                (Some([]), EntryAcl::Is(rest)) => assert_eq!(rest, acl(mode, group, named)),
                (Some(left), rest) => {
                    assert_eq!(rest, EntryAcl::Is(acl(new, group, left)), "{mode:o} {named:?}");
                }
            }
        }
    }

    fn someone() -> impl Strategy<Value = (Named, u16)> {
        let who = prop_oneof![(0u32..9).prop_map(User), (40u32..45).prop_map(Group)];
        (who, 0u16..8)
    }

    /// What a user of these groups may do, by the kernel's own order.
    fn may(mode: u32, acl: &EntryAcl, stat: &Stat, uid: u32, gid: u32) -> u32 {
        let mask = (mode >> 3) & 7;
        let EntryAcl::Is(acl) = acl else {
            return match () {
                () if uid == stat.uid => (mode >> 6) & 7,
                () if gid == stat.gid => mask,
                () => mode & 7,
            };
        };
        let all: Vec<Entry> = acl.entries().collect();
        let of = |tag, id: Option<u32>| {
            let mut fitting =
                all.iter().filter(move |e| e.tag == tag && id.is_none_or(|i| e.id == i));
            fitting.next().map(|e| u32::from(e.bits))
        };
        if uid == stat.uid {
            return (mode >> 6) & 7;
        }
        if let Some(bits) = of(USER, Some(uid)) {
            return bits & mask;
        }
        let own = (gid == stat.gid).then(|| of(GROUP_OBJ, None)).flatten();
        let groups: Vec<u32> = own.into_iter().chain(of(GROUP, Some(gid))).collect();
        match groups.is_empty() {
            // Any of the groups that fit may be the one that grants.
            false => groups.iter().fold(0, |a, b| a | b) & mask,
            true => mode & 7,
        }
    }

    proptest! {
        #[test]
        fn nobody_may_do_more_than_before_and_nobody_named_more_than_others_may(
            mode in 0u32..0o1000, group in 0u16..8, ceiling in 0u32..0o1000,
            named in prop::collection::vec(someone(), 0..5),
        ) {
            // The kernel has each name once.
            let mut once: Vec<(Named, u16)> = Vec::new();
            for (who, bits) in named {
                if once.iter().all(|(known, _)| *known != who) {
                    once.push((who, bits));
                }
            }
            let stat = stat(mode);
            let before = acl(mode, group, &once);
            let (new, after) = before.within(&stat, ceiling);
            prop_assert_eq!(new & !ceiling, 0);
            let before = EntryAcl::Is(before);
            for uid in 1..9 {
                for gid in 40..45 {
                    let (old, now) = (may(mode, &before, &stat, uid, gid), may(new, &after, &stat, uid, gid));
                    prop_assert_eq!(now & !old, 0, "{} {}: {:o} -> {:o}", uid, gid, old, now);
                }
            }
            if let EntryAcl::Is(after) = after {
                let stat = Stat { mode: new, ..stat };
                for (_, bits) in after.granted(&stat) {
                    prop_assert_eq!(bits & !(ceiling & 7), 0);
                }
            }
        }
    }
}
