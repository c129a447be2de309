//! The rows of a profile as one Markdown page, in English or Japanese.
//!
//! `docs/rules.md` and `docs/rules.ja.md` are made by this from the embedded profile, and a test
//! keeps them current. Every row has an anchor, its id.

use std::collections::BTreeMap;
use std::fmt::Write;

use gokaku::message::Lang;
use gokaku::profile::{Disposition, Drift, Part, Profile, RatedBy, References, Rule, Status};

/// Words that are not data, in both languages.
struct Words {
    other_page: &'static str,
    head: &'static str,
    chapter: &'static str,
    all: &'static str,
    level: &'static str,
    severity: &'static str,
    own_rating: &'static str,
    reason: &'static str,
    wanted: &'static str,
    not_implemented: &'static str,
    untouched: &'static str,
    observed: &'static str,
    unmeasured: &'static str,
    drifts: &'static str,
    no_drift: &'static str,
    origin: &'static str,
    colon: &'static str,
}

const EN: Words = Words {
    other_page: "日本語: [rules.ja.md](rules.ja.md)",
    head: "\
Every row of the declared table: its subject, the required state and its origin, and, for a row that is
left alone, the reason and what is not touched. Rows that **pass** are enforced; `apply` changes nothing
for any other row. `gokaku explain ID` shows a row on the command line, and with `--root` what would
change there.

This page is generated from the profile; do not edit it. `BLESS=1 cargo test --test docs` regenerates it.",
    chapter: "chapter",
    all: "all",
    level: "level",
    severity: "severity",
    own_rating: " (own rating)",
    reason: "reason in the table",
    wanted: "Wanted",
    not_implemented: "Not checked yet: the row is `unknown`.",
    untouched: "Left alone",
    observed: "Observed by `audit`, never changed",
    unmeasured: "Not measured.",
    drifts: "Drift if any of these holds.",
    no_drift: "No state of it counts as drift.",
    origin: "Origin",
    colon: ": ",
};

const JA: Words = Words {
    other_page: "English: [rules.md](rules.md)",
    head: "\
宣言された表の全項目について、内容、期待する状態とその由来を示す。対象外の項目には、その理由と変更しないものを示す。**合格**の\
項目は適用時に必ず満たすようにし、それ以外の項目のために `apply` が変更するものはない。`gokaku explain ID` は 1 項目を\
コマンドラインに表示し、`--root` を付ければそのルートへの変更内容も表示する。

このページはプロファイルから生成される。直接編集せず、`BLESS=1 cargo test --test docs` で再生成する。",
    chapter: "章",
    all: "合計",
    level: "レベル",
    severity: "重大度",
    own_rating: " (独自の評価)",
    reason: "表の理由",
    wanted: "期待する状態",
    not_implemented: "未実装のため、結果は `unknown` になる。",
    untouched: "扱い",
    observed: "`audit` の監査対象 (変更はしない)",
    unmeasured: "検査しない。",
    drifts: "いずれかに該当すれば相違とみなす。",
    no_drift: "どの状態も相違とはみなさない。",
    origin: "由来",
    colon: ": ",
};

/// The whole page.
pub fn render(profile: &Profile, lang: Lang) -> String {
    let w = match lang {
        Lang::En => &EN,
        Lang::Ja => &JA,
    };
    let mut chapters: BTreeMap<&Part, Vec<&Rule>> = BTreeMap::new();
    for rule in &profile.rules {
        chapters.entry(rule.id.chapter()).or_default().push(rule);
    }
    let mut out = String::new();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "# {}\n", escape(profile.title.get(lang)));
    let Profile { benchmark, source, .. } = profile;
    let _ =
        writeln!(out, "{} {} · {}\n", escape(&benchmark.name), benchmark.version, escape(source));
    let _ = writeln!(out, "{}\n\n{}\n", w.head, w.other_page);
    counts(&mut out, profile, &chapters, w, lang);
    for (chapter, rules) in &chapters {
        let name = titled(profile, chapter, lang);
        let _ = writeln!(out, "\n## <a id=\"{chapter}\"></a>{name}");
        for rule in rules {
            entry(&mut out, profile, rule, w, lang);
        }
    }
    out
}

/// A chapter's number, or word, with its title if it has one.
fn titled(profile: &Profile, chapter: &Part, lang: Lang) -> String {
    let title = escape(profile.chapter_title(chapter, lang));
    format!("{chapter} {title}").trim_end().to_owned()
}

