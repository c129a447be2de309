//! Patterns in which `*` stands for any bytes and `?` for one, and nothing else is special: lists of
//! packages in a profile, and patterns of sshd's. Those with brackets are `fnmatch`'s.

/// Whether all of `text` fits `pattern`.
///
/// Takes time in proportion to the product of the two lengths at worst, never more.
pub fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    // Where to go on when the text does not fit: after the last star, one byte further on.
    let mut retry: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                p += 1;
                retry = Some((p, t));
            }
            Some(b) if *b == b'?' || Some(b) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, from)) = retry else { return false };
                (p, t) = (after_star, from + 1);
                retry = Some((after_star, t));
            }
        }
    }
    pattern.get(p..).unwrap_or_default().iter().all(|b| *b == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn stars_and_question_marks() {
        for (pattern, text, fits) in [
            ("", "", true),
            ("", "a", false),
            ("*", "", true),
            ("a", "a", true),
            ("a", "ab", false),
            ("a*", "a", true),
            ("a*", "ba", false),
            ("*a", "aba", true),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "a-c-b", false),
            ("**", "x", true),
            ("?", "x", true),
            ("?", "", false),
            ("a?c*", "abcd", true),
            ("*?", "", false),
            ("ssh_host_*_key", "ssh_host_rsa_key.pub", false),
            ("ssh_host_*_key", "ssh_host_ed25519_key", true),
            ("ssh_host_*_key", "ssh_host_key", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), fits, "{pattern} {text}");
        }
    }

    proptest! {
        #[test]
        fn a_pattern_made_from_a_text_fits_it(
            parts in proptest::collection::vec("[ab]{0,3}", 1..5),
            between in "[ab]{0,3}",
        ) {
            let pattern = parts.join("*");
            let text = parts.join(&between);
            prop_assert!(matches(pattern.as_bytes(), text.as_bytes()));
        }
    }
}
