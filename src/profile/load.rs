//! From TOML to a checked profile. Every mistake is an error with file, line, column and word.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use nix::sys::stat::stat;
use serde::Deserialize;
use toml::Spanned;
use toml::de::DeTable;

use super::{
    Benchmark, Bilingual, Disposition, Drift, Profile, Reason, Rule, RuleId, Status, Target,
};
use crate::check::Check;
use crate::error::{Error, Result};
use crate::rootfs::{FileKind, Stat};

/// A file of a profile may be this large (bytes); the largest embedded one has a twentieth of it.
const FILE_LIMIT: u64 = 1 << 20;

/// The files of a profile: names (for messages) and texts. The first is the head.
#[derive(Debug, Clone)]
pub struct Source {
    files: Vec<(String, String)>,
}

macro_rules! embedded {
    ($($file:literal),+ $(,)?) => {
        &[$((
            concat!("profiles/aks-ubuntu-18.04/", $file),
            include_str!(concat!("../../profiles/aks-ubuntu-18.04/", $file)),
        )),+]
    };
}

const EMBEDDED: &[(&str, &str)] = embedded![
    "profile.toml",
    "1-initial-setup.toml",
    "2-services.toml",
    "3-network.toml",
    "4-logging.toml",
    "5-access.toml",
    "6-maintenance.toml",
];

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Head {
    id: String,
    title: Bilingual,
    benchmark: Benchmark,
    target: Target,
    source: String,
    #[serde(default)]
    vars: BTreeMap<String, toml::Value>,
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
    status: Spanned<Status>,
    reason: Option<Reason>,
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
    /// The profile that is part of the program: `aks-ubuntu-18.04`.
    ///
    /// # Errors
    /// A mistake in the embedded files; a test proves that there is none.
    pub fn embedded() -> Result<Profile> {
        let files = EMBEDDED.iter().map(|(n, t)| (n.to_string(), t.to_string())).collect();
        Source { files }.parse()
    }

    /// A profile from a directory with a `profile.toml` and chapter files beside it.
    ///
    /// # Errors
    /// [`Error::Host`] when it cannot be read, [`Error::Profile`] for a mistake in it.
    pub fn from_dir(dir: &Path) -> Result<Profile> {
        Source::from_dir(dir)?.parse()
    }
}

impl Source {
    /// Reads the `*.toml` files of a directory of this machine, `profile.toml` first.
    ///
    /// # Errors
    /// [`Error::Host`] when it cannot be read.
    #[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
    pub fn from_dir(dir: &Path) -> Result<Source> {
        let fail = |e| Error::host("read the profile", dir, e);
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
        Ok(Source { files })
    }

    /// The given files; the first is the head (`profile.toml`).
    pub fn from_files<N: Into<String>, T: Into<String>>(
        files: impl IntoIterator<Item = (N, T)>,
    ) -> Source {
        Source { files: files.into_iter().map(|(n, t)| (n.into(), t.into())).collect() }
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
        let mut rules: Vec<Rule> = Vec::new();
        let mut seen: BTreeMap<RuleId, (usize, usize)> = BTreeMap::new();
        let mut texts: Vec<(&str, String)> = Vec::new();
        for (name, text) in chapters {
            let text = fill_in(name, text, &head.vars)?;
            let chapter: Chapter = parse(name, &text)?;
            for (row, raw) in chapter.rule.into_iter().enumerate() {
                check_data(&raw, row, name, &text)?;
                let (id, offset) = (raw.id.get_ref(), raw.id.span().start);
                if let Some((file, first)) = seen.insert(id.clone(), (texts.len(), offset)) {
                    let at = place(name, &text, offset);
                    let first = match texts.get(file) {
                        Some((name, text)) => place(name, text, first),
                        None => place(name, &text, first),
                    };
                    return Err(Error::Profile(format!(
                        "{at}: rule {id} is there already, at {first}; remove one"
                    )));
                }
                rules.push(check(raw, name, &text)?);
            }
            texts.push((name.as_str(), text));
        }
        rules.sort_by(|a, b| a.id.cmp(&b.id));
        Ok(Profile {
            id: head.id,
            title: head.title,
            benchmark: head.benchmark,
            target: head.target,
            source: head.source,
            rules,
        })
    }
}

