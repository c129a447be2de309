//! The objects of RainerScript, `name(parameter="value" …)`, word by word as rsyslogd parses them.

use super::lexer::Lexer;
use super::{Malformed, Object, Parameter, TokenKind};

impl Lexer<'_> {
    /// The parameters of an object. What belongs to no word rsyslogd complains of and passes over;
    /// words in any other order make it refuse the whole configuration.
    pub(super) fn object(&mut self, start: usize, name: String) -> Result<(), Malformed> {
        let mut parameters: Vec<Parameter> = Vec::new();
        let mut next = Next::Name;
        while let Some(c) = self.rest().chars().next() {
            let at = self.at;
            next = match (c, next) {
                ('#', next) => {
                    self.take_line();
                    next
                }
                ('/', next) if self.rest().starts_with("/*") => {
                    self.comment()?;
                    next
                }
                (')', Next::Name) => {
                    // Before a join of lines, whose blanks go: behind it a word would be glued on.
                    let end = self.at.checked_sub(1).map_or(0, |at| self.joined.origin(at) + 1);
                    self.at += 1;
                    let object = Object { name, parameters, end };
                    let kind = match object.value("file") {
                        Some(file) if object.name == "include" => {
                            TokenKind::Include { pattern: file.to_owned(), object: true }
                        }
                        _ => TokenKind::Object(Box::new(object)),
                    };
                    self.push(start, kind);
                    return Ok(());
                }
                (c, Next::Name) if c.is_ascii_alphabetic() => {
                    let rest = self.rest();
                    let in_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
                    let len = rest.find(|c: char| !in_name(c)).unwrap_or(rest.len());
                    Next::Equals(self.take(len).to_ascii_lowercase())
                }
                ('=', Next::Equals(name)) => {
                    self.at += 1;
                    Next::Value(name)
                }
                ('"' | '`', Next::Value(name)) => {
                    let (value, content) = self.string(c)?;
                    let plain = c == '"' && self.text.get(content.clone()) == Some(&*value);
                    let span = if plain { self.joined.origin_of(content) } else { None };
                    parameters.push(Parameter { name, value, span });
                    Next::Name
                }
                ('[', Next::Value(name)) => {
                    self.at += 1;
                    Next::Element { name, list: at }
                }
                ('"' | '`', Next::Element { name, list }) => {
                    self.string(c)?;
                    Next::Comma { name, list }
                }
                (',', Next::Comma { name, list }) => {
                    self.at += 1;
                    Next::Element { name, list }
                }
                (']', Next::Comma { name, list }) => {
                    self.at += 1;
                    let value = self.text.get(list..self.at).unwrap_or_default().to_owned();
                    parameters.push(Parameter { name, value, span: None });
                    Next::Name
                }
                (')' | '=' | '"' | '`' | '[' | ',' | ']' | 'a'..='z' | 'A'..='Z', _) => {
                    return Err(self.malformed(at, "parameters of the form `name=\"value\"`"));
                }
                (c, next) => {
                    self.at += c.len_utf8();
                    next
                }
            };
        }
        Err(self.malformed(start, "an object that ends with `)`"))
    }
}

/// What comes next in an object.
enum Next {
    /// A parameter's name, or the end.
    Name,
    /// The sign behind the name.
    Equals(String),
    /// A string, or a list of them.
    Value(String),
    /// A string of the list that begins at `list`.
    Element { name: String, list: usize },
    /// What parts the strings of the list, or its end.
    Comma { name: String, list: usize },
}

#[cfg(test)]
mod tests {
    use super::super::tokens;

    #[test]
    fn objects_whose_words_stand_in_another_order_are_malformed() {
        for words in [
            "type \"omfile\"",
            "type?\"omfile\"",
            "type=omfile",
            "type=0640",
            "type=\"omfile\", file=\"/x\"",
            "type=\"omfile\" \"/x\"",
            "type=\"omfile\" file",
            "type=\"omfile\" my-file=\"/x\"",
            "type==\"omfile\"",
            "type=[]",
            "type=[\"a\",]",
            "type=[\"a\" \"b\"]",
            "type=[\"a\"",
            "=\"omfile\"",
        ] {
            let e = tokens(&format!("\naction(\n{words})\n")).expect_err(words);
            assert_eq!((e.line, e.want), (3, "parameters of the form `name=\"value\"`"), "{words}");
        }
    }
}
