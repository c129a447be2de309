//! Variables: what a table lets a site choose, with the range in which its rows still hold.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::mistakes::{Mistakes, nearest};
use crate::profile::Bilingual;

/// What a variable can hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Kind {
    /// A number.
    Integer { min: Option<i64>, max: Option<i64> },
    /// A text; of so many characters at most.
    Text { most: Option<usize> },
    /// One of these words.
    Choice(Vec<String>),
    /// A list of texts; each one of these words, where there are any.
    List(Vec<String>),
    /// A time, as `90s`, `5min`, `2h`, `7d`; the bounds as written.
    Duration { min: Option<String>, max: Option<String> },
    /// Yes or no.
    Switch,
}

/// A variable: what it can hold, and what it holds.
#[derive(Debug, Clone)]
pub(super) struct Var<'t> {
    pub kind: Kind,
    pub meaning: Option<Bilingual>,
    /// The value, with its place.
    pub value: Spanned<DeValue<'t>>,
    /// Whether a layer declares it.
    pub of_layer: bool,
    /// The place of its name where it is declared.
    pub declared: Range<usize>,
}

/// All variables by name.
pub(super) type Vars<'t> = BTreeMap<String, Var<'t>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Declaration {
    #[serde(rename = "value")]
    _value: serde::de::IgnoredAny,
    #[serde(rename = "type")]
    kind: Option<Spanned<Word>>,
    min: Option<Spanned<Bound>>,
    max: Option<Spanned<Bound>>,
    one_of: Option<Spanned<Vec<String>>>,
    most: Option<Spanned<usize>>,
    meaning: Option<Bilingual>,
}

#[derive(Deserialize, Clone, Copy, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
enum Word {
    Integer,
    Text,
    List,
    Duration,
    Switch,
}

#[derive(Deserialize, Clone)]
#[serde(untagged)]
enum Bound {
    Number(i64),
    Time(String),
}

/// Reads the `[vars]` of a table (`of_layer` false) or of a layer: declarations, and in a layer values
/// for what is declared already.
pub(super) fn read<'t>(
    table: DeTable<'t>,
    of_layer: bool,
    vars: &mut Vars<'t>,
    mistakes: &mut Mistakes,
) {
    for (key, value) in table {
        let (name, declared) = (key.get_ref().to_string(), key.span());
        let known = vars.contains_key(&name);
        match value.get_ref() {
            DeValue::Table(fields) if known => {
                let _ = fields;
                let says = format!(
                    "var `{name}` is declared already; give it a value alone, as \
                                    `{name} = …`"
                );
                mistakes.add(declared, says);
            }
            DeValue::Table(fields) => {
                if let Some(var) = declaration(&name, &declared, &value, fields, of_layer, mistakes)
                {
                    vars.insert(name, var);
                }
            }
            _ if of_layer => assign(&name, declared, value, vars, mistakes),
            _ => {
                let kind = match value.get_ref() {
                    DeValue::Integer(_) => Kind::Integer { min: None, max: None },
                    DeValue::String(_) => Kind::Text { most: None },
                    DeValue::Array(_) => Kind::List(Vec::new()),
                    DeValue::Boolean(_) => Kind::Switch,
                    _ => {
                        let says = format!(
                            "var `{name}` is neither a number, a text, a list nor \
                                            true or false"
                        );
                        mistakes.add(value.span(), says);
                        continue;
                    }
                };
                let var = Var { kind, meaning: None, value, of_layer, declared };
                if let Err((at, says)) = var.kind.check(&name, &var.value) {
                    mistakes.add(at, says);
                }
                vars.insert(name, var);
            }
        }
    }
}

