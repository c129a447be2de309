//! Exit statuses: one table for all verbs. Help, man page, README and schema are made from it or
//! compared with it (`tests/docs/`).

/// As declared.
pub const OK: u8 = 0;
/// Failed, or some row is unknown.
pub const FAILED: u8 = 1;
/// Not as declared.
pub const NOT_AS_DECLARED: u8 = 2;
/// A guard refused; nothing was changed.
pub const REFUSED: u8 = 3;
/// The command line or the environment is wrong.
pub const USAGE: u8 = 64;

/// One row of the table.
pub struct Row {
    /// The statuses, as they are shown.
    pub status: &'static str,
    /// What they mean, in a few words.
    pub short: &'static str,
    /// What they mean.
    #[cfg_attr(not(feature = "internals"), allow(dead_code))]
    pub en: &'static str,
    /// The same in Japanese.
    #[cfg_attr(not(feature = "internals"), allow(dead_code))]
    pub ja: &'static str,
}

/// All statuses.
pub const TABLE: [Row; 6] = [
    Row {
        status: "0",
        short: "as declared",
        en: "as declared; applied; reverted; plan printed",
        ja: "宣言どおり。適用済み。元に戻した。計画を表示した",
    },
    Row {
        status: "1",
        short: "failed, a row is unknown, or the answer was not written; the log says what was done",
        en: "failed (the files are as before; a package step that apt-get finished stays), or some row \
             is unknown (the others were done), or the report or answer could not be written (the \
             log says what was done); with `--baseline`: some row is unknown that was known there",
        ja: "失敗した (ファイルは元のまま。apt-get が完了したパッケージ操作は残る)、判定できない項目がある \
             (ほかの項目は処理済み)、またはレポートや応答を出力できない (実行内容はログに残る)。\
             `--baseline` のときは、そこで判定できていた項目が判定できない",
    },
    Row {
        status: "2",
        short: "not as declared",
        en: "not as declared, or a waiver has ended (`plan`: only with `--detailed-exitcode`; drift: only \
             with `--strict`); with `--baseline`: something is worse than there, and nothing else",
        ja: "宣言どおりでない、または免除の期限が切れた (`plan` は `--detailed-exitcode`、相違は `--strict` のときだけ)。`--baseline` のときは、そこより悪化したものがあることだけを示す",
    },
    Row {
        status: "3",
        short: "a guard refused, nothing was changed",
        en: "a guard refused, nothing was changed (another system, a lockout, a layer that makes a \
             left-alone row drift, a report's place inside the root, another run still at work after `--wait`, nothing to revert, or \
             changed since; an archive that would have to be written; a disk image that is in use or has an unsupported layout)",
        ja: "ガードが拒否し、何も変えていない (別の OS、締め出し、対象外の項目に相違を生じさせるレイヤー、ルート内へのレポート出力、`--wait` の時間待っても\
             別の実行が継続中、取り消す対象がない、後から変更された。書庫への書き込みが必要。使用中のディスクイメージや未対応の構成の\
             ディスクイメージ)",
    },
    Row {
        status: "64",
        short: "usage error",
        en: "usage error: an option or an environment variable",
        ja: "使用方法の誤り (オプションまたは環境変数)",
    },
    Row {
        status: "129, 130, 143",
        short: "stopped by SIGHUP, SIGINT, SIGTERM, every change undone",
        en: "stopped by SIGHUP, SIGINT, SIGTERM between two steps; every change was undone",
        ja: "SIGHUP、SIGINT、SIGTERM により処理の区切りで停止した。変更はすべて元に戻した",
    },
];

/// The table in one line, for help.
pub(super) fn help() -> String {
    let rows: Vec<String> = TABLE.iter().map(|r| format!("{} {}", r.status, r.short)).collect();
    format!("Exit status: {}", rows.join(" · "))
}

/// The rows of the table in Markdown, for the pages in English or Japanese.
#[cfg(feature = "internals")]
pub fn markdown(japanese: bool) -> String {
    let row = |row: &Row| match japanese {
        true => format!("| {} | {} |\n", row.status.replace(", ", "、"), row.ja),
        false => format!("| {} | {} |\n", row.status, row.en),
    };
    TABLE.iter().map(row).collect()
}
