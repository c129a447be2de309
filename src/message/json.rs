//! Messages in reports: id, arguments and both texts. A mere value is a string.

use serde::ser::SerializeStruct;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value};

use super::{Arg, Lang, Message, Source};

/// A message as it stands in a report.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(super) struct Written {
    pub id: String,
    #[serde(default)]
    pub args: Map<String, Value>,
    pub en: String,
    pub ja: String,
}

impl Message {
    /// The arguments by name, as JSON has them.
    pub(crate) fn json_args(&self) -> Map<String, Value> {
        match &self.0 {
            Source::Read(written) => written.args.clone(),
            Source::Made { template, args } => {
                let named = template.args.iter().zip(args);
                named.map(|(name, arg)| ((*name).to_owned(), arg.json())).collect()
            }
        }
    }
}

impl Arg {
    fn json(&self) -> Value {
        match self {
            Arg::Text(text) | Arg::Cause(text) => Value::from(&**text),
            Arg::Number(number) => Value::from(*number),
            Arg::Message(message) => message.json(),
            Arg::List(list) => list.iter().map(Message::json).collect(),
        }
    }
}

impl Message {
    fn json(&self) -> Value {
        if self.is_value() {
            return Value::from(self.text(Lang::En));
        }
        let written = Written {
            id: self.id().to_owned(),
            args: self.json_args(),
            en: self.text(Lang::En),
            ja: self.text(Lang::Ja),
        };
        // Strings and maps with string keys: this cannot fail.
        serde_json::to_value(written).unwrap_or_default()
    }
}

impl Serialize for Message {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.is_value() {
            return serializer.serialize_str(&self.text(Lang::En));
        }
        let mut object = serializer.serialize_struct("Message", 4)?;
        object.serialize_field("id", self.id())?;
        object.serialize_field("args", &self.json_args())?;
        object.serialize_field("en", &self.text(Lang::En))?;
        object.serialize_field("ja", &self.text(Lang::Ja))?;
        object.end()
    }
}

impl<'de> Deserialize<'de> for Message {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Message, D::Error> {
        #[derive(Deserialize)]
        #[serde(untagged)]
        enum Either {
            Value(String),
            Message(Written),
        }
        Ok(match Either::deserialize(deserializer)? {
            Either::Value(text) => Message::value(text),
            Either::Message(written) => Message(Source::Read(Box::new(written))),
        })
    }
}
