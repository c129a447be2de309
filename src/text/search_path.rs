//! Where search paths for programs are set, and their elements.

use std::collections::HashMap;

use super::joined::Joined;
use super::script::{Part, Word, commands};

/// One place that sets a search path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PathAssignment {
    /// The line it begins in, from 1.
    pub line: usize,
    /// The value as it stands there.
    pub shown: String,
    /// What stands between the colons.
    pub elements: Vec<Element>,
}

/// What stands between two colons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Element {
    /// This text; empty for the present directory.
    Literal(String),
    /// Whatever the path was before.
    Inherited,
    /// Something that the text alone does not determine, quoted.
    Unknown(String),
}

/// A value that is taken as it stands.
pub fn literal(value: &str) -> Vec<Element> {
    value.split(':').map(|e| Element::Literal(e.to_owned())).collect()
}

/// The last `PATH` of a file for pam_env (`/etc/environment`): the one that counts. Nothing in it
/// is expanded.
pub fn environment(text: &str) -> Option<PathAssignment> {
    let setting = |(i, line): (usize, &str)| {
        let line = line.split('#').next().unwrap_or_default().trim();
        let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let value: String =
            line.strip_prefix("PATH=")?.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
        Some(PathAssignment { line: i + 1, elements: literal(&value), shown: value })
    };
    text.lines().enumerate().filter_map(setting).last()
}

/// Every `secure_path` of a sudoers file.
pub fn sudoers(text: &str) -> Vec<PathAssignment> {
    let mut joined = Joined::of(text);
    let mut offset = 0;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end_matches(['\n', '\r']);
        match content.strip_suffix('\\') {
            Some(content) => joined.push(content, offset),
            None => {
                joined.push(content, offset);
                joined.push("\n", offset + line.len().saturating_sub(1));
            }
        }
        offset += line.len();
    }
    let mut found = Vec::new();
    let mut offset = 0;
    for line in joined.text().split_inclusive('\n') {
        let number = joined.line(offset);
        offset += line.len();
        for value in secure_paths(line.trim()) {
            found.push(PathAssignment { line: number, elements: literal(&value), shown: value });
        }
    }
    found
}

/// Files and directories that a sudoers file includes: the path, and whether it is a directory.
pub fn sudoers_includes(text: &str) -> Vec<(String, bool)> {
    let include = |line: &str| {
        let rest = line.trim().strip_prefix(['#', '@'])?;
        let (word, path) = rest.split_once([' ', '\t'])?;
        let path = path.trim().trim_matches('"');
        match word {
            "include" => Some((path.to_owned(), false)),
            "includedir" => Some((path.to_owned(), true)),
            _ => None,
        }
    };
    text.lines().filter_map(include).collect()
}

fn secure_paths(line: &str) -> Vec<String> {
    let Some(rest) = line.strip_prefix("Defaults") else { return Vec::new() };
    // Who or what it is for may be glued to the word.
    let scope = rest.find([' ', '\t']).unwrap_or(rest.len());
    let glued = rest.chars().next().is_none_or(|c| " \t@:!>".contains(c));
    let list = rest.get(scope..).unwrap_or_default();
    if !glued {
        return Vec::new();
    }
    let mut values = Vec::new();
    let (mut item, mut quoted, mut escaped) = (String::new(), false, false);
    let mut items = Vec::new();
    for c in list.chars() {
        match c {
            _ if escaped => {
                item.push(c);
                escaped = false;
            }
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            '#' if !quoted => break,
            ',' if !quoted => items.push(std::mem::take(&mut item)),
            c => item.push(c),
        }
    }
    items.push(item);
    for item in items {
        let value = item.trim().strip_prefix("secure_path").map(str::trim_start);
        let value = value.and_then(|v| v.strip_prefix('=').or_else(|| v.strip_prefix("+=")));
        values.extend(value.map(|v| v.trim().to_owned()));
    }
    values
}

/// Every assignment to `PATH` in a script that counts for root and outlives its command, in the
/// order of the text. Variables that the script sets to one plain value only are filled in.
pub fn script(text: &str) -> Vec<PathAssignment> {
    let mut reader = ScriptReader::default();
    reader.read(text, None);
    reader.found
}

/// Texts within texts for `eval`; nobody has more than one.
const MAX_EVALS: usize = 4;

#[derive(Default)]
struct ScriptReader {
    known: HashMap<String, Option<String>>,
    found: Vec<PathAssignment>,
    evals: usize,
}

