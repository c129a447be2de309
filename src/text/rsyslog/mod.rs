//! rsyslog's configuration: the old directives and selector lines, and the objects of
//! RainerScript, which may stand side by side in one file.
//!
//! [`tokens`] reads one file; included files are put in place of their [`TokenKind::Include`] by the
//! caller. [`actions()`] then says under which filter each action stands. [`Directive::set`] and
//! [`Object::set`] change one value and nothing else; [`edited`] and [`inserted`] see to the rest.

mod actions;
mod condition;
mod continued;
mod editing;
mod filter;
mod lexer;
mod object;
mod selector;

use std::ops::Range;

use super::splice::Edit;

#[cfg(feature = "internals")]
pub use actions::Filter;
pub use actions::{FilteredAction, What, actions};
pub use continued::logical_start;
pub use editing::{edited, inserted};
pub use lexer::tokens;
pub use selector::{Mask, mask};

/// A piece of a configuration that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// The line it begins in, from 1.
    pub line: usize,
    /// What it is.
    pub kind: TokenKind,
}

/// What a token is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenKind {
    /// `$Name value`.
    Directive(Box<Directive>),
    /// `$IncludeConfig pattern` or `include(file="pattern")`.
    Include {
        /// A path, a pattern of paths, or a directory.
        pattern: String,
        /// Whether it is the object, which rsyslog knows from 8.33 on.
        object: bool,
    },
    /// `facility.severity` at the beginning of a line; filters the next statement.
    Selector(String),
    /// `:property, comparison, "value"`, or any other filter that only some messages pass.
    Property,
    /// An action in the old form: the rest of the line.
    Action(String),
    /// `name(parameter="value" …)`.
    Object(Box<Object>),
    /// `if … then`, with the condition.
    If(String),
    /// `else`.
    Else,
    /// `foreach … do`.
    Foreach,
    /// `stop`: the message is done with.
    Stop,
    /// `call name`, `set …;` and other statements that write nothing themselves.
    Statement,
    /// `{`.
    Open,
    /// `}`.
    Close,
    /// `&`: the filter of the statement before once more.
    And,
}

/// `$Name value`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Directive {
    /// The name in lower case, without `$`.
    pub name: String,
    /// The rest of the line, blanks at both ends cut off. It may end in a comment.
    pub value: String,
    /// Where the value's first word stands in the text; `None` when it is empty or in pieces.
    pub word: Option<Range<usize>>,
}

impl Directive {
    /// What puts `value` in the place of the value's first word; `None` when there is none, or it
    /// is in pieces.
    pub fn set(&self, value: &str) -> Option<Edit> {
        Some(Edit::replace(self.word.clone()?, value))
    }
}

/// `name(parameter="value" …)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Object {
    /// The name in lower case.
    pub name: String,
    /// The parameters in order.
    pub parameters: Vec<Parameter>,
    /// Where a further parameter can be put in the text: before the closing parenthesis.
    pub end: usize,
}

impl Object {
    /// The parameter `name` (lower case); the first one, as rsyslog takes it.
    pub fn get(&self, name: &str) -> Option<&Parameter> {
        self.parameters.iter().find(|p| p.name == name)
    }

    /// The value of the parameter `name` (lower case).
    pub fn value(&self, name: &str) -> Option<&str> {
        self.get(name).map(|p| p.value.as_str())
    }

    /// What sets the parameter `name`, in its place or as the last one. `value` must need no
    /// escapes. `None` when the parameter is there in a form that cannot be replaced.
    pub fn set(&self, name: &str, value: &str) -> Option<Edit> {
        match self.get(&name.to_ascii_lowercase()) {
            Some(parameter) => Some(Edit::replace(parameter.span.clone()?, value)),
            None => Some(Edit::insert(self.end, format!(" {name}=\"{value}\""))),
        }
    }

    /// Whether it is an action, or a set of defaults, of the module `module`.
    pub fn is_of(&self, module: &str) -> bool {
        let (object, key) = match self.name.as_str() {
            "action" => (true, "type"),
            "module" => (true, "load"),
            _ => (false, ""),
        };
        object
            && self.value(key).is_some_and(|v| {
                let v = v.strip_prefix("builtin:").unwrap_or(v);
                v.eq_ignore_ascii_case(module)
            })
    }
}

/// One `name="value"` of an object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// The name in lower case.
    pub name: String,
    /// The value, escapes resolved; of a list its text, brackets included.
    pub value: String,
    /// Where the value stands between its quotes; `None` when it is not there in one piece as is.
    pub span: Option<Range<usize>>,
}

