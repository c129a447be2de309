//! Asks the root's own programs whether they take what is about to be written.
//!
//! They run in the root as it will be: a view of it, in a mount namespace of one thread, with the
//! changes of the plan on top, in memory. The tree is not touched, nothing is left behind, and no
//! network is there. It must stay true that every path is used only after the change of root, so
//! that a link in the tree leads nowhere else.
#![allow(clippy::disallowed_methods)] // paths are the view's own once it has been entered

use std::ffi::OsStr;
use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Read, Seek};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::OFlag;
use nix::mount::{MsFlags, mount};
use nix::sched::{CloneFlags, unshare};
use nix::sys::stat::{Mode, fstat};
use nix::unistd::{chdir, chroot, fchdir};

use crate::error::{Error, Result};
use crate::rootfs::{DiskRootfs, ImagePath, Links, NodeBody, PathChange, Rootfs, escape};

/// A program that has not ended by then is not waited for.
const PATIENCE: Duration = Duration::from_secs(60);
/// So much of what a program says is read (bytes), and so many of its lines are shown.
const OUTPUT_LIMIT: u64 = 64 << 10;
const SHOWN: usize = 6;
/// Where the view has what only the question needs: memory, gone with it.
const SCRATCH: &str = "/run/gokaku";

/// A program that can judge files before a daemon reads them.
struct Judge {
    /// What it is called in reports.
    name: &'static str,
    program: &'static str,
    args: &'static [&'static str],
    /// The beginnings of the paths it is asked about.
    paths: &'static [&'static str],
    /// It ends well all the same, and says this of a line that it does not take.
    complaint: Option<&'static str>,
}

const JUDGES: [Judge; 4] = [
    Judge {
        name: "sshd -t",
        program: "/usr/sbin/sshd",
        args: &["-t"],
        paths: &["/etc/ssh/sshd_config"],
        complaint: None,
    },
    Judge {
        name: "visudo -c",
        program: "/usr/sbin/visudo",
        args: &["-c"],
        paths: &["/etc/sudoers"],
        complaint: None,
    },
    Judge {
        name: "rsyslogd -N1",
        program: "/usr/sbin/rsyslogd",
        args: &["-N1"],
        paths: &["/etc/rsyslog.conf", "/etc/rsyslog.d/"],
        complaint: None,
    },
    Judge {
        name: "modprobe -c",
        program: "/sbin/modprobe",
        args: &["-c"],
        paths: &["/etc/modprobe.d/"],
        complaint: Some("ignoring bad line"),
    },
];

/// What a program said of the files.
enum Said {
    /// It takes them.
    Fine,
    /// It does not; its words.
    No(Vec<String>),
    /// It is not there, or not for this machine; why.
    CannotAsk(String),
}

/// Asks about the files that `changes` write. What a program refuses already as it is, is a
/// warning: the plan is not at fault.
///
/// # Errors
/// [`Error::Invalid`] for the first file that is refused; [`Error::Host`] when nothing can be asked
/// here at all.
pub fn validate(root: &DiskRootfs, changes: &[PathChange]) -> Result<()> {
    for judge in &JUDGES {
        let about: Vec<&ImagePath> =
            changes.iter().map(|c| &c.path).filter(|p| judge.is_about(p)).collect();
        if about.is_empty() {
            continue;
        }
        let name = judge.name;
        match ask(root, changes, judge)? {
            Said::Fine => {
                log::info!(phase = "validate", files = about.len(); "{name} takes what is planned");
            }
            Said::CannotAsk(why) => log::warn!("{name} was not asked: {why}"),
            Said::No(words) => {
                let before = match ask(root, &[], judge)? {
                    Said::No(words) => words,
                    Said::Fine | Said::CannotAsk(_) => Vec::new(),
                };
                let new: Vec<&String> = words.iter().filter(|w| !before.contains(w)).collect();
                if new.is_empty() {
                    log::warn!("{name} refuses what is there already: {}", words.join("; "));
                    continue;
                }
                let join = |all: Vec<String>, by| all.join(by);
                return Err(Error::Invalid {
                    program: name,
                    paths: join(about.iter().map(|p| p.to_string()).collect(), ", "),
                    words: join(new.into_iter().take(SHOWN).cloned().collect(), "; "),
                });
            }
        }
    }
    Ok(())
}

impl Judge {
    fn is_about(&self, path: &ImagePath) -> bool {
        let path = path.as_bytes();
        self.paths.iter().any(|p| path.starts_with(p.as_bytes()))
    }
}

/// What is to stand at a path of the view.
struct Put {
    path: PathBuf,
    mode: u32,
    owner: (u32, u32),
    what: What,
}

enum What {
    Content(Vec<u8>),
    Link(PathBuf),
    Directory,
    Stat,
    Nothing,
}

