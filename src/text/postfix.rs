//! Postfix's `main.cf` and `master.cf`: logical lines that go on where a line begins with a blank.

use std::collections::HashMap;

use super::Lines;

/// One logical line.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Logical {
    /// Its first line, from 1, and those that continue it.
    lines: Vec<usize>,
    /// All of it on one line.
    text: String,
}

/// A comment or an empty line ends nothing: what begins with a blank after it still continues.
fn logical_lines(text: &str) -> Vec<Logical> {
    let mut out: Vec<Logical> = Vec::new();
    for (number, line) in Lines::new(text).iter() {
        let bare = line.trim();
        if bare.is_empty() || bare.starts_with('#') {
            continue;
        }
        match out.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
            Some(last) => {
                last.lines.push(number);
                last.text.push(' ');
                last.text.push_str(bare);
            }
            // Where there is nothing to continue yet, postfix passes over the line.
            None if line.starts_with([' ', '\t']) => {}
            None => out.push(Logical { lines: vec![number], text: bare.to_owned() }),
        }
    }
    out
}

/// A parameter of `main.cf` as it stands, `$` unexpanded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The line it begins in, from 1.
    pub line: usize,
    /// Its value.
    pub value: String,
}

/// The parameters of `main.cf`. Of several assignments of one, the last is it.
#[derive(Debug, Clone, Default)]
pub struct Main {
    parameters: HashMap<String, Parameter>,
}

/// Expansion ends here: deeper ones are loops.
const MAX_DEPTH: usize = 8;
/// An expanded value longer than this (bytes) is no list of interfaces.
const MAX_LENGTH: usize = 4096;

impl Main {
    /// Reads the text.
    pub fn parse(text: &str) -> Main {
        let mut main = Main::default();
        for Logical { lines, text } in logical_lines(text) {
            if let (Some((name, value)), Some(line)) = (text.split_once('='), lines.first()) {
                let parameter = Parameter { line: *line, value: value.trim().to_owned() };
                main.parameters.insert(name.trim().to_owned(), parameter);
            }
        }
        main
    }

    /// The parameter, if the text sets it.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.get(name)
    }

    /// The parameter with `$name`, `${name}` and `$(name)` expanded. `None` when the text does not
    /// set it, or sets it to something that only postfix can know.
    pub fn expanded(&self, name: &str) -> Option<String> {
        self.expand(&self.get(name)?.value, MAX_DEPTH)
    }

    fn expand(&self, value: &str, depth: usize) -> Option<String> {
        let depth = depth.checked_sub(1)?;
        let mut out = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('$') {
            out.push_str(before);
            let (name, after) = if let Some(after) = after.strip_prefix('{') {
                after.split_once('}')?
            } else if let Some(after) = after.strip_prefix('(') {
                after.split_once(')')?
            } else {
                let end = after.find(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                after.split_at(end.unwrap_or(after.len()))
            };
            out.push_str(&self.expand(&self.get(name)?.value, depth)?);
            if out.len() > MAX_LENGTH {
                return None;
            }
            rest = after;
        }
        out.push_str(rest);
        (out.len() <= MAX_LENGTH).then_some(out)
    }
}

/// Sets a parameter of `main.cf`: in place of the assignment that counts, else by a line at the
/// end. Lines that continued the old value are switched off.
pub fn set(text: &str, name: &str, value: &str) -> String {
    let mut lines = Lines::new(text);
    let new = format!("{name} = {value}");
    let old = logical_lines(text)
        .into_iter()
        .rfind(|l| l.text.split_once('=').is_some_and(|(n, _)| n.trim() == name));
    match old.as_ref().and_then(|l| l.lines.split_first()) {
        Some((first, continued)) => {
            lines.set(*first, &new);
            continued.iter().for_each(|line| lines.disable(*line));
        }
        None => lines.push(&new),
    }
    lines.to_string()
}

