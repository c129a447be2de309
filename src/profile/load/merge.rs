//! One profile from a table, layers and values: what is said last counts.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::decide::{apply, fits};
use super::defaults::Defaults;
use super::layer::{self, Decision, Waive};
use super::mistakes::{Mistakes, nearest};
use super::source::Sources;
use super::table::{self, Entry, Head, Reader};
use super::vars::{self, Var, Vars};
use super::{FORMAT, merged, render};
use crate::check::Subject;
use crate::profile::vocabulary::Vocabulary;
use crate::profile::waiver::Waiver;
use crate::profile::{Bilingual, Profile, Rule, RuleId, Value};

/// The numbers of the texts, by what they are.
pub(super) struct Parts {
    /// The head first.
    pub table: Vec<usize>,
    pub layers: Vec<usize>,
    pub values: Vec<usize>,
}

/// A text, taken apart.
struct File<'t> {
    start: usize,
    /// What is left: the head of a table or a layer.
    rest: DeTable<'t>,
    vars: DeTable<'t>,
    rules: Vec<Entry<'t>>,
    waive: Vec<Entry<'t>>,
    set: Vec<Entry<'t>>,
    enforce: Vec<Entry<'t>>,
}

/// The fields of a layer that are no list.
const OF_LAYER: [&str; 9] =
    ["format", "extends", "title", "source", "vars", "waive", "set", "enforce", "rule"];
/// The fields of a chapter of a table.
const OF_CHAPTER: [&str; 4] = ["rule", "waive", "set", "enforce"];

/// What decides about a row, with `set` or `enforce` and the entry.
type Decisions<'t> = BTreeMap<RuleId, (Decision, &'static str, Entry<'t>)>;
/// What is waived: the row, and what of it.
type Waivers = BTreeMap<(RuleId, Option<Subject>), (Waive, Range<usize>)>;

