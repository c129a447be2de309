//! Opening a path inside a root directory: by `openat2` where the kernel has it (5.6 and later),
//! by a walk over the components where not (Ubuntu 18.04's own kernel is 4.15).
//!
//! Both give the same results; one table of tests covers both.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::sync::OnceLock;

use nix::errno::Errno;
use nix::fcntl::{AtFlags, OFlag, OpenHow, ResolveFlag, readlinkat};
use nix::sys::stat::{Mode, SFlag, fstat, fstatat};

use super::ImagePath;
use super::locate::{self, MAX_LINKS};

/// What to do with symbolic links on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Links {
    /// Follow all of them, inside the root.
    Follow,
    /// Follow those in the parents; the last component stands for itself (`O_PATH`) or is `ELOOP`.
    FollowParents,
    /// Any link on the way is `ELOOP`. For paths that were resolved before.
    Refuse,
}

/// A way to open a path inside a root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Resolver {
    /// The kernel resolves (`RESOLVE_IN_ROOT`, no magic links).
    Openat2,
    /// We walk, one component at a time, holding a descriptor of each directory.
    Walk,
}

impl Resolver {
    /// The best this kernel (and its seccomp filter) allows.
    pub fn detect() -> Resolver {
        static FOUND: OnceLock<Resolver> = OnceLock::new();
        *FOUND.get_or_init(|| {
            let how = OpenHow::new()
                .flags(OFlag::O_PATH | OFlag::O_CLOEXEC)
                .resolve(ResolveFlag::RESOLVE_IN_ROOT);
            #[allow(clippy::disallowed_methods)] // a probe of the kernel, not of a target
            match nix::fcntl::openat2(nix::fcntl::AT_FDCWD, ".", how) {
                Err(Errno::ENOSYS | Errno::EPERM | Errno::EINVAL) => Resolver::Walk,
                _ => Resolver::Openat2,
            }
        })
    }

    /// Opens `path` below the directory `root` with `flags` (never creating).
    ///
    /// # Errors
    /// The kernel's `errno`; `ELOOP` for a loop of links or a link that `links` refuses.
    pub fn open(
        self,
        root: BorrowedFd<'_>,
        path: &ImagePath,
        flags: OFlag,
        links: Links,
    ) -> nix::Result<OwnedFd> {
        let flags = flags | OFlag::O_CLOEXEC;
        match self {
            Resolver::Openat2 => open_by_kernel(root, path, flags, links),
            Resolver::Walk => open_by_walk(root, path, flags, links),
        }
    }
}

fn open_by_kernel(
    root: BorrowedFd<'_>,
    path: &ImagePath,
    mut flags: OFlag,
    links: Links,
) -> nix::Result<OwnedFd> {
    let mut resolve = ResolveFlag::RESOLVE_IN_ROOT | ResolveFlag::RESOLVE_NO_MAGICLINKS;
    match links {
        Links::Follow => {}
        Links::FollowParents => flags |= OFlag::O_NOFOLLOW,
        Links::Refuse => {
            flags |= OFlag::O_NOFOLLOW;
            resolve |= ResolveFlag::RESOLVE_NO_SYMLINKS;
        }
    }
    let how = OpenHow::new().flags(flags).resolve(resolve);
    loop {
        #[allow(clippy::disallowed_methods)] // this is the jail
        match nix::fcntl::openat2(root, path.relative(), how) {
            // EAGAIN: a rename elsewhere raced with `..`; the kernel asks to try again.
            Err(Errno::EAGAIN | Errno::EINTR) => {}
            // O_PATH|O_NOFOLLOW under RESOLVE_NO_SYMLINKS refuses the last link too, but a caller
            // that refuses links may still ask what stands there.
            Err(Errno::ELOOP) if links == Links::Refuse && flags.contains(OFlag::O_PATH) => {
                return open_by_walk(root, path, flags, links);
            }
            answer => return answer,
        }
    }
}