impl Put {
    fn of(change: &PathChange) -> Put {
        let path = PathBuf::from(OsStr::from_bytes(change.path.as_bytes()));
        let Some(node) = &change.after else {
            return Put { path, mode: 0, owner: (0, 0), what: What::Nothing };
        };
        let what = match &node.body {
            NodeBody::File(Some(bytes)) => What::Content(bytes.to_vec()),
            NodeBody::Symlink(text) => What::Link(OsStr::from_bytes(text).into()),
            NodeBody::Dir if change.before.is_none() => What::Directory,
            _ => What::Stat,
        };
        Put { path, mode: node.stat.mode, owner: (node.stat.uid, node.stat.gid), what }
    }

    fn write(&self) -> std::io::Result<()> {
        let path = &self.path;
        match &self.what {
            What::Nothing => return fs::remove_file(path),
            What::Link(text) => {
                let _ = fs::remove_file(path);
                return symlink(text, path);
            }
            What::Directory => fs::create_dir(path)?,
            What::Content(bytes) => fs::write(path, bytes)?,
            What::Stat => {}
        }
        // In a user namespace some owners cannot be had, and no judge asks for those.
        let _ = lchown(path, Some(self.owner.0), Some(self.owner.1));
        fs::set_permissions(path, Permissions::from_mode(self.mode))
    }
}

/// Runs a judge in the view, in a thread that has namespaces and a root of its own and ends with
/// them.
fn ask(root: &DiskRootfs, changes: &[PathChange], judge: &'static Judge) -> Result<Said> {
    let fail =
        |why: String| Error::host("ask its programs", root.host_path(), std::io::Error::other(why));
    let top = ImagePath::root();
    let flags = OFlag::O_PATH | OFlag::O_DIRECTORY;
    let dir = root.open_at(&top, flags, Links::Refuse).map_err(|e| fail(e.to_string()))?;
    let id = fstat(&dir).map(|s| (s.st_dev, s.st_ino)).map_err(|e| fail(e.to_string()))?;
    let has_host_key = root.list(&ImagePath::parse("/etc/ssh")?).is_ok_and(|names| {
        let is_key = |n: &std::ffi::OsString| {
            n.as_bytes().starts_with(b"ssh_host_") && n.as_bytes().ends_with(b"_key")
        };
        names.unwrap_or_default().iter().any(is_key)
    });
    let scratch = tempfile::tempdir().map_err(|e| fail(format!("no temporary directory: {e}")))?;
    let output = tempfile::tempfile().map_err(|e| fail(format!("no temporary file: {e}")))?;
    let puts: Vec<Put> = changes.iter().map(Put::of).collect();
    let (path, place) = (root.host_path().to_owned(), scratch.path().to_owned());
    let asked = std::thread::spawn(move || {
        let view = View { root: path, id, scratch: place };
        view.enter()?;
        for put in &puts {
            let shown = put.path.display();
            put.write().map_err(|e| format!("{shown}: cannot be put into the view: {e}"))?;
        }
        judge.run(output, !has_host_key)
    });
    match asked.join() {
        Ok(said) => said.map_err(fail),
        Err(_) => Err(fail("the question came to no end".to_owned())),
    }
}

/// The root as it will be, and the way into it.
struct View {
    root: PathBuf,
    id: (u64, u64),
    scratch: PathBuf,
}

type Step<T = ()> = std::result::Result<T, String>;

/// The devices a judge may open.
const DEVICES: [&str; 4] = ["null", "zero", "random", "urandom"];