/// Puts a profile together; `None` where a mistake does not let it.
pub(super) fn profile<'t>(
    sources: &'t Sources,
    parts: &Parts,
    mistakes: &mut Mistakes,
) -> Option<Profile> {
    let mut open = |numbers: &[usize]| -> Vec<File<'t>> {
        numbers.iter().filter_map(|number| file(sources, *number, mistakes)).collect()
    };
    let (mut table, mut layers) = (open(&parts.table), open(&parts.layers));
    if table.len() < parts.table.len() || layers.len() < parts.layers.len() {
        return None;
    }
    for layer in &mut layers {
        check_names(&layer.rest, &OF_LAYER, mistakes);
        check_layer(layer, mistakes);
    }
    if table.is_empty() {
        return None;
    }
    let head = table.remove(0);
    let defaults = Defaults::of(&head.rest, mistakes);
    let before = mistakes.len();
    let start = head.start;
    let raw: Option<Head> = mistakes.entry(start..start, &head.rest);
    let raw = raw.filter(|_| mistakes.len() == before)?;
    let words = match Vocabulary::new(raw.status, raw.reason) {
        Ok(words) => words,
        Err((at, what)) => {
            mistakes.add(at..at + 1, what);
            return None;
        }
    };
    let protected = raw.packages.map(|p| table::protected(p.protected, mistakes));

    let mut vars = Vars::new();
    let head_fields = head.rest.clone();
    let head = File { rest: DeTable::new(), ..head };
    vars::read(head.vars.clone(), false, &mut vars, mistakes);
    for layer in &layers {
        vars::read(layer.vars.clone(), true, &mut vars, mistakes);
    }
    for number in &parts.values {
        let (text, start) = (&sources.get(*number).text, sources.start(*number));
        vars::read_pairs(text, start, &mut vars, mistakes);
    }

    let mut reader =
        Reader { sources, vars: &vars, defaults: &defaults, words: &words, used: Vec::new() };
    let mut rules: Vec<Rule> = Vec::new();
    let mut seen: BTreeMap<RuleId, usize> = BTreeMap::new();
    let mut rows: BTreeMap<RuleId, Cow<'_, Entry<'t>>> = BTreeMap::new();
    for chapter in &table {
        check_names(&chapter.rest, &OF_CHAPTER, mistakes);
        for (name, _) in &chapter.vars {
            mistakes.add(name.span(), "`vars` belong into the head of the table");
        }
    }
    let of_table: Vec<File<'t>> = std::iter::once(head).chain(table).collect();
    let mut own_first = words.statuses.iter().filter(|status| status.is_enforced());
    let enforced = own_first.next().map(|status| status.key().to_owned());
    for (file, is_layer) in
        of_table.iter().map(|f| (f, false)).chain(layers.iter().map(|f| (f, true)))
    {
        for entry in &file.rules {
            let mut entry = Cow::Borrowed(entry);
            if is_layer {
                as_own(entry.to_mut(), enforced.as_deref());
            }
            let Some((at, mut rule)) = reader.rule(&entry, mistakes) else { continue };
            rule.site.own = is_layer;
            if let Some(first) = seen.get(&rule.id) {
                let first = sources.shown(*first);
                let id = &rule.id;
                let advice = match is_layer {
                    true => "; choose another id, or use [[set]] for other wants",
                    false => "; remove one",
                };
                mistakes.add(at, format!("rule {id} is there already, at {first}{advice}"));
                continue;
            }
            seen.insert(rule.id.clone(), at.start);
            rows.insert(rule.id.clone(), entry);
            if protected.is_none() && rule.purges() {
                let head = &sources.get(parts.table[0]).name;
                mistakes.add(
                    at,
                    format!(
                        "rule {} wants packages away, and the profile does not say which are never \
                         removed; add `[packages]` with `protected = [...]` to {head}",
                        rule.id
                    ),
                );
            }
            rules.push(rule);
        }
    }
    rules.sort_by(|a, b| a.id.cmp(&b.id));

    let (mut decisions, mut waivers) = (Decisions::new(), Waivers::new());
    for file in of_table.iter().chain(&layers) {
        decide(file, &mut reader, &mut decisions, mistakes);
        waive(file, &mut waivers, mistakes);
    }
    let used: BTreeSet<String> = reader.used.iter().cloned().collect();
    for (name, var) in vars.iter().filter(|(name, var)| var.of_layer && !used.contains(*name)) {
        let says =
            format!("nobody uses var `{name}`; name it in a want as \"${{{name}}}\", or remove it");
        mistakes.add(var.declared.clone(), says);
    }
    let merged = merged::lines(
        &merged::Content {
            head: &head_fields,
            vars: &vars,
            rules: rows.values().map(AsRef::as_ref).collect(),
            decisions: decisions.values().map(|(_, kind, entry)| (*kind, entry)).collect(),
            waivers: waivers
                .iter()
                .map(|((rule, subject), (raw, _))| (rule, subject.as_ref(), raw))
                .collect(),
        },
        sources,
    );
    let known = Known { rules: &rules, seen: &seen };
    let decided: Vec<Decision> = decisions
        .into_values()
        .map(|(decision, ..)| decision)
        .filter(|decision| known.has(&decision.rule, mistakes))
        .collect();
    for decision in decided {
        if let Some(rule) = rules.iter_mut().find(|rule| rule.id == *decision.rule.get_ref()) {
            let at = decision.at.clone();
            apply(decision, rule, sources, mistakes);
            if protected.is_none() && rule.purges() {
                mistakes.add(
                    at,
                    format!(
                        "rule {} wants packages away, and the table does not say \
                                          which are never removed",
                        rule.id
                    ),
                );
            }
        }
    }
    let known = Known { rules: &rules, seen: &seen };
    let mut waived: Vec<(RuleId, Waiver)> = Vec::new();
    for ((id, subject), (raw, at)) in waivers {
        if !known.has(&raw.rule, mistakes) {
            continue;
        }
        let Some(rule) = rules.iter().find(|rule| rule.id == id) else { continue };
        if fits(rule, &raw, subject.as_ref(), &at, mistakes) {
            let Some(until) = raw.until else { continue };
            let waiver = Waiver {
                subject,
                reason: raw.reason.clone(),
                by: raw.by.clone(),
                until,
                ticket: raw.ticket.clone(),
                place: sources.place(raw.rule.span().start),
            };
            waived.push((id, waiver));
        }
    }
    for (id, waiver) in waived {
        if let Some(rule) = rules.iter_mut().find(|rule| rule.id == id) {
            rule.site.waivers.push(waiver);
        }
    }
    let values = vars.into_iter().map(|(name, var)| value(name, &var, sources)).collect();
    let layers = parts.layers.iter().map(|number| sources.get(*number).name.to_string()).collect();
    Some(Profile {
        id: raw.id,
        title: raw.title,
        benchmark: raw.benchmark,
        target: raw.target,
        source: raw.source,
        references: raw.references,
        statuses: words.statuses,
        reasons: words.reasons,
        chapters: raw.chapters,
        protected_packages: protected.unwrap_or_default(),
        rules,
        vars: values,
        layers,
        warnings: Vec::new(),
        merged,
    })
}

