//! What sshd is given on its command line: it comes before every file.

use super::config::Config;
use super::keyword::{Keyword, shorten};
use super::keywords;
use super::lines::open;
use super::messages;
use super::release::NEWEST;
use crate::check::chain::{self, Chain, Place, Word, resolve};
use crate::check::{Audit, Evidence, Gap, Subject};
use crate::error::Result;
use crate::rootfs::ImagePath;
use crate::text::Lines;
use crate::text::lossless;
use crate::text::sshd_config::statement;

/// Where the Debian family's unit takes sshd's options from.
const DEFAULTS: &str = "/etc/default/ssh";
/// sshd's options without a value.
const FLAGS: &str = "46DdGeiqrTt";

/// Options on sshd's command line.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Options {
    /// The statements given with `-o`.
    pub statements: Vec<Word>,
    /// The files given with `-f` in place of the usual one.
    pub files: Vec<Word>,
}

impl Options {
    /// The gap of an sshd that is started with a file that is not judged.
    pub fn other_file(&self, audit: &Audit<'_>) -> Result<Option<Gap>> {
        let judged = main_file(audit)?.to_string();
        let Some(file) = self.files.iter().find(|file| file.text != judged) else {
            return Ok(None);
        };
        let (at, shown) = (&file.at, shorten(&file.text));
        let evidence = Evidence { line: at.line, ..Evidence::at(&at.path) };
        let evidence = evidence.found(format!("-f {shown}")).want(messages::usual_file());
        let advice = messages::other_file(shown, judged, at.spot());
        Ok(Some(open(audit, Subject::path(&at.path), evidence, advice)))
    }
}

/// The gaps of options other than those about `own` that sshd refuses: it does not start.
pub(super) fn refused(
    audit: &Audit<'_>,
    config: &Config,
    own: Option<&Keyword>,
) -> Result<Vec<Gap>> {
    let release = &config.release;
    let mut gaps = Vec::new();
    for word in read(audit)?.statements {
        let Some(said) = statement(&word.text, release.style()) else { continue };
        let keyword = keywords::find(&said.keyword).filter(|k| k.exists_in(release));
        if keyword.zip(own).is_some_and(|(found, own)| std::ptr::eq(found, own)) {
            continue;
        }
        let why = match keyword {
            Some(keyword) => keyword.refusal(&said, release),
            None if release.version <= NEWEST => {
                Some(messages::not_a_keyword(shorten(&said.keyword)))
            }
            None => None,
        };
        let Some(why) = why else { continue };
        let evidence = Evidence { line: word.at.line, ..Evidence::at(&word.at.path) }
            .found(shorten(&word.text))
            .want(messages::accepted_line(release.name()))
            .note(messages::does_not_start(release.name(), why));
        let subject = Subject::directive(lossless::shown(&shorten(&said.keyword)));
        let advice = messages::remove_option(shorten(&word.text), word.at.spot());
        gaps.push(open(audit, subject, evidence, advice));
    }
    Ok(gaps)
}

/// The file that sshd begins to read, as far as it can be judged; else the usual one.
///
/// # Errors
/// What starts sshd cannot be read.
pub(super) fn main_file(audit: &Audit<'_>) -> Result<ImagePath> {
    chain::main_file(audit, "sshd")
}

/// The options that sshd is started with; where nothing starts it, or what does is not known, those
/// in `/etc/default/ssh`.
///
/// # Errors
/// A file cannot be read.
pub(super) fn read(audit: &Audit<'_>) -> Result<Options> {
    if let Chain::Runs(runs) = &*resolve(audit, "sshd")? {
        let mut options = Options::default();
        for run in runs {
            options.add(&run.args);
        }
        return Ok(options);
    }
    let path = ImagePath::parse(DEFAULTS)?;
    Ok(audit.root().read(&path)?.map(|text| parse(&path, &text)).unwrap_or_default())
}

/// The last assignment counts.
fn parse(path: &ImagePath, text: &str) -> Options {
    let lines = Lines::new(text);
    let mut assigned = lines.iter().filter_map(|(number, line)| {
        line.trim_start().strip_prefix("SSHD_OPTS=").map(|value| (number, value.trim()))
    });
    let Some((line, value)) = assigned.next_back() else { return Options::default() };
    let at = Place::line(path, line);
    let words = value.split(|c: char| c.is_whitespace() || c == '"' || c == '\'');
    let words = words.filter(|w| !w.is_empty());
    let words: Vec<Word> =
        words.map(|text| Word { text: text.to_owned(), at: at.clone() }).collect();
    let mut options = Options::default();
    options.add(&words);
    options
}

impl Options {
    fn add(&mut self, words: &[Word]) {
        let mut words = words.iter();
        while let Some(word) = words.next() {
            let letters = word.text.strip_prefix('-').unwrap_or_default();
            // Several letters may share a dash; the first that takes a value ends them.
            let flags = letters.trim_start_matches(|c| FLAGS.contains(c));
            let mut rest = flags.chars();
            let Some(letter) = rest.next() else { continue };
            let own = Some(rest.as_str()).filter(|rest| !rest.is_empty());
            let value = match own {
                Some(own) => Some(Word { text: own.to_owned(), at: word.at.clone() }),
                None => words.next().cloned(),
            };
            match (letter, value) {
                ('f', Some(file)) => self.files.push(file),
                ('o', Some(statement)) => self.statements.push(statement),
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn given(text: &str) -> (Vec<String>, Vec<String>) {
        let options = parse(&ImagePath::parse(DEFAULTS).unwrap(), text);
        let texts = |words: &[Word]| words.iter().map(|word| word.text.clone()).collect();
        (texts(&options.statements), texts(&options.files))
    }

    #[test]
    fn assignments() {
        let nothing = (Vec::new(), Vec::new());
        assert_eq!(given("# x\nSSHD_OPTS=\n"), nothing);
        assert_eq!(given("#SSHD_OPTS=-u0\n"), nothing);
        assert_eq!(given("SSHD_OPTS=-o"), nothing);
        let text = "SSHD_OPTS=-4\nSSHD_OPTS=\"-u0 -oUsePAM=no -o Banner=none -f /etc/x\"\n";
        let (statements, files) = given(text);
        assert_eq!(statements, ["UsePAM=no", "Banner=none"]);
        assert_eq!(files, ["/etc/x"]);
        let options = parse(&ImagePath::parse(DEFAULTS).unwrap(), text);
        assert_eq!(options.files[0].at.spot(), "/etc/default/ssh:2");
        let statements = |text: &str| given(text).0.join(" ");
        assert_eq!(
            statements("SSHD_OPTS='-4oUsePAM=no -Deo Banner=none'"),
            "UsePAM=no Banner=none"
        );
        assert_eq!(statements("SSHD_OPTS='-u -oUsePAM=no -E /x -oA=b'"), "A=b", "-u takes it");
    }

    proptest! {
        #[test]
        fn any_text_is_read(text in "(SSHD_OPTS=|-o|-f|[ \"'\n]|.){0,20}") {
            given(&text);
        }
    }
}
