//! apt's lists of sources: one line each (`.list`), or stanzas (`.sources`). Read only.

use super::Lines;

/// One source: one type, place and suite.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AptSource {
    /// The line it begins in, from 1.
    pub line: usize,
    /// `deb` or `deb-src`.
    pub kind: String,
    /// Where it is; credentials are taken out.
    pub uri: String,
    /// The suite, as `bionic-security`.
    pub suite: String,
    /// The components, as `main universe`.
    pub components: String,
    /// Whether apt is configured to trust it whatever its signature.
    pub trusted: bool,
}

/// The sources of a file with one source a line.
pub fn one_line(text: &str) -> Vec<AptSource> {
    let read = |(line, text): (usize, &str)| {
        let text = text.split('#').next().unwrap_or_default().trim();
        let (kind, rest) = text.split_once(char::is_whitespace)?;
        if !["deb", "deb-src"].contains(&kind) {
            return None;
        }
        let rest = rest.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(inside) => inside.split_once(']')?,
            None => ("", rest),
        };
        let trusted = options
            .split_whitespace()
            .filter_map(|o| o.split_once('='))
            .any(|(key, value)| key == "trusted" && is_yes(value));
        let mut words = rest.split_whitespace();
        let (uri, suite) = (without_credentials(words.next()?), words.next()?.to_owned());
        let components = words.collect::<Vec<_>>().join(" ");
        Some(AptSource { line, kind: kind.to_owned(), uri, suite, components, trusted })
    };
    Lines::new(text).iter().filter_map(read).collect()
}

/// The sources of a file of stanzas; those that are switched off are left out.
pub fn stanzas(text: &str) -> Vec<AptSource> {
    let mut out = Vec::new();
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut begins = 0;
    let lines = Lines::new(text);
    for (line, text) in lines.iter().chain([(lines.len() + 1, "")]) {
        if text.starts_with('#') {
            continue;
        }
        if text.trim().is_empty() {
            out.extend(stanza(begins, &fields));
            fields.clear();
        } else if text.starts_with([' ', '\t']) {
            if let Some((_, value)) = fields.last_mut() {
                value.push(' ');
                value.push_str(text.trim());
            }
        } else if let Some((key, value)) = text.split_once(':') {
            if fields.is_empty() {
                begins = line;
            }
            fields.push((key.trim().to_ascii_lowercase(), value.trim().to_owned()));
        }
    }
    out
}

/// A stanza names at most this many sources that are reported; more are a mistake.
const MAX_SOURCES: usize = 256;

fn stanza(line: usize, fields: &[(String, String)]) -> Vec<AptSource> {
    let field = |name: &str| {
        let found = fields.iter().rev().find(|(key, _)| key == name);
        found.map_or("", |(_, value)| value.as_str())
    };
    if matches!(field("enabled").to_ascii_lowercase().as_str(), "no" | "false" | "0" | "off") {
        return Vec::new();
    }
    let trusted = is_yes(field("trusted"));
    let components = field("components").split_whitespace().collect::<Vec<_>>().join(" ");
    let mut out = Vec::new();
    for kind in field("types").split_whitespace().filter(|k| ["deb", "deb-src"].contains(k)) {
        for uri in field("uris").split_whitespace() {
            for suite in field("suites").split_whitespace() {
                if out.len() == MAX_SOURCES {
                    return out;
                }
                out.push(AptSource {
                    line,
                    kind: kind.to_owned(),
                    uri: without_credentials(uri),
                    suite: suite.to_owned(),
                    components: components.clone(),
                    trusted,
                });
            }
        }
    }
    out
}

fn is_yes(value: &str) -> bool {
    ["yes", "true", "1", "on", "with", "enable"].contains(&value.to_ascii_lowercase().as_str())
}

/// `scheme://user:password@host/` without the user and the password.
fn without_credentials(uri: &str) -> String {
    let Some((scheme, rest)) = uri.split_once("://") else { return uri.to_owned() };
    let end = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    match authority.rsplit_once('@') {
        Some((_, host)) => format!("{scheme}://***@{host}{path}"),
        None => uri.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(sources: Vec<AptSource>) -> Vec<String> {
        let show = |s: AptSource| {
            let trusted = if s.trusted { "!" } else { "" };
            format!("{}{trusted} {} {} {} {}", s.line, s.kind, s.uri, s.suite, s.components)
        };
        sources.into_iter().map(show).collect()
    }

    #[test]
    fn lines() {
        let text = "# deb http://a/ x main\ndeb http://a/u bionic main  universe # note\n\
            deb [ arch=amd64 trusted=yes ] http://b/ bionic-security main\n\
            deb-src\thttp://a/u bionic main\ndebug http://a x\ndeb http://c\ndeb [x http://d y\n\
            deb https://me:secret@d/p ./\r\n";
        assert_eq!(
            shown(one_line(text)),
            [
                "2 deb http://a/u bionic main universe",
                "3! deb http://b/ bionic-security main",
                "4 deb-src http://a/u bionic main",
                "8 deb https://***@d/p ./ ",
            ]
        );
    }

    #[test]
    fn sets_of_fields() {
        let text = "# note\nTypes: deb deb-src\nURIs: http://u@a/\nSuites: bionic\n bionic-updates\n\
            # in between\nComponents: main\n\nTypes: deb\nenabled: No\nURIs: http://b\nSuites: x\n\n\n\
            types: deb\nuris: http://c\nsuites: y\ntrusted: yes";
        assert_eq!(
            shown(stanzas(text)),
            [
                "2 deb http://***@a/ bionic main",
                "2 deb http://***@a/ bionic-updates main",
                "2 deb-src http://***@a/ bionic main",
                "2 deb-src http://***@a/ bionic-updates main",
                "15! deb http://c y ",
            ]
        );
        let many = "a ".repeat(1000);
        let text = format!("Types: deb\nURIs: {many}\nSuites: {many}\n");
        assert_eq!(stanzas(&text).len(), MAX_SOURCES);
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            one_line(&text);
            stanzas(&text);
        }
    }
}
