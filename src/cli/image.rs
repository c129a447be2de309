//! `gokaku image`: what `provision/harden-image.sh` asks before it mounts a disk image.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::Value;

use super::{Failure, emit, json, messages, signals, status};
use crate::apply;
use crate::error::{Error, Result, cannot};
use crate::image::{
    self, Copies, Disk, Format, Inspection, Leftovers, Machine, Need, Partition, Use,
};
use crate::message::{Lang, say};
use crate::rootfs::DiskRootfs;

/// The verbs about a disk image.
#[derive(Debug, Subcommand)]
pub enum ImageVerb {
    /// Print what an image holds: format, partitions, filesystems, and what its fstab mounts.
    ///
    /// Reads only the image file, and a bounded part of it. Exit status 3: it refers to another file (a
    /// backing or data file), its partition table is inconsistent, or its format is not raw, qcow2
    /// or fixed-size VHD; the commands to convert it are printed.
    Inspect(Inspect),
    /// Print what a script is to mount: one line per filesystem, its fields separated by tabs.
    ///
    /// `mount`, partition, mount point, `clean` or `mend`, type, first byte, size, the package and the command
    /// of its checker, the arguments of mount(8) for reading and for writing. Without `--systems`, the
    /// filesystems that may be the root; with it, the root and what its fstab mounts, and `left`, mount point,
    /// reason for what is left out. Exit status 3: there is no root or more than one, or something that is
    /// needed cannot be mounted.
    Mounts {
        /// The image.
        disk: PathBuf,
        /// A directory with the mount point of each root candidate, by partition number, or `NUMBER.why`, a
        /// file with the reason why it is not mounted.
        #[arg(long, value_name = "DIR")]
        systems: Option<PathBuf>,
        /// The partition of the root; by default the only one with an os-release.
        #[arg(long, value_name = "NUMBER", env = "GOKAKU_PARTITION")]
        partition: Option<u32>,
        /// A run on it was interrupted: ext2, ext3 and ext4 that were not unmounted can be mended.
        #[arg(long)]
        half_done: bool,
    },
    /// Lock an image while a command runs.
    ///
    /// The command finds in its environment `image` (absolute path), `format`, `raw` and `new` (where copies of it
    /// belong), and `half_done`, which is empty unless a run on it was interrupted.
    ///
    /// Exit status 3, and the command is not run: QEMU or another run has locked the image, a loop device
    /// is attached to it, a process has it open for writing, or `inspect` refuses it.
    Lock(Lock),
    /// Tidy up after a run on an image, once the standard input ends.
    #[command(hide = true)]
    Janitor {
        /// The image.
        disk: PathBuf,
        /// Its raw copy.
        #[arg(long)]
        raw: PathBuf,
        /// The image that was to take its place.
        #[arg(long)]
        new: PathBuf,
        /// The directory with which the run and its command spoke.
        #[arg(long)]
        talk: PathBuf,
        /// The directory with the journals of all images.
        #[arg(long)]
        state_dir: PathBuf,
    },
    /// Check that there is enough space for what a run will write.
    ///
    /// Prints `changes`, the number of paths that the plan changes, and `needed`, the space in bytes. Exit
    /// status 1: there is not enough; the missing amount is printed.
    Room(Room),
    /// Print the state directory for the undo journal of an image.
    Journal(Journal),
    /// Undo the interrupted runs on images of which this one may be a copy, or which it was.
    ///
    /// What the image does not hold is not undone. A journal stays as long as the image that it was made for exists.
    Recover {
        /// The image and its journal.
        #[command(flatten)]
        journal: Journal,
        /// The mount point of the image, with all its filesystems mounted.
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
    },
    /// Print those of some state directories that hold the journal of an interrupted run.
    Unfinished {
        /// The state directories.
        #[arg(required = true, value_name = "DIR")]
        dirs: Vec<PathBuf>,
    },
}

/// What is inspected.
#[derive(Debug, ClapArgs)]
pub struct Inspect {
    /// The image.
    pub disk: PathBuf,
    /// The mount point of one of its partitions: also print what the fstab there mounts.
    #[arg(long, value_name = "DIR", requires = "partition")]
    pub root: Option<PathBuf>,
    /// The number of that partition; 0 for a disk without a partition table.
    #[arg(long, value_name = "NUMBER", requires = "root")]
    pub partition: Option<u32>,
    /// The output of `qemu-img info --output=json` for a qcow2 image (`-` is stdin): print the options
    /// that create an image like it instead.
    #[arg(long, value_name = "FILE", conflicts_with = "root")]
    pub qemu_info: Option<PathBuf>,
    /// The output of `qemu-img check --output=json` for it: `-c` is a second line if its data are compressed.
    #[arg(long, value_name = "FILE", requires = "qemu_info")]
    pub qemu_check: Option<PathBuf>,
    /// The format of the answer.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Form,
}