/// A service of `master.cf` that listens on the network at an address of its own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listener {
    /// The line it begins in, from 1.
    pub line: usize,
    /// The address, brackets taken away.
    pub host: String,
}

/// The services of `master.cf` with an address of their own. Those without one listen where
/// `inet_interfaces` says.
pub fn listeners(text: &str) -> Vec<Listener> {
    let read = |l: Logical| {
        let mut words = l.text.split_whitespace();
        let (service, kind) = (words.next()?, words.next()?);
        let (host, _port) = service.rsplit_once(':').filter(|_| kind == "inet")?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let line = *l.lines.first()?;
        (!host.is_empty()).then(|| Listener { line, host: host.to_owned() })
    };
    logical_lines(text).into_iter().filter_map(read).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parameters() {
        let text = "# a = 0\na = 1\nb=$a,\n# between\n\n  ${a} $(c)\nc =\na = 2 # not a comment\n\
            loop = $loop\nbad = $unset\n no = continued\nodd = ${a\nd";
        let main = Main::parse(text);
        assert_eq!(main.get("a").unwrap().value, "2 # not a comment");
        assert_eq!(main.get("b").unwrap(), &Parameter { line: 3, value: "$a, ${a} $(c)".into() });
        assert_eq!(main.expanded("c").unwrap(), "");
        let main = Main::parse("a = 1\nb = $a,${a} $(c)x\nc = 3");
        assert_eq!(main.expanded("b").unwrap(), "1,1 3x");
        for (text, name) in [("l = $l", "l"), ("l = $x", "l"), ("l = ${x", "l"), ("", "l")] {
            assert_eq!(Main::parse(text).expanded(name), None, "{text}");
        }
        let bomb: String = (0..20).map(|i| format!("x{i} = $x{0}$x{0}\n", i + 1)).collect();
        assert_eq!(Main::parse(&format!("{bomb}x20 = 0123456789\n")).expanded("x0"), None);
        assert_eq!(Main::parse("# x\n first = 1\nfirst_x = 2").get("first"), None);
    }

    #[test]
    fn setting() {
        for (text, want) in [
            ("", "k = v\n"),
            ("a = 1", "a = 1\nk = v\n"),
            ("k = 1\n", "k = v\n"),
            ("k=1\r\nb = 2\r\n", "k = v\r\nb = 2\r\n"),
            ("k = 1\nk = 2", "k = 1\nk = v"),
            ("#k = 1\n", "#k = 1\nk = v\n"),
            ("kk = 1\n", "kk = 1\nk = v\n"),
            ("K = 1\n", "K = 1\nk = v\n"),
            ("k = 1,\n # c\n  2\nb = 3\n", "k = v\n # c\n# gokaku:   2\nb = 3\n"),
        ] {
            assert_eq!(set(text, "k", "v"), want, "{text:?}");
        }
    }

    #[test]
    fn services() {
        let text = "smtp inet n - y - - smtpd\n  -o a=b:c\n#1.2.3.4:25 inet n\n\
            127.0.0.1:10025 inet n\n[::1]:26 inet n\n1.2.3.4:smtp\tinet n\npickup unix n\na:b unix\n";
        let shown: Vec<_> = listeners(text).into_iter().map(|l| (l.line, l.host)).collect();
        let want = [(4, "127.0.0.1"), (5, "::1"), (6, "1.2.3.4")];
        assert_eq!(shown, want.map(|(l, h)| (l, h.to_owned())));
    }

    proptest! {
        #[test]
        fn what_was_set_is_got(text in "((k|b)? ?=?[ a-z$#,]{0,8}(\r?\n)?){0,6}") {
            let once = set(&text, "k", "v");
            prop_assert_eq!(Main::parse(&once).expanded("k"), Some("v".to_owned()));
            prop_assert_eq!(set(&once, "k", "v"), once);
        }

        #[test]
        fn anything_can_be_read(text in any::<String>()) {
            Main::parse(&text).expanded("inet_interfaces");
            listeners(&text);
            set(&text, "k", "v");
        }
    }
}
