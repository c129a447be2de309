//! From TOML to a checked profile. Every mistake is an error with file, line, column and word.

mod defaults;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use nix::sys::stat::stat;
use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, Deserializer};

use self::defaults::Defaults;
use super::vocabulary::{RawReason, RawStatus, Vocabulary};
use super::{Benchmark, Bilingual, Disposition, Drift, Part, Profile, Rule, RuleId, Target};
use crate::check::Check;
use crate::error::{Error, Result, cannot};
use crate::rootfs::{FileKind, Stat};

/// A file of a profile may be this large (bytes); the largest embedded one has a twentieth of it.
const FILE_LIMIT: u64 = 1 << 20;

/// The files of a profile: names (for messages) and texts. The first is the head.
#[derive(Debug, Clone)]
pub struct ProfileFiles {
    files: Vec<(String, String)>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    title: Bilingual,
    benchmark: Benchmark,
    target: Target,
    source: String,
    #[serde(default)]
    status: Vec<RawStatus>,
    #[serde(default)]
    reason: Vec<RawReason>,
    #[serde(default)]
    chapters: BTreeMap<Part, Bilingual>,
    packages: Option<Packages>,
    #[serde(default)]
    vars: BTreeMap<String, toml::Value>,
    /// Read by [`Defaults`], with the places.
    #[serde(default, rename = "defaults")]
    _defaults: BTreeMap<String, toml::Table>,
}

/// What the package runner is given.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Packages {
    protected: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Chapter {
    #[serde(default)]
    rule: Vec<RawRule>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    id: Spanned<RuleId>,
    title: Bilingual,
    level: Spanned<u8>,
    status: Spanned<String>,
    reason: Option<Spanned<String>>,
    note: Option<Bilingual>,
    rationale: Bilingual,
    origin: Option<Bilingual>,
    #[serde(default)]
    want: Vec<Spanned<Check>>,
    #[serde(default)]
    observe: Vec<Spanned<Check>>,
    drift: Option<Drift>,
}

impl Profile {
    /// A profile from a directory with a `profile.toml` and chapter files beside it.
    ///
    /// # Errors
    /// [`Error::Host`] when it cannot be read, [`Error::Profile`] for a mistake in it.
    pub fn from_dir(dir: &Path) -> Result<Profile> {
        ProfileFiles::from_dir(dir)?.parse()
    }
}

impl ProfileFiles {
    /// Reads the `*.toml` files of a directory of this machine, `profile.toml` first.
    ///
    /// # Errors
    /// [`Error::Host`] when it cannot be read.
    #[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
    pub fn from_dir(dir: &Path) -> Result<ProfileFiles> {
        let fail = |e| Error::host(cannot::read_the_profile, dir, e);
        let mut names = Vec::new();
        for entry in std::fs::read_dir(dir).map_err(fail)? {
            let path = entry.map_err(fail)?.path();
            if path.extension().is_some_and(|e| e == "toml") {
                names.push(path);
            }
        }
        names.sort_by_key(|p| (p.file_name().is_none_or(|n| n != "profile.toml"), p.clone()));
        let mut files = Vec::new();
        for path in names {
            files.push((path.display().to_string(), read(&path)?));
        }
        Ok(ProfileFiles { files })
    }

    /// The given files; the first is the head (`profile.toml`).
    pub fn from_files<N: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> ProfileFiles {
        ProfileFiles { files: files.into_iter().map(|(n, t)| (n.into(), t.into())).collect() }
    }