/// An image and the place of its journal.
#[derive(Debug, ClapArgs)]
pub struct Journal {
    /// The image.
    pub disk: PathBuf,
    /// The partition of its root.
    #[arg(long, value_name = "NUMBER")]
    pub partition: u32,
    /// The directory with the journals of all images.
    #[arg(long, value_name = "DIR", default_value = apply::STATE_DIR)]
    pub state_dir: PathBuf,
}

/// An image and what is run while it is locked.
#[derive(Debug, ClapArgs)]
pub struct Lock {
    /// The image.
    pub disk: PathBuf,
    /// What the command does with it.
    #[arg(long = "for", value_name = "WHAT", default_value = "write")]
    pub purpose: Intent,
    /// The directory for copies; by default that of the image.
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
    /// The directory with the journals of all images.
    #[arg(long, value_name = "DIR", default_value = apply::STATE_DIR)]
    pub state_dir: PathBuf,
    /// Run the command in mount and process namespaces of its own, which end with this program, and free the loop
    /// devices and remove the copies that it leaves, however it ends.
    ///
    /// INT, TERM and HUP reach the command as one TERM. In the directory `talk` it writes its process id to the
    /// file `pid`, exits with 143 if a file `stop` is there, and names its state directory in the file `journal`.
    #[arg(long)]
    pub apart: bool,
    /// Seconds that the command has after a signal.
    #[arg(long, value_name = "SECONDS", env = "GOKAKU_UNDO_TIME", default_value = "120")]
    pub undo_time: u64,
    /// Seconds that any program may take; those that ask or tidy up have 60 at most.
    #[arg(long, value_name = "SECONDS", env = "GOKAKU_TIME_LIMIT", default_value = "3600")]
    pub time_limit: u64,
    /// The command and its arguments, after `--`.
    #[arg(last = true, required = true, value_name = "COMMAND")]
    pub command: Vec<OsString>,
}

/// What is to be written. Without any of it: whether there is any space left.
#[derive(Debug, ClapArgs)]
pub struct Room {
    /// The image.
    pub disk: PathBuf,
    /// The JSON report of `gokaku plan` on it.
    #[arg(long, value_name = "FILE", requires = "root")]
    pub plan: Option<PathBuf>,
    /// The mount point of the image.
    #[arg(long, value_name = "DIR", requires_all = ["plan", "partition"])]
    pub root: Option<PathBuf>,
    /// The partition of its root.
    #[arg(long, value_name = "NUMBER", requires = "root")]
    pub partition: Option<u32>,
    /// The output of `qemu-img map --output=json` for a qcow2 image that will be converted to raw and
    /// back (`-` is stdin).
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub qemu_map: Option<PathBuf>,
    /// The directory for the raw copy; by default that of the image.
    #[arg(long, value_name = "DIR")]
    pub work_dir: Option<PathBuf>,
}

/// What is done with an image that is locked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Intent {
    /// It is read; a QEMU may also read it.
    Read,
    /// It is written to, or, in case of a qcow2, replaced.
    Write,
}

/// The formats of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// One line per fact, fields separated by tabs.
    Text,
    /// `gokaku.image/1`.
    Json,
}

/// No answer of a program about an image is larger (bytes).
const LARGEST_ANSWER: u64 = 256 << 20;

pub(super) fn run(verb: &ImageVerb, lang: Lang) -> Result<u8, Failure> {
    match verb {
        ImageVerb::Inspect(what) => inspect(what, lang),
        ImageVerb::Mounts { disk, systems, partition, half_done } => {
            let found = image::inspect(&Disk::open(disk)?)?;
            let machine = match systems {
                None => Machine::candidates(&found, *partition, *half_done)?,
                Some(systems) => Machine::whole(&found, *partition, *half_done, systems)?,
            };
            emit(&machine.lines(lang), false)?;
            Ok(status::OK)
        }
        ImageVerb::Lock(what) => lock(what),
        ImageVerb::Janitor { disk, raw, new, talk, state_dir } => {
            // The signals of whoever ends the run by its name are not for its end.
            let _ = signals::watch_for_another();
            let leftovers = Leftovers {
                image: disk.clone(),
                copies: Copies { raw: raw.clone(), new: new.clone() },
                state: state_dir.clone(),
                time_limit: u64::MAX,
            };
            image::wait_and_tidy(&leftovers, talk)?;
            Ok(status::OK)
        }
        ImageVerb::Room(what) => room(what),
        ImageVerb::Journal(what) => {
            let (disk, at) = what.open()?;
            let dir = image::state_dir(&what.state_dir, &disk, &at);
            emit(&format!("{}\n", dir.display()), false)?;
            Ok(status::OK)
        }
        ImageVerb::Recover { journal, root } => recover(journal, root),
        ImageVerb::Unfinished { dirs } => {
            for dir in dirs {
                if apply::is_unfinished(dir)? {
                    emit(&format!("{}\n", dir.display()), false)?;
                }
            }
            Ok(status::OK)
        }
    }
}

