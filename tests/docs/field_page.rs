//! Who reads what rows judge, as one Markdown page: from `Primitive::consumers()` of every want of the
//! embedded profile, and the table of consumers.
//!
//! `docs/field.md` and `docs/field.ja.md` are this page, and a test keeps them current.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use gokaku::check::consumer_table::consumers;
use gokaku::check::{Absence, Check, Consumer, OtherFile, PRIMITIVES, Starter};
use gokaku::profile::{Disposition, Profile};

const HEAD: &str = "\
# Who reads it

A file counts when a program that runs reads it. Behind every row that judges a file is a *chain*: a
starter (the boot, a socket, a timer, a job, the kernel, somebody) starts a consumer, and the consumer
reads the file. `profiles/consumers.toml` has the consumers, `src/check/chain/` resolves them.

- **needed**: nothing happens without the program. Where it does not start, the row is `not_met`, and
  the gap names the file and line that decide.
- **guarded**: a program that does not run lets nobody in. The file is judged as it stands, and the
  evidence says that nothing starts the program.
- A root without an init (a container image) has its starter outside: rows are judged by their files
  alone, with that note. So has a part of a tree: an init without a single unit.
- What only a running machine can answer (`ConditionVirtualization=` and the like) takes the answer of
  a virtual machine that boots normally, and is named.
