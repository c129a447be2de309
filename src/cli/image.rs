//! `gokaku image`: what `provision/harden-image.sh` asks before it mounts a disk image.

use std::ffi::OsString;
use std::io::Read;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use clap::{Args as ClapArgs, Subcommand, ValueEnum};
use serde_json::Value;

use super::{Failure, emit, json, status};
use crate::apply;
use crate::error::{Error, Result};
use crate::image::{self, Disk, Inspection, Need, Use};
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
    /// Lock an image while a command runs.
    ///
    /// Exit status 3, and the command is not run: QEMU or another run has locked the image, a loop device
    /// is attached to it, or a process has it open for writing.
    Lock {
        /// The image.
        disk: PathBuf,
        /// What the command does with it.
        #[arg(long = "for", value_name = "WHAT", default_value = "write")]
        purpose: Purpose,
        /// The command and its arguments, after `--`.
        #[arg(last = true, required = true, value_name = "COMMAND")]
        command: Vec<OsString>,
    },
    /// Check that there is enough space for what a run will write.
    ///
    /// Exit status 1: there is not; the missing amount is printed.
    Room(Room),
    /// Undo, on a copy of an image, the interrupted run that its journal records.
    ///
    /// If the copy holds no interrupted run, nothing is done or printed. The journal stays: the other
    /// copy may need it.
    Recover {
        /// The mount point of the copy, with all its filesystems mounted.
        #[arg(long, value_name = "DIR")]
        root: PathBuf,
        /// The state directory with the journal of the other copy.
        #[arg(long, value_name = "DIR")]
        state_dir: PathBuf,
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
    /// The format of the answer.
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub format: Form,
}

/// What is to be written.
#[derive(Debug, ClapArgs)]
pub struct Room {
    /// The image.
    pub disk: PathBuf,
    /// The JSON report of `gokaku plan` on it.
    #[arg(long, value_name = "FILE", requires = "root")]
    pub plan: Option<PathBuf>,
    /// The mount point of the image.
    #[arg(long, value_name = "DIR", requires = "plan")]
    pub root: Option<PathBuf>,
    /// The journal size, in bytes, of each filesystem that is written to; may be repeated.
    #[arg(long, value_name = "BYTES")]
    pub journal: Vec<u64>,
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
pub enum Purpose {
    /// It is read; others may also read it.
    Read,
    /// It is read, and another file replaces it.
    Replace,
    /// It is written to.
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

pub(super) fn run(verb: &ImageVerb) -> Result<u8, Failure> {
    match verb {
        ImageVerb::Inspect(what) => inspect(what),
        ImageVerb::Lock { disk, purpose, command } => lock(disk, *purpose, command),
        ImageVerb::Room(what) => room(what),
        ImageVerb::Recover { root, state_dir } => {
            if let Some(paths) = apply::undo_copy(&DiskRootfs::open(root)?, state_dir)? {
                log::warn!(
                    "a run on another copy of this image was cut off; {} paths were put back here",
                    paths.len()
                );
            }
            Ok(status::OK)
        }
    }
}

fn inspect(what: &Inspect) -> Result<u8, Failure> {
    let disk = Disk::open(&what.disk)?;
    let found: Inspection = image::inspect(&disk)?;
    if let Some(info) = &what.qemu_info {
        let options = image::qcow2_options(&disk, &answer(info)?)?;
        emit(&format!("{options}\n"), false)?;
        return Ok(status::OK);
    }
    let found = match (&what.root, what.partition) {
        (Some(root), Some(number)) => found.with_system(root, number)?,
        _ => found,
    };
    let text = match what.format {
        Form::Text => found.lines(),
        Form::Json => json(&found)?,
    };
    emit(&text, false)?;
    Ok(status::OK)
}

fn lock(disk: &Path, purpose: Purpose, command: &[OsString]) -> Result<u8, Failure> {
    let held = Disk::open(disk)?;
    let what = match purpose {
        Purpose::Read => Use::Reading,
        Purpose::Replace => Use::Replacing,
        Purpose::Write => Use::Writing,
    };
    image::hold(&held, what)?;
    let Some((program, arguments)) = command.split_first() else { return Ok(status::USAGE) };
    #[allow(clippy::disallowed_methods)] // what the user wants run, in place of this program
    let failed = std::process::Command::new(program).args(arguments).exec();
    Err(Error::host("run", Path::new(program), failed).into())
}

fn room(what: &Room) -> Result<u8, Failure> {
    let disk = Disk::open(&what.disk)?;
    let beside = what.disk.parent().filter(|dir| !dir.as_os_str().is_empty());
    let beside = beside.unwrap_or(Path::new("."));
    let work = what.work_dir.as_deref().unwrap_or(beside);
    let need = match (&what.plan, &what.root, &what.qemu_map) {
        (Some(plan), Some(root), _) => {
            Need::of_plan(&DiskRootfs::open(root)?, &answer(plan)?, &what.journal)?
        }
        (_, _, Some(map)) => Need::of_map(&disk, &answer(map)?)?,
        _ => return Err(Failure::Usage("want --plan with --root, or --qemu-map".into())),
    };
    image::check_room(&disk, work, &need)?;
    Ok(status::OK)
}

/// What another program has answered.
#[allow(clippy::disallowed_methods)] // a file of the host, named by the user
fn answer(path: &Path) -> Result<Value, Error> {
    let fail = |e| Error::host("read", path, e);
    let mut text = Vec::new();
    match path.as_os_str() == "-" {
        true => std::io::stdin().lock().take(LARGEST_ANSWER).read_to_end(&mut text),
        false => std::fs::File::open(path)
            .and_then(|file| file.take(LARGEST_ANSWER).read_to_end(&mut text)),
    }
    .map_err(fail)?;
    serde_json::from_slice(&text).map_err(|e| fail(e.into()))
}
