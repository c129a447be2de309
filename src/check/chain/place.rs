//! A file, or a line of one, that decides something.

use crate::rootfs::ImagePath;

/// Where something is said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::check) struct Place {
    /// The file, link or directory.
    pub path: ImagePath,
    /// The line, from 1.
    pub line: Option<usize>,
}

impl Place {
    /// A whole file.
    pub fn file(path: &ImagePath) -> Place {
        Place { path: path.clone(), line: None }
    }

    /// A line of a file.
    pub fn line(path: &ImagePath, line: usize) -> Place {
        Place { path: path.clone(), line: Some(line) }
    }

    /// No file in particular.
    pub fn nowhere() -> Place {
        Place::file(&ImagePath::root())
    }

    /// As messages name it: `/path:12`.
    pub fn spot(&self) -> String {
        match self.line {
            Some(line) => format!("{}:{line}", self.path),
            None => self.path.to_string(),
        }
    }
}