/// The text of one file of a profile. Only a regular file is opened: a pipe would never end.
#[allow(clippy::disallowed_methods)] // a profile is a file of the host, not of a target
fn read(path: &Path) -> Result<String> {
    let fail = |e| Error::host("read the profile", path, e);
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
    toml::from_str(text).map_err(|e| {
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
    })
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

/// What the types cannot say of the data of a want; `row` is the rule's place in its file.
fn check_data(raw: &RawRule, row: usize, name: &str, text: &str) -> Result<()> {
    for (list, checks) in [("want", &raw.want), ("observe", &raw.observe)] {
        for (number, check) in checks.iter().enumerate() {
            let Err(bad) = check.get_ref().primitive().check_data() else { continue };
            let at = field_offset(text, (row, list, number), &bad.field);
            let at = place(name, text, at.unwrap_or(check.span().start));
            return Err(Error::Profile(format!("{at}: rule {}: {bad}", raw.id.get_ref())));
        }
    }
    Ok(())
}

/// Where the value of a field of a want begins. `want`: the number of the rule in its file, `want`
/// or `observe`, the number in that list. `field`: names with dots; empty for the whole.
fn field_offset(text: &str, want: (usize, &str, usize), field: &str) -> Option<usize> {
    let (row, list, number) = want;
    let file = DeTable::parse(text).ok()?.into_inner();
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
fn check(raw: RawRule, name: &str, text: &str) -> Result<Rule> {
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
    let wants = raw.want.iter().chain(&raw.observe).map(|c| written(text, c.span())).collect();
    let bare = |checks: Vec<Spanned<Check>>| checks.into_iter().map(Spanned::into_inner).collect();
    let disposition = match *raw.status.get_ref() {
        Status::Pass => {
            if !raw.observe.is_empty() || raw.note.is_some() || raw.drift.is_some() {
                return wrong(
                    status_at,
                    "is `pass` and has `observe`, `drift` or `note`; want `want`",
                );
            }
            Disposition::Enforce(bare(raw.want))
        }
        status => {
            if !raw.want.is_empty() {
                return wrong(
                    status_at,
                    "is not `pass` but has `want`; such a row is never enforced, use `observe`",
                );
            }
            if raw.reason.is_none() {
                return wrong(
                    status_at,
                    "is not `pass` and has no `reason`; say why it is left alone (`none-given` \
                     where the table is silent)",
                );
            }
            Disposition::LeaveAlone {
                status,
                note: raw.note,
                observe: bare(raw.observe),
                drift: raw.drift,
            }
        }
    };
    Ok(Rule {
        id,
        title: raw.title,
        level,
        reason: raw.reason,
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

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = r#"
id = "t"
title = { en = "t", ja = "t" }
source = "test"
[benchmark]
name = "b"
version = "1"
[target]
os = "ubuntu"
version = "18.04"
[vars]
asked = "0"
"#;

    fn load(chapter: &str) -> Result<Profile> {
        Source::from_files([("profile.toml", HEAD), ("1.toml", chapter)]).parse()
    }

    fn rule(extra: &str) -> String {
        format!(
            "[[rule]]\nid = \"3.2.1\"\ntitle = {{ en = \"a\", ja = \"あ\" }}\nlevel = 1\n\
             rationale = {{ en = \"r\", ja = \"理\" }}\n{extra}"
        )
    }

    #[test]
    fn the_embedded_profile_is_well_formed() {
        Profile::embedded().unwrap();
    }

    #[test]
    fn mistakes_name_file_line_and_word() {
        let pass = rule("status = \"pass\"\n");
        let cases = [
            (
                rule("status = \"fail\"\n"),
                "1.toml:6:10: rule 3.2.1 is not `pass` and has no `reason`",
            ),
            (format!("{pass}{pass}"), "1.toml:8:6: rule 3.2.1 is there already, at 1.toml:2:6"),
            (
                rule(
                    "status = \"fail\"\nreason = \"none-given\"\nwant = [{ sysctl = { key = \"a.b\", value = \"0\" } }]",
                ),
                "such a row is never enforced",
            ),
            (
                rule("status = \"pass\"\nwant = [{ sysctl = { kee = \"a\", value = \"0\" } }]"),
                "unknown field `kee`",
            ),
            (rule("status = \"pass\"\nwant = [{ sysctel = {} }]"), "1.toml:7:11"),
            (rule("status = \"passs\"\n"), "unknown variant `passs`"),
            (
                rule("status = \"pass\"\norigin = { en = \"o\", ja = \" \" }\n"),
                "1.toml:6:10: rule 3.2.1 has an empty origin; want both languages",
            ),
            (
                rule(
                    "status = \"pass\"\nwant = [{ sysctl = { key = \"a\", value = \"${nope}\" } }]",
                ),
                "no variable `nope`; `[vars]` has: asked",
            ),
        ];
        for (text, want) in cases {
            let message = load(&text).unwrap_err().to_string();
            assert!(message.contains(want), "want {want:?} in {message}");
        }
    }

    #[test]
    fn a_mistake_in_the_data_of_a_want_has_the_place_of_its_field() {
        let pass = rule("status = \"pass\"\n");
        let wants = |fields: &str| format!("{pass}[[rule.want]]\n{fields}\n");
        let cases = [
            // What the type of a field refuses.
            (
                wants("file_mode = { path = \"/a\", ceiling = \"0688\" }"),
                "1.toml:8:38: ",
                "`0688` is not a mode",
            ),
            (wants("line = { files = [], pattern = \"(\" }"), "1.toml:8:32: ", "unclosed group"),
            // What only several fields together can say.
            (
                wants("account_ageing = { field = \"max\", min = 1,\n  max = 9, write = 10 }"),
                "1.toml:9:20: rule 3.2.1: ",
                "`write`: found 10, want `min` to `max`, 1 to 9",
            ),
            (
                wants("[rule.want.login_defs]\nkey = \"K\"\nnumber = { min = 1, write = 0 }"),
                "1.toml:10:29: rule 3.2.1: ",
                "`number.write`: found 0, want `min` or more, 1",
            ),
            (
                format!(
                    "{}{pass}want = [{{ sysctl = {{ key = \"a.b\", value = \"0\" }} }},\n\
                     {{ package = {{ present = [\"a b\"] }} }}]\n",
                    rule("status = \"pass\"\n").replace("3.2.1", "1.1")
                ),
                "1.toml:14:25: rule 3.2.1: ",
                "`present`: `a b` is not the name of a package",
            ),
            // No one field is wrong.
            (
                rule(
                    "status = \"fail\"\nreason = \"none-given\"\n\
                     observe = [{ mount = { target = \"/tmp\" } }]\n",
                ),
                "1.toml:8:22: rule 3.2.1: ",
                "want one of `option`, `line` and `declared = true`",
            ),
        ];
        for (text, at, want) in cases {
            let message = load(&text).unwrap_err().to_string();
            assert!(message.starts_with(at), "want {at:?} in {message}\n{text}");
            assert!(message.contains(want), "want {want:?} in {message}");
        }
    }

    /// What is wrong with the embedded profile's head and one more file, `9.toml`, made by `put`.
    #[allow(clippy::disallowed_methods)]
    fn from_dir_with(put: impl Fn(&Path)) -> String {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("profile.toml"), HEAD).unwrap();
        let at = dir.path().join("9.toml");
        put(&at);
        let message = Profile::from_dir(dir.path()).unwrap_err().to_string();
        message.strip_prefix(&at.display().to_string()).expect("the file is named").to_owned()
    }

    #[test]
    #[allow(clippy::disallowed_methods)]
    fn what_is_no_text_file_is_named_and_not_read() {
        use nix::sys::stat::Mode;
        let pipe = from_dir_with(|at| nix::unistd::mkfifo(at, Mode::S_IRWXU).unwrap());
        assert_eq!(pipe, ": found a named pipe, want a regular file; move it away");
        let dir = from_dir_with(|at| std::fs::create_dir(at).unwrap());
        assert_eq!(dir, ": found a directory, want a regular file; move it away");
        let device = from_dir_with(|at| std::os::unix::fs::symlink("/dev/zero", at).unwrap());
        assert_eq!(device, ": found a character device, want a regular file; move it away");
        let gone = from_dir_with(|at| std::os::unix::fs::symlink("nowhere", at).unwrap());
        assert!(gone.starts_with(": cannot read the profile: "), "{gone}");
        let large = from_dir_with(|at| std::fs::write(at, "#".repeat((1 << 20) + 1)).unwrap());
        assert_eq!(large, ": found more than 1048576 bytes; want a smaller file");
        let latin = from_dir_with(|at| std::fs::write(at, b"# a\n# \xe9t\xe9\n").unwrap());
        assert_eq!(latin, ":2: byte 6 is not UTF-8; want a text file");
    }

    #[test]
    fn a_key_of_too_many_parts_is_found() {
        let deep = format!("# 1.2\na{} = 1\n", ".a".repeat(200));
        let message = load(&deep).unwrap_err().to_string();
        let want =
            "1.toml: recursion limit: a key has too many parts, as perhaps the one in line 2";
        assert!(message.starts_with(want), "{message}");
    }

    #[test]
    fn a_want_is_shown_as_written_and_without_what_follows_it() {
        let wants = "[[rule.want]]\nsysctl = { key = \"a.b\",\n  value = \"0\" }\n\n# next\n\n";
        let profile = load(&rule(&format!("status = \"pass\"\n{wants}"))).unwrap();
        assert_eq!(profile.rules[0].wants, ["sysctl = { key = \"a.b\", value = \"0\" }"]);
    }

    #[test]
    fn variables_are_filled_in() {
        let want = "want = [{ sysctl = { key = \"a.b\", value = \"${asked}\" } }]";
        let profile = load(&rule(&format!("status = \"pass\"\n{want}"))).unwrap();
        let Disposition::Enforce(checks) = &profile.rules[0].disposition else { panic!() };
        assert_eq!(format!("{checks:?}").matches("\"0\"").count(), 1, "{checks:?}");
    }
}
