//! The arguments of messages.

use std::borrow::Cow;
use std::sync::Arc;

use super::Message;
use crate::profile::RuleId;
use crate::rootfs::ImagePath;

/// An argument of a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Arg {
    /// A path, a key, a name, a value: the same in every language.
    Text(Arc<str>),
    /// A number, which decides the form of a word beside it.
    Number(i64),
    /// What the system or a parser said. Japanese text puts it in 「」.
    Cause(Arc<str>),
    /// Another message inside this one.
    Message(Arc<Message>),
    /// Several messages, one after another.
    List(Vec<Message>),
}

impl Arg {
    /// What the system or a parser said.
    pub fn cause(said: impl std::fmt::Display) -> Arg {
        Arg::Cause(said.to_string().into())
    }

    /// Names, paths or keys, separated by commas.
    pub fn names<T: std::fmt::Display>(names: impl IntoIterator<Item = T>) -> Arg {
        let names: Vec<String> = names.into_iter().map(|n| n.to_string()).collect();
        Arg::Text(names.join(", ").into())
    }

    pub(super) fn change_texts(&mut self, change: &mut dyn FnMut(&str) -> Option<String>) {
        match self {
            Arg::Text(text) | Arg::Cause(text) => {
                if let Some(new) = change(text) {
                    *text = new.into();
                }
            }
            Arg::Number(_) => {}
            Arg::Message(message) => Arc::make_mut(message).change_texts(change),
            Arg::List(list) => list.iter_mut().for_each(|message| message.change_texts(change)),
        }
    }

    pub(super) fn any_text(&self, is: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Arg::Text(text) | Arg::Cause(text) => is(text),
            Arg::Number(_) => false,
            Arg::Message(message) => message.any_text(is),
            Arg::List(list) => list.iter().any(|message| message.any_text(is)),
        }
    }
}

impl From<&str> for Arg {
    fn from(text: &str) -> Arg {
        Arg::Text(text.into())
    }
}

impl From<String> for Arg {
    fn from(text: String) -> Arg {
        Arg::Text(text.into())
    }
}

impl From<&String> for Arg {
    fn from(text: &String) -> Arg {
        Arg::Text(text.as_str().into())
    }
}

impl From<Cow<'_, str>> for Arg {
    fn from(text: Cow<'_, str>) -> Arg {
        Arg::Text(text.into())
    }
}

impl From<ImagePath> for Arg {
    fn from(path: ImagePath) -> Arg {
        Arg::from(&path)
    }
}

impl From<&ImagePath> for Arg {
    fn from(path: &ImagePath) -> Arg {
        Arg::Text(path.to_string().into())
    }
}

impl From<&RuleId> for Arg {
    fn from(id: &RuleId) -> Arg {
        Arg::Text(id.to_string().into())
    }
}

impl From<Message> for Arg {
    fn from(message: Message) -> Arg {
        Arg::Message(Arc::new(message))
    }
}

impl From<&Message> for Arg {
    fn from(message: &Message) -> Arg {
        Arg::Message(Arc::new(message.clone()))
    }
}

impl From<Vec<Message>> for Arg {
    fn from(list: Vec<Message>) -> Arg {
        Arg::List(list)
    }
}

macro_rules! numbers {
    ($($number:ty),+) => {$(
        impl From<$number> for Arg {
            fn from(number: $number) -> Arg {
                // A count that no i64 holds is beyond anything that is counted here.
                Arg::Number(i64::try_from(number).unwrap_or(i64::MAX))
            }
        }
    )+};
}
numbers!(usize, u64, u32, u16, u8, i64, i32);