impl Journal {
    /// The image and the partition of its root.
    fn open(&self) -> Result<(Disk, Partition)> {
        let disk = Disk::open(&self.disk)?;
        let found = image::inspect(&disk)?;
        let at = found.partitions.into_iter().find(|p| p.number == self.partition);
        let none = || Error::Guard(messages::no_partition(self.partition));
        Ok((disk, at.ok_or_else(none)?))
    }
}

fn recover(what: &Journal, root: &Path) -> Result<u8, Failure> {
    let (disk, at) = what.open()?;
    image::note(&image::state_dir(&what.state_dir, &disk, &at), &disk, &what.disk)?;
    for other in image::of_copies(&what.state_dir, &disk, &at)? {
        if let Some(paths) = apply::undo_copy(&DiskRootfs::open(root)?, &other)? {
            say!(warn, messages::undone_on_copy(paths.len()));
        }
        // Nobody else has a use for it when the image was moved here.
        image::drop_if_gone(&other)?;
    }
    Ok(status::OK)
}

fn inspect(what: &Inspect, lang: Lang) -> Result<u8, Failure> {
    let disk = Disk::open(&what.disk)?;
    let found: Inspection = image::inspect(&disk)?;
    if let Some(info) = &what.qemu_info {
        let options = image::qcow2_options(&disk, &answer(info)?)?;
        let compressed = match &what.qemu_check {
            Some(check) => image::qcow2_check(&disk, &answer(check)?)?,
            None => false,
        };
        emit(&format!("{options}\n{}", if compressed { "-c\n" } else { "" }), false)?;
        return Ok(status::OK);
    }
    let found = match (&what.root, what.partition) {
        (Some(root), Some(number)) => found.with_system(root, number)?,
        _ => found,
    };
    let text = match what.format {
        Form::Text => found.lines(lang),
        Form::Json => json(&found)?,
    };
    emit(&text, false)?;
    Ok(status::OK)
}

#[allow(clippy::disallowed_methods)] // a file of the host, and what the user wants run on it
fn lock(what: &Lock) -> Result<u8, Failure> {
    let path = std::fs::canonicalize(&what.disk)
        .map_err(|e| Error::host(cannot::open_the_image, &what.disk, e))?;
    let held = Disk::open(&path)?;
    let format = image::inspect(&held)?.format;
    let purpose = match (what.purpose, format) {
        (Intent::Read, _) => Use::Reading,
        (Intent::Write, Format::Qcow2) => Use::Replacing,
        (Intent::Write, Format::Raw | Format::Vhd) => Use::Writing,
    };
    image::hold(&held, purpose)?;
    let copies = image::copies(&held, what.work_dir.as_deref());
    let half_done = if image::is_half_done(&what.state_dir, &held)? { "1" } else { "" };
    let Some((program, arguments)) = what.command.split_first() else { return Ok(status::USAGE) };
    let mut command = match what.apart {
        true => image::apart(program, arguments),
        false => std::process::Command::new(program),
    };
    command.env("image", &path).env("format", format.word()).env("half_done", half_done);
    command.env("raw", &copies.raw).env("new", &copies.new);
    if !what.apart {
        let failed = command.args(arguments).exec();
        return Err(Error::host(cannot::run, Path::new(program), failed).into());
    }
    let leftovers = Leftovers {
        image: path,
        copies,
        state: what.state_dir.clone(),
        time_limit: what.time_limit,
    };
    let asked = signals::watch_for_another();
    Ok(image::run(command, &leftovers, Duration::from_secs(what.undo_time), &asked)?)
}

fn room(what: &Room) -> Result<u8, Failure> {
    let disk = Disk::open(&what.disk)?;
    let beside = what.disk.parent().filter(|dir| !dir.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    let work = what.work_dir.as_deref().unwrap_or(beside);
    let need = match (&what.plan, &what.root, what.partition, &what.qemu_map) {
        (Some(plan), Some(root), Some(number), _) => {
            let found = image::inspect(&disk)?.with_system(root, number)?;
            let mounts = found.system.map_or(Vec::new(), |system| system.mounts);
            Need::of_plan(&DiskRootfs::open(root)?, &answer(plan)?, &mounts)?
        }
        (.., Some(map)) => Need::of_map(&disk, &answer(map)?)?,
        (None, ..) => {
            image::any_room(&disk)?;
            return Ok(status::OK);
        }
        _ => return Err(Failure::Usage("want --plan with --root and --partition".into())),
    };
    image::check_room(&disk, work, &need)?;
    emit(&need.lines(), false)?;
    Ok(status::OK)
}

/// What another program has answered.
#[allow(clippy::disallowed_methods)] // a file of the host, named by the user
fn answer(path: &Path) -> Result<Value, Error> {
    let fail = |e| Error::host(cannot::read, path, e);
    let mut text = Vec::new();
    match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(LARGEST_ANSWER).read_to_end(&mut text),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST_ANSWER).read_to_end(&mut text)),
    }
    .map_err(fail)?;
    serde_json::from_slice(&text).map_err(|e| fail(e.into()))
}
