//! What a plan says about rows.

use crate::message::messages;

messages! { "plan";
    not_implemented() {
        en: "not implemented",
        ja: "未実装",
    }
    more_gaps(count) {
        en: "{count} more {count:gap is|gaps are} not shown",
        ja: "ほかに {count} 件の不適合がある (表示は省略)",
    }
    more_evidence(count) {
        en: "{count} more {count:observation is|observations are} not shown",
        ja: "ほかに {count} 件の検出がある (表示は省略)",
    }
    more_reasons(count) {
        en: "{count} more {count:reason is|reasons are} not shown",
        ja: "ほかに {count} 件の理由がある (表示は省略)",
    }
    reasons(list) {
        en: "{list}",
        ja: "以下の理由による: {list}",
    }
    not_possible(cause) {
        en: "the change is not possible: {cause}",
        ja: "変更できない: {cause}",
    }
    never_ends() {
        en: "its changes never end; this is a fault of the program",
        ja: "変更が収束しない (プログラムの不具合)",
    }
    is_waived(subject, by, place, reason) {
        en: "{subject} is waived by {by} ({place}): {reason}",
        ja: "{subject} は {by} により免除されている ({place}): {reason}",
    }
    waived(reason, by, until) {
        en: "waived by {by} until {until}: {reason}",
        ja: "{by} が {until} まで免除: {reason}",
    }
    waiver_not_needed(place) {
        en: "waiver not needed ({place})",
        ja: "免除は不要 ({place})",
    }
    waiver_of_subject_not_needed(subject, place) {
        en: "waiver not needed: {subject} ({place})",
        ja: "免除は不要: {subject} ({place})",
    }
    waiver_over(until, by, place) {
        en: "its waiver by {by} ended on {until} ({place}); nothing is changed on its behalf: extend it, or \
             remove it to have the row hold",
        ja: "{by} による免除は {until} で終了した ({place})。終了しただけでは何も変更しない。延長するか、項目を\
             満たすために免除を削除すること",
    }
    waiver_of_subject_over(subject, until, by, place) {
        en: "the waiver of {subject} by {by} ended on {until} ({place}); nothing is changed on its behalf: \
             extend it, or remove it to have the row hold",
        ja: "{by} による {subject} の免除は {until} で終了した ({place})。終了しただけでは何も変更しない。延長するか、\
             項目を満たすために免除を削除すること",
    }
    judged(rows, of, hold, open, manual, unknown) {
        en: "judged: {rows} {rows:row|rows}; of the {of} that {of:is|are} to hold, {hold} {hold:does|do}, \
             {open} {open:does|do} not, {manual} {manual:needs|need} a person, {unknown} could not be \
             determined",
        ja: "判定: {rows} 項目。適用対象 {of} 項目のうち、適合 {hold}、不適合 {open}、要確認 {manual}、\
             不明 {unknown}",
    }
    judged_again(rows, of, hold, open, manual, unknown) {
        en: "judged again from the disk: {rows} {rows:row|rows}; of the {of} that {of:is|are} to hold, \
             {hold} {hold:does|do}, {open} {open:does|do} not, {manual} {manual:needs|need} a person, \
             {unknown} could not be determined",
        ja: "ディスクから再判定: {rows} 項目。適用対象 {of} 項目のうち、適合 {hold}、不適合 {open}、要確認 \
             {manual}、不明 {unknown}",
    }
    left_as_it_is(rule, why) {
        en: "rule {rule}: left as it is: {why}",
        ja: "項目 {rule}: 変更せずに残す: {why}",
    }
    no_changes() {
        en: "planned no changes",
        ja: "計画: 変更なし",
    }
    planned(changes, rows, files, others) {
        en: "planned {changes} {changes:change|changes} for {rows} {rows:row|rows}: new content for {files} \
             {files:path|paths}, mode or owner of {others}",
        ja: "計画: {rows} 項目のための変更 {changes} 件 (内容の変更 {files} 件、権限または所有者の変更 \
             {others} 件)",
    }
}