fn open_by_walk(
    root: BorrowedFd<'_>,
    path: &ImagePath,
    flags: OFlag,
    links: Links,
) -> nix::Result<OwnedFd> {
    // Descriptors of the directories on the way down; `..` goes back to one that was opened from
    // above, so a directory moved away in between cannot lead out of the root.
    let mut stack: Vec<OwnedFd> = Vec::new();
    let mut todo: VecDeque<OsString> = path.components().map(OsString::from).collect();
    let mut seen = 0;
    let dir_flags = OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC;
    while let Some(name) = todo.pop_front() {
        if name == ".." {
            stack.pop();
            continue;
        }
        if name == "." {
            // What stands before it was opened as a directory.
            continue;
        }
        let at = stack.last().map_or(root, AsFd::as_fd);
        let last = todo.is_empty();
        let kind = fstatat(at, name.as_os_str(), AtFlags::AT_SYMLINK_NOFOLLOW)?.st_mode;
        let is_link = SFlag::from_bits_truncate(kind & SFlag::S_IFMT.bits()) == SFlag::S_IFLNK;
        if is_link && (!last || links == Links::Follow) {
            seen += 1;
            if links == Links::Refuse || seen > MAX_LINKS {
                return Err(Errno::ELOOP);
            }
            let target = readlinkat(at, name.as_os_str())?;
            let target = target.as_bytes();
            if target.is_empty() {
                return Err(Errno::ENOENT);
            }
            if target.first() == Some(&b'/') {
                stack.clear();
            }
            for part in locate::components(target).rev() {
                todo.push_front(OsString::from_vec(part.to_vec()));
            }
        } else if last {
            return open_one(at, &name, flags);
        } else {
            let dir = open_one(at, &name, dir_flags)?;
            stack.push(dir);
        }
    }
    let at = stack.last().map_or(root, AsFd::as_fd);
    open_one(at, OsStr::new("."), flags)
}

/// One component, which is not followed; a link that appears in a race is `ELOOP`/`ENOTDIR`.
fn open_one(at: BorrowedFd<'_>, name: &OsStr, flags: OFlag) -> nix::Result<OwnedFd> {
    let flags = flags | OFlag::O_NOFOLLOW;
    loop {
        #[allow(clippy::disallowed_methods)] // this is the jail
        match nix::fcntl::openat(at, name, flags, Mode::empty()) {
            Err(Errno::EINTR) => {}
            answer => return answer,
        }
    }
}

/// Opens for reading what an `O_PATH` descriptor stands for, and nothing that took its place in the
/// meantime: opening a device acts. `None` where there is no `/proc`, which alone knows the way.
pub(crate) fn reopen(probe: BorrowedFd<'_>, flags: OFlag) -> Option<nix::Result<OwnedFd>> {
    let own = format!("/proc/self/fd/{}", probe.as_raw_fd());
    loop {
        #[allow(clippy::disallowed_methods)] // one of our own descriptors
        match nix::fcntl::open(own.as_str(), flags | OFlag::O_CLOEXEC, Mode::empty()) {
            Err(Errno::EINTR) => {}
            Err(Errno::ENOENT) => return None,
            answer => return Some(answer),
        }
    }
}

/// Kind, mode and owner behind a descriptor.
pub(super) fn stat_of(fd: BorrowedFd<'_>) -> nix::Result<nix::sys::stat::FileStat> {
    fstat(fd)
}

#[cfg(test)]
#[allow(clippy::disallowed_methods)]
mod tests {
    use std::fs;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::fs::symlink;

    use super::*;

    /// What each resolver must answer, link by link: the text of the file, or the errno.
    const TABLE: &[(&str, Result<&str, Errno>)] = &[
        ("/etc/real", Ok("real")),
        ("/etc/abs", Ok("real")),
        ("/etc/rel", Ok("real")),
        ("/etc/up", Ok("real")),
        ("/etc/slash/etc/real", Ok("real")),
        ("/etc/chain", Ok("real")),
        ("/etc/real-slash", Err(Errno::ENOTDIR)),
        ("/etc/real-dot", Err(Errno::ENOTDIR)),
        ("/etc/dir-slash/real", Ok("real")),
        ("/etc/dir/real", Ok("real")),
        ("/etc/escape-absolute", Err(Errno::ENOENT)),
        ("/etc/escape-relative", Err(Errno::ENOENT)),
        ("/etc/escape-dir/secret", Err(Errno::ENOENT)),
        ("/etc/dangling", Err(Errno::ENOENT)),
        ("/etc/loop", Err(Errno::ELOOP)),
        ("/etc/loop-dir/x", Err(Errno::ELOOP)),
        ("/etc/real/x", Err(Errno::ENOTDIR)),
        ("/etc/none/x", Err(Errno::ENOENT)),
        ("/etc/self-proc", Err(Errno::ENOENT)),
    ];