fn declaration<'t>(
    name: &str,
    declared: &Range<usize>,
    whole: &Spanned<DeValue<'t>>,
    fields: &DeTable<'t>,
    of_layer: bool,
    mistakes: &mut Mistakes,
) -> Option<Var<'t>> {
    let span = if whole.span().is_empty() { declared.clone() } else { whole.span() };
    let raw: Declaration = mistakes.entry(span, fields)?;
    let (_, value) = fields.iter().find(|(key, _)| key.get_ref() == "value")?;
    let value = value.clone();
    let before = mistakes.len();
    let word = raw.kind.as_ref().map(|kind| *kind.get_ref());
    let kind = match (word, value.get_ref()) {
        (Some(Word::Duration), _) => {
            let mut time = |bound: &Option<Spanned<Bound>>| match bound
                .as_ref()
                .map(|b| (b.span(), b.get_ref()))
            {
                None => None,
                Some((_, Bound::Time(text))) if seconds(text).is_some() => Some(text.clone()),
                Some((at, _)) => {
                    mistakes.add(at, "a bound of a duration is a time, as \"90s\" or \"5min\"");
                    None
                }
            };
            Kind::Duration { min: time(&raw.min), max: time(&raw.max) }
        }
        (Some(Word::Integer), _) | (None, DeValue::Integer(_)) => {
            let mut number = |bound: &Option<Spanned<Bound>>| match bound
                .as_ref()
                .map(|b| (b.span(), b.get_ref()))
            {
                None => None,
                Some((_, Bound::Number(number))) => Some(*number),
                Some((at, _)) => {
                    mistakes.add(at, "a bound of a number is a number; write it without quotes");
                    None
                }
            };
            Kind::Integer { min: number(&raw.min), max: number(&raw.max) }
        }
        (Some(Word::List), _) | (None, DeValue::Array(_)) => {
            Kind::List(raw.one_of.as_ref().map(|list| list.get_ref().clone()).unwrap_or_default())
        }
        (Some(Word::Switch), _) | (None, DeValue::Boolean(_)) => Kind::Switch,
        (_, DeValue::String(_)) if raw.one_of.is_some() => {
            Kind::Choice(raw.one_of.as_ref().map(|list| list.get_ref().clone()).unwrap_or_default())
        }
        (Some(Word::Text), _) | (None, DeValue::String(_)) => {
            Kind::Text { most: raw.most.as_ref().map(|most| *most.get_ref()) }
        }
        (None, _) => {
            mistakes
                .add(value.span(), format!("var `{name}` has a value of no type that vars have"));
            return None;
        }
    };
    let bounded = matches!(kind, Kind::Integer { .. } | Kind::Duration { .. });
    let listed = matches!(kind, Kind::Choice(_) | Kind::List(_));
    let text = matches!(kind, Kind::Text { .. });
    let places = [
        (raw.min.as_ref().map(Spanned::span), bounded, "min"),
        (raw.max.as_ref().map(Spanned::span), bounded, "max"),
        (raw.one_of.as_ref().map(Spanned::span), listed, "one_of"),
        (raw.most.as_ref().map(Spanned::span), text, "most"),
    ];
    for (at, fits, field) in places {
        if let Some(at) = at.filter(|_| !fits) {
            mistakes.add(at, format!("`{field}` says nothing of {}; remove it", kind.word()));
        }
    }
    if let Err((at, says)) = kind.check(name, &value) {
        mistakes.add(at, says);
    }
    (mistakes.len() == before).then(|| Var {
        kind,
        meaning: raw.meaning,
        value,
        of_layer,
        declared: declared.clone(),
    })
}

/// Gives a variable a value.
pub(super) fn assign<'t>(
    name: &str,
    at: Range<usize>,
    value: Spanned<DeValue<'t>>,
    vars: &mut Vars<'t>,
    mistakes: &mut Mistakes,
) {
    let Some(var) = vars.get_mut(name) else {
        mistakes.add(at, unknown(name, vars));
        return;
    };
    match var.kind.check(name, &value) {
        Ok(()) => var.value = value,
        Err((at, says)) => mistakes.add(at, says),
    }
}

/// Reads the pairs of `--set` and `GOKAKU_SET`: `text` in lines of `name=value`, which begins at `start`.
pub(super) fn read_pairs<'t>(
    text: &'t str,
    start: usize,
    vars: &mut Vars<'t>,
    mistakes: &mut Mistakes,
) {
    let mut at = start;
    for line in text.split_inclusive('\n') {
        let pair = line.trim_end_matches('\n');
        let whole = at..at + pair.len();
        at += line.len();
        let Some((name, value)) = pair.split_once('=') else {
            mistakes.add(whole, format!("found `{pair}`, want `var=value`"));
            continue;
        };
        let name_at = whole.start..whole.start + name.len();
        let value_at = name_at.end + 1..whole.end;
        let name = name.trim();
        let Some(var) = vars.get(name) else {
            mistakes.add(name_at, unknown(name, vars));
            continue;
        };
        match var.kind.typed(value, value_at.clone()) {
            Ok(value) => assign(name, name_at, value, vars, mistakes),
            Err(want) => {
                mistakes.add(value_at, format!("var `{name}`: found `{value}`, want {want}"));
            }
        }
    }
}

