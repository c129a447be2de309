//! A merged profile as text: one table in one file, in one order and spelling, which parses back to
//! the same.

use toml::de::{DeTable, DeValue};

use super::layer::Waive;
use super::source::Sources;
use super::table::Entry;
use super::vars::{Kind, Var, Vars};
use super::{FORMAT, Place, render};
use crate::check::Subject;
use crate::profile::RuleId;

/// A line of a merged profile, and where what it says stands.
#[derive(Debug, Clone)]
pub struct Line {
    /// As TOML.
    pub text: String,
    /// Of a value: its place.
    pub place: Option<Place>,
}

/// The fields of an entry come in this order, others behind them.
const ORDER: [&str; 21] = [
    "id",
    "rule",
    "title",
    "accept",
    "level",
    "severity",
    "rated_by",
    "references",
    "status",
    "only",
    "reason",
    "by",
    "until",
    "ticket",
    "accept_drift",
    "note",
    "rationale",
    "origin",
    "drift",
    "want",
    "observe",
];

/// What a merged profile is made of, each part in its order.
pub(super) struct Content<'a, 't> {
    pub head: &'a DeTable<'t>,
    pub vars: &'a Vars<'t>,
    pub rules: Vec<&'a Entry<'t>>,
    /// `set` or `enforce`, and the entry.
    pub decisions: Vec<(&'static str, &'a Entry<'t>)>,
    pub waivers: Vec<(&'a RuleId, Option<&'a Subject>, &'a Waive)>,
}

struct Writer<'s> {
    sources: &'s Sources,
    lines: Vec<Line>,
}

/// The lines of a merged profile.
pub(super) fn lines(content: &Content<'_, '_>, sources: &Sources) -> Vec<Line> {
    let mut out = Writer { sources, lines: Vec::new() };
    out.line(format!("format = \"{FORMAT}\""));
    let is_block = |value: &DeValue<'_>| match value {
        DeValue::Table(_) => true,
        DeValue::Array(items) => items.iter().any(|item| item.get_ref().is_table()),
        _ => false,
    };
    let fields: Vec<_> = content.head.iter().filter(|(key, _)| key.get_ref() != "format").collect();
    let (blocks, plain): (Vec<_>, Vec<_>) =
        fields.into_iter().partition(|(_, value)| is_block(value.get_ref()));
    for (key, value) in plain {
        out.field(key.get_ref(), value.get_ref(), value.span().start);
    }
    for (key, value) in blocks {
        let name = render::key(key.get_ref());
        match value.get_ref() {
            DeValue::Array(items) => {
                for item in items.iter() {
                    if let DeValue::Table(fields) = item.get_ref() {
                        out.block(format!("[[{name}]]"), fields);
                    }
                }
            }
            DeValue::Table(fields) if key.get_ref() == "defaults" => {
                for (primitive, fields) in fields {
                    if let DeValue::Table(fields) = fields.get_ref() {
                        let primitive = render::key(primitive.get_ref());
                        out.block(format!("[{name}.{primitive}]"), fields);
                    }
                }
            }
            DeValue::Table(fields) => out.block(format!("[{name}]"), fields),
            _ => {}
        }
    }
    for (name, var) in content.vars {
        out.var(name, var);
    }
    for entry in &content.rules {
        out.entry("rule", entry);
    }
    for (kind, entry) in &content.decisions {
        out.entry(kind, entry);
    }
    for (rule, subject, waive) in &content.waivers {
        out.waive(rule, *subject, waive);
    }
    out.lines
}

impl Writer<'_> {
    fn line(&mut self, text: String) {
        self.lines.push(Line { text, place: None });
    }

    fn said(&mut self, text: String, offset: usize) {
        self.lines.push(Line { text, place: Some(self.sources.place(offset)) });
    }

    fn field(&mut self, name: &str, value: &DeValue<'_>, offset: usize) {
        self.said(render::field(name, value), offset);
    }

    fn block(&mut self, header: String, fields: &DeTable<'_>) {
        self.line(String::new());
        self.line(header);
        for (key, value) in fields {
            self.field(key.get_ref(), value.get_ref(), value.span().start);
        }
    }

    fn var(&mut self, name: &str, var: &Var<'_>) {
        self.line(String::new());
        self.line(format!("[vars.{}]", render::key(name)));
        self.field("value", var.value.get_ref(), var.value.span().start);
        let declared = var.declared.start;
        let mut say = |text: String| self.said(text, declared);
        let list = |words: &[String]| {
            let words: Vec<String> = words.iter().map(|word| render::string(word)).collect();
            format!("one_of = [{}]", words.join(", "))
        };
        match &var.kind {
            Kind::Integer { min, max } => {
                min.iter().for_each(|min| say(format!("min = {min}")));
                max.iter().for_each(|max| say(format!("max = {max}")));
            }
            Kind::Text { most } => most.iter().for_each(|most| say(format!("most = {most}"))),
            Kind::Choice(words) => say(list(words)),
            Kind::List(words) if words.is_empty() => {}
            Kind::List(words) => say(list(words)),
            Kind::Duration { min, max } => {
                say("type = \"duration\"".to_owned());
                min.iter().for_each(|min| say(format!("min = {}", render::string(min))));
                max.iter().for_each(|max| say(format!("max = {}", render::string(max))));
            }
            Kind::Switch => {}
        }
        if let Some(meaning) = &var.meaning {
            let (en, ja) = (render::string(&meaning.en), render::string(&meaning.ja));
            say(format!("meaning = {{ en = {en}, ja = {ja} }}"));
        }
    }

    fn entry(&mut self, kind: &str, entry: &Entry<'_>) {
        self.line(String::new());
        self.line(format!("[[{kind}]]"));
        let mut fields: Vec<_> = entry.fields.iter().collect();
        let rank =
            |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
        // Sorted by name already.
        fields.sort_by_key(|(key, _)| rank(key.get_ref()));
        for (key, value) in fields {
            match value.get_ref() {
                DeValue::Array(items) if items.iter().any(|item| item.get_ref().is_table()) => {
                    self.said(format!("{} = [", key.get_ref()), key.span().start);
                    for item in items.iter() {
                        let first = item.get_ref().as_table().and_then(|table| table.keys().next());
                        let at = first.map_or(item.span().start, |key| key.span().start);
                        self.said(format!("    {},", render::value(item.get_ref(), None)), at);
                    }
                    self.line("]".to_owned());
                }
                other => self.field(key.get_ref(), other, value.span().start),
            }
        }
    }

    fn waive(&mut self, rule: &RuleId, subject: Option<&Subject>, waive: &Waive) {
        let at = waive.rule.span().start;
        self.line(String::new());
        self.line("[[waive]]".to_owned());
        self.said(format!("rule = \"{rule}\""), at);
        if let Some(subject) = subject {
            let text = format!("{}:{}", subject.kind.word(), subject.value);
            self.said(format!("only = [{}]", render::string(&text)), at);
        }
        let (en, ja) = (render::string(&waive.reason.en), render::string(&waive.reason.ja));
        self.said(format!("reason = {{ en = {en}, ja = {ja} }}"), at);
        self.said(format!("by = {}", render::string(&waive.by)), at);
        if let Some(until) = waive.until {
            let until = match until {
                crate::profile::Until::Never => "\"never\"".to_owned(),
                day => day.to_string(),
            };
            self.said(format!("until = {until}"), waive.until_at.start);
        }
        if let Some(ticket) = &waive.ticket {
            self.said(format!("ticket = {}", render::string(ticket)), at);
        }
        if let Some(at) = &waive.accept_drift {
            self.said("accept_drift = true".to_owned(), at.start);
        }
    }
}
