//! Bytes that are not UTF-8 in what a rule judges.
//!
//! Text keeps them as stand-ins ([`crate::text::lossless`]). Where one stands in a statement that a
//! verdict rests on, no two readers need to agree on its meaning, so the rule is unknown and names the
//! line; anywhere else it changes nothing.

use super::{Evidence, Finding, Fix};
use crate::error::{Error, Result};
use crate::message::Message;
use crate::rootfs::ImagePath;
use crate::text::lossless;

/// For a statement that is judged and that no evidence quotes.
///
/// # Errors
/// [`Error::NotUtf8`] when it holds such a byte.
pub(in crate::check) fn judged(
    path: &ImagePath,
    line: impl Into<Option<usize>>,
    statement: &str,
) -> Result<()> {
    refuse(Some(path), line.into(), statement)
}

fn refuse(path: Option<&ImagePath>, line: Option<usize>, statement: &str) -> Result<()> {
    if !lossless::holds(statement) {
        return Ok(());
    }
    let path = path.cloned().unwrap_or_else(ImagePath::root);
    Err(Error::NotUtf8 { path, line, found: lossless::foreign(statement) })
}

/// The finding as people may see it.
///
/// # Errors
/// [`Error::NotUtf8`] when the verdict rests on a statement with such a byte, as its evidence quotes
/// it. A person who has to judge sees the byte, and what is not judged at all may hold it.
pub(in crate::check) fn settled(mut finding: Finding) -> Result<Finding> {
    if !matches!(finding, Finding::Manual(_) | Finding::Unmeasured(_)) {
        for evidence in all(&mut finding).filter(|e| !e.aside) {
            let found = evidence.found.as_ref().map(Message::to_string).unwrap_or_default();
            refuse(evidence.path.as_ref(), evidence.line, &found)?;
        }
    }
    for evidence in all(&mut finding) {
        let Evidence { found, want, note, .. } = evidence;
        [found, want, note].into_iter().flatten().for_each(show);
    }
    if let Finding::NotMet { gaps, .. } = &mut finding {
        for gap in gaps {
            if let Fix::None(why) = &mut gap.fix {
                show(why);
            }
        }
    }
    Ok(finding)
}

/// All evidence, gaps first.
fn all(finding: &mut Finding) -> impl Iterator<Item = &mut Evidence> {
    let (gaps, list): (&mut [_], _) = match finding {
        Finding::NotMet { gaps, holding } => (gaps, holding),
        Finding::Met(list)
        | Finding::MetVacuously(list)
        | Finding::Manual(list)
        | Finding::Unmeasured(list) => (&mut [], list),
    };
    gaps.iter_mut().map(|gap| &mut gap.evidence).chain(list)
}

fn show(message: &mut Message) {
    if message.any_text(&mut lossless::holds) {
        let shown = |text: &str| lossless::holds(text).then(|| lossless::shown(text).into_owned());
        *message = message.clone().with_texts(&mut { shown });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Gap;

    fn quoting(text: &[u8]) -> Evidence {
        Evidence::at(&ImagePath::parse("/etc/x").unwrap()).line(3).found(lossless::decode(text))
    }

    #[test]
    fn what_a_verdict_rests_on_must_be_text() {
        let bad = || quoting(b"a = caf\xe9");
        let gap = Gap::no_remedy(bad(), "why");
        for finding in [
            Finding::Met(vec![quoting(b"a"), bad()]),
            Finding::MetVacuously(vec![bad()]),
            Finding::from_gaps(vec![gap], Vec::new()),
            Finding::from_gaps(vec![Gap::no_remedy(quoting(b"a"), "why")], vec![bad()]),
        ] {
            let e = settled(finding).unwrap_err().to_string();
            let want = "/etc/x:3: found the byte \\xE9, which is not UTF-8, in a statement that is \
                        judged; want UTF-8 there; correct it by hand";
            assert_eq!(e, want);
        }
    }

    #[test]
    fn what_is_only_seen_is_shown() {
        let bad = quoting(b"a = caf\xe9");
        for finding in [Finding::Manual(vec![bad.clone()]), Finding::Met(vec![bad.clone().aside()])]
        {
            let (Finding::Manual(shown) | Finding::Met(shown)) = settled(finding).unwrap() else {
                panic!()
            };
            assert_eq!(shown[0].found, Some("a = caf\\xE9".into()));
        }
        let why = lossless::decode(b"see \xff");
        let said =
            Finding::from_gaps(vec![Gap::no_remedy(quoting(b"a").note(&*why), &*why)], vec![]);
        let Finding::NotMet { gaps, .. } = settled(said).unwrap() else { panic!() };
        assert_eq!(gaps[0].fix.reason(), Some("see \\xFF".into()));
        assert_eq!(gaps[0].evidence.note, Some("see \\xFF".into()));
    }
}