impl ScriptReader {
    /// `line` is that of the `eval` whose text this is.
    fn read(&mut self, text: &str, line: Option<usize>) {
        for command in commands(text).iter().filter(|c| !c.aside && !c.not_root) {
            let line = line.unwrap_or(command.line);
            command.declarations().iter().for_each(|word| self.word(word, line));
            if let Some((name, words)) = command.call()
                && name.literal().is_some_and(|name| name == "eval")
            {
                self.evaluated(words, line);
            }
        }
    }

    fn word(&mut self, word: &Word, line: usize) {
        let Some((name, append, parts)) = word.assignment() else { return };
        if name != "PATH" {
            let value = plain(&parts).filter(|_| !append);
            let entry = self.known.entry(name.to_owned()).or_insert_with(|| value.clone());
            // A second, different value: which one it is depends.
            if *entry != value {
                *entry = None;
            }
            return;
        }
        let mut elements = Builder::default();
        if append {
            elements.inherit();
        }
        for part in &parts {
            elements.part(part, &self.known);
        }
        let shown = word.raw().to_owned();
        self.found.push(PathAssignment { line, shown, elements: elements.finish() });
    }

    /// The words of an `eval` are a script of their own.
    fn evaluated(&mut self, words: &[Word], line: usize) {
        let literal: Option<Vec<String>> = words.iter().map(Word::literal).collect();
        if let Some(text) = literal.filter(|_| self.evals < MAX_EVALS) {
            self.evals += 1;
            self.read(&text.join(" "), Some(line));
            self.evals -= 1;
            return;
        }
        for word in words.iter().filter(|w| w.raw().contains("PATH=")) {
            let elements = vec![Element::Unknown(word.raw().to_owned())];
            self.found.push(PathAssignment { line, shown: word.raw().to_owned(), elements });
        }
    }
}

fn plain(parts: &[Part]) -> Option<String> {
    let text = |part: &Part| match part {
        Part::Text(text) => Some(text.clone()),
        _ => None,
    };
    parts.iter().map(text).collect()
}

/// Puts elements together from parts of words.
#[derive(Default)]
struct Builder {
    done: Vec<Element>,
    /// The element that is being read.
    text: String,
    inherited: bool,
    unknown: Option<String>,
}

impl Builder {
    fn inherit(&mut self) {
        // Glued to something it is neither.
        if self.inherited || !self.text.is_empty() {
            self.unknown("$PATH");
        }
        self.inherited = true;
    }

    fn text(&mut self, text: &str) {
        for (i, piece) in text.split(':').enumerate() {
            if i > 0 {
                self.next();
            }
            self.text.push_str(piece);
            if let Some(unknown) = &mut self.unknown {
                unknown.push_str(piece);
            } else if self.inherited && !piece.is_empty() {
                self.unknown = Some(format!("$PATH{piece}"));
            }
        }
    }

    fn unknown(&mut self, raw: &str) {
        let before = if self.inherited { "$PATH".to_owned() } else { self.text.clone() };
        self.unknown.get_or_insert(before).push_str(raw);
    }

    fn part(&mut self, part: &Part, known: &HashMap<String, Option<String>>) {
        match part {
            Part::Text(text) => self.text(text),
            Part::Variable(name) if name == "PATH" => self.inherit(),
            Part::Variable(name) => match known.get(name) {
                Some(Some(value)) => self.text(value),
                _ => self.unknown(&format!("${name}")),
            },
            // The path that was, with a colon only if there was one.
            Part::Other(raw) if matches!(&**raw, "${PATH:+:$PATH}" | "${PATH:+:${PATH}}") => {
                self.text(":");
                self.inherit();
            }
            Part::Other(raw) if matches!(&**raw, "${PATH:+$PATH:}" | "${PATH:+${PATH}:}") => {
                self.inherit();
                self.text(":");
            }
            Part::Other(raw) => self.unknown(raw),
        }
    }

    fn next(&mut self) {
        let text = std::mem::take(&mut self.text);
        let inherited = std::mem::take(&mut self.inherited);
        self.done.push(match self.unknown.take() {
            Some(raw) => Element::Unknown(raw),
            None if inherited => Element::Inherited,
            None => Element::Literal(text),
        });
    }

