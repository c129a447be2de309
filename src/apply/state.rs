//! Where the journal may be kept: in a directory that no other user can replace, and not in the
//! image.
//!
//! A journal holds files of the target, `shadow` among them, and its contents are written back as
//! root. Whoever can replace a directory above it controls the target.

use std::collections::VecDeque;
use std::ffi::OsString;
use std::os::unix::fs::MetadataExt;
use std::path::{Component, Path, PathBuf};

use crate::apply::messages;
use crate::error::{Error, Result, cannot};
use crate::message::Message;
use crate::rootfs::DiskRootfs;

/// As many links as Linux follows in one look-up.
const MAX_LINKS: usize = 40;
/// Whoever has this number in a user namespace is somebody whom it does not know.
const OVERFLOW: &str = "/proc/sys/kernel/overflowuid";

/// Refuses a state directory that lies in the root it is about: the journal would stay in the
/// finished image. The process's own `/` has no other place.
///
/// # Errors
/// [`Error::Guard`], or the kernel's refusal.
pub(super) fn outside(state: &Path, root: &DiskRootfs) -> Result<()> {
    let same = |a: &Path, b: &Path| match (look(a), look(b)) {
        (Some(a), Some(b)) => (a.dev(), a.ino()) == (b.dev(), b.ino()),
        _ => false,
    };
    let root = root.host_path();
    if same(root, Path::new("/")) {
        return Ok(());
    }
    // By identity, not by name: the root may be mounted in several places.
    let place = resolve(state, |_, _, _| Ok(()))?;
    match place.ancestors().find(|dir| same(dir, root)) {
        Some(_) => Err(Error::Guard(messages::state_inside(shown(state), shown(root)))),
        None => Ok(()),
    }
}

/// Refuses a path that somebody else can exchange: every directory and link on the way belongs to
/// root or to the caller, and where others may make entries, they cannot rename ours (sticky bit).
///
/// # Errors
/// [`Error::Guard`], or the kernel's refusal.
pub(super) fn is_safe(path: &Path) -> Result<()> {
    let own = users::get_effective_uid();
    // Who called sudo is the operator, whatever else the directory is used for.
    let caller = std::env::var("SUDO_UID").ok().and_then(|uid| uid.parse::<u32>().ok());
    let unknown = read(OVERFLOW).and_then(|n| n.trim().parse::<u32>().ok());
    let system = look(Path::new("/")).map(|m| m.uid());
    resolve(path, |at, meta, in_sticky| {
        let uid = meta.uid();
        let trusted = uid == 0
            || uid == own
            || Some(uid) == caller
            // In a user namespace the machine's root has no number of its own. Where anybody may
            // make entries that is no proof of anything.
            || (Some(uid) == system && Some(uid) == unknown && !in_sticky);
        let refuse = |found: Message| Err(Error::Guard(messages::state_unsafe(shown(at), found)));
        if !trusted {
            return refuse(messages::belongs_to(uid));
        }
        let mode = meta.mode() & 0o7777;
        // Of a directory with an ACL these bits are the mask: anybody may stand behind them.
        let acl = mode & 0o020 != 0 && meta.is_dir() && has_acl(at);
        let others = mode & 0o002 != 0 || (mode & 0o020 != 0 && (meta.gid() != 0 || acl));
        if meta.is_dir() && others && mode & 0o1000 == 0 {
            let mode = format!("{mode:04o}");
            return refuse(match acl {
                true => messages::others_write_by_acl(mode),
                false => messages::others_write(mode),
            });
        }
        Ok(())
    })
    .map(|_| ())
}

/// Follows `path` as the kernel would, up to what does not exist yet, and shows every directory and
/// link on the way, and whether it stands in a directory with the sticky bit. Returns the path
/// without links.
fn resolve(
    path: &Path,
    mut see: impl FnMut(&Path, &std::fs::Metadata, bool) -> Result<()>,
) -> Result<PathBuf> {
    let whole = std::path::absolute(path)
        .map_err(|e| Error::host(cannot::resolve_the_state_directory, path, e))?;
    let names = |path: &Path| -> Vec<OsString> {
        let plain = |c: Component<'_>| match c {
            Component::Normal(name) => Some(name.to_owned()),
            Component::ParentDir => Some("..".into()),
            _ => None,
        };
        path.components().filter_map(plain).collect()
    };
    let mut todo = VecDeque::from(names(&whole));
    let mut at = PathBuf::from("/");
    let mut in_sticky = false;
    let mut links = 0;
    while let Some(name) = todo.pop_front() {
        if name == ".." {
            at.pop();
            continue;
        }
        let next = at.join(&name);
        let Some(meta) = look(&next) else {
            at = next;
            at.extend(todo.iter().filter(|name| *name != ".."));
            break;
        };
        see(&next, &meta, in_sticky)?;
        if meta.is_symlink() {
            links += 1;
            if links > MAX_LINKS {
                let e = std::io::Error::from_raw_os_error(nix::errno::Errno::ELOOP as i32);
                return Err(Error::host(cannot::resolve_the_state_directory, path, e));
            }
            #[allow(clippy::disallowed_methods)] // the journal lies on the host
            let target = std::fs::read_link(&next)
                .map_err(|e| Error::host(cannot::resolve_the_state_directory, &next, e))?;
            if target.is_absolute() {
                at = PathBuf::from("/");
            }
            for name in names(&target).into_iter().rev() {
                todo.push_front(name);
            }
        } else if meta.is_dir() {
            in_sticky = meta.mode() & 0o1000 != 0;
            at = next;
        } else {
            return Err(Error::Guard(messages::state_no_directory(shown(&next))));
        }
    }
    Ok(at)
}