- A command line that cannot be told (a script of somebody's own) makes the row `unknown`.
- Units, conditions, drop-ins and links are changed only for rows that ask for the unit itself.

This page is generated; do not edit it. `BLESS=1 cargo test --test docs` writes it anew.
";

const HEAD_JA: &str = "\
# 何が読むか

ファイルは、動くプログラムに読まれて初めて意味を持つ。ファイルを判定する項目の背後には *連鎖* がある。起動元 (ブート、ソケット、
タイマー、ジョブ、カーネル、人) が読み手のプログラムを起動し、そのプログラムがファイルを読む。読み手の一覧は
`profiles/consumers.toml`、連鎖の解決は `src/check/chain/` にある。

- **needed**: プログラムが動かなければ何も起きない。起動しない場合、項目は `not_met` になり、それを決めているファイルと行番号を示す。
- **guarded**: 動かないプログラムは誰も通さない。ファイルはそのまま判定し、起動するものがないことを証跡に示す。
- init のないツリー (コンテナイメージ) の起動元はツリーの外にある。ファイルだけで判定し、その旨を示す。ユニットを 1 つも持たない init も
  同じで、ツリーの一部とみなす。
- 動いているマシンにしか分からない条件 (`ConditionVirtualization=` など) は、通常どおり起動した仮想マシンでの結果を採り、その旨を示す。
- コマンドラインが分からない場合 (独自のスクリプト)、項目は `unknown` になる。
- ユニット、条件、drop-in、リンクを変更するのは、そのユニット自体を求める項目だけである。

このページは生成されたものなので編集しないこと。`BLESS=1 cargo test --test docs` で書き直せる。
";

/// The words of the page in one of its languages.
struct Words {
    head: &'static str,
    consumers: &'static str,
    primitives: &'static str,
    none: &'static str,
    job: &'static str,
    kernel: &'static str,
    people: &'static str,
    stacks: (&'static str, &'static str),
    followed: &'static str,
    own: &'static str,
    consequences: &'static str,
}

const EN: Words = Words {
    head: HEAD,
    consumers: "## Consumers\n\n| consumer | if nothing starts it | started by | program | reads |",
    primitives: "## Primitives\n\nA primitive without a consumer judges the state of the tree itself: \
                 modes, accounts, packages, links of units.\n\n\
                 | primitive | consumer | if it reads another file | rows |",
    none: "none",
    job: "a job of cron's, or ",
    kernel: "the kernel",
    people: "whoever calls it",
    stacks: ("the PAM stacks of ", ""),
    followed: "judged there, under `/etc`",
    own: "judged there, or `not_met`",
    consequences: include_str!("consequences.md"),
};

const JA: Words = Words {
    head: HEAD_JA,
    consumers: "## 読み手\n\n| 読み手 | 起動されない場合 | 起動元 | プログラム | 読むファイル |",
    primitives: "## プリミティブ\n\n読み手のないプリミティブは、モード、アカウント、パッケージ、ユニットのリンクなど、\
                 ツリーの状態そのものを判定する。\n\n\
                 | プリミティブ | 読み手 | 別のファイルを読む場合 | 項目 |",
    none: "なし",
    job: "cron のジョブ、または ",
    kernel: "カーネル",
    people: "呼び出した人やプログラム",
    stacks: ("", " の PAM スタック"),
    followed: "`/etc` 以下ならそのファイルを判定",
    own: "そのファイルを判定、または `not_met`",
    consequences: include_str!("consequences.ja.md"),
};

/// The whole page in English.
pub fn render(profile: &Profile) -> String {
    page(profile, &EN)
}

/// The whole page in Japanese.
pub fn render_ja(profile: &Profile) -> String {
    page(profile, &JA)
}

fn page(profile: &Profile, words: &Words) -> String {
    let table = consumers().unwrap();
    let mut out = words.head.to_owned();
    // Writing to a String cannot fail.
    let _ = writeln!(out, "\n{}\n|---|---|---|---|---|", words.consumers);
    for (name, consumer) in table {
        let absence = match consumer.absence {
            Absence::Needed => "needed",
            Absence::Guarded => "guarded",
        };
        let reads: Vec<String> = consumer.reads.iter().map(|file| format!("`{file}`")).collect();
        let (starter, program) = (starter(consumer, words), consumer.program());
        let reads = reads.join(", ");
        let _ = writeln!(out, "| {name} | {absence} | {starter} | `{program}` | {reads} |");
    }
    let _ = writeln!(out, "\n{}\n|---|---|---|---|", words.primitives);
    let mut used = BTreeSet::new();
    let found = of_profile(profile, words);
    for (name, _) in PRIMITIVES {
        let key = snake(name);
        let Some(by_consumers) = found.get(&key) else { continue };
        for (consumers, rows) in by_consumers {
            let names: Vec<&str> = consumers.iter().map(|(name, _)| *name).collect();
            used.extend(names.iter().copied());
            let other: BTreeSet<&str> = consumers.iter().map(|(_, other)| *other).collect();
            let other = other.into_iter().collect::<Vec<_>>().join(", ");
            let names = match names.is_empty() {
                true => words.none.to_owned(),
                false => names.join(", "),
            };
            let rows = rows.join(", ");
            let _ = writeln!(out, "| `{key}` | {names} | {other} | {rows} |");
        }
    }
    for name in used {
        assert!(table.contains_key(name), "{name} is not in consumers.toml");
    }
    let _ = write!(out, "\n{}", words.consequences);
    out
}

fn starter(consumer: &Consumer, words: &Words) -> String {
    let units: Vec<String> = consumer.units.iter().map(|unit| format!("`{unit}`")).collect();
    match consumer.starter {
        Starter::Init => units.join(", "),
        Starter::Jobs => format!("{}{}", words.job, units.join(", ")),
        Starter::Kernel => words.kernel.to_owned(),
        Starter::People => words.people.to_owned(),
        Starter::Services => {
            let (before, behind) = words.stacks;
            format!("{before}{}{behind}", consumer.services.join(", "))
        }
    }
}

type Consumers = Vec<(&'static str, &'static str)>;

/// By primitive: its consumers, and the rows where it has these.
fn of_profile(
    profile: &Profile,
    words: &Words,
) -> BTreeMap<String, BTreeMap<Consumers, Vec<String>>> {
    let mut found: BTreeMap<String, BTreeMap<Consumers, Vec<String>>> = BTreeMap::new();
    for rule in &profile.rules {
        let checks: &[Check] = match rule.disposition() {
            Disposition::Enforce(checks) => checks,
            Disposition::LeaveAlone { observe, .. } => observe,
        };
        for check in checks {
            let consumers: Consumers = check
                .primitive()
                .consumers()
                .into_iter()
                .map(|one| {
                    let other = match one.other_file {
                        OtherFile::Refused => "`not_met`",
                        OtherFile::Followed => words.followed,
                        OtherFile::Own => words.own,
                    };
                    (one.name, other)
                })
                .collect();
            let debug = format!("{check:?}");
            let name = debug.split('(').next().unwrap_or_default();
            let rows = found.entry(snake(name)).or_default().entry(consumers).or_default();
            let id = rule.id.to_string();
            if rows.last() != Some(&id) {
                rows.push(id);
            }
        }
    }
    found
}

fn snake(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars() {
        if c.is_ascii_uppercase() && !out.is_empty() {
            out.push('_');
        }
        out.push(c.to_ascii_lowercase());
    }
    out
}
