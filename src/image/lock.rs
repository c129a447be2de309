//! Whether an image is in use, and locking it so that nobody begins to use it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, Instant};

use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

use super::disk::Disk;
use super::messages;
use crate::error::{Error, Result, cannot};

/// QEMU's locks (`block/file-posix.c`): a byte for each thing that a user does …
const DOES: i64 = 100;
/// … and one for each that it does not let others do.
const FORBIDS: i64 = 200;
const READ: i64 = 0;
const WRITE: i64 = 1;
const RESIZE: i64 = 3;

/// For how long the processes of a run that was killed may still hold its lock.
const DYING: Duration = Duration::from_secs(5);

/// What is about to be done with an image.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// It is read, and must not change meanwhile.
    Reading,
    /// It is read, and another one takes its place.
    Replacing,
    /// It is written to.
    Writing,
}

/// Takes the image for as long as its descriptor is open, here or in what is started from here: by
/// `flock`, which other runs look at, and by the byte locks of QEMU. The descriptor stays open in
/// programs that this process becomes.
///
/// # Errors
/// [`Error::Guard`] when a QEMU or another run holds it, a loop device is attached to it, or a process
/// has it open for writing.
pub fn hold(disk: &Disk, what: Use) -> Result<()> {
    let shown = disk.path().display().to_string();
    let fail = |e: nix::Error| Error::host(cannot::lock_the_image, disk.path(), e);
    // Two that only read would share the place of their copies.
    let operation = rustix::fs::FlockOperation::NonBlockingLockExclusive;
    let end = Instant::now() + DYING;
    let mut taken = rustix::fs::flock(disk.fd(), operation);
    while taken == Err(rustix::io::Errno::WOULDBLOCK) && Instant::now() < end {
        std::thread::sleep(Duration::from_millis(50));
        taken = rustix::fs::flock(disk.fd(), operation);
    }
    taken.map_err(|e| match e {
        rustix::io::Errno::WOULDBLOCK => Error::Guard(messages::busy(&shown)),
        e => Error::host(cannot::lock_the_image, disk.path(), e),
    })?;
    let does: &[i64] = match what {
        Use::Reading | Use::Replacing => &[READ],
        Use::Writing => &[READ, WRITE, RESIZE],
    };
    let forbids = [WRITE, RESIZE];
    for byte in does.iter().map(|b| DOES + b).chain(forbids.iter().map(|b| FORBIDS + b)) {
        match fcntl(disk.fd(), FcntlArg::F_OFD_SETLK(&range(libc::F_RDLCK, byte))) {
            Ok(_) => {}
            Err(nix::Error::EAGAIN | nix::Error::EACCES) => return Err(in_use(disk)),
            Err(e) => return Err(fail(e)),
        }
    }
    // Each has said what it does before it looks at the others, so two cannot miss each other.
    for byte in does.iter().map(|b| FORBIDS + b).chain(forbids.iter().map(|b| DOES + b)) {
        let mut found = range(libc::F_WRLCK, byte);
        fcntl(disk.fd(), FcntlArg::F_OFD_GETLK(&mut found)).map_err(fail)?;
        if i32::from(found.l_type) != libc::F_UNLCK {
            return Err(in_use(disk));
        }
    }
    if let Some(device) = attached(disk) {
        return Err(Error::Guard(messages::attached(shown, device)));
    }
    if let Some((pid, name)) = writer(disk) {
        return Err(Error::Guard(messages::open_for_writing(shown, pid, name)));
    }
    // The highest one that a shell can close where it is not wanted.
    fcntl(disk.fd(), FcntlArg::F_DUPFD(9)).map_err(fail)?;
    Ok(())
}

fn in_use(disk: &Disk) -> Error {
    Error::Guard(messages::in_use(disk.path().display().to_string()))
}

fn range(kind: i32, byte: i64) -> libc::flock {
    libc::flock {
        #[allow(clippy::cast_possible_truncation)] // 0, 1 or 2
        l_type: kind as i16,
        l_whence: 0,
        l_start: byte,
        l_len: 1,
        l_pid: 0,
    }
}

