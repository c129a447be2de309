//! dpkg's package database: the stanzas of its `status` file. Read only, never edited.
//!
//! Works on bytes, because old packages have maintainers whose names are not UTF-8, and borrows
//! everything, because the file is megabytes long and queried often.

/// How far a package has come, by the third word of its `Status` field.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum State {
    /// Known by name only.
    NotInstalled,
    /// Removed; its configuration files are left.
    ConfigFiles,
    /// Unpacking was begun and not finished.
    HalfInstalled,
    /// Unpacked, not configured.
    Unpacked,
    /// Configuring was begun and not finished.
    HalfConfigured,
    /// Waits for another package's trigger.
    TriggersAwaited,
    /// Its own trigger is still to run.
    TriggersPending,
    /// Unpacked and configured.
    Installed,
}

impl State {
    const ALL: [State; 8] = [
        State::NotInstalled,
        State::ConfigFiles,
        State::HalfInstalled,
        State::Unpacked,
        State::HalfConfigured,
        State::TriggersAwaited,
        State::TriggersPending,
        State::Installed,
    ];

    /// dpkg's word.
    pub fn word(self) -> &'static str {
        match self {
            State::NotInstalled => "not-installed",
            State::ConfigFiles => "config-files",
            State::HalfInstalled => "half-installed",
            State::Unpacked => "unpacked",
            State::HalfConfigured => "half-configured",
            State::TriggersAwaited => "triggers-awaited",
            State::TriggersPending => "triggers-pending",
            State::Installed => "installed",
        }
    }

    /// Whether any of the package's programs may be on disk. Every half-state counts.
    pub fn is_there(self) -> bool {
        !matches!(self, State::NotInstalled | State::ConfigFiles)
    }

    /// Whether it is whole and configured. No half-state counts.
    pub fn is_installed(self) -> bool {
        self == State::Installed
    }

    fn parse(word: &[u8]) -> Option<State> {
        State::ALL.into_iter().find(|s| s.word().as_bytes() == word)
    }
}

/// One package of one architecture.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stanza<'a> {
    /// Its exact name.
    pub name: &'a [u8],
    /// Its architecture; empty where the record has none.
    pub architecture: &'a [u8],
    /// Its version; empty where the record has none.
    pub version: &'a [u8],
    /// How far it has come.
    pub state: State,
    /// The line its name stands in, from 1.
    pub line: usize,
    /// Whether its unpacking was cut off so that only installing it again makes it whole.
    pub reinstall: bool,
    /// Whether the system does not work without it (`Essential` or `Protected`).
    pub essential: bool,
    conffiles: &'a [u8],
}

impl<'a> Stanza<'a> {
    /// The paths of its configuration files, obsolete ones included.
    pub fn conffiles(&self) -> impl Iterator<Item = &'a [u8]> + use<'a> {
        let words = |l: &'a [u8]| l.split(u8::is_ascii_whitespace).find(|w| !w.is_empty());
        self.conffiles.split(|b| *b == b'\n').filter_map(words)
    }
}

/// A line that dpkg itself would not accept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BadLine<'a> {
    /// Which one, from 1.
    pub line: usize,
    /// What stands there.
    pub found: &'a [u8],
    /// What was expected.
    pub want: &'static str,
}

/// The stanzas of a text, in its order. One pass, nothing is copied. A stanza that dpkg would not
/// accept is returned as an error, followed by the next ones.
pub fn stanzas(text: &[u8]) -> Stanzas<'_> {
    Stanzas { rest: text, line: 0 }
}

/// The iterator behind [`stanzas`].
#[derive(Debug, Clone)]
pub struct Stanzas<'a> {
    rest: &'a [u8],
    /// Number of the last line taken.
    line: usize,
}

impl<'a> Stanzas<'a> {
    /// The next line without its line feed.
    fn take_line(&mut self) -> Option<&'a [u8]> {
        if self.rest.is_empty() {
            return None;
        }
        self.line += 1;
        let (line, rest) = match self.rest.iter().position(|b| *b == b'\n') {
            Some(end) => (self.rest.get(..end), self.rest.get(end + 1..)),
            None => (Some(self.rest), None),
        };
        self.rest = rest.unwrap_or_default();
        line
    }

    /// Takes the lines that continue a field and returns them as one piece.
    fn take_continued(&mut self) -> &'a [u8] {
        let whole = self.rest;
        while matches!(self.rest.first(), Some(b' ' | b'\t')) {
            self.take_line();
        }
        whole.get(..whole.len() - self.rest.len()).unwrap_or_default()
    }

    /// Takes the lines up to the next empty one.
    fn skip_stanza(&mut self) {
        while self.take_line().is_some_and(|l| !l.is_empty()) {}
    }
}

impl<'a> Iterator for Stanzas<'a> {
    type Item = Result<Stanza<'a>, BadLine<'a>>;

