//! Access ACLs as text (`SCHILY.acl.access`): GNU tar's, star's and bsdtar's form.

use crate::rootfs::{AccountDb, Acl, acl};

/// Whom an entry is about.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    /// The owner, the group, the mask, or others.
    None,
    Id(u32),
    /// By a name alone.
    Name(String),
}

/// The entries of an ACL: tag of the kernel's, whom, and what it allows (read 4, write 2, execute 1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct AclText(Vec<(u16, Who, u16)>);

impl AclText {
    /// `user::rw-,user:bob:r--:1000,group::r--,mask::r--,other::---`, or lines of it.
    pub fn parse(text: &[u8]) -> Option<AclText> {
        let text = std::str::from_utf8(text).ok()?;
        let entries = text.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
        let entries: Option<Vec<_>> = entries
            // `getfacl` shows what the mask leaves behind a `#`.
            .map(|part| entry(part.split(['\t', '#']).next().unwrap_or(part).trim()))
            .collect();
        entries.filter(|entries| !entries.is_empty()).map(AclText)
    }

    /// In the kernel's form, with the numbers of the image's accounts.
    ///
    /// # Errors
    /// A name that they do not have.
    pub fn with(&self, names: &AccountDb) -> Result<Acl, String> {
        let mut entries = Vec::new();
        for (tag, who, bits) in &self.0 {
            let id = match who {
                Who::None => u32::MAX,
                Who::Id(id) => *id,
                Who::Name(name) => {
                    let id = if *tag == acl::USER { names.uid(name) } else { names.gid(name) };
                    id.ok_or_else(|| crate::rootfs::show_name(name.as_bytes()))?
                }
            };
            entries.push((*tag, *bits, id));
        }
        Ok(Acl::of_entries(entries))
    }

    /// What it takes in memory (bytes).
    pub fn cost(&self) -> usize {
        let name = |who: &Who| if let Who::Name(name) = who { name.len() } else { 0 };
        self.0.iter().map(|(_, who, _)| 40 + name(who)).sum()
    }

    /// As [`AclText::with`], for all that depends on no name.
    pub fn nameless(&self) -> Acl {
        let id = |who: &Who| if let Who::Id(id) = who { *id } else { u32::MAX };
        Acl::of_entries(self.0.iter().map(|(tag, who, bits)| (*tag, *bits, id(who))))
    }
}

fn entry(part: &str) -> Option<(u16, Who, u16)> {
    let mut fields = part.split(':').map(str::trim);
    let kind = fields.next()?;
    let rest: Vec<&str> = fields.collect();
    // Some write `mask:r--`.
    let (who, bits, id) = match *rest {
        [bits] => ("", bits, None),
        [who, bits] => (who, bits, None),
        [who, bits, id] => (who, bits, Some(id)),
        _ => return None,
    };
    let (own, named) = match kind {
        "user" | "u" => (acl::USER_OBJ, Some(acl::USER)),
        "group" | "g" => (acl::GROUP_OBJ, Some(acl::GROUP)),
        "mask" | "m" => (acl::MASK, None),
        "other" | "o" => (acl::OTHER, None),
        _ => return None,
    };
    let number = |text: &str| text.parse::<u32>().ok().filter(|id| *id != u32::MAX);
    let bits = permissions(bits)?;
    if who.is_empty() {
        return Some((own, Who::None, bits));
    }
    let who = match id {
        Some(id) => Who::Id(number(id)?),
        None => number(who).map_or_else(|| Who::Name(who.to_owned()), Who::Id),
    };
    Some((named?, who, bits))
}

fn permissions(text: &str) -> Option<u16> {
    let bytes = text.as_bytes();
    let known = |(at, b): (usize, &u8)| match (at, *b) {
        (0, b'r') => Some(4),
        (1, b'w') => Some(2),
        (2, b'x') => Some(1),
        (_, b'-') => Some(0),
        _ => None,
    };
    (bytes.len() == 3).then(|| bytes.iter().enumerate().map(known).sum())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_the_archivers_are_read() {
        let names = AccountDb::parse(b"bob:x:1000:1000:::\n", b"adm:x:4:\n");
        let of = |text: &str| AclText::parse(text.as_bytes()).map(|acl| acl.with(&names));
        let want = Acl::of_entries([
            (acl::USER_OBJ, 6, u32::MAX),
            (acl::USER, 4, 1000),
            (acl::GROUP_OBJ, 4, u32::MAX),
            (acl::GROUP, 6, 4),
            (acl::MASK, 6, u32::MAX),
            (acl::OTHER, 0, u32::MAX),
        ]);
        for text in [
            "user::rw-,user:bob:r--,group::r--,group:adm:rw-,mask::rw-,other::---",
            "user::rw-\nuser:1000:r--\ngroup::r--\ngroup:4:rw-\t#effective:rw-\nmask::rw-\nother::---\n",
            "u::rw-,user:eve:r--:1000,g::r--,group:x:rw-:4,mask:rw-,other:---",
        ] {
            assert_eq!(of(text), Some(Ok(want.clone())), "{text}");
        }
        assert_eq!(of("user:eve:r--"), Some(Err("eve".to_owned())));
        for bad in
            ["", "user", "user:bob", "user:bob:rwxx", "user:bob:r-r", "mask:bob:r--", "a::r--"]
        {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