/// The loop device of the image, by the names that the kernel gives.
#[allow(clippy::disallowed_methods)] // questions to the running kernel
fn attached(disk: &Disk) -> Option<String> {
    for device in std::fs::read_dir("/sys/block").ok()?.flatten() {
        let backing = device.path().join("loop/backing_file");
        let Ok(file) = std::fs::read_to_string(backing) else { continue };
        if is(disk, Path::new(file.trim_end_matches('\n'))) {
            return Some(device.file_name().to_string_lossy().into_owned());
        }
    }
    None
}

/// A process that has the image open for writing. Those that may not be looked at do not count.
#[allow(clippy::disallowed_methods)] // questions to the running kernel
fn writer(disk: &Disk) -> Option<(u32, String)> {
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let Some(pid) = process.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else {
            continue;
        };
        let Ok(open) = std::fs::read_dir(process.path().join("fd")) else { continue };
        for fd in open.flatten() {
            if !is(disk, &fd.path()) {
                continue;
            }
            let about = process.path().join("fdinfo").join(fd.file_name());
            let about = std::fs::read_to_string(about).unwrap_or_default();
            let flags = about.lines().find_map(|l| l.strip_prefix("flags:")).unwrap_or_default();
            let flags = i32::from_str_radix(flags.trim(), 8).unwrap_or(0);
            if flags & libc::O_ACCMODE != libc::O_RDONLY && flags & libc::O_PATH == 0 {
                let name = std::fs::read(process.path().join("comm")).unwrap_or_default();
                return Some((pid, crate::rootfs::escape(name.trim_ascii())));
            }
        }
    }
    None
}

/// Whether what stands at a path of this machine is the image.
#[allow(clippy::disallowed_methods)] // looks at an open file of a process
fn is(disk: &Disk, path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| (m.dev(), m.ino()) == disk.id())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        file.as_file().set_len(4096).unwrap();
        file
    }

    /// Another user of the file, with a descriptor of its own for reading alone.
    #[allow(clippy::disallowed_methods)]
    fn other(file: &tempfile::NamedTempFile) -> std::fs::File {
        std::fs::File::open(file.path()).unwrap()
    }

    fn told(file: tempfile::NamedTempFile, what: Use) -> String {
        let (_, path) = file.into_parts();
        hold(&Disk::open(&path).unwrap(), what).err().map_or(String::new(), |e| e.to_string())
    }

    #[test]
    fn who_writes_is_found() {
        let file = image();
        let disk = Disk::open(file.path()).unwrap();
        let why = hold(&disk, Use::Reading).unwrap_err().to_string();
        assert!(why.contains("open for writing") && why.contains(&std::process::id().to_string()));
        drop(disk);
        assert_eq!(told(file, Use::Writing), "");
    }

    #[test]
    fn the_locks_of_qemu_are_looked_at() {
        // A writer, one that forbids writing (it reads), and one that reads and forbids nothing.
        for (byte, writing, reading) in [
            (DOES + WRITE, true, true),
            (FORBIDS + WRITE, true, false),
            (DOES + READ, false, false),
        ] {
            let uses =
                [(Use::Writing, writing), (Use::Reading, reading), (Use::Replacing, reading)];
            for (what, refused) in uses {
                let file = image();
                let user = other(&file);
                fcntl(&user, FcntlArg::F_OFD_SETLK(&range(libc::F_RDLCK, byte))).unwrap();
                let why = told(file, what);
                assert_eq!(why.contains("holds its lock"), refused, "{byte} {what:?}: {why}");
            }
        }
    }

    #[test]
    fn what_is_held_is_not_taken_by_another() {
        let file = image();
        let (_, path) = file.into_parts();
        let first = Disk::open(&path).unwrap();
        hold(&first, Use::Writing).unwrap();
        let second = hold(&Disk::open(&path).unwrap(), Use::Reading).unwrap_err().to_string();
        assert!(second.contains("another run"), "{second}");
        let read = image();
        let (_, read) = read.into_parts();
        let first_reader = Disk::open(&read).unwrap();
        hold(&first_reader, Use::Reading).unwrap();
        assert!(hold(&Disk::open(&read).unwrap(), Use::Reading).is_err(), "of two that read, too");
        let user = Disk::open(&path).unwrap();
        let mut lock = range(libc::F_WRLCK, DOES + WRITE);
        fcntl(user.fd(), FcntlArg::F_OFD_GETLK(&mut lock)).unwrap();
        assert_eq!(i32::from(lock.l_type), libc::F_RDLCK, "a QEMU would see it");
    }
}