    fn finish(mut self) -> Vec<Element> {
        self.next();
        self.done
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn shown(settings: Vec<PathAssignment>) -> Vec<String> {
        let element = |e: &Element| match e {
            Element::Literal(text) => text.clone(),
            Element::Inherited => "<>".to_owned(),
            Element::Unknown(raw) => format!("?{raw}"),
        };
        let show = |s: PathAssignment| {
            let elements: Vec<String> = s.elements.iter().map(element).collect();
            format!("{} {}", s.line, elements.join("|"))
        };
        settings.into_iter().map(show).collect()
    }

    #[test]
    fn environment_files() {
        let of = |text: &str| environment(text).map(|s| format!("{} {}", s.line, s.shown));
        assert_eq!(of("PATH=\"/usr/bin:/bin\"\n").unwrap(), "1 /usr/bin:/bin");
        assert_eq!(of("PATH=/a\nexport PATH='/b' # c\n").unwrap(), "2 /b");
        for none in ["", "#PATH=/a", "MYPATH=/a", "path=/a", "PATH /a", "PATHS=/a"] {
            assert_eq!(of(none), None, "{none}");
        }
        assert_eq!(shown(environment("PATH=$PATH:/a").into_iter().collect()), ["1 $PATH|/a"]);
    }

    #[test]
    fn sudoers_files() {
        let of = |text: &str| shown(sudoers(text));
        assert_eq!(of("Defaults\tsecure_path=\"/usr/bin:/bin\"\n"), ["1 /usr/bin|/bin"]);
        assert_eq!(of("Defaults env_reset, secure_path = /a:/b, x\n"), ["1 /a|/b"]);
        assert_eq!(of("\nDefaults:bob \\\n  secure_path=/a\\:/b # c\n"), ["2 /a|/b"]);
        assert_eq!(of("#Defaults secure_path=/a\nDefaults !secure_path\n"), Vec::<String>::new());
        assert_eq!(
            of("Defaultsx secure_path=/a\nDefaults insecure_path=/a\n"),
            Vec::<String>::new()
        );
        assert_eq!(
            sudoers_includes(
                "#includedir /etc/sudoers.d\n@include /etc/more\n# include x\n#includes y\n"
            ),
            [("/etc/sudoers.d".to_owned(), true), ("/etc/more".to_owned(), false)]
        );
    }

    #[test]
    fn scripts() {
        for (text, want) in [
            ("PATH=/a:/b", vec!["1 /a|/b"]),
            ("export PATH=\"$PATH:/a\"", vec!["1 <>|/a"]),
            ("PATH=/a:${PATH}\nexport PATH", vec!["1 /a|<>"]),
            ("PATH=/a::/b:", vec!["1 /a||/b|"]),
            ("PATH=\"$HOME/bin:$PATH\"", vec!["1 ?$HOME/bin|<>"]),
            ("PATH=~/bin:$PATH:~", vec!["1 ?~/bin|<>|?~"]),
            ("PATH=$(x):/a", vec!["1 ?$(x)|/a"]),
            ("PATH=${PATH:+:$PATH}", vec!["1 |<>"]),
            ("PATH=/a${PATH:+:${PATH}}", vec!["1 /a|<>"]),
            ("PATH+=:/a", vec!["1 <>|/a"]),
            ("\neval 'x=/b; export PATH=$x:.'", vec!["2 /b|."]),
            ("eval PATH=/a: x", vec![]),
            ("eval eval PATH=/a:", vec!["1 /a|"]),
            ("eval \"PATH=/a:$(x)\"", vec!["1 ?\"PATH=/a:$(x)\""]),
            ("eval \"$(dircolors)\"; eval 'echo PATH=/a'", vec![]),
            ("command export PATH=/a", vec!["1 /a"]),
            ("x=1 command ls PATH=/a", vec![]),
            ("PATH=$PATH/x:/a", vec!["1 ?$PATH/x|/a"]),
            ("PATH=/x$PATH", vec!["1 ?/x$PATH"]),
            ("d=/snap/bin\nexport PATH=$PATH:${d}", vec!["2 <>|/snap/bin"]),
            ("d=/a\nd=/b\nPATH=$d", vec!["3 ?$d"]),
            ("d=/a:/b\nPATH=$d/c", vec!["2 /a|/b/c"]),
            ("PATH=/a x\n(PATH=/b)\nMYPATH=/c\n#PATH=/d\necho PATH=/e", vec![]),
            ("if [ \"$(id -u)\" -eq 0 ]; then PATH=/a; else PATH=/b; fi", vec!["1 /a"]),
            ("PATH=bin:.", vec!["1 bin|."]),
        ] {
            assert_eq!(shown(script(text)), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn nothing_panics(text in any::<String>()) {
            script(&text);
            sudoers(&text);
            sudoers_includes(&text);
            environment(&text);
            script(&format!("PATH={text}"));
            sudoers(&format!("Defaults secure_path={text}"));
        }

        #[test]
        fn literal_paths_come_back(path in "(/[a-z]{0,3}|:){0,6}") {
            let want = literal(&path);
            prop_assert_eq!(&script(&format!("PATH='{path}'"))[0].elements, &want);
            prop_assert_eq!(&environment(&format!("PATH={path}")).unwrap().elements, &want);
            prop_assert_eq!(&sudoers(&format!("Defaults secure_path=\"{path}\""))[0].elements, &want);
        }
    }
}
