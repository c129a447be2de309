//! The vocabulary of a table: the statuses of rows, and the reasons for leaving one alone. Both are declared
//! in `profile.toml`, with their words in English and Japanese.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use serde::{Deserialize, Serialize, Serializer};
use toml::Spanned;

use super::Bilingual;
use super::id::is_word;
use crate::message::Lang;

/// A status as `profile.toml` declares it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawStatus {
    pub key: Spanned<String>,
    pub word: Bilingual,
    #[serde(default)]
    pub enforced: bool,
}

/// A reason as `profile.toml` declares it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawReason {
    pub key: Spanned<String>,
    pub word: Bilingual,
}

#[derive(Debug)]
struct Term {
    key: String,
    word: Bilingual,
}

/// The status of a row in the published table.
#[derive(Debug, Clone)]
pub struct Status {
    term: Arc<Term>,
    enforced: bool,
}

/// The reason in the last column of the published table.
#[derive(Debug, Clone)]
pub struct Reason(Arc<Term>);

impl Status {
    /// Its key, as rows of the profile and reports spell it.
    pub fn key(&self) -> &str {
        &self.term.key
    }

    /// The word of the published table.
    pub fn word(&self, lang: Lang) -> &str {
        self.term.word.get(lang)
    }

    /// The word of the published table, in both languages.
    pub fn words(&self) -> &Bilingual {
        &self.term.word
    }

    /// Whether rows of this status are enforced. All others are left alone.
    pub fn is_enforced(&self) -> bool {
        self.enforced
    }
}

impl Reason {
    /// Its key, as rows of the profile and reports spell it.
    pub fn key(&self) -> &str {
        &self.0.key
    }

    /// The reason in words, in both languages.
    pub fn words(&self) -> &Bilingual {
        &self.0.word
    }

    /// The reason in words.
    pub fn word(&self, lang: Lang) -> &str {
        self.0.word.get(lang)
    }
}

/// Two words of one table are equal if their keys are.
macro_rules! known_by_key {
    ($($name:ident),+) => {$(
        impl PartialEq for $name {
            fn eq(&self, other: &$name) -> bool {
                self.key() == other.key()
            }
        }

        impl Eq for $name {}

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.key().hash(state);
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.key())
            }
        }
    )+};
}
known_by_key!(Status, Reason);

/// All statuses and reasons that `profile.toml` declares, in its order.
#[derive(Debug, Clone)]
pub(super) struct Vocabulary {
    pub statuses: Vec<Status>,
    pub reasons: Vec<Reason>,
}

impl Vocabulary {
    /// Checks the declarations of `profile.toml`.
    ///
    /// # Errors
    /// The position (a byte offset in `profile.toml`) of a wrong word, and the fault.
    pub fn new(
        statuses: Vec<RawStatus>,
        reasons: Vec<RawReason>,
    ) -> Result<Vocabulary, (usize, String)> {
        let mut words = Vocabulary { statuses: Vec::new(), reasons: Vec::new() };
        for RawStatus { key, word, enforced } in statuses {
            let known: Vec<&str> = words.statuses.iter().map(Status::key).collect();
            let term = term("status", &key, word, &known)?;
            words.statuses.push(Status { term, enforced });
        }
        for RawReason { key, word } in reasons {
            let known: Vec<&str> = words.reasons.iter().map(Reason::key).collect();
            let term = term("reason", &key, word, &known)?;
            words.reasons.push(Reason(term));
        }
        Ok(words)
    }

    /// The status with this key, or the valid keys.
    pub fn status(&self, key: &str) -> Result<Status, String> {
        let known = || list(self.statuses.iter().map(Status::key));
        let found = self.statuses.iter().find(|s| s.key() == key);
        found
            .cloned()
            .ok_or_else(|| format!("no status `{key}`; `[[status]]` declares: {}", known()))
    }

    /// The reason with this key, or the valid keys.
    pub fn reason(&self, key: &str) -> Result<Reason, String> {
        let known = || list(self.reasons.iter().map(Reason::key));
        let found = self.reasons.iter().find(|r| r.key() == key);
        found
            .cloned()
            .ok_or_else(|| format!("no reason `{key}`; `[[reason]]` declares: {}", known()))
    }
}

fn list<'a>(keys: impl Iterator<Item = &'a str>) -> String {
    let keys: Vec<&str> = keys.collect();
    if keys.is_empty() { "none".to_owned() } else { keys.join(", ") }
}

fn term(
    what: &str,
    key: &Spanned<String>,
    word: Bilingual,
    known: &[&str],
) -> Result<Arc<Term>, (usize, String)> {
    let (at, key) = (key.span().start, key.get_ref().clone());
    if !is_word(&key) {
        let want = "want a letter, then letters, digits, `_` and `-`";
        return Err((at, format!("`{key}` is not the key of a {what}; {want}")));
    }
    if known.contains(&key.as_str()) {
        return Err((at, format!("{what} `{key}` is declared already; remove one")));
    }
    if word.en.trim().is_empty() || word.ja.trim().is_empty() {
        return Err((at, format!("{what} `{key}` has an empty word; want both languages")));
    }
    Ok(Arc::new(Term { key, word }))
}