    fn tree() -> tempfile::TempDir {
        let top = tempfile::tempdir().unwrap();
        let root = top.path().join("root");
        fs::create_dir_all(root.join("etc/d")).unwrap();
        fs::create_dir(top.path().join("out")).unwrap();
        fs::write(top.path().join("out/secret"), "secret").unwrap();
        fs::write(root.join("etc/real"), "real").unwrap();
        fs::write(root.join("etc/d/real"), "real").unwrap();
        let outside = top.path().join("out");
        let out = outside.to_str().unwrap();
        for (name, target) in [
            ("abs", "/etc/real"),
            ("rel", "real"),
            ("up", "../../../../etc/real"),
            ("slash", "/"),
            ("chain", "abs"),
            ("dir", "/etc/./d//"),
            ("escape-absolute", &format!("{out}/secret")),
            ("escape-relative", "../../out/secret"),
            ("escape-dir", out),
            ("dangling", "nowhere"),
            ("loop", "loop"),
            ("loop-dir", "/etc/loop-dir/y"),
            ("self-proc", "/proc/self/root/etc/hostname"),
            ("real-slash", "real/"),
            ("real-dot", "d/../real/."),
            ("dir-slash", "d/./"),
        ] {
            symlink(target, root.join("etc").join(name)).unwrap();
        }
        top
    }

    #[test]
    fn both_resolvers_answer_the_table() {
        let top = tree();
        let root = fs::File::open(top.path().join("root")).unwrap();
        for resolver in [Resolver::detect(), Resolver::Walk] {
            for (path, want) in TABLE {
                let p = ImagePath::parse(path).unwrap();
                let got = resolver.open(root.as_fd(), &p, OFlag::O_RDONLY, Links::Follow);
                let got = got.map(|fd| {
                    let mut text = String::new();
                    fs::File::from(fd).read_to_string(&mut text).unwrap();
                    text
                });
                assert_eq!(got.as_deref(), want.as_ref().copied(), "{resolver:?} {path}");
            }
        }
    }

    #[test]
    fn a_link_that_appears_in_a_race_is_not_followed() {
        let top = tree();
        let etc = fs::File::open(top.path().join("root/etc")).unwrap();
        let open = |name: &str, flags| open_one(etc.as_fd(), OsStr::new(name), flags).err();
        for name in ["abs", "rel", "escape-absolute", "escape-dir"] {
            assert_eq!(open(name, OFlag::O_RDONLY), Some(Errno::ELOOP), "{name}");
            let dir = OFlag::O_PATH | OFlag::O_DIRECTORY;
            assert_eq!(open(name, dir), Some(Errno::ENOTDIR), "{name}");
        }
        assert_eq!(open(".", OFlag::O_RDONLY), None);
    }

    #[test]
    fn the_last_link_can_stand_for_itself_and_links_can_be_refused() {
        let top = tree();
        let root = fs::File::open(top.path().join("root")).unwrap();
        for resolver in [Resolver::detect(), Resolver::Walk] {
            let open = |path: &str, flags, links| {
                resolver.open(root.as_fd(), &ImagePath::parse(path).unwrap(), flags, links)
            };
            let link = open("/etc/slash/etc/abs", OFlag::O_PATH, Links::FollowParents).unwrap();
            let mode = stat_of(link.as_fd()).unwrap().st_mode & SFlag::S_IFMT.bits();
            assert_eq!(mode, SFlag::S_IFLNK.bits(), "{resolver:?}");
            let refused = [("/etc/abs", OFlag::O_RDONLY), ("/etc/dir/real", OFlag::O_RDONLY)];
            for (path, flags) in refused {
                let answer = open(path, flags, Links::Refuse);
                assert_eq!(answer.err(), Some(Errno::ELOOP), "{resolver:?} {path}");
            }
            assert!(open("/etc/real", OFlag::O_RDONLY, Links::Refuse).is_ok());
            assert!(open("/etc/abs", OFlag::O_PATH, Links::Refuse).is_ok(), "asks, not follows");
            assert!(open("/", OFlag::O_PATH, Links::Refuse).is_ok());
        }
    }
}
