//! The identity of the tree at a path.

/// What distinguishes a tree from another one at the same path later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TreeId {
    /// The filesystem's id.
    pub filesystem: u64,
    /// The inode of the top.
    pub top: u64,
    /// When the top was made (seconds and nanoseconds since the epoch), where that is known: numbers
    /// of inodes are given out again.
    pub born: Option<(i64, u32)>,
}

impl TreeId {
    /// Whether both are of one tree. Some filesystems take their id from the device they lie on,
    /// which is another one at every mount of an image; a time of birth to the nanosecond says as
    /// much.
    pub(crate) fn is(&self, other: &TreeId) -> bool {
        let (same_birth, sure) = match (self.born, other.born) {
            (Some(a), Some(b)) => (a == b, a.1 != 0),
            _ => (true, false),
        };
        self.top == other.top && same_birth && (sure || self.filesystem == other.filesystem)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_is_known_again_and_another_one_is_not() {
        let tree = |filesystem, top, born| TreeId { filesystem, top, born };
        let old = tree(1, 2, Some((1_500_000_000, 5)));
        for (now, same, what) in [
            (old, true, "the same"),
            (tree(9, 2, old.born), true, "another device under an image, but born then"),
            (tree(1, 2, None), true, "no time of birth to be had now"),
            (tree(1, 2, Some((1_600_000_000, 5))), false, "the inode was given out again"),
            (tree(1, 3, old.born), false, "another directory"),
            (tree(9, 2, None), false, "another filesystem"),
        ] {
            assert_eq!((now.is(&old), old.is(&now)), (same, same), "{what}");
        }
        let made = Some((1_500_000_000, 0));
        assert!(!tree(1, 2, made).is(&tree(9, 2, made)), "to the second, two images may be born");
    }
}
