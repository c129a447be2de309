//! Edits that leave the rest of a file to be read as before.

use std::mem::{Discriminant, discriminant};

use super::super::Lines;
use super::super::splice::{Edit, splice};
use super::{Token, TokenKind, tokens};

/// The text with edits of values made. `None` when they would change how the rest is read: a quote
/// that is open somewhere before would end at one of ours.
pub fn edited(text: &str, edits: Vec<Edit>) -> Option<String> {
    let new = splice(text, edits);
    (shape(&tokens(text).ok()?) == shape(&tokens(&new).ok()?)).then_some(new)
}

/// The text with a directive on a line of its own before line `number` (from 1). `None` when the
/// rest would be read otherwise: a statement may begin on a line and end on the next.
pub fn inserted(text: &str, number: usize, directive: &str) -> Option<String> {
    let mut lines = Lines::new(text);
    lines.insert(number, directive);
    let new = lines.to_string();
    let (old, mut read) = (tokens(text).ok()?, tokens(&new).ok()?);
    let at = old.iter().filter(|token| token.line < number).count();
    let ours = (at < read.len()).then(|| read.remove(at))?;
    let same = matches!(ours.kind, TokenKind::Directive(_)) && shape(&read) == shape(&old);
    same.then_some(new)
}

/// What follows what.
fn shape(tokens: &[Token]) -> Vec<Discriminant<TokenKind>> {
    tokens.iter().map(|token| discriminant(&token.kind)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_that_closes_an_open_quote_is_none() {
        let text = ":msg, contains, \"a\n*.* /x\naction()\n";
        let object = tokens(text).unwrap().into_iter().find_map(|t| match t.kind {
            TokenKind::Object(object) => Some(object),
            _ => None,
        });
        let edit = || vec![object.as_ref().unwrap().set("fileCreateMode", "0640").unwrap()];
        assert_eq!(edited(text, edit()), None);
        let text = &text[text.find("action").unwrap()..];
        let edit = Edit::insert(text.len() - 2, " a=\"b\"");
        assert_eq!(edited(text, vec![edit]).unwrap(), "action( a=\"b\")\n");
    }

    #[test]
    fn a_line_is_put_between_statements_only() {
        let put = |text: &str, number| inserted(text, number, "$X 1");
        let text = "*.* /x\n# c\nkern.*\n/y\n";
        assert_eq!(put(text, 1).unwrap(), format!("$X 1\n{text}"));
        assert_eq!(put(text, 3).unwrap(), "*.* /x\n# c\n$X 1\nkern.*\n/y\n");
        for (text, number) in [
            ("call\nr\n*.* /x\n", 2),
            ("set $.a =\n1; *.* /x\n", 2),
            ("if $msg == 'a'\nthen /x\n", 2),
            ("action(type=\"omfile\"\nfile=\"/x\")\n", 2),
            ("action(file=\"/x\nb\")\n", 2),
            ("/* c\n*/ *.* /x\n", 2),
        ] {
            assert_eq!(put(text, number), None, "{text:?}");
            assert!(put(text, 1).is_some(), "{text:?}");
        }
    }
}
