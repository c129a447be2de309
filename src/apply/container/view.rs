//! What a validator sees: the root, with a plan's changes on top, in memory.

use std::ffi::OsStr;
use std::fs::{self, Permissions};
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, lchown, symlink};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::plan::PathChange;
use crate::rootfs::NodeBody;

/// All that a container of [`Task::View`](super::Task::View) is given, on its standard input.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(in super::super) struct View {
    /// What stands on top of the root.
    pub puts: Vec<Put>,
    /// Where a host key of sshd is to be made first.
    pub host_key: Option<String>,
    /// The program's standard output is of no interest.
    pub quiet: bool,
}

/// What is to stand at a path of the view.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct Put {
    path: Vec<u8>,
    mode: u32,
    owner: (u32, u32),
    what: What,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
enum What {
    Content(Vec<u8>),
    Link(Vec<u8>),
    Directory,
    Stat,
    Nothing,
}

impl View {
    /// What is written to the container's standard input.
    pub fn to_bytes(&self) -> std::io::Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(std::io::Error::from)
    }

    /// Reads what the run has written, to the end of the input.
    pub(super) fn read(mut input: impl Read) -> Result<View, String> {
        let mut bytes = Vec::new();
        input.read_to_end(&mut bytes).map_err(|e| format!("what is planned: {e}"))?;
        serde_json::from_slice(&bytes).map_err(|e| format!("what is planned: {e}"))
    }

    /// Writes everything into the view. Its paths are the container's own: the root has been entered.
    pub(super) fn write(&self) -> Result<(), String> {
        for put in &self.puts {
            let path = put.path();
            put.write(path)
                .map_err(|e| format!("{}: cannot be put into the view: {e}", path.display()))?;
        }
        Ok(())
    }
}

impl Put {
    /// What a change leaves.
    pub fn of(change: &PathChange) -> Put {
        let path = change.path.as_bytes().to_vec();
        let Some(node) = &change.after else {
            return Put { path, mode: 0, owner: (0, 0), what: What::Nothing };
        };
        let what = match &node.body {
            NodeBody::File(Some(bytes)) => What::Content(bytes.to_vec()),
            NodeBody::Symlink(text) => What::Link(text.clone()),
            NodeBody::Dir if change.before.is_none() => What::Directory,
            _ => What::Stat,
        };
        Put { path, mode: node.stat.mode, owner: (node.stat.uid, node.stat.gid), what }
    }

    fn path(&self) -> &Path {
        Path::new(OsStr::from_bytes(&self.path))
    }

    #[allow(clippy::disallowed_methods)] // the view's own paths
    fn write(&self, path: &Path) -> std::io::Result<()> {
        match &self.what {
            What::Nothing => return fs::remove_file(path),
            What::Link(text) => {
                let _ = fs::remove_file(path);
                return symlink(PathBuf::from(OsStr::from_bytes(text)), path);
            }
            What::Directory => fs::create_dir(path)?,
            What::Content(bytes) => fs::write(path, bytes)?,
            What::Stat => {}
        }
        // In a user namespace some owners cannot be set, and no validator needs those.
        let _ = lchown(path, Some(self.owner.0), Some(self.owner.1));
        fs::set_permissions(path, Permissions::from_mode(self.mode))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_put_arrives_byte_for_byte() {
        let put =
            |path: &[u8], what| Put { path: path.to_vec(), mode: 0o640, owner: (0, 42), what };
        let bytes: Vec<u8> = (0..=255).collect();
        let view = View {
            puts: vec![
                put(b"/etc/x\xff", What::Content(bytes)),
                put(b"/etc/y", What::Link(b"\xfe/z".to_vec())),
                put(b"/etc/d", What::Directory),
                put(b"/etc/n", What::Nothing),
            ],
            host_key: Some("/run/gokaku/key".into()),
            quiet: true,
        };
        let read = View::read(&view.to_bytes().unwrap()[..]).unwrap();
        assert_eq!(read.puts, view.puts);
        assert_eq!((read.host_key, read.quiet), (view.host_key, true));
        assert!(View::read(&b"{"[..]).is_err());
    }
}