/// Takes a text apart. `None` where its format is not known: nothing in it can be judged.
fn file<'t>(sources: &'t Sources, number: usize, mistakes: &mut Mistakes) -> Option<File<'t>> {
    let mut rest = sources.parse(number, mistakes);
    let start = sources.start(number);
    if let Some(format) = rest.get("format") {
        let at = format.span();
        match format.get_ref().as_str() {
            Some(FORMAT) => {}
            Some(other) => {
                let advice = match version(other) {
                    Some(version) if version > 1 => "it is newer: install a newer gokaku",
                    _ => "write it so, or leave it out",
                };
                mistakes.add(at, format!("`format`: found `{other}`, want `{FORMAT}`; {advice}"));
                return None;
            }
            None => mistakes.add(at, format!("`format`: want the text \"{FORMAT}\"")),
        }
    }
    let source = sources.get(number);
    look(&source.text, start, mistakes);
    let mut entries = |name| table::take_entries(&mut rest, name, mistakes);
    let (rules, waive, set, enforce) =
        (entries("rule"), entries("waive"), entries("set"), entries("enforce"));
    let vars = match remove(&mut rest, "vars") {
        None => DeTable::new(),
        Some(value) => {
            let at = value.span();
            match value.into_inner() {
                DeValue::Table(vars) => vars,
                _ => {
                    mistakes.add(at, "`vars` is a table: write [vars], and a line for each value");
                    DeTable::new()
                }
            }
        }
    };
    Some(File { start, rest, vars, rules, waive, set, enforce })
}

/// The number behind the name of a format.
fn version(format: &str) -> Option<u32> {
    format.strip_prefix("gokaku.profile/")?.parse().ok()
}

/// What should be changed in a text although it can be read.
fn look(text: &str, start: usize, mistakes: &mut Mistakes) {
    if text.starts_with('\u{feff}') {
        let says = "the file begins with a byte order mark; save it as UTF-8 without one";
        mistakes.warn(start..start + 3, says);
    }
    if let Some(at) = text.find("\r\n") {
        let says =
            "lines end in CR LF; save the file with LF, or texts of several lines keep the CR";
        mistakes.warn(start + at..start + at + 1, says);
    }
    if let Some(at) = text.find('\t') {
        mistakes.warn(start + at..start + at + 1, "a tab; write blanks, or \\t inside a text");
    }
}

fn remove<'t>(table: &mut DeTable<'t>, name: &str) -> Option<Spanned<DeValue<'t>>> {
    let key = table.keys().find(|key| key.get_ref() == name)?.clone();
    table.remove(&key)
}

fn check_names(rest: &DeTable<'_>, known: &[&str], mistakes: &mut Mistakes) {
    for key in rest.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
        let all: Vec<String> = known.iter().map(|name| format!("`{name}`")).collect();
        let name = key.get_ref();
        let says = format!("unknown field `{name}`, expected one of {}", all.join(", "));
        mistakes.add(key.span(), says);
    }
}

/// The plain fields of a layer.
fn check_layer(layer: &File<'_>, mistakes: &mut Mistakes) {
    for (key, value) in &layer.rest {
        let text = |v: &Spanned<DeValue<'_>>| v.get_ref().is_str();
        let good = match key.get_ref().as_ref() {
            "extends" => match value.get_ref() {
                DeValue::Array(items) => items.iter().all(text),
                other => other.is_str(),
            },
            "source" => text(value),
            "title" => match value.get_ref() {
                DeValue::Table(both) => both.values().all(text),
                other => other.is_str(),
            },
            _ => true,
        };
        if !good {
            let want = match key.get_ref().as_ref() {
                "extends" => "\"auto\", a name, a file, or a list of these, in quotes",
                _ => "a text in quotes",
            };
            mistakes.add(value.span(), format!("`{}`: want {want}", key.get_ref()));
        }
    }
}

/// A site's own row: what it need not say.
fn as_own(entry: &mut Entry<'_>, enforced: Option<&str>) {
    entry.in_both_languages(&["title", "rationale", "note", "origin"]);
    if !entry.has("status")
        && let Some(status) = enforced
    {
        entry.give("status", DeValue::String(status.to_owned().into()));
    }
    if !entry.has("level")
        && let Ok(one) = DeValue::parse("1")
    {
        entry.give("level", one.into_inner());
    }
}

