//! New text for a configuration file, if it may be written at all (see `place`).

use super::destination::{self, Destination};
use super::remedy::Remedy;
use crate::check::{Evidence, Gap, Subject};
use crate::error::Result;
use crate::rootfs::{Change, ImagePath, NewFile, Rootfs};
use crate::text::lossless;

/// The gap that is closed by giving the file at `path` a new text, root's with `mode` if it is new.
///
/// # Errors
/// As [`destination::file`].
pub(in crate::check) fn gap(
    root: &dyn Rootfs,
    evidence: Evidence,
    path: &ImagePath,
    text: String,
    mode: u32,
) -> Result<Gap> {
    Ok(match change(root, path, text, mode)? {
        Ok(change) => Gap::fixed_by(evidence, change),
        Err(why) => Gap::no_remedy(evidence, why),
    })
}

/// The change that gives the file at `path` a new text, root's with `mode` if it is new.
///
/// # Errors
/// As [`destination::file`].
pub(in crate::check) fn change(
    root: &dyn Rootfs,
    path: &ImagePath,
    text: String,
    mode: u32,
) -> Result<Remedy> {
    Ok(match destination::file(root, path)? {
        Destination::At(path) => {
            let create = NewFile { mode, ..NewFile::CONFIG };
            Ok(Change::Write { path, content: lossless::encode(text), create })
        }
        Destination::Refused(why) => Err(why),
    })
}

/// The gaps that one new text of the file at `path`, which is there, closes together.
///
/// # Errors
/// As [`destination::file`].
pub(in crate::check) fn gaps(
    root: &dyn Rootfs,
    gaps: Vec<(Subject, Evidence)>,
    path: &ImagePath,
    text: String,
) -> Result<Vec<Gap>> {
    Ok(match destination::file(root, path)? {
        Destination::At(path) => Gap::closed_together(gaps, vec![Change::write(&path, text)]),
        Destination::Refused(why) => gaps
            .into_iter()
            .map(|(subject, e)| Gap::no_remedy(e, why.clone()).about(subject))
            .collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Fix;
    use crate::rootfs::MemoryRootfs;

    #[test]
    fn what_may_not_be_written_says_why() {
        let root = MemoryRootfs::new().link("/etc/masked.conf", "/dev/null");
        let masked = ImagePath::parse("/etc/masked.conf").unwrap();
        let one = gap(&root, Evidence::at(&masked), &masked, String::new(), 0o644).unwrap();
        let all = gaps(
            &root,
            vec![(Subject::path(&masked), Evidence::at(&masked)); 2],
            &masked,
            String::new(),
        )
        .unwrap();
        assert_eq!(all.len(), 2);
        for gap in all.into_iter().chain([one]) {
            let Fix::None(why) = gap.fix else { panic!("{gap:?}") };
            assert!(
                why.to_string().starts_with("/etc/masked.conf leads to /dev/null, outside of /etc"),
                "{why}"
            );
        }
    }
}