/// How many rows of each chapter have which status.
fn counts(
    out: &mut String,
    profile: &Profile,
    chapters: &BTreeMap<&Part, Vec<&Rule>>,
    w: &Words,
    lang: Lang,
) {
    let statuses = &profile.statuses;
    let words: Vec<String> = statuses.iter().map(|s| escape(s.word(lang))).collect();
    let words = words.join(" | ");
    let _ = writeln!(out, "| {} | {words} | {} |", w.chapter, w.all);
    let _ = writeln!(out, "|---|{}", "--:|".repeat(statuses.len() + 1));
    let mut line = |name: &str, rules: &[&Rule]| {
        let count = |s: &Status| rules.iter().filter(|r| r.status == *s).count().to_string();
        let counts: Vec<String> = statuses.iter().map(count).collect();
        let _ = writeln!(out, "| {name} | {} | {} |", counts.join(" | "), rules.len());
    };
    for (chapter, rules) in chapters {
        line(&format!("[{}](#{chapter})", titled(profile, chapter, lang)), rules);
    }
    let all: Vec<&Rule> = chapters.values().flatten().copied().collect();
    line(w.all, &all);
}

/// One row.
fn entry(out: &mut String, profile: &Profile, rule: &Rule, w: &Words, lang: Lang) {
    let id = &rule.id;
    let _ = writeln!(out, "\n### <a id=\"{id}\"></a>{id} {}\n", escape(rule.title.get(lang)));
    let _ = write!(out, "**{}** · {} {}", rule.status.word(lang), w.level, rule.level);
    if let Some(severity) = rule.severity {
        let own = if rule.rated_by == Some(RatedBy::Own) { w.own_rating } else { "" };
        let _ = write!(out, " · {} {}{own}", w.severity, severity.text(lang));
    }
    if let Some(reason) = &rule.reason {
        let _ = write!(out, " · {}{}{}", w.reason, w.colon, reason.word(lang));
    }
    let _ = writeln!(out, "\n\n{}", escape(rule.rationale.get(lang)));
    match rule.disposition() {
        Disposition::Enforce(want) if want.is_empty() => {
            let _ = writeln!(out, "\n{}", w.not_implemented);
        }
        Disposition::Enforce(_) => wants(out, w.wanted, rule.wants()),
        Disposition::LeaveAlone { note, observe, drift, .. } => {
            if let Some(note) = note {
                let _ = writeln!(out, "\n**{}**{}{}", w.untouched, w.colon, escape(note.get(lang)));
            }
            if observe.is_empty() {
                let _ = writeln!(out, "\n{}", w.unmeasured);
            } else {
                wants(out, w.observed, rule.wants());
                let drift = match drift {
                    Some(Drift::WhenMet) => w.drifts,
                    None => w.no_drift,
                };
                let _ = writeln!(out, "\n{drift}");
            }
        }
    }
    if let Some(origin) = &rule.origin {
        let _ = writeln!(out, "\n**{}**{}{}", w.origin, w.colon, escape(origin.get(lang)));
    }
    references(out, profile, rule, w, lang);
}

/// What public catalogues call the subject of a row, on one line.
fn references(out: &mut String, profile: &Profile, rule: &Rule, w: &Words, lang: Lang) {
    let Some(source) = &profile.references else { return };
    let References { scap, nist, cis_controls } = &rule.references;
    let scap = scap.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>();
    let content = format!("{} {}", source.content, source.version);
    let lists = [
        (content.as_str(), scap),
        (source.nist.as_str(), nist.iter().map(ToString::to_string).collect()),
        (source.cis_controls.get(lang), cis_controls.iter().map(ToString::to_string).collect()),
    ];
    let lists: Vec<String> = lists
        .into_iter()
        .filter(|(_, ids)| !ids.is_empty())
        .map(|(name, ids)| format!("{name}{}{}", w.colon, ids.join(", ")))
        .collect();
    if !lists.is_empty() {
        let _ = writeln!(out, "\n{}", lists.join(" · "));
    }
}

fn wants(out: &mut String, label: &str, wants: &[String]) {
    let _ = writeln!(out, "\n**{label}**\n\n```toml\n{}\n```", wants.join("\n"));
}

