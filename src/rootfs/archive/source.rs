//! What names an archive on the command line.

use std::fmt;
use std::path::{Path, PathBuf};

/// An archive that holds a root, and how it holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// A tar archive of a root, compressed (gzip, zstd) or not.
    Tar(PathBuf),
    /// An OCI layout, in a directory or an archive; the image of this name, or the only one.
    Oci(PathBuf, Option<String>),
    /// What `docker save` writes; the image of this name, or the only one.
    Docker(PathBuf, Option<String>),
}

impl Source {
    /// The archive that `root` names: `oci:PATH[:TAG]`, `docker-archive:PATH[:TAG]`, or the path of a
    /// regular file. `None`: anything else, a directory.
    pub fn of(root: &Path) -> Option<Source> {
        if let Some(text) = root.to_str() {
            let oci = text.strip_prefix("oci:").or_else(|| text.strip_prefix("oci-archive:"));
            if let Some(rest) = oci {
                let (path, tag) = split(rest);
                return Some(Source::Oci(path, tag));
            }
            if let Some(rest) = text.strip_prefix("docker-archive:") {
                let (path, tag) = split(rest);
                return Some(Source::Docker(path, tag));
            }
        }
        is_file(root).then(|| Source::Tar(root.to_owned()))
    }

    /// The file, or the directory of the layout.
    pub fn path(&self) -> &Path {
        match self {
            Source::Tar(path) | Source::Oci(path, _) | Source::Docker(path, _) => path,
        }
    }

    /// As `buildah` names it: an archive that holds a layout has a prefix of its own there.
    #[cfg(feature = "cli")]
    pub(crate) fn for_buildah(&self) -> String {
        match self {
            Source::Oci(path, _) if is_file(path) => {
                self.to_string().replacen("oci:", "oci-archive:", 1)
            }
            other => other.to_string(),
        }
    }

    /// As it is named in reports, with this path for its own.
    pub(super) fn named(&self, path: &Path) -> String {
        let (prefix, tag) = match self {
            Source::Tar(_) => ("", &None),
            Source::Oci(_, tag) => ("oci:", tag),
            Source::Docker(_, tag) => ("docker-archive:", tag),
        };
        let tag = tag.as_ref().map(|tag| format!(":{tag}")).unwrap_or_default();
        format!("{prefix}{}{tag}", path.display())
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.named(self.path()))
    }
}

/// A path, and what stands behind its first colon, unless the colon is part of the name of a file.
fn split(text: &str) -> (PathBuf, Option<String>) {
    match text.split_once(':') {
        Some((path, tag)) if !is_there(Path::new(text)) => (path.into(), Some(tag.to_owned())),
        _ => (text.into(), None),
    }
}

#[allow(clippy::disallowed_methods)] // the archive itself is a path of the host
fn is_there(path: &Path) -> bool {
    path.exists()
}

#[allow(clippy::disallowed_methods)] // the archive itself is a path of the host
fn is_file(path: &Path) -> bool {
    path.is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_argument_names() {
        let of = |text: &str| Source::of(Path::new(text));
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(of("oci:a/b"), Some(Source::Oci("a/b".into(), None)));
        assert_eq!(of("oci-archive:a:x"), Some(Source::Oci("a".into(), some("x"))));
        let docker = Source::Docker("a.tar".into(), some("x/y:1"));
        assert_eq!(docker.to_string(), "docker-archive:a.tar:x/y:1");
        assert_eq!(of("docker-archive:a.tar:x/y:1"), Some(docker));
        let top = tempfile::tempdir().unwrap();
        assert_eq!(Source::of(top.path()), None, "a directory");
        assert_eq!(Source::of(&top.path().join("missing")), None);
        let file = tempfile::NamedTempFile::with_prefix("a:b").unwrap();
        assert_eq!(Source::of(file.path()), Some(Source::Tar(file.path().into())));
        let named = format!("oci:{}", file.path().display());
        assert_eq!(of(&named), Some(Source::Oci(file.path().into(), None)), "its own colon");
    }
}
