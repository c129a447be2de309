//! What sshd is given on its command line: it comes before every file.

use super::config::MAIN;
use super::keyword::shorten;
use super::lines::open;
use super::messages;
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::error::Result;
use crate::rootfs::{ImagePath, Rootfs};
use crate::text::Lines;

/// Where the Debian family's unit takes sshd's options from.
const DEFAULTS: &str = "/etc/default/ssh";
/// sshd's options without a value.
const FLAGS: &str = "46DdGeiqrTt";

/// Options on sshd's command line.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The line they stand in, from 1.
    pub line: usize,
    /// The statements given with `-o`.
    pub statements: Vec<String>,
    /// The file given with `-f` in place of the usual one.
    pub file: Option<String>,
}

impl Options {
    /// The gap of an sshd that is started with another file.
    pub fn other_file(&self, audit: &Audit<'_>) -> Result<Option<Gap>> {
        let Some(file) = self.file.as_ref().filter(|f| *f != MAIN) else { return Ok(None) };
        let (path, file) = (path()?, shorten(file));
        let evidence = Evidence::at(&path)
            .line(self.line)
            .found(format!("-f {file}"))
            .want(messages::usual_file());
        let advice = messages::other_file(file, MAIN, self.spot()?);
        Ok(Some(open(audit, Subject::path(&path), evidence, advice)))
    }

    /// The line that they stand in, as messages name it.
    pub fn spot(&self) -> Result<String> {
        Ok(format!("{}:{}", path()?, self.line))
    }
}

/// The file that holds the options.
pub(super) fn path() -> Result<ImagePath> {
    ImagePath::parse(DEFAULTS)
}

/// The options in `/etc/default/ssh`; none when it is not there.
///
/// # Errors
/// The file cannot be read.
pub(super) fn read(root: &dyn Rootfs) -> Result<Options> {
    Ok(root.read(&path()?)?.map(|text| parse(&text)).unwrap_or_default())
}

/// The last assignment counts.
fn parse(text: &str) -> Options {
    let lines = Lines::new(text);
    let mut assigned = lines.iter().filter_map(|(number, line)| {
        line.trim_start().strip_prefix("SSHD_OPTS=").map(|value| (number, value.trim()))
    });
    let Some((line, value)) = assigned.next_back() else { return Options::default() };
    let mut options = Options { line, ..Options::default() };
    let mut words = value.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let mut next = || words.find(|w| !w.is_empty());
    while let Some(word) = next() {
        let letters = word.strip_prefix('-').unwrap_or_default();
        // Several letters may share a dash; the first that takes a value ends them.
        let flags = letters.trim_start_matches(|c| FLAGS.contains(c));
        let mut rest = flags.chars();
        let Some(letter) = rest.next() else { continue };
        let value = Some(rest.as_str()).filter(|rest| !rest.is_empty()).or_else(&mut next);
        match (letter, value) {
            ('f', Some(file)) => options.file = Some(file.to_owned()),
            ('o', Some(statement)) => options.statements.push(statement.to_owned()),
            _ => {}
        }
    }
    options
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn assignments() {
        assert_eq!(parse("# x\nSSHD_OPTS=\n"), Options { line: 2, ..Options::default() });
        assert_eq!(parse("#SSHD_OPTS=-u0\n"), Options::default());
        let text = "SSHD_OPTS=-4\nSSHD_OPTS=\"-u0 -oUsePAM=no -o Banner=none -f /etc/x\"\n";
        let given = Options {
            line: 2,
            statements: vec!["UsePAM=no".into(), "Banner=none".into()],
            file: Some("/etc/x".into()),
        };
        assert_eq!(parse(text), given);
        assert_eq!(parse("SSHD_OPTS=-o"), Options { line: 1, ..Options::default() });
        let statements = |text: &str| parse(text).statements.join(" ");
        assert_eq!(
            statements("SSHD_OPTS='-4oUsePAM=no -Deo Banner=none'"),
            "UsePAM=no Banner=none"
        );
        assert_eq!(statements("SSHD_OPTS='-u -oUsePAM=no -E /x -oA=b'"), "A=b", "-u takes it");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(SSHD_OPTS=|-o|-f|[ \"'\n]|.){0,20}") {
            parse(&text);
        }
    }
}