/// The decisions of one file; they count more than those before.
fn decide<'t>(
    file: &File<'t>,
    reader: &mut Reader<'_, 't>,
    decisions: &mut Decisions<'t>,
    mistakes: &mut Mistakes,
) {
    let mut here: BTreeMap<RuleId, Range<usize>> = BTreeMap::new();
    let sets = file.set.iter().map(|entry| (entry, false));
    let enforces = file.enforce.iter().map(|entry| (entry, true));
    for (entry, enforces) in sets.chain(enforces) {
        let mut entry = entry.clone();
        entry.in_both_languages(&["reason", "origin"]);
        let (kind, decision) = match enforces {
            true => ("enforce", layer::enforce(entry.clone(), reader, mistakes)),
            false => ("set", layer::set(entry.clone(), reader, mistakes)),
        };
        let Some(decision) = decision else { continue };
        let (id, at) = (decision.rule.get_ref().clone(), decision.rule.span());
        if let Some(first) = here.insert(id.clone(), at.clone()) {
            let first = reader.sources.shown(first.start);
            mistakes
                .add(at, format!("row {id} is set already in this file, at {first}; remove one"));
            continue;
        }
        decisions.insert(id, (decision, kind, entry));
    }
}

/// The waivers of one file; they count more than those before.
fn waive(file: &File<'_>, waivers: &mut Waivers, mistakes: &mut Mistakes) {
    let mut here: BTreeSet<(RuleId, Option<Subject>)> = BTreeSet::new();
    for entry in &file.waive {
        let Some(raw) = layer::waive(entry.clone(), mistakes) else { continue };
        let id = raw.rule.get_ref().clone();
        let whole = raw.rule.span();
        let parts: Vec<(Range<usize>, Option<Subject>)> = match &raw.only {
            None => vec![(whole, None)],
            Some(list) => list.iter().map(|(at, s)| (at.clone(), Some(s.clone()))).collect(),
        };
        let raw = std::rc::Rc::new(raw);
        for (at, subject) in parts {
            let what = subject.as_ref().map_or(format!("row {id}"), |s| format!("{s} of row {id}"));
            let key = (id.clone(), subject);
            if !here.insert(key.clone()) {
                mistakes.add(at, format!("{what} is waived already in this file; remove one"));
                continue;
            }
            if raw.until.is_none() {
                if waivers.remove(&key).is_none() {
                    let says = format!(
                        "{what}: no file below waives it, so nothing is withdrawn; \
                                        remove this"
                    );
                    mistakes.add(raw.until_at.clone(), says);
                }
                continue;
            }
            waivers.insert(key, (raw.as_ref().clone(), at));
        }
    }
}

/// The rows that there are.
struct Known<'a> {
    rules: &'a [Rule],
    seen: &'a BTreeMap<RuleId, usize>,
}

impl Known<'_> {
    /// Whether there is a row of this id; else a mistake says what is.
    fn has(&self, id: &Spanned<RuleId>, mistakes: &mut Mistakes) -> bool {
        let wanted = id.get_ref();
        if self.seen.contains_key(wanted) {
            return true;
        }
        let below: Vec<String> = self
            .rules
            .iter()
            .filter(|rule| rule.id.is_within(wanted))
            .map(|rule| rule.id.to_string())
            .collect();
        let ids: Vec<String> = self.rules.iter().map(|rule| rule.id.to_string()).collect();
        let text = wanted.to_string();
        let advice = match (below.first(), nearest(&text, ids.iter().map(String::as_str))) {
            (Some(first), _) => format!("it is a section; name a row, as {first}"),
            (None, Some(near)) => format!("did you mean {near}?"),
            (None, None) => "`gokaku list` shows all rows".to_owned(),
        };
        mistakes.add(id.span(), format!("no row {text}; {advice}"));
        false
    }
}

/// A variable as the profile has it.
fn value(name: String, var: &Var<'_>, sources: &Sources) -> Value {
    Value {
        name,
        value: render::value(var.value.get_ref(), None),
        range: var.kind.range(),
        meaning: var.meaning.clone().map(|text| Bilingual { en: text.en, ja: text.ja }),
        place: sources.place(var.value.span().start),
    }
}