fn shown(path: &Path) -> String {
    path.display().to_string()
}

fn has_acl(dir: &Path) -> bool {
    xattr::get(dir, "system.posix_acl_access").ok().flatten().is_some()
}

#[allow(clippy::disallowed_methods)] // the journal lies on the host
fn look(path: &Path) -> Option<std::fs::Metadata> {
    std::fs::symlink_metadata(path).ok()
}

#[allow(clippy::disallowed_methods)] // a question to the running kernel
fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    fn mode(path: &Path, mode: u32) {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }

    fn refusal(path: &Path) -> String {
        match is_safe(path) {
            Err(Error::Guard(why)) => why.to_string(),
            other => panic!("{}: {other:?}", path.display()),
        }
    }

    #[test]
    fn places_that_others_can_exchange_are_refused() {
        let top = tempfile::tempdir().unwrap();
        let top = top.path().canonicalize().unwrap();
        let dir = |name: &str, bits| {
            let path = top.join(name);
            fs::create_dir(&path).unwrap();
            mode(&path, bits);
            path
        };
        assert!(is_safe(&top.join("new/deeper")).is_ok());
        let shared = dir("shared", 0o1777);
        assert!(is_safe(&shared.join("state")).is_ok(), "the sticky bit keeps ours in place");
        let open = dir("open", 0o777);
        assert!(refusal(&open.join("state")).contains("others can write to it (mode 0777)"));
        assert!(refusal(&open).contains("/open: others can write"));
        symlink("../open", shared.join("link")).unwrap();
        assert!(refusal(&shared.join("link")).contains("/open"));
        fs::write(shared.join("file"), "").unwrap();
        assert!(refusal(&shared.join("file/state")).contains("want a directory"));
        symlink("loop", shared.join("loop")).unwrap();
        assert!(is_safe(&shared.join("loop/x")).is_err());
        if users::get_effective_uid() != 0 {
            return;
        }
        let theirs = dir("shared/theirs", 0o755);
        chown(&theirs, Some(4_242), Some(4_242)).unwrap();
        assert!(refusal(&theirs.join("state")).contains("belongs to uid 4242"));
        let safe = dir("safe", 0o700);
        symlink(&safe, shared.join("planted")).unwrap();
        assert!(is_safe(&shared.join("planted/state")).is_ok(), "root's own link");
        std::os::unix::fs::lchown(shared.join("planted"), Some(4_242), Some(4_242)).unwrap();
        assert!(refusal(&shared.join("planted/state")).contains("belongs to uid 4242"));
        let team = dir("team", 0o775);
        assert!(is_safe(&team).is_ok(), "root's own group");
        // user::rwx user:4242:rwx group::rwx mask::rwx other::r-x
        let entries = [
            (1, 7, u32::MAX),
            (2, 7, 4_242),
            (4, 7, u32::MAX),
            (16, 7, u32::MAX),
            (32, 5, u32::MAX),
        ];
        let mut acl = 2_u32.to_le_bytes().to_vec();
        for (tag, perm, id) in entries {
            acl.extend([tag, 0, perm, 0]);
            acl.extend(id.to_le_bytes());
        }
        if xattr::set(&team, "system.posix_acl_access", &acl).is_ok() {
            assert!(refusal(&team.join("state")).contains("0775, with an ACL"));
        }
        chown(&team, Some(0), Some(4_242)).unwrap();
        assert!(refusal(&team).contains("0775"));
    }

    #[test]
    fn a_state_directory_in_the_image_is_refused() {
        let top = tempfile::tempdir().unwrap();
        let image = top.path().join("image");
        fs::create_dir_all(image.join("var")).unwrap();
        symlink("image/var", top.path().join("link")).unwrap();
        let root = DiskRootfs::open(&image).unwrap();
        for inside in ["image", "image/var/lib/gokaku", "link/x", "image/../image/y"] {
            let state = top.path().join(inside);
            assert!(matches!(outside(&state, &root), Err(Error::Guard(_))), "{inside}");
        }
        for good in ["state", "image-state", "image/../z"] {
            assert!(outside(&top.path().join(good), &root).is_ok(), "{good}");
        }
        let own = DiskRootfs::open(Path::new("/")).unwrap();
        assert!(outside(Path::new("/var/lib/gokaku"), &own).is_ok());
    }
}
