//! The frame of a page.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use sha2::{Digest, Sha256};

use super::page::Page;
use crate::message::{Lang, Message};

/// A document with its one style and its one script, and the policy that allows these alone.
pub fn write(
    title: &Message,
    lang: Lang,
    style: &'static str,
    script: &'static str,
    body: impl FnOnce(&mut Page),
) -> String {
    let mut p = Page::new();
    let digest = |text: &str| BASE64_STANDARD.encode(Sha256::digest(text.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{}'; script-src 'sha256-{}'; base-uri 'none'; \
         form-action 'none'",
        digest(style),
        digest(script),
    );
    p.markup("<!DOCTYPE html>\n");
    let word = match lang {
        Lang::En => "en",
        Lang::Ja => "ja",
    };
    p.el("html", &[("lang", word)], |p| {
        p.el("head", &[], |p| {
            p.markup("<meta charset=\"utf-8\">");
            p.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
            p.markup("<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">");
            p.markup("<meta name=\"color-scheme\" content=\"light dark\">");
            p.markup("<meta name=\"referrer\" content=\"no-referrer\">");
            let (en, ja) = (title.text(Lang::En), title.text(Lang::Ja));
            let attrs = [("data-en", en.as_str()), ("data-ja", ja.as_str())];
            p.el("title", &attrs, |p| p.text(&title.text(lang)));
            p.el("style", &[], |p| p.markup(style));
        });
        p.markup("\n");
        p.el("body", &[], |p| {
            body(p);
            p.el("script", &[], |p| p.markup(script));
        });
    });
    p.markup("\n");
    p.done()
}

/// The switch of languages; the script shows it.
pub fn language(p: &mut Page) {
    p.markup(
        "<div class=\"langs\" role=\"group\" aria-label=\"Language / 言語\" hidden>\
         <button type=\"button\" lang=\"en\" data-to=\"en\">English</button>\
         <button type=\"button\" lang=\"ja\" data-to=\"ja\">日本語</button></div>",
    );
}
