//! What writes the markup: tags are constants of the program, everything else is escaped.

use crate::message::{Lang, Message};
use crate::profile::Bilingual;
use crate::rootfs::is_control;

/// No text of a report is shown longer (characters).
const LONGEST: usize = 2_000;

/// A page that is being written.
pub(in crate::report::formats) struct Page {
    out: String,
}

impl Page {
    pub fn new() -> Page {
        Page { out: String::with_capacity(1 << 19) }
    }

    pub fn done(self) -> String {
        self.out
    }

    /// Markup that is the program's own.
    pub fn markup(&mut self, markup: &'static str) {
        self.out.push_str(markup);
    }

    /// An element with attributes, and what `inside` writes into it.
    pub fn el(
        &mut self,
        tag: &'static str,
        attrs: &[(&'static str, &str)],
        inside: impl FnOnce(&mut Page),
    ) {
        self.empty(tag, attrs);
        inside(self);
        self.out.push_str("</");
        self.out.push_str(tag);
        self.out.push('>');
    }

    /// The beginning of an element, or one that has no end.
    pub fn empty(&mut self, tag: &'static str, attrs: &[(&'static str, &str)]) {
        self.out.push('<');
        self.out.push_str(tag);
        for (name, value) in attrs {
            self.out.push(' ');
            self.out.push_str(name);
            // A page has thousands of these: a plain word needs no quotes.
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
            if !value.is_empty() && value.bytes().all(plain) {
                self.out.push('=');
                self.out.push_str(value);
            } else if !value.is_empty() {
                self.out.push_str("=\"");
                escape(&mut self.out, value, false);
                self.out.push('"');
            }
        }
        self.out.push('>');
    }

    /// Text, on one line.
    pub fn text(&mut self, text: &str) {
        match text.char_indices().nth(LONGEST) {
            Some((cut, _)) => {
                escape(&mut self.out, text.get(..cut).unwrap_or_default(), false);
                self.out.push('…');
            }
            None => escape(&mut self.out, text, false),
        }
    }

    /// Text of several lines, for `pre`.
    pub fn lines(&mut self, text: &str) {
        escape(&mut self.out, text, true);
    }

    /// A number.
    pub fn number(&mut self, number: usize) {
        self.out.push_str(&number.to_string());
    }

    /// A value in a font of fixed width.
    pub fn code(&mut self, text: &str) {
        self.el("code", &[], |p| p.text(text));
    }

    /// A message, in both languages; what is only a value stands there as such.
    pub fn say(&mut self, message: &Message) {
        match message.is_value() {
            true => self.code(&message.text(Lang::En)),
            false => self.pair(&message.text(Lang::En), &message.text(Lang::Ja)),
        }
    }

    /// A text of the profile, in both languages.
    pub fn both(&mut self, text: &Bilingual) {
        self.pair(&text.en, &text.ja);
    }

    fn pair(&mut self, en: &str, ja: &str) {
        if en == ja {
            return self.text(en);
        }
        self.el("span", &[("lang", "en")], |p| p.text(en));
        self.el("span", &[("lang", "ja")], |p| p.text(ja));
    }
}

/// The one place where a text becomes part of a page: nothing in it is markup, and what would act on
/// its surroundings is shown by its bytes.
fn escape(out: &mut String, text: &str, lines: bool) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' if lines => out.push(c),
            c if is_control(c) => {
                out.push_str(&crate::rootfs::escape(c.encode_utf8(&mut [0; 4]).as_bytes()));
            }
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn escaped(text: &str, lines: bool) -> String {
        let mut out = String::new();
        escape(&mut out, text, lines);
        out
    }

    #[test]
    fn no_text_is_markup() {
        assert_eq!(
            escaped("<script>alert('1')</script>\"&amp;", false),
            "&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;amp;"
        );
        assert_eq!(
            escaped("a\n\tb\u{0}\u{1b}\u{202e}c", false),
            "a\\x0a\\x09b\\x00\\x1b\\xe2\\x80\\xaec"
        );
        assert_eq!(escaped("a\n\tb\r", true), "a\n\tb\\x0d");
    }

    #[test]
    fn attributes_cannot_be_left() {
        let mut page = Page::new();
        page.el("a", &[("href", "#\" onclick=\"x"), ("hidden", "")], |p| p.text("<b>"));
        assert_eq!(page.done(), "<a href=\"#&quot; onclick=&quot;x\" hidden>&lt;b&gt;</a>");
    }

    #[test]
    fn both_languages_stand_in_the_page_and_values_once() {
        let mut page = Page::new();
        page.pair("a < b", "あ");
        page.pair("x", "x");
        page.say(&Message::value("<no>"));
        let want = "<span lang=en>a &lt; b</span><span lang=ja>あ</span>x<code>&lt;no&gt;</code>";
        assert_eq!(page.done(), want);
    }

    #[test]
    fn a_text_without_end_is_cut() {
        let mut page = Page::new();
        page.text(&"é".repeat(LONGEST + 5));
        assert_eq!(page.done(), format!("{}…", "é".repeat(LONGEST)));
    }

    proptest! {
        #[test]
        fn nothing_that_a_parser_or_a_terminal_obeys_is_left(text in any::<String>(), lines: bool) {
            let shown = escaped(&text, lines);
            prop_assert!(!shown.contains(['<', '>', '"', '\'']));
            prop_assert!(shown.chars().all(|c| !is_control(c) || lines && matches!(c, '\n' | '\t')));
            let back = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"), ("&amp;", "&")];
            let read = back.iter().fold(shown, |text, (entity, c)| text.replace(entity, c));
            if !text.contains(is_control) {
                prop_assert_eq!(read, text);
            }
        }
    }
}
