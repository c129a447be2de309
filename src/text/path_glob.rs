//! Patterns of paths as the C library's `glob` expands them: `*` and `?` stay within one
//! component, and a leading dot must be written out.

use super::fnmatch::fnmatch;

/// Whether a name or path holds a character that makes it a pattern.
pub fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

/// Whether the pattern, if it were expanded, could yield `path`. Doubled slashes count as one.
///
/// ```
/// use gokaku::text::path_glob::matches;
/// assert!(matches("/var/log/*.log", "/var/log/auth.log"));
/// assert!(!matches("/var/log/*", "/var/log/news/news.err"));
/// ```
pub fn matches(pattern: &str, path: &str) -> bool {
    let parts = |text: &str| text.split('/').filter(|p| !p.is_empty()).count();
    if pattern.starts_with('/') != path.starts_with('/') || parts(pattern) != parts(path) {
        return false;
    }
    let both = components(pattern).zip(components(path));
    both.into_iter().all(|(pattern, name)| name_matches(pattern, name))
}

/// Whether the pattern of one component yields `name`.
pub fn name_matches(pattern: &str, name: &str) -> bool {
    if !is_pattern(pattern) && !pattern.contains('\\') {
        return pattern == name;
    }
    let hidden = name.starts_with('.') && !pattern.starts_with('.') && !pattern.starts_with("\\.");
    !hidden && fnmatch(pattern, name)
}

/// The components of a path or pattern.
pub fn components(text: &str) -> impl Iterator<Item = &str> {
    text.split('/').filter(|p| !p.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn table() {
        for (pattern, path, want) in [
            ("/var/log/syslog", "/var/log/syslog", true),
            ("/var/log//syslog", "/var/log/syslog", true),
            ("/var/log/syslog", "/var/log/syslog.1", false),
            ("/var/log/*.log", "/var/log/a.log", true),
            ("/var/log/*", "/var/log/.hidden", false),
            ("/var/log/.*", "/var/log/.hidden", true),
            ("/var/log/*", "/var/log/news/err", false),
            ("/var/log/*/*", "/var/log/news/err", true),
            ("/var/log/mail.[ei]*", "/var/log/mail.info", true),
            ("/var/log/mail.[ei]*", "/var/log/mail.warn", false),
            ("var/log/*", "/var/log/a", false),
            ("/var/log/a\\*", "/var/log/a*", true),
        ] {
            assert_eq!(matches(pattern, path), want, "{pattern} {path}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(pattern in any::<String>(), path in any::<String>()) {
            matches(&pattern, &path);
        }

        #[test]
        fn a_plain_path_matches_itself_alone(a in "(/[a-z.]{1,3}){1,3}", b in "(/[a-z.]{1,3}){1,3}") {
            prop_assert!(matches(&a, &a));
            prop_assert_eq!(matches(&a, &b), a == b);
        }
    }
}
