//! The kernels of an image, as far as one module goes.

use crate::check::Evidence;
use crate::check::kernel::messages;
use crate::error::Result;
use crate::rootfs::{FileKind, ImagePath, Rootfs};

/// A kernel's list of modules is below a megabyte.
const LIST_LIMIT: u64 = 64 << 20;

/// What the installed kernels have of the module.
pub(super) struct Kernels {
    /// Some kernel has it as a file: a pattern line binds it.
    pub on_disk: bool,
    /// Some kernel does not (or there is none yet): only a line with its name binds it.
    pub absent: bool,
    /// Kernels that hold it themselves, where no line can keep it out.
    pub built_in: Vec<Evidence>,
}

impl Kernels {
    /// Looks through `/lib/modules`.
    pub fn of(root: &dyn Rootfs, module: &str) -> Result<Kernels> {
        let dir = ImagePath::parse("/lib/modules")?;
        let mut kernels = Kernels { on_disk: false, absent: false, built_in: Vec::new() };
        for release in root.list(&dir)?.unwrap_or_default().iter() {
            let dir = dir.join(release)?;
            if root.locate(&dir)?.stat.is_none_or(|s| s.kind != FileKind::Dir) {
                continue;
            }
            let built_in = dir.join("modules.builtin")?;
            if let Some(line) = line_of(root, &built_in, module)? {
                let found = Evidence::at(&built_in).line(line).found(messages::built_in());
                kernels.built_in.push(found.want(messages::loadable_or_none()));
            }
            match line_of(root, &dir.join("modules.dep")?, module)? {
                Some(_) => kernels.on_disk = true,
                None => kernels.absent = true,
            }
        }
        kernels.absent |= !kernels.on_disk;
        Ok(kernels)
    }
}

/// The line of a kernel's list of module files that names `module`, from 1.
fn line_of(root: &dyn Rootfs, list: &ImagePath, module: &str) -> Result<Option<usize>> {
    let Some(bytes) = root.read_bytes(list, LIST_LIMIT)? else { return Ok(None) };
    let is_it = |line: &[u8]| {
        let file = line.split(|b| *b == b':').next().unwrap_or(line);
        let file = file.rsplit(|b| *b == b'/').next().unwrap_or(file);
        let Some(rest) = file.get(module.len()..) else { return false };
        let same = |(a, b): (&u8, u8)| *a == b || (*a == b'-' && b == b'_');
        // `.ko`, and what a compressed one has behind it.
        (rest == b".ko" || rest.starts_with(b".ko.")) && file.iter().zip(module.bytes()).all(same)
    };
    Ok(bytes.split(|b| *b == b'\n').position(is_it).map(|at| at + 1))
}
