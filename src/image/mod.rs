//! Disk images as files: formats, partition tables, filesystems, what an fstab mounts, locks, free space.
//!
//! Nothing here mounts, writes to an image, or opens a path that the image names: `gokaku image` reports
//! to `provision/harden-image.sh` what it may mount where. Every byte that is read is untrusted, and
//! the amount is bounded.

mod attach;
mod disk;
mod format;
mod lock;
mod machine;
pub(crate) mod messages;
mod mounts;
mod note;
mod places;
mod qcow2;
mod room;
mod session;
mod superblock;
mod table;

use std::path::Path;

use serde::Serialize;

use crate::error::Result;
use crate::message::Lang;
use crate::rootfs::DiskRootfs;

pub use disk::Disk;
pub use format::Format;
pub use lock::{Use, hold};
pub use machine::Machine;
pub use mounts::{Apart, System};
pub use note::{drop_if_gone, note};
pub use places::{Copies, copies, is_half_done, of_copies, state_dir};
pub use qcow2::{check as qcow2_check, options as qcow2_options};
pub use room::{Need, any as any_room, check as check_room};
pub use session::{Leftovers, apart, run, wait_and_tidy};
pub use table::{Partition, Table};

/// What an image is; also its JSON form.
#[derive(Debug, Serialize)]
pub struct Inspection {
    /// Always `gokaku.image/1`.
    pub schema: &'static str,
    /// The image's path on this machine.
    pub image: String,
    /// Its format.
    pub format: Format,
    /// The size of the disk in it, in bytes; of a qcow2, of the file.
    pub size: u64,
    /// Its partition table; `null` for a qcow2, which must be converted to raw first.
    pub table: Option<Table>,
    /// Its partitions, in the order of the table.
    pub partitions: Vec<Partition>,
    /// What the fstab of one of them says, where it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub system: Option<System>,
}

/// Looks at an image.
///
/// # Errors
/// [`crate::error::Error::Guard`] for a format, a table or a header that will not do; the kernel's
/// refusal.
pub fn inspect(disk: &Disk) -> Result<Inspection> {
    let (format, size) = format::of(disk)?;
    let (table, partitions) = match format {
        Format::Qcow2 => (None, Vec::new()),
        Format::Raw | Format::Vhd => {
            let (table, partitions) = table::read(disk, size)?;
            (Some(table), partitions)
        }
    };
    Ok(Inspection {
        schema: "gokaku.image/1",
        image: disk.path().display().to_string(),
        format,
        size,
        table,
        partitions,
        system: None,
    })
}

impl Inspection {
    /// Adds what the system says whose root is partition `number`, mounted at `root`.
    ///
    /// # Errors
    /// [`crate::error::Error::Guard`] for an fstab that cannot be read.
    pub fn with_system(mut self, root: &Path, number: u32) -> Result<Inspection> {
        let root = DiskRootfs::open(root)?;
        self.system = Some(System::read(&root, &self.partitions, number)?);
        Ok(self)
    }

    /// One line for each fact, its fields separated by tabs. No field holds a control character, and
    /// no mount point anything but letters, digits and `/._-+@%`.
    pub fn lines(&self, lang: Lang) -> String {
        let mut out = String::new();
        let mut line = |fields: &[&str]| {
            let clean: Vec<String> =
                fields.iter().map(|f| crate::rootfs::escape(f.as_bytes())).collect();
            out.push_str(&clean.join("\t"));
            out.push('\n');
        };
        line(&["format", self.format.word()]);
        if let Some(table) = &self.table {
            line(&["table", table.word()]);
        }
        for p in &self.partitions {
            let why = p.filesystem.as_ref().and_then(|f| f.refused.as_ref());
            let why = why.map_or_else(String::new, |why| why.text(lang));
            let (kind, clean, root) = match &p.filesystem {
                None => ("unknown", false, false),
                Some(f) => (f.kind, f.clean, f.may_be_root()),
            };
            line(&[
                "partition",
                &p.number.to_string(),
                &p.start.to_string(),
                &p.size.to_string(),
                kind,
                if clean { "clean" } else { "dirty" },
                if root && why.is_empty() { "mountable" } else { "other" },
                p.filesystem.as_ref().and_then(|f| f.uuid.as_deref()).unwrap_or("-"),
                &why,
            ]);
        }
        let Some(system) = &self.system else { return out };
        let yes = |yes: bool| if yes { "yes" } else { "no" };
        line(&["system", yes(system.is_system), yes(system.names_itself)]);
        for m in &system.mounts {
            let numbers =
                [m.partition.into(), m.start, m.size, m.journal].map(|n: u64| n.to_string());
            let [number, start, size, journal] = &numbers;
            let clean = if m.clean { "clean" } else { "dirty" };
            let uuid = m.uuid.as_deref().unwrap_or("-");
            line(&["mount", &m.path, number, start, size, m.kind, journal, clean, uuid]);
        }
        for (kind, all) in [("left", &system.left), ("refused", &system.refused)] {
            for Apart { path, why } in all {
                line(&[kind, path, &why.text(lang)]);
            }
        }
        out
    }
}