/// Where an action sends its messages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// The file at this path.
    File(String),
    /// A file whose name is made for each message, or stands elsewhere (`$outchannel`).
    DynamicFile,
    /// Everybody who is logged in.
    Everyone,
    /// Nowhere: the message is done with (`~`).
    Discard,
    /// Anything else: a pipe, a host, named users, a database, a channel.
    Other,
}

impl Target {
    /// The target of a token; `None` when it is no action.
    pub fn of(kind: &TokenKind) -> Option<Target> {
        match kind {
            TokenKind::Action(text) => Some(Target::of_text(text)),
            TokenKind::Object(object) if object.name == "action" => Some(Target::of_object(object)),
            _ => None,
        }
    }

    fn of_text(text: &str) -> Target {
        if text == "*" || text.starts_with(":omusrmsg:*") {
            return Target::Everyone;
        }
        if text.starts_with('~') || text.starts_with(":omdiscard:") {
            return Target::Discard;
        }
        let text = text.strip_prefix(":omfile:").unwrap_or(text);
        if text.starts_with(['?', '$']) || text.starts_with("-?") {
            return Target::DynamicFile;
        }
        let path = text.strip_prefix('-').unwrap_or(text);
        if !path.starts_with('/') {
            return Target::Other;
        }
        let end = path.find([' ', ';']).unwrap_or(path.len());
        Target::File(path.get(..end).unwrap_or_default().to_owned())
    }

    fn of_object(object: &Object) -> Target {
        if object.is_of("omfile") {
            match (object.value("file"), object.value("dynafile")) {
                (_, Some(_)) => Target::DynamicFile,
                (Some(path), None) => Target::File(path.to_owned()),
                (None, None) => Target::Other,
            }
        } else if object.is_of("omusrmsg") && object.value("users") == Some("*") {
            Target::Everyone
        } else if object.is_of("omdiscard") {
            Target::Discard
        } else {
            Target::Other
        }
    }
}

/// A text that rsyslog would not understand either.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Malformed {
    /// The line it begins in, from 1.
    pub line: usize,
    /// What stands there.
    pub found: String,
    /// What was expected.
    pub want: &'static str,
}

/// A file mode as rsyslog accepts it: `0` and three octal digits; more digits are no mode. What
/// follows after a blank is passed over.
pub fn file_mode(text: &str) -> Option<u32> {
    let word = text.split(is_space).find(|word| !word.is_empty())?;
    let good = word.len() == 4 && word.starts_with('0');
    good.then(|| u32::from_str_radix(word, 8).ok())?
}

/// What rsyslog takes for a blank.
fn is_space(c: char) -> bool {
    c.is_ascii_whitespace() || c == '\x0b'
}