    fn next(&mut self) -> Option<Self::Item> {
        let mut first = self.take_line()?;
        while first.is_empty() {
            first = self.take_line()?;
        }
        let first_line = self.line;
        let (mut name, mut status) = (None, None);
        let (mut architecture, mut version, mut conffiles): (&[u8], &[u8], &[u8]) =
            Default::default();
        let mut essential = false;
        let mut next = Some(first);
        while let Some(line) = next.filter(|l| !l.is_empty()) {
            let number = self.line;
            let Some(colon) = line.iter().position(|b| *b == b':').filter(|c| *c > 0) else {
                self.skip_stanza();
                return Some(Err(BadLine { line: number, found: line, want: "`Field: value`" }));
            };
            let (field, value) = (&line[..colon], line[colon + 1..].trim_ascii());
            let continued = self.take_continued();
            let is = |wanted: &str| field.eq_ignore_ascii_case(wanted.as_bytes());
            if is("Package") {
                name = name.or(Some((value, number)));
            } else if is("Status") {
                status = status.or(Some((value, line, number)));
            } else if is("Architecture") {
                architecture = value;
            } else if is("Version") {
                version = value;
            } else if is("Conffiles") {
                conffiles = continued;
            } else if is("Essential") || is("Protected") {
                essential |= value.eq_ignore_ascii_case(b"yes");
            }
            next = self.take_line();
        }
        let Some((name, line)) = name.filter(|(name, _)| !name.is_empty()) else {
            let want = "a stanza with a `Package` field";
            return Some(Err(BadLine { line: first_line, found: first, want }));
        };
        let (state, reinstall) = match status {
            // dpkg's own reading of a stanza without the field.
            None => (State::NotInstalled, false),
            Some((value, found, line)) => {
                let mut words = value.split(u8::is_ascii_whitespace).filter(|w| !w.is_empty());
                let (_wanted, flag) = (words.next(), words.next());
                match (words.next().and_then(State::parse), words.next()) {
                    (Some(state), None) => (state, flag == Some(b"reinstreq")),
                    _ => {
                        let want = "`Status:` with three words, the last a state of dpkg's";
                        return Some(Err(BadLine { line, found, want }));
                    }
                }
            }
        };
        Some(Ok(Stanza {
            name,
            architecture,
            version,
            state,
            line,
            reinstall,
            essential,
            conffiles,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TEXT: &[u8] = b"Package: bash\nEssential: yes\nStatus: install ok installed\n\
        Maintainer: J\xf6rg <a@b>\nArchitecture: amd64\nVersion: 4.4.18-2ubuntu1\nConffiles:\n \
        /etc/skel/.bashrc 1f98b8f3f3c8f8927eca945d59dcc1c6\n /etc/old 00 obsolete\nDescription: sh\n \
        Package: not-a-package\n .\n more\n\n\nPackage: rc\nStatus: deinstall ok config-files\n\n\
        PACKAGE: lib\nstatus:  hold  reinstreq  half-installed \nArchitecture: i386\n\nPackage: bare";

    #[test]
    fn reads_names_states_and_conffiles() {
        let all: Vec<_> = stanzas(TEXT).map(|s| s.unwrap()).collect();
        let shown: Vec<_> = all
            .iter()
            .map(|s| (std::str::from_utf8(s.name).unwrap(), s.state.word(), s.line))
            .collect();
        assert_eq!(
            shown,
            [
                ("bash", "installed", 1),
                ("rc", "config-files", 16),
                ("lib", "half-installed", 19),
                ("bare", "not-installed", 23)
            ]
        );
        let flags: Vec<_> = all.iter().map(|s| (s.essential, s.reinstall)).collect();
        assert_eq!(flags, [(true, false), (false, false), (false, true), (false, false)]);
        assert_eq!(all[0].architecture, b"amd64");
        assert_eq!(all[0].version, b"4.4.18-2ubuntu1");
        let conffiles: Vec<_> = all[0].conffiles().collect();
        assert_eq!(conffiles, [&b"/etc/skel/.bashrc"[..], b"/etc/old"]);
        assert_eq!(all[1].conffiles().count(), 0);
    }

    #[test]
    fn what_dpkg_refuses_is_named_and_does_not_hide_the_rest() {
        for (text, line) in [
            ("Package: a\ngarbage\nStatus: install ok installed\n", 2),
            ("Status: install ok installed\n", 1),
            ("Package:\n", 1),
            ("Package: a\nStatus: install ok instaled\n", 2),
            ("Package: a\nStatus: installed\n", 2),
            ("Package: a\nStatus: install ok installed again\n", 2),
            ("\n\n folded\n", 3),
            (": x\n", 1),
        ] {
            let text = format!("{text}\nPackage: z\nStatus: install ok installed\n");
            let all: Vec<_> = stanzas(text.as_bytes()).collect();
            assert_eq!(all.len(), 2, "{text:?}");
            assert_eq!(all[0].unwrap_err().line, line, "{text:?}");
            assert_eq!(all[1].unwrap().name, b"z");
        }
    }

    #[test]
    fn half_states_are_there_but_not_installed() {
        for state in State::ALL {
            assert_eq!(State::parse(state.word().as_bytes()), Some(state));
            assert!(state.is_there() || !state.is_installed());
        }
        assert!(State::TriggersPending.is_there() && !State::TriggersPending.is_installed());
        assert!(!State::ConfigFiles.is_there());
    }

    proptest! {
        #[test]
        fn anything_can_be_read(text in proptest::collection::vec(any::<u8>(), 0..400)) {
            for stanza in stanzas(&text).flatten() {
                prop_assert!(!stanza.name.is_empty());
                stanza.conffiles().for_each(drop);
            }
        }

        #[test]
        fn what_was_written_is_what_is_read(
            names in proptest::collection::vec("[a-z][a-z0-9+.-]{1,12}", 0..20),
        ) {
            let text: String =
                names.iter().map(|n| format!("Package: {n}\nStatus: install ok installed\n\n")).collect();
            let read: Vec<_> = stanzas(text.as_bytes()).map(|s| s.unwrap().name.to_vec()).collect();
            prop_assert_eq!(read, names.iter().map(|n| n.as_bytes().to_vec()).collect::<Vec<_>>());
        }
    }
}
