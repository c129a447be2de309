//! A message as text.

use std::fmt::Write;

use super::{Arg, Lang, Message, Source};

impl Message {
    pub(super) fn write(&self, lang: Lang, out: &mut String) {
        match &self.0 {
            Source::Read(written) => out.push_str(match lang {
                Lang::En => &written.en,
                Lang::Ja => &written.ja,
            }),
            Source::Made { template, args } => {
                let text = match lang {
                    Lang::En => template.en,
                    Lang::Ja => template.ja,
                };
                for piece in pieces(text) {
                    match piece {
                        Piece::Words(words) => out.push_str(words),
                        Piece::Place { name, forms } => {
                            let at = template.args.iter().position(|arg| *arg == name);
                            // A test finds a placeholder that is no argument.
                            let Some(arg) = at.and_then(|at| args.get(at)) else { continue };
                            match forms {
                                None => arg.write(lang, out),
                                Some((one, many)) => {
                                    let is_one = matches!(arg, Arg::Number(1));
                                    out.push_str(if is_one { one } else { many });
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

impl Arg {
    fn write(&self, lang: Lang, out: &mut String) {
        match self {
            Arg::Text(text) => out.push_str(text),
            Arg::Number(number) => {
                // Writing to a String cannot fail.
                let _ = write!(out, "{number}");
            }
            Arg::Cause(said) => match lang {
                Lang::En => out.push_str(said),
                Lang::Ja => {
                    let _ = write!(out, "「{said}」");
                }
            },
            Arg::Message(message) => message.write(lang, out),
            Arg::List(list) => {
                for (at, message) in list.iter().enumerate() {
                    if at > 0 {
                        out.push_str(match lang {
                            Lang::En => "; ",
                            Lang::Ja => "。",
                        });
                    }
                    message.write(lang, out);
                }
            }
        }
    }
}

/// A part of a template.
#[derive(Debug, PartialEq)]
pub(super) enum Piece<'t> {
    Words(&'t str),
    /// An argument, or the form of a word that fits its number.
    Place {
        name: &'t str,
        forms: Option<(&'t str, &'t str)>,
    },
}

/// The parts of a template, in order.
pub(super) fn pieces(mut text: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if text.is_empty() {
            return None;
        }
        if let Some((inside, rest)) = text.strip_prefix('{').and_then(|t| t.split_once('}')) {
            text = rest;
            return Some(match inside.split_once(':') {
                Some((name, forms)) => Piece::Place {
                    name,
                    forms: Some(forms.split_once('|').unwrap_or((forms, forms))),
                },
                None => Piece::Place { name: inside, forms: None },
            });
        }
        let end =
            text.char_indices().skip(1).find(|(_, c)| *c == '{').map_or(text.len(), |(at, _)| at);
        let (words, rest) = text.split_at(end);
        text = rest;
        Some(Piece::Words(words))
    })
}
