//! How much a configuration may read: files that include files, and patterns that name many.
//!
//! A tree may hold files that include each other, or a short pattern that comes by a directory
//! thousands of times through links and `..`. Every reader that follows includes counts here.

use crate::error::{Error, Result};
use crate::rootfs::ImagePath;

/// All patterns of one configuration look at most at this many names, each counted as often as it
/// is looked at.
const MAX_NAMES: usize = 200_000;
/// All files of one configuration together may be this large (bytes), each counted as often as it
/// is read: what is made of them is many times larger.
const MAX_BYTES: usize = 16 << 20;

/// How far a reader follows includes.
#[derive(Debug, Clone, Copy)]
pub(in crate::check) struct Limits {
    /// Files that are open at once: the first one, what it includes, what that includes …
    pub levels: usize,
    /// Files in all, each counted as often as it is read.
    pub files: usize,
}

impl Limits {
    /// For a configuration that is patterns alone.
    pub const NO_FILES: Limits = Limits { levels: 0, files: 0 };
}

/// What a reader may still read, what it is reading, and the statement that asks for more.
#[derive(Debug)]
pub(in crate::check) struct Budget {
    limits: Limits,
    open: Vec<ImagePath>,
    files: usize,
    bytes: usize,
    names: usize,
    file: ImagePath,
    line: usize,
}

impl Budget {
    /// For the configuration that begins in `file`.
    pub fn new(limits: Limits, file: &ImagePath) -> Budget {
        let (open, file) = (Vec::new(), file.clone());
        Budget { limits, open, files: 0, bytes: 0, names: 0, file, line: 1 }
    }

    /// Names the statement that is being followed; errors name it.
    pub fn at(&mut self, file: &ImagePath, line: usize) -> &mut Budget {
        if self.file != *file {
            self.file = file.clone();
        }
        self.line = line;
        self
    }

    /// Whether the file is being read.
    pub fn is_open(&self, path: &ImagePath) -> bool {
        self.open.contains(path)
    }

    /// Whether a further file would stand deeper than the reader goes.
    pub fn is_deepest(&self) -> bool {
        self.open.len() >= self.limits.levels
    }

    /// The file that is being read.
    pub fn here(&self) -> Option<&ImagePath> {
        self.open.last()
    }

    /// Begins to read a file of `bytes` bytes.
    ///
    /// # Errors
    /// It is being read already, stands too deep, or is one too many.
    pub fn enter(&mut self, path: &ImagePath, bytes: usize) -> Result<()> {
        if self.is_open(path) {
            return Err(self.endless(format!("{path}, which is being read already")));
        }
        if self.is_deepest() {
            return Err(
                self.endless(format!("{path}, more than {} files deep", self.limits.levels))
            );
        }
        self.count()?;
        self.bytes += bytes;
        if self.bytes > MAX_BYTES {
            return Err(self.endless(format!("{path}, and more than {MAX_BYTES} bytes to read")));
        }
        self.open.push(path.clone());
        Ok(())
    }

    /// The file entered last has been read.
    pub fn leave(&mut self) {
        self.open.pop();
    }

    /// Counts one more file, or a directory that stands for files.
    ///
    /// # Errors
    /// It is one too many.
    pub fn count(&mut self) -> Result<()> {
        self.files += 1;
        if self.files > self.limits.files {
            return Err(self.endless(format!("more than {} files to read", self.limits.files)));
        }
        Ok(())
    }

    /// Counts the names that a pattern looks at.
    ///
    /// # Errors
    /// They are too many.
    pub fn look(&mut self, pattern: &str, count: usize) -> Result<()> {
        self.names = self.names.saturating_add(count);
        if self.names > MAX_NAMES {
            return Err(self.too_many(pattern, "look at", MAX_NAMES, "names"));
        }
        Ok(())
    }

    /// The complaint about a pattern and those before it.
    pub fn too_many(&self, pattern: &str, verb: &str, most: usize, what: &str) -> Error {
        // A word of the tree: as long as the tree likes.
        let shown: String = pattern.chars().take(80).collect();
        self.error(
            format!("patterns that {verb} more than {most} {what}, the last of them `{shown}`"),
            "fewer",
        )
    }

    fn endless(&self, found: String) -> Error {
        self.error(found, "includes that end")
    }

    fn error(&self, found: String, want: &'static str) -> Error {
        Error::Syntax { path: self.file.clone(), line: self.line, found, want }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::testing::path;

    const LIMITS: Limits = Limits { levels: 2, files: 3 };

    #[test]
    fn each_limit_is_an_error_that_names_the_statement() {
        let fault = |steps: &dyn Fn(&mut Budget) -> Result<()>| {
            let mut budget = Budget::new(LIMITS, &path("/a"));
            steps(&mut budget).map_err(|e| e.to_string()).err().unwrap_or_default()
        };
        let cycle = fault(&|b| {
            b.enter(&path("/a"), 1)?;
            b.at(&path("/a"), 7).enter(&path("/a"), 1)
        });
        assert!(cycle.starts_with("/a:7: found /a, which is being read already"), "{cycle}");
        let deep = fault(&|b| {
            b.enter(&path("/a"), 1)?;
            b.enter(&path("/b"), 1)?;
            b.at(&path("/b"), 2).enter(&path("/c"), 1)
        });
        assert!(deep.starts_with("/b:2: found /c, more than 2 files deep"), "{deep}");
        let many = fault(&|b| {
            (0..4).try_for_each(|_| {
                b.enter(&path("/a"), 1)?;
                b.leave();
                Ok(())
            })
        });
        assert!(many.starts_with("/a:1: found more than 3 files to read"), "{many}");
        let large = fault(&|b| b.enter(&path("/a"), MAX_BYTES + 1));
        assert!(large.contains("more than 16777216 bytes"), "{large}");
        let names = fault(&|b| (0..3).try_for_each(|_| b.look("/*", MAX_NAMES / 2)));
        assert!(names.contains("look at more than 200000 names, the last of them `/*`"), "{names}");
    }

    #[test]
    fn what_was_left_may_be_entered_again() {
        let mut budget = Budget::new(LIMITS, &path("/a"));
        for _ in 0..2 {
            budget.enter(&path("/a"), 1).unwrap();
            assert!(budget.is_open(&path("/a")) && budget.here() == Some(&path("/a")));
            budget.leave();
            assert!(!budget.is_open(&path("/a")));
        }
    }
}