    /// Parses and checks the whole profile.
    ///
    /// # Errors
    /// [`Error::Profile`], with file, line, column, the word, and what would be right.
    pub fn parse(&self) -> Result<Profile> {
        let Some(((head_name, head_text), chapters)) = self.files.split_first() else {
            return Err(Error::Profile("a profile needs a `profile.toml`; found no file".into()));
        };
        let head: Head = parse(head_name, head_text)?;
        let wrong = |(at, what): (usize, String)| {
            Error::Profile(format!("{}: {what}", place(head_name, head_text, at)))
        };
        let words = Vocabulary::new(head.status, head.reason).map_err(wrong)?;
        let protected = head.packages.map(|p| protected(p.protected)).transpose().map_err(wrong)?;
        let mut texts: Vec<(&str, String)> = Vec::new();
        for (name, text) in chapters {
            texts.push((name.as_str(), fill_in(name, text, &head.vars)?));
        }
        let defaults = Defaults::of(head_text).map_err(|e| mistake(head_name, head_text, e))?;
        let mut rules: Vec<Rule> = Vec::new();
        let mut seen: BTreeMap<RuleId, (usize, usize)> = BTreeMap::new();
        for (number, (name, text)) in texts.iter().enumerate() {
            let chapter = chapter((head_name, head_text), (name, text), &defaults)?;
            for (row, raw) in chapter.rule.into_iter().enumerate() {
                check_data(&raw, row, (head_name, head_text), (name, text), &defaults)?;
                let (id, offset) = (raw.id.get_ref(), raw.id.span().start);
                if let Some((file, first)) = seen.insert(id.clone(), (number, offset)) {
                    let (at, first) = (place(name, text, offset), place_in(&texts[file], first));
                    return Err(Error::Profile(format!(
                        "{at}: rule {id} is there already, at {first}; remove one"
                    )));
                }
                let mut rule = check(raw, name, text, &words)?;
                rule.wants = rule.wants.into_iter().map(|want| defaults.shown(want)).collect();
                if protected.is_none() && rule.purges() {
                    return Err(Error::Profile(format!(
                        "{}: rule {} wants packages away, and the profile does not say which are \
                         never removed; add `[packages]` with `protected = [...]` to {head_name}",
                        place(name, text, offset),
                        rule.id
                    )));
                }
                rules.push(rule);
            }
        }
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Profile {
            id: head.id,
            title: head.title,
            benchmark: head.benchmark,
            target: head.target,
            source: head.source,
            statuses: words.statuses,
            reasons: words.reasons,
            chapters: head.chapters,
            protected_packages: protected.unwrap_or_default(),
            rules,
        })
    }
}

/// Parses a chapter, each want with what the head's `[defaults]` add to it.
fn chapter<'t>(
    head: (&str, &str),
    (name, text): (&str, &'t str),
    defaults: &Defaults<'t>,
) -> Result<Chapter> {
    let mut table = DeTable::parse(text).map_err(|e| mistake(name, text, e))?;
    let end = end_of(text);
    defaults.fill(table.get_mut(), end);
    Chapter::deserialize(Deserializer::from(table)).map_err(|e| match e.span() {
        Some(span) if span.start >= end => {
            let at = place_behind(head, (name, text), span.start);
            Error::Profile(format!("{at}: {}", e.message()))
        }
        _ => mistake(name, text, e),
    })
}

/// One want with what a head adds to it, or what is wrong with it.
#[cfg(test)]
pub(super) fn want(head: &str, want: &str) -> std::result::Result<Check, String> {
    #[derive(Deserialize)]
    struct Row {
        want: Check,
    }
    let text = format!("want = {{ {want} }}");
    let mut table = DeTable::parse(&text).map_err(|e| e.to_string())?;
    for (_, value) in table.get_mut().iter_mut() {
        if let toml::de::DeValue::Table(want) = value.get_mut() {
            Defaults::of(head).expect("a good head").fill_want(want, text.len() + 1);
        }
    }
    let row = Row::deserialize(Deserializer::from(table)).map_err(|mut e| {
        e.set_input(Some(&text));
        e.to_string()
    });
    row.map(|row| row.want)
}

/// The patterns of packages that are never removed.
fn protected(patterns: Vec<Spanned<String>>) -> std::result::Result<Vec<String>, (usize, String)> {
    let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"+-.*?[]".contains(&b);
    let pattern = |pattern: Spanned<String>| {
        let (at, text) = (pattern.span().start, pattern.into_inner());
        if text.is_empty() || !text.bytes().all(good) {
            let want = "want a package's name, in which `*` stands for any characters";
            return Err((at, format!("`{text}` is not a pattern; {want}")));
        }
        Ok(text)
    };
    patterns.into_iter().map(pattern).collect()
}