/// The pairs that a variable of the environment holds, one in a line. A comma begins the next pair
/// where a name and `=` follow it.
pub(super) fn pairs_of_environment(text: &str) -> String {
    let is_pair = |part: &str| {
        part.split_once('=').is_some_and(|(name, _)| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        })
    };
    let mut out = String::new();
    for (number, part) in text.split(',').enumerate() {
        if number > 0 {
            out.push(if is_pair(part.trim_start()) { '\n' } else { ',' });
        }
        out.push_str(if is_pair(part.trim_start()) { part.trim_start() } else { part });
    }
    out
}

pub(super) fn unknown(name: &str, vars: &Vars<'_>) -> String {
    let meant = nearest(name, vars.keys().map(String::as_str));
    let known: Vec<&str> = vars.keys().map(String::as_str).collect();
    match (meant, known.is_empty()) {
        (Some(meant), _) => format!("no var `{name}`; did you mean `{meant}`?"),
        (None, true) => format!("no var `{name}`; the profile has none"),
        (None, false) => format!("no var `{name}`; the profile has: {}", known.join(", ")),
    }
}

impl Kind {
    /// The type in a word.
    pub fn word(&self) -> &'static str {
        match self {
            Kind::Integer { .. } => "a number",
            Kind::Text { .. } => "a text",
            Kind::Choice(_) => "a choice",
            Kind::List(_) => "a list",
            Kind::Duration { .. } => "a duration",
            Kind::Switch => "true or false",
        }
    }

    /// The values that it can have, in words.
    pub fn range(&self) -> String {
        let between = |min: Option<String>, max: Option<String>| match (min, max) {
            (Some(min), Some(max)) => format!(" from {min} to {max}"),
            (Some(min), None) => format!(", {min} or more"),
            (None, Some(max)) => format!(", {max} or less"),
            (None, None) => String::new(),
        };
        let number = |n: &Option<i64>| n.map(|n| n.to_string());
        match self {
            Kind::Integer { min, max } => format!("a number{}", between(number(min), number(max))),
            Kind::Text { most: Some(most) } => format!("a text of at most {most} characters"),
            Kind::Text { most: None } => "a text".to_owned(),
            Kind::Choice(words) => format!("one of {}", words.join(", ")),
            Kind::List(words) if words.is_empty() => "a list of texts".to_owned(),
            Kind::List(words) => format!("a list of {}", words.join(", ")),
            Kind::Duration { min, max } => {
                format!("a time{}, as 90s, 5min, 2h or 7d", between(min.clone(), max.clone()))
            }
            Kind::Switch => "true or false".to_owned(),
        }
    }

    /// Whether a value is of the type and in the range.
    fn check(
        &self,
        name: &str,
        value: &Spanned<DeValue<'_>>,
    ) -> Result<(), (Range<usize>, String)> {
        let wrong = |at: Range<usize>, found: String| {
            let beyond = match self {
                Kind::Switch => "",
                _ => "; beyond that the row of the table does not hold: see [[set]]",
            };
            Err((at, format!("var `{name}`: found {found}, want {}{beyond}", self.range())))
        };
        let at = value.span();
        match (self, value.get_ref()) {
            (Kind::Integer { min, max }, DeValue::Integer(number)) => {
                let found = i64::from_str_radix(number.as_str(), number.radix()).ok();
                let fits = |n: i64| min.is_none_or(|m| n >= m) && max.is_none_or(|m| n <= m);
                match found {
                    Some(n) if fits(n) => Ok(()),
                    _ => wrong(at, number.to_string()),
                }
            }
            (Kind::Text { most }, DeValue::String(text)) => match most {
                Some(most) if text.chars().count() > *most => {
                    wrong(at, format!("{} characters", text.chars().count()))
                }
                _ => Ok(()),
            },
            (Kind::Choice(words), DeValue::String(text)) => {
                match words.iter().any(|word| word == text.as_ref()) {
                    true => Ok(()),
                    false => wrong(at, format!("`{text}`")),
                }
            }
            (Kind::List(words), DeValue::Array(items)) => {
                for item in items.iter() {
                    match item.get_ref().as_str() {
                        Some(text) if words.is_empty() || words.iter().any(|w| w == text) => {}
                        Some(text) => return wrong(item.span(), format!("`{text}`")),
                        None => return wrong(item.span(), type_of(item.get_ref()).to_owned()),
                    }
                }
                match items.is_empty() {
                    true => wrong(at, "an empty list".to_owned()),
                    false => Ok(()),
                }
            }
            (Kind::Duration { min, max }, DeValue::String(text)) => {
                let bound = |text: &Option<String>| text.as_deref().and_then(seconds);
                match seconds(text) {
                    Some(found)
                        if bound(min).is_none_or(|min| found >= min)
                            && bound(max).is_none_or(|max| found <= max) =>
                    {
                        Ok(())
                    }
                    _ => wrong(at, format!("`{text}`")),
                }
            }
            (Kind::Switch, DeValue::Boolean(_)) => Ok(()),
            (_, other) => {
                let says = format!("var `{name}`: found {}, want {}", type_of(other), self.range());
                Err((at, says))
            }
        }
    }

    /// A value from the command line, by the type of the variable.
    fn typed<'t>(&self, text: &'t str, at: Range<usize>) -> Result<Spanned<DeValue<'t>>, String> {
        let value = match self {
            Kind::Integer { .. } => match DeValue::parse(text.trim()) {
                Ok(value) if value.get_ref().is_integer() => value.into_inner(),
                _ => return Err(self.range()),
            },
            Kind::Switch => match text.trim() {
                "true" => DeValue::Boolean(true),
                "false" => DeValue::Boolean(false),
                _ => return Err(self.range()),
            },
            Kind::List(_) => {
                let item = |item: &'t str| {
                    Spanned::new(at.clone(), DeValue::String(Cow::Borrowed(item.trim())))
                };
                DeValue::Array(text.split(',').map(item).collect::<DeArray<'t>>())
            }
            // A line feed cannot be typed easily; the banner's last one can be left out there.
            Kind::Text { .. } => DeValue::String(Cow::Owned(text.replace("\\n", "\n"))),
            Kind::Choice(_) | Kind::Duration { .. } => DeValue::String(Cow::Borrowed(text.trim())),
        };
        Ok(Spanned::new(at, value))
    }
}