/// What rsyslog before 8.33 does not understand in a token: it then stops reading there, all files
/// together. `before`: the token before this one.
pub fn unknown_to_8_32(before: Option<&TokenKind>, kind: &TokenKind) -> Option<&'static str> {
    match (before, kind) {
        (_, TokenKind::Include { object: true, .. }) => Some("include()"),
        (Some(TokenKind::Open), TokenKind::Close) => Some("{ }"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::splice::splice;
    use proptest::prelude::*;

    fn object(text: &str) -> Object {
        match tokens(text).unwrap().into_iter().next().unwrap().kind {
            TokenKind::Object(object) => *object,
            kind => panic!("{kind:?}"),
        }
    }

    fn directive(text: &str) -> Directive {
        match tokens(text).unwrap().into_iter().next().unwrap().kind {
            TokenKind::Directive(directive) => *directive,
            kind => panic!("{kind:?}"),
        }
    }

    #[test]
    fn targets_in_the_old_form() {
        let file = |path: &str| Target::File(path.into());
        for (text, want) in [
            ("/var/log/a", file("/var/log/a")),
            ("-/var/log/a", file("/var/log/a")),
            ("/var/log/a;Template", file("/var/log/a")),
            ("/var/log/a # note", file("/var/log/a")),
            (":omfile:/var/log/a", file("/var/log/a")),
            ("?Daily", Target::DynamicFile),
            (":omfile:$channel", Target::DynamicFile),
            ("-?Daily", Target::DynamicFile),
            ("*", Target::Everyone),
            (":omusrmsg:*", Target::Everyone),
            (":omusrmsg:root,operator", Target::Other),
            ("root", Target::Other),
            ("~", Target::Discard),
            ("|/dev/xconsole", Target::Other),
            ("@@loghost", Target::Other),
        ] {
            assert_eq!(Target::of_text(text), want, "{text}");
        }
    }

    #[test]
    fn targets_of_objects() {
        let target = |text: &str| Target::of(&TokenKind::Object(object(text).into()));
        let file = Some(Target::File("/x".into()));
        assert_eq!(target("action(type=\"omfile\" file=\"/x\")"), file);
        assert_eq!(target("Action(Type=\"omfile\"\n File=\"/x\")"), file);
        assert_eq!(target("action(type=\"omfile\" dynaFile=\"t\")"), Some(Target::DynamicFile));
        assert_eq!(target("action(type=\"omusrmsg\" users=\"*\")"), Some(Target::Everyone));
        assert_eq!(target("action(type=\"omusrmsg\" users=\"root\")"), Some(Target::Other));
        assert_eq!(target("action(type=\"omfwd\" target=\"h\")"), Some(Target::Other));
        assert_eq!(target("module(load=\"builtin:omfile\")"), None);
    }

    #[test]
    fn editing_changes_one_value() {
        let text = "# c\n$FileCreateMode\t0644   # why\r\n*.* /x\n";
        let new = splice(text, vec![directive(text).set("0640").unwrap()]);
        assert_eq!(new, "# c\n$FileCreateMode\t0640   # why\r\n*.* /x\n");
        assert_eq!(directive("$FileCreateMode").set("0640"), None);

        let set =
            |text: &str| Some(splice(text, vec![object(text).set("fileCreateMode", "0640")?]));
        assert_eq!(
            set("action(type=\"omfile\" FileCreateMode=\"0644\")").unwrap(),
            "action(type=\"omfile\" FileCreateMode=\"0640\")"
        );
        assert_eq!(
            set("action(type=\"omfile\" file=\"/x\")").unwrap(),
            "action(type=\"omfile\" file=\"/x\" fileCreateMode=\"0640\")"
        );
        assert_eq!(
            set("action(type=\"omfile\"\n  file=\"/x\" # log\n)\n").unwrap(),
            "action(type=\"omfile\"\n  file=\"/x\" # log\n fileCreateMode=\"0640\")\n"
        );
        assert_eq!(set("action(fileCreateMode=\"\\60644\")"), None, "an escape");
        assert_eq!(set("action(fileCreateMode=[\"0644\"])"), None, "a list");
        assert_eq!(
            set("action(type=\"omfile\" x=\"1\"\\\n)\n").unwrap(),
            "action(type=\"omfile\" x=\"1\" fileCreateMode=\"0640\"\\\n)\n"
        );
    }

    #[test]
    fn modes() {
        for (text, want) in [
            ("0640", Some(0o640)),
            ("0640 # note", Some(0o640)),
            ("0640\x0b# note", Some(0o640)),
            ("0600", Some(0o600)),
            ("640", None),
            ("00640", None),
            ("0648", None),
            ("0640x", None),
            ("", None),
        ] {
            assert_eq!(file_mode(text), want, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_was_set_is_read(
            before in "(# [a-z]{0,5}\n|mail\\.\\* /m\n){0,3}",
            old in "0[0-7]{3}",
            new in "0[0-7]{3}",
        ) {
            let text = format!("{before}$FileCreateMode {old}\naction(type=\"omfile\" file=\"/f\")\n");
            let found = tokens(&text).unwrap();
            let Some(d) = found.iter().find_map(|t| match &t.kind {
                TokenKind::Directive(d) => Some(d),
                _ => None,
            }) else { panic!() };
            let once = splice(&text, vec![d.set(&new).unwrap()]);
            let Some(o) = tokens(&once).unwrap().into_iter().find_map(|t| match t.kind {
                TokenKind::Object(o) => Some(o),
                _ => None,
            }) else { panic!() };
            let twice = splice(&once, vec![o.set("fileCreateMode", &new).unwrap()]);
            for token in tokens(&twice).unwrap() {
                match token.kind {
                    TokenKind::Directive(d) => {
                        prop_assert_eq!(&d.value, &new);
                        prop_assert_eq!(splice(&twice, vec![d.set(&new).unwrap()]), twice.clone());
                    }
                    TokenKind::Object(o) => {
                        prop_assert_eq!(o.value("filecreatemode"), Some(new.as_str()));
                        let again = splice(&twice, vec![o.set("fileCreateMode", &new).unwrap()]);
                        prop_assert_eq!(again, twice.clone());
                    }
                    _ => {}
                }
            }
            prop_assert!(twice.starts_with(&before));
        }
    }
}