impl View {
    /// Changes this thread's root to a view of the root that can be written without touching it.
    fn enter(&self) -> Step {
        let apart = CloneFlags::CLONE_FS
            | CloneFlags::CLONE_NEWNS
            | CloneFlags::CLONE_NEWNET
            | CloneFlags::CLONE_NEWIPC;
        unshare(apart).map_err(|e| {
            format!(
                "no namespaces of their own for them: {e}; this needs root rights (in a container: \
                 --privileged)"
            )
        })?;
        let none = None::<&str>;
        mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none).map_err(
            |e| match e {
                Errno::EINVAL => "mounts cannot be kept apart in a chroot".to_owned(),
                e => format!("mounts cannot be kept apart: {e}"),
            },
        )?;
        let at = |name: &str| self.scratch.join(name);
        let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV;
        mount(Some("gokaku"), &self.scratch, Some("tmpfs"), quiet, Some("mode=700"))
            .map_err(|e| format!("no memory to write to: {e}"))?;
        for name in ["upper", "work", "view", "dev"] {
            fs::create_dir(at(name)).map_err(|e| format!("{name}: {e}"))?;
        }
        for name in DEVICES {
            let place = at("dev").join(name);
            File::create(&place).map_err(|e| format!("/dev/{name}: {e}"))?;
            mount(Some(&Path::new("/dev").join(name)), &place, none, MsFlags::MS_BIND, none)
                .map_err(|e| format!("/dev/{name}: {e}"))?;
        }
        self.overlay(&at("upper"), &at("work"), &at("view"))?;
        // From here on, a link in the tree leads nowhere but into the scratch directory.
        chroot(&self.scratch).and_then(|()| chdir("/")).map_err(|e| format!("no way in: {e}"))?;
        for (what, on) in [("dev", "/view/dev"), ("run", "/view/run")] {
            let _ = fs::create_dir(on);
            let mounted = match what {
                "dev" => mount(Some("/dev"), on, none, MsFlags::MS_BIND | MsFlags::MS_REC, none),
                _ => mount(Some("gokaku"), on, Some("tmpfs"), quiet, Some("mode=755")),
            };
            mounted.map_err(|e| format!("/{what}: cannot mount: {e}"))?;
        }
        chroot("/view").and_then(|()| chdir("/")).map_err(|e| format!("no way in: {e}"))?;
        // What is run has no program's file of this machine; sshd wants its empty directory.
        for dir in [SCRATCH, "/run/sshd"] {
            fs::create_dir(dir).map_err(|e| format!("{dir}: {e}"))?;
        }
        Ok(())
    }

    /// The root below, memory on top. Its path may hold any character, so it is the working
    /// directory.
    fn overlay(&self, upper: &Path, work: &Path, view: &Path) -> Step {
        let root = nix::fcntl::open(
            &self.root,
            OFlag::O_RDONLY | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC,
            Mode::empty(),
        )
        .map_err(|e| format!("cannot be opened: {e}"))?;
        if fstat(&root).ok().map(|s| (s.st_dev, s.st_ino)) != Some(self.id) {
            return Err("another directory than at the beginning".to_owned());
        }
        fchdir(&root).map_err(|e| format!("cannot be entered: {e}"))?;
        let layers = format!("lowerdir=.,upperdir={},workdir={}", upper.display(), work.display());
        // In a user namespace attributes of overlays are users' own.
        let mut last = Errno::EINVAL;
        for options in [layers.clone(), format!("{layers},userxattr")] {
            let quiet = MsFlags::MS_NODEV;
            match mount(Some("gokaku"), view, Some("overlay"), quiet, Some(options.as_str())) {
                Ok(()) => return Ok(()),
                Err(e) => last = e,
            }
        }
        Err(format!("no view of it can be made (overlayfs): {last}"))
    }
}

impl Judge {
    /// Runs it in the view, which this thread has entered.
    fn run(&self, mut output: File, needs_key: bool) -> Step<Said> {
        if fs::metadata(self.program).is_err() {
            return Ok(Said::CannotAsk(format!("{} is not there", self.program)));
        }
        let mut args: Vec<&str> = self.args.to_vec();
        let key = format!("{SCRATCH}/key");
        if needs_key && self.program.ends_with("sshd") {
            // It refuses to judge without a host key; this one never leaves memory.
            let made = Command::new("/usr/bin/ssh-keygen")
                .args(["-q", "-t", "ed25519", "-N", "", "-f", &key])
                .env_clear()
                .stdin(Stdio::null())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            if !made.is_ok_and(|status| status.success()) {
                return Ok(Said::CannotAsk(
                    "no host key is there, and none can be made".to_owned(),
                ));
            }
            args.extend(["-h", &key]);
        }
        let writer = |file: &File| file.try_clone().map_err(|e| e.to_string());
        let started = Command::new(self.program)
            .args(args)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .stdout(match self.complaint {
                None => writer(&output)?.into(),
                // All that it has read comes out here, and that may be long.
                Some(_) => Stdio::null(),
            })
            .stderr(writer(&output)?)
            .spawn();
        let mut child = match started {
            Ok(child) => child,
            // ENOEXEC: for another kind of machine. ENOENT: so is its loader, or it is not there.
            Err(e) if e.kind() == ErrorKind::NotFound || e.raw_os_error() == Some(8) => {
                return Ok(Said::CannotAsk(format!("{} does not run here: {e}", self.program)));
            }
            Err(e) => return Ok(Said::CannotAsk(format!("{}: {e}", self.program))),
        };
        let begun = Instant::now();
        let status = loop {
            match child.try_wait().map_err(|e| e.to_string())? {
                Some(status) => break status,
                None if begun.elapsed() > PATIENCE => {
                    let _ = child.kill();
                    let _ = child.wait();
                    let why = format!("no answer within {} s", PATIENCE.as_secs());
                    return Ok(Said::CannotAsk(why));
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        };
        let lines = said(&mut output).map_err(|e| e.to_string())?;
        let bad = match self.complaint {
            None if status.success() => return Ok(Said::Fine),
            None => lines,
            Some(word) => lines.into_iter().filter(|l| l.contains(word)).collect(),
        };
        Ok(match (bad.is_empty(), status.success()) {
            (true, true) => Said::Fine,
            (true, false) => Said::No(vec![format!("{status}, without a word")]),
            (false, _) => Said::No(bad),
        })
    }
}

/// Its lines, safe to show.
fn said(output: &mut File) -> std::io::Result<Vec<String>> {
    output.rewind()?;
    let mut bytes = Vec::new();
    output.take(OUTPUT_LIMIT).read_to_end(&mut bytes)?;
    let lines = bytes.split(|b| *b == b'\n').map(<[u8]>::trim_ascii_end);
    Ok(lines.filter(|l| !l.is_empty()).map(escape).collect())
}
