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
}