/// The text of one file of a profile. Only a regular file is opened: a pipe would never end.
#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
fn read(path: &Path) -> Result<String> {
    let fail = |e| Error::host(cannot::read_the_profile, path, e);
    let wrong = |what: String| Error::Profile(format!("{}{what}", path.display()));
    let kind = stat(path).map(|s| Stat::from(&s).kind).map_err(|e| fail(e.into()))?;
    if kind != FileKind::File {
        return Err(wrong(format!(": found a {kind}, want a regular file; move it away")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(fail)?;
    file.take(FILE_LIMIT + 1).read_to_end(&mut bytes).map_err(fail)?;
    if bytes.len() as u64 > FILE_LIMIT {
        return Err(wrong(format!(": found more than {FILE_LIMIT} bytes; want a smaller file")));
    }
    String::from_utf8(bytes).map_err(|e| {
        let offset = e.utf8_error().valid_up_to();
        let line = 1 + e.as_bytes()[..offset].iter().filter(|b| **b == b'\n').count();
        wrong(format!(":{line}: byte {offset} is not UTF-8; want a text file"))
    })
}

fn parse<T: serde::de::DeserializeOwned>(name: &str, text: &str) -> Result<T> {
    toml::from_str(text).map_err(|e| mistake(name, text, e))
}

fn mistake(name: &str, text: &str, mut e: toml::de::Error) -> Error {
    e.set_input(Some(text));
    let at = e.span().map_or_else(|| name.to_owned(), |span| place(name, text, span.start));
    // The parser does not say which key is too deep for it.
    let hint = match e.span() {
        None if e.message() == "recursion limit" => {
            let line = most_dots(text);
            format!(": a key has too many parts, as perhaps the one in line {line}; shorten it")
        }
        _ => String::new(),
    };
    Error::Profile(format!("{at}: {}{hint}", e.to_string().trim_end()))
}

/// The line, from 1, with the most dots in it.
fn most_dots(text: &str) -> usize {
    let dots = |line: &str| line.matches('.').count();
    text.lines().zip(1..).max_by_key(|(line, _)| dots(line)).map_or(1, |(_, number)| number)
}

/// `file:line:column` of a byte offset.
fn place(name: &str, text: &str, offset: usize) -> String {
    let before = &text[..offset.min(text.len())];
    let line = 1 + before.matches('\n').count();
    let column = 1 + before.rsplit('\n').next().unwrap_or("").chars().count();
    format!("{name}:{line}:{column}")
}

fn place_in((name, text): &(&str, String), offset: usize) -> String {
    place(name, text, offset)
}

/// Where the places of what the head's defaults add to a chapter begin: behind the text and the
/// line feed that it may lack.
fn end_of(text: &str) -> usize {
    text.len() + 1
}

/// [`place`] of an offset in a chapter that has the head's defaults behind its [`end_of`].
fn place_behind(head: (&str, &str), (name, text): (&str, &str), offset: usize) -> String {
    match offset.checked_sub(end_of(text)) {
        Some(offset) => place(head.0, head.1, offset),
        None => place(name, text, offset),
    }
}

/// What the types cannot say of the data of a want; `row` is the rule's place in its file. A field
/// that the head gives has its place there.
fn check_data<'t>(
    raw: &RawRule,
    row: usize,
    head: (&str, &str),
    (name, text): (&str, &'t str),
    defaults: &Defaults<'t>,
) -> Result<()> {
    for (list, checks) in [("want", &raw.want), ("observe", &raw.observe)] {
        for (number, check) in checks.iter().enumerate() {
            let Err(bad) = check.get_ref().primitive().check_data() else { continue };
            let at = field_offset(text, defaults, (row, list, number), &bad.field);
            let at = place_behind(head, (name, text), at.unwrap_or(check.span().start));
            return Err(Error::Profile(format!("{at}: rule {}: {bad}", raw.id.get_ref())));
        }
    }
    Ok(())
}

/// Where the value of a field of a want begins. `want`: the number of the rule in its file, `want`
/// or `observe`, the number in that list. `field`: names with dots; empty for the whole. Behind
/// [`end_of`] for a field that the head gives.
fn field_offset<'t>(
    text: &'t str,
    defaults: &Defaults<'t>,
    want: (usize, &str, usize),
    field: &str,
) -> Option<usize> {
    let (row, list, number) = want;
    let mut file = DeTable::parse(text).ok()?.into_inner();
    defaults.fill(&mut file, end_of(text));
    let rule = file.get("rule")?.get_ref().as_array()?.get(row)?.get_ref();
    let want = rule.get(list)?.get_ref().as_array()?.get(number)?.get_ref();
    let (_, mut value) = want.as_table()?.iter().next()?;
    for part in field.split('.').filter(|part| !part.is_empty()) {
        // A field that is not given has no place of its own; what it would stand in has.
        match value.get_ref().get(part) {
            Some(inner) => value = inner,
            None => break,
        }
    }
    Some(value.span().start)
}

/// What the types cannot say: which fields belong to which status.
fn check(raw: RawRule, name: &str, text: &str, words: &Vocabulary) -> Result<Rule> {
    let id = raw.id.get_ref().clone();
    let status_at = raw.status.span().start;
    let wrong = |at: usize, what: &str| {
        let at = place(name, text, at);
        Err(Error::Profile(format!("{at}: rule {id} {what}")))
    };
    let level = *raw.level.get_ref();
    if !(1..=2).contains(&level) {
        let at = raw.level.span().start;
        return wrong(at, &format!("has level {level}; want 1 or 2"));
    }
    let texts = [("title", &raw.title), ("rationale", &raw.rationale)];
    let optional = [("note", &raw.note), ("origin", &raw.origin)];
    let given = optional.into_iter().filter_map(|(what, text)| Some((what, text.as_ref()?)));
    for (what, text) in texts.into_iter().chain(given) {
        if text.en.trim().is_empty() || text.ja.trim().is_empty() {
            return wrong(status_at, &format!("has an empty {what}; want both languages"));
        }
    }
    let unknown = |key: &Spanned<String>, what: String| {
        Error::Profile(format!("{}: rule {id}: {what}", place(name, text, key.span().start)))
    };
    let status = words.status(raw.status.get_ref()).map_err(|what| unknown(&raw.status, what))?;
    let reason = match &raw.reason {
        Some(key) => Some(words.reason(key.get_ref()).map_err(|what| unknown(key, what))?),
        None => None,
    };
    let wants = raw.want.iter().chain(&raw.observe).map(|c| written(text, c.span())).collect();
    let bare = |checks: Vec<Spanned<Check>>| checks.into_iter().map(Spanned::into_inner).collect();
    let disposition = if status.is_enforced() {
        if !raw.observe.is_empty() || raw.note.is_some() || raw.drift.is_some() {
            let what =
                format!("is `{}` and has `observe`, `drift` or `note`; want `want`", status.key());
            return wrong(status_at, &what);
        }
        Disposition::Enforce(bare(raw.want))
    } else {
        if !raw.want.is_empty() {
            let what = "but has `want`; such a row is never enforced, use `observe`";
            return wrong(status_at, &format!("is not enforced (`{}`) {what}", status.key()));
        }
        if reason.is_none() {
            let what = "and has no `reason`; say why it is left alone";
            return wrong(status_at, &format!("is not enforced (`{}`) {what}", status.key()));
        }
        Disposition::LeaveAlone { note: raw.note, observe: bare(raw.observe), drift: raw.drift }
    };
    Ok(Rule {
        id,
        title: raw.title,
        level,
        status,
        reason,
        rationale: raw.rationale,
        origin: raw.origin,
        wants,
        disposition,
    })
}

/// The text of a want. The span of an element of `[[rule.want]]` is its header; the body follows
/// up to the next one.
fn written(text: &str, span: std::ops::Range<usize>) -> String {
    let raw = text.get(span.clone()).unwrap_or_default();
    let body: Vec<&str> = if raw.starts_with("[[") {
        let rest = text.get(span.end..).unwrap_or_default();
        let mut body: Vec<&str> = rest.lines().take_while(|l| !l.starts_with('[')).collect();
        // What follows the body may belong to the next rule.
        while body.pop_if(|l| l.trim().is_empty() || l.starts_with('#')).is_some() {}
        body
    } else {
        vec![raw]
    };
    body.join(" ").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Replaces every string value `"${name}"` by the variable's value, so that types and the places
/// of later mistakes stay right.
fn fill_in(name: &str, text: &str, vars: &BTreeMap<String, toml::Value>) -> Result<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("\"${") {
        let (before, tail) = rest.split_at(start);
        out.push_str(before);
        let offset = text.len() - tail.len();
        let Some(end) = tail.find("}\"") else {
            let at = place(name, text, offset);
            return Err(Error::Profile(format!("{at}: `${{` without `}}`; want \"${{name}}\"")));
        };
        let var = &tail[3..end];
        match vars.get(var) {
            Some(toml::Value::Integer(n)) => out.push_str(&n.to_string()),
            // JSON's escapes are a subset of TOML's.
            Some(toml::Value::String(s)) => {
                out.push_str(&serde_json::Value::String(s.clone()).to_string());
            }
            Some(_) => {
                let at = place(name, text, offset);
                return Err(Error::Profile(format!(
                    "{at}: variable `{var}` is neither a number nor a text"
                )));
            }
            None => {
                let at = place(name, text, offset);
                let known: Vec<&str> = vars.keys().map(String::as_str).collect();
                return Err(Error::Profile(format!(
                    "{at}: no variable `{var}`; `[vars]` has: {}",
                    known.join(", ")
                )));
            }
        }
        rest = &tail[end + 2..];
    }
    out.push_str(rest);
    Ok(out)
}
