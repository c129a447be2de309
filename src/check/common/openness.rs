//! What an entry is open to: its mode, and what its access ACL grants beyond it.

use super::messages;
use crate::check::Subject;
use crate::check::order::{Level, Levels};
use crate::error::Result;
use crate::message::{Arg, Message};
use crate::rootfs::{AccountDb, Acl, Change, EntryAcl, ImagePath, Named, Rootfs, Stat};

/// Mode and ACL of an entry. Somebody whom the ACL names is one of the others, of whom the mode speaks.
pub(in crate::check) struct Openness {
    stat: Stat,
    acl: Option<Acl>,
}

impl Openness {
    /// Of the entry at `path`, of which `stat` is known.
    ///
    /// # Errors
    /// As [`Rootfs::acl`].
    pub fn read(root: &dyn Rootfs, path: &ImagePath, stat: Stat) -> Result<Openness> {
        Ok(Openness { stat, acl: root.acl(path)? })
    }

    /// What the ACL grants beyond what `ceiling` allows others (read 4, write 2, execute 1).
    fn granted_beyond(&self, ceiling: u32) -> impl Iterator<Item = (Named, u32)> {
        let granted = self.acl.as_ref().map(|acl| acl.granted(&self.stat)).unwrap_or_default();
        granted.into_iter().filter(move |(_, bits)| bits & !ceiling & 7 != 0)
    }

    /// Whether neither mode nor ACL goes beyond the permission bits `ceiling`.
    pub fn is_within(&self, ceiling: u32) -> bool {
        self.stat.mode & !ceiling == 0 && self.granted_beyond(ceiling).next().is_none()
    }

    /// What was found, with whom the ACL lets do more than `ceiling` allows others.
    pub fn shown(&self, root: &dyn Rootfs, ceiling: u32, found: impl Into<Message>) -> Message {
        let mut granted = self.granted_beyond(ceiling).peekable();
        if granted.peek().is_none() {
            return found.into();
        }
        let names = AccountDb::read(root).unwrap_or_default();
        let named = granted.map(|(who, bits)| who.shown(bits, &names));
        messages::with_acl(found.into(), Arg::names(named))
    }

    /// How open it is: the bits of the mode, and what the ACL grants to whom beyond the mode. An owner
    /// that is root stays so.
    pub fn levels(&self, path: &ImagePath, levels: &mut Levels) {
        let subject = || Subject::path(path);
        levels.add(subject(), "mode", Level::Grants(self.stat.mode & 0o7777));
        let granted = self.acl.as_ref().map(|acl| acl.granted(&self.stat)).unwrap_or_default();
        let granted = granted.into_iter().flat_map(|(who, bits)| {
            (0..3)
                .filter(move |bit| bits & (1 << bit) != 0)
                .map(move |bit| format!("{who:?} {bit}"))
        });
        levels.add(subject(), "acl", Level::lets(granted));
        let owner = (self.stat.uid != 0).then(|| "not root".to_owned());
        levels.add(subject(), "owner", Level::lets(owner));
    }

    /// Takes away what is beyond `ceiling`, and sets an owner.
    pub fn closed(
        &self,
        path: &ImagePath,
        ceiling: u32,
        uid: Option<u32>,
        gid: Option<u32>,
    ) -> Change {
        // What an entry of the ACL means depends on who owns the file in the end.
        let stat = Stat {
            uid: uid.unwrap_or(self.stat.uid),
            gid: gid.unwrap_or(self.stat.gid),
            ..self.stat
        };
        let granted =
            |acl: &&Acl| acl.granted(&stat).iter().any(|(_, bits)| bits & !ceiling & 7 != 0);
        let (mode, acl) = match self.acl.as_ref().filter(granted) {
            Some(acl) => acl.within(&stat, ceiling),
            None => (stat.mode & ceiling, EntryAcl::Below),
        };
        let mode = (mode != stat.mode).then_some(mode);
        Change::SetStat { path: path.clone(), mode, uid, gid, acl }
    }
}