fn type_of(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a number",
        DeValue::Float(_) => "a number with a point",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The seconds of a time: `90s`, `5min`, `2h`, `7d`, `2w`, or several of these in a row.
pub(super) fn seconds(text: &str) -> Option<u64> {
    let mut rest = text.trim();
    let mut sum: u64 = 0;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
        let number: u64 = rest.get(..digits)?.parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.bytes().take_while(u8::is_ascii_alphabetic).count();
        let unit = match &rest[..letters] {
            "s" => 1,
            "min" => 60,
            "h" => 3_600,
            "d" => 86_400,
            "w" => 604_800,
            _ => return None,
        };
        sum = sum.checked_add(number.checked_mul(unit)?)?;
        rest = rest[letters..].trim_start();
    }
    Some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        for (text, want) in [
            ("90s", Some(90)),
            ("1h 30min", Some(5_400)),
            ("2w1d", Some(1_296_000)),
            ("", None),
            ("5", None),
            ("5m", None),
            ("-5s", None),
            ("99999999999999999999s", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
    }

    #[test]
    fn a_comma_of_the_environment_belongs_to_a_value_or_not() {
        assert_eq!(pairs_of_environment("a=1,b=2"), "a=1\nb=2");
        assert_eq!(pairs_of_environment("a=x, y,b=z"), "a=x, y\nb=z");
        assert_eq!(pairs_of_environment("banner=Go, now, b=2"), "banner=Go, now\nb=2");
    }
}
