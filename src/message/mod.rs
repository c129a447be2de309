//! What people read, as data: an id, arguments, and one template for each language.
//!
//! A family declares its messages in one file, with `messages!`; each becomes a function that
//! takes the arguments. A message without one of the two languages does not compile, and one that
//! nobody uses is dead code, which the compiler reports. Invariant: no other module renders a
//! sentence for people.

mod arg;
mod json;
pub mod log;
mod render;

use std::fmt;

#[cfg(feature = "internals")]
pub use arg::Arg;
#[cfg(not(feature = "internals"))]
pub(crate) use arg::Arg;
pub(crate) use log::say;

/// The language of output text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Japanese.
    Ja,
}

/// A message as a family declares it.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Template {
    /// `family.name`; never renamed, since reports carry it.
    pub id: &'static str,
    /// The names of the arguments.
    pub args: &'static [&'static str],
    /// The English text. `{name}` is an argument, `{name:file|files}` the form that fits a number.
    pub en: &'static str,
    /// The Japanese text, with the same placeholders.
    pub ja: &'static str,
}

/// A value as it stands in the tree or in a profile: the same in every language.
static VALUE: Template = Template { id: "value", args: &["value"], en: "{value}", ja: "{value}" };

/// Something that people read.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Message(Source);

#[derive(Clone, PartialEq, Eq, Hash)]
enum Source {
    /// Made by this program.
    Made { template: &'static Template, args: Box<[Arg]> },
    /// Read back from a report, which may be of another version.
    Read(Box<json::Written>),
}

impl Message {
    /// For [`messages!`].
    pub(crate) fn new(template: &'static Template, args: impl Into<Box<[Arg]>>) -> Message {
        Message(Source::Made { template, args: args.into() })
    }

    /// A value as it stands in the tree or in a profile.
    pub(crate) fn value(text: impl Into<String>) -> Message {
        Message::new(&VALUE, [Arg::Text(text.into().into())])
    }

    /// A text that is there in both languages, as a profile has its titles.
    pub(crate) fn both(id: &str, en: impl Into<String>, ja: impl Into<String>) -> Message {
        Message(Source::Read(Box::new(json::Written {
            id: id.to_owned(),
            args: serde_json::Map::new(),
            en: en.into(),
            ja: ja.into(),
        })))
    }

    /// The id: `family.name`.
    pub fn id(&self) -> &str {
        match &self.0 {
            Source::Made { template, .. } => template.id,
            Source::Read(written) => &written.id,
        }
    }

    /// Whether it is only a value, which is the same in every language.
    pub fn is_value(&self) -> bool {
        self.id() == VALUE.id
    }

    /// The text in a language.
    pub fn text(&self, lang: Lang) -> String {
        let mut out = String::new();
        self.write(lang, &mut out);
        out
    }

    /// The same message with every text among its arguments, at any depth, changed by `change`;
    /// `None` keeps a text.
    #[must_use]
    pub(crate) fn with_texts(mut self, change: &mut dyn FnMut(&str) -> Option<String>) -> Message {
        self.change_texts(change);
        self
    }

    fn change_texts(&mut self, change: &mut dyn FnMut(&str) -> Option<String>) {
        if let Source::Made { args, .. } = &mut self.0 {
            args.iter_mut().for_each(|arg| arg.change_texts(change));
        }
    }

    /// Whether a text among its arguments fulfils `is`.
    pub(crate) fn any_text(&self, is: &mut dyn FnMut(&str) -> bool) -> bool {
        match &self.0 {
            Source::Made { args, .. } => args.iter().any(|arg| arg.any_text(is)),
            Source::Read(written) => is(&written.en),
        }
    }
}

impl From<&str> for Message {
    fn from(text: &str) -> Message {
        Message::value(text)
    }
}

impl From<String> for Message {
    fn from(text: String) -> Message {
        Message::value(text)
    }
}

impl From<&String> for Message {
    fn from(text: &String) -> Message {
        Message::value(text)
    }
}

impl From<std::borrow::Cow<'_, str>> for Message {
    fn from(text: std::borrow::Cow<'_, str>) -> Message {
        Message::value(text)
    }
}

/// In English.
impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(Lang::En))
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_value() {
            write!(f, "{:?}", self.to_string())
        } else {
            write!(f, "{}({self})", self.id())
        }
    }
}

/// Declares the messages of a family: a function per message, and `TEMPLATES` for the tests.
macro_rules! messages {
    ($family:literal; $($(#[$meta:meta])* $name:ident($($arg:ident),* $(,)?) {
        en: $en:literal, ja: $ja:literal $(,)?
    })+) => {
        $(
            $(#[$meta])*
            #[doc = concat!("`", $en, "`")]
            pub(crate) fn $name($($arg: impl Into<$crate::message::Arg>),*) -> $crate::message::Message {
                $crate::message::Message::new(
                    &$crate::message::Template {
                        id: concat!($family, ".", stringify!($name)),
                        args: &[$(stringify!($arg)),*],
                        en: $en,
                        ja: $ja,
                    },
                    [$($arg.into()),*],
                )
            }
        )+

        /// All of them.
        #[cfg(test)]
        pub(crate) const TEMPLATES: &[$crate::message::Template] = &[$($crate::message::Template {
            id: concat!($family, ".", stringify!($name)),
            args: &[$(stringify!($arg)),*],
            en: $en,
            ja: $ja,
        }),+];
    };
}
pub(crate) use messages;

#[cfg(test)]
mod tests;

/// The messages of every family.
#[cfg(test)]
const FAMILIES: &[&[Template]] = &[
    crate::check::accounts::messages::TEMPLATES,
    crate::check::homes::messages::TEMPLATES,
    crate::check::common::messages::TEMPLATES,
    crate::check::files::messages::TEMPLATES,
    crate::check::kernel::messages::TEMPLATES,
    crate::check::daemons::messages::TEMPLATES,
    crate::check::logs::messages::TEMPLATES,
    crate::apply::container::messages::TEMPLATES,
    crate::apply::messages::TEMPLATES,
    crate::apply::packages::messages::TEMPLATES,
    crate::check::messages::TEMPLATES,
    crate::check::packages::messages::TEMPLATES,
    crate::check::pam::messages::TEMPLATES,
    crate::check::shell::messages::TEMPLATES,
    crate::check::chain::messages::TEMPLATES,
    crate::check::systemd::messages::TEMPLATES,
    crate::check::sshd::messages::TEMPLATES,
    #[cfg(feature = "cli")]
    crate::cli::messages::TEMPLATES,
    crate::consequences::messages::TEMPLATES,
    crate::lockout::messages::TEMPLATES,
    crate::error::cannot::TEMPLATES,
    crate::error::messages::TEMPLATES,
    #[cfg(feature = "cli")]
    crate::image::messages::TEMPLATES,
    crate::plan::messages::TEMPLATES,
    crate::profile::messages::TEMPLATES,
    crate::report::fixes::messages::TEMPLATES,
    crate::report::formats::messages::TEMPLATES,
    crate::report::messages::TEMPLATES,
    crate::report::formats::html::messages::TEMPLATES,
    crate::report::formats::matrix::messages::TEMPLATES,
    crate::rootfs::archive::messages::TEMPLATES,
    crate::run::messages::TEMPLATES,
];
