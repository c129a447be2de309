//! Paths at which nothing stands: most that are looked for in homes, six to each.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};

use super::ImagePath;

/// A set of paths that keeps 128 bits of each, by two hashes that nobody outside can foresee: no two
/// paths of a tree share them.
#[derive(Default)]
pub(super) struct Absent {
    seen: HashSet<(u64, u64)>,
    hashes: (RandomState, RandomState),
}

impl Absent {
    fn digest(&self, path: &ImagePath) -> (u64, u64) {
        (self.hashes.0.hash_one(path), self.hashes.1.hash_one(path))
    }

    pub fn add(&mut self, path: &ImagePath) {
        self.seen.insert(self.digest(path));
    }

    pub fn holds(&self, path: &ImagePath) -> bool {
        self.seen.contains(&self.digest(path))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_added_is_held_and_nothing_else() {
        let path = |n: u32| ImagePath::parse(format!("/home/u{n}/.netrc")).unwrap();
        let mut absent = Absent::default();
        (0..1_000).step_by(2).for_each(|n| absent.add(&path(n)));
        for n in 0..1_000 {
            assert_eq!(absent.holds(&path(n)), n % 2 == 0, "{n}");
        }
    }
}
