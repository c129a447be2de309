//! XML 1.0 of any text.

use std::fmt::Write;
use std::io;

use quick_xml::Writer;
use quick_xml::events::attributes::Attribute;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};
use quick_xml::name::QName;

/// A document that is being written.
pub(super) struct Xml {
    writer: Writer<Vec<u8>>,
}

/// Attributes of an element, by name.
pub(super) type Attributes<'a> = &'a [(&'a str, &'a str)];

impl Xml {
    pub fn new() -> io::Result<Xml> {
        let mut writer = Writer::new_with_indent(Vec::new(), b' ', 1);
        writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        Ok(Xml { writer })
    }

    /// An element with what `inside` writes.
    pub fn element(
        &mut self,
        name: &str,
        attributes: Attributes<'_>,
        inside: impl FnOnce(&mut Xml) -> io::Result<()>,
    ) -> io::Result<()> {
        self.writer.write_event(Event::Start(start(name, attributes)))?;
        inside(self)?;
        self.writer.write_event(Event::End(BytesEnd::new(name)))
    }

    /// An element with a text.
    pub fn text(&mut self, name: &str, attributes: Attributes<'_>, text: &str) -> io::Result<()> {
        self.element(name, attributes, |xml| {
            let text = escaped(text, false);
            xml.writer.write_event(Event::Text(BytesText::from_escaped(text)))
        })
    }

    /// An element with nothing in it.
    pub fn empty(&mut self, name: &str, attributes: Attributes<'_>) -> io::Result<()> {
        self.writer.write_event(Event::Empty(start(name, attributes)))
    }

    pub fn finish(self) -> String {
        let mut text = String::from_utf8_lossy(&self.writer.into_inner()).into_owned();
        text.push('\n');
        text
    }
}

fn start(name: &str, attributes: Attributes<'_>) -> BytesStart<'static> {
    let mut start = BytesStart::new(name.to_owned());
    for (key, value) in attributes {
        let value = escaped(value, true).into();
        start.push_attribute(Attribute { key: QName(key), value });
    }
    start
}

/// The text as XML, to be read back as it is. What XML 1.0 cannot hold, and what would act on a
/// terminal, is written as `\xNN`.
fn escaped(text: &str, in_attribute: bool) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // A reader makes line feeds of these, and of line feeds in attributes blanks.
            '\r' => out.push_str("&#13;"),
            '\n' if in_attribute => out.push_str("&#10;"),
            '\t' if in_attribute => out.push_str("&#9;"),
            '\n' | '\t' => out.push(c),
            c if crate::rootfs::is_control(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                    // Writing to a String cannot fail.
                    let _ = write!(out, "\\x{byte:02x}");
                }
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_comes_back_or_is_seen() {
        for (text, want) in [
            ("a<b>&\"'c]]>\r\n\td", "a<b>&\"'c]]>\r\n\td"),
            ("\0\x1b[2J\u{fffe}\u{202e}", "\\x00\\x1b[2J\\xef\\xbf\\xbe\\xe2\\x80\\xae"),
            ("  合格 \u{1f600} ", "  合格 \u{1f600} "),
        ] {
            for in_attribute in [false, true] {
                let escaped = escaped(text, in_attribute);
                assert!(!escaped.contains(['<', '>', '"', '\r', '\0']), "{escaped}");
                assert_eq!(quick_xml::escape::unescape(&escaped).unwrap(), want);
            }
        }
        assert!(!escaped("a\nb\tc", true).contains(['\n', '\t']));
    }
}