/// Text that Markdown shows as it is. What stands between backquotes stays code.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut code = false;
    let quotes = text.matches('`').count() & !1;
    let mut seen = 0;
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inside = |c: char| c.is_alphanumeric() || c == '_';
        let special = match c {
            '`' if seen < quotes => {
                seen += 1;
                code = !code;
                false
            }
            '`' | '\\' | '*' | '<' | '>' | '[' | ']' | '|' | '&' | '~' => true,
            // Within a word it is only itself.
            '_' => !(inside(before) && rest.peek().is_some_and(|next| inside(*next))),
            '#' | '+' | '-' | '=' => out.is_empty(),
            // A number and a point would begin a list.
            '.' | ')' => !out.is_empty() && out.bytes().all(|b| b.is_ascii_digit()),
            _ => false,
        };
        if special && !code {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use gokaku::profile::ProfileFiles;

    const HEAD: &str = r#"
id = "t"
title = { en = "table", ja = "表" }
source = "test"
[benchmark]
name = "b"
version = "1"
[target]
os = "ubuntu"
version = "18.04"
[references]
content = "guide"
version = "2"
packages = []
nist = "NIST 4"
cis_controls = { en = "CIS 7", ja = "CIS 7" }
[[status]]
key = "pass"
word = { en = "pass", ja = "合格" }
enforced = true
[[status]]
key = "fail"
word = { en = "fail", ja = "失敗" }
[[status]]
key = "not-applicable"
word = { en = "not applicable", ja = "適用しない" }
[[status]]
key = "unspecified"
word = { en = "unspecified", ja = "指定なし" }
[[reason]]
key = "operational-impact"
word = { en = "potential operational impact", ja = "運用上の潜在的な影響" }
[[reason]]
key = "none-given"
word = { en = "none given", ja = "理由の記載なし" }
[chapters]
1 = { en = "initial setup", ja = "初期セットアップ" }
2 = { en = "services", ja = "サービス" }
[defaults.sysctl]
file = "/etc/sysctl.d/60-site.conf"
late_file = "/etc/sysctl.d/99-site.conf"
"#;

    fn page(chapter: &str, lang: Lang) -> String {
        let source = ProfileFiles::from_files([("profile.toml", HEAD), ("1.toml", chapter)]);
        render(&source.parse().unwrap(), lang)
    }

    const ROWS: &str = r#"
[[rule]]
id = "1.2"
title = { en = "a*b", ja = "あ" }
level = 1
severity = "high"
references = { scap = ["a_b"], nist = ["AC-6(1)"] }
status = "pass"
rationale = { en = "because", ja = "理" }
origin = { en = "from `here_`", ja = "ここ" }
[[rule.want]]
sysctl = { key = "a.b", value = "0" }

[[rule]]
id = "1.10"
title = { en = "c", ja = "い" }
level = 2
severity = "low"
rated_by = "own"
status = "fail"
reason = "operational-impact"
note = { en = "leave it", ja = "残す" }
rationale = { en = "harm", ja = "害" }
drift = "when-met"
[[rule.observe]]
sysctl = { key = "c.d", value = "1" }

[[rule]]
id = "2.1"
title = { en = "d", ja = "う" }
level = 1
status = "unspecified"
reason = "none-given"
rationale = { en = "open", ja = "未定" }
"#;

    #[test]
    fn a_row_says_what_is_wanted_and_where_from() {
        let page = page(ROWS, Lang::En);
        let row = "### <a id=\"1.2\"></a>1.2 a\\*b\n\n**pass** · level 1 · severity high\n\nbecause\n\n\
                   **Wanted**\n\n```toml\nsysctl = { key = \"a.b\", value = \"0\", \
                   file = \"/etc/sysctl.d/60-site.conf\", late_file = \"/etc/sysctl.d/99-site.conf\" }\n```\n\n\
                   **Origin**: from `here_`\n\nguide 2: `a_b` · NIST 4: AC-6(1)\n";
        assert!(page.contains(row), "{page}");
    }

    #[test]
    fn a_row_left_alone_says_why_and_what_is_drift() {
        let page = page(ROWS, Lang::Ja);
        let row = "**失敗** · レベル 2 · 重大度 低 (独自の評価) · 表の理由: 運用上の潜在的な影響\n\n害\n\n\
                   **扱い**: 残す\n\n**`audit` の監査対象 (変更はしない)**\n\n\
                   ```toml\nsysctl = { key = \"c.d\", value = \"1\", \
                   file = \"/etc/sysctl.d/60-site.conf\", late_file = \"/etc/sysctl.d/99-site.conf\" }\n```\n\n\
                   いずれかに該当すれば相違とみなす。\n";
        assert!(page.contains(row), "{page}");
        assert!(page.contains("未定\n\n検査しない。\n"), "{page}");
    }

    #[test]
    fn rows_are_counted_by_chapter() {
        let page = page(ROWS, Lang::En);
        let table = "| chapter | pass | fail | not applicable | unspecified | all |\n\
                     |---|--:|--:|--:|--:|--:|\n\
                     | [1 initial setup](#1) | 1 | 1 | 0 | 0 | 2 |\n\
                     | [2 services](#2) | 0 | 0 | 0 | 1 | 1 |\n\
                     | all | 1 | 1 | 0 | 1 | 3 |\n";
        assert!(page.contains(table), "{page}");
    }

    #[test]
    fn text_is_shown_as_it_is() {
        let cases = [
            ("a_b x_ *y* <z> \\m", "a_b x\\_ \\*y\\* \\<z\\> \\\\m"),
            ("`a_*` and `b", "`a_*` and \\`b"),
            ("1. one", "1\\. one"),
            ("0644 for 5.3.4", "0644 for 5.3.4"),
            ("- no list", "\\- no list"),
            ("", ""),
        ];
        for (text, want) in cases {
            assert_eq!(escape(text), want, "{text}");
        }
    }
}
