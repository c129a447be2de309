//! What is said about a root that a profile is not for, and the words for severities.

use crate::message::messages;

messages! { "profile";
    no_root_filesystem() {
        en: "/etc: found neither it nor /usr; this is no root filesystem, which --force-target does not \
             make it",
        ja: "/etc も /usr もない。ルートファイルシステムではない (--force-target を指定しても扱えない)",
    }
    no_os_release() {
        en: "no os-release",
        ja: "os-release なし",
    }
    without_version(os) {
        en: "{os} without a version",
        ja: "{os} (バージョン不明)",
    }
    other_system(found, want) {
        en: "/etc/os-release: found {found}, want {want}; this profile is not for this root \
             (--force-target takes it all the same)",
        ja: "/etc/os-release: 検出値 {found}、期待値 {want}。このプロファイルの対象ではない (--force-target を\
             指定すると続行する)",
    }
    low() {
        en: "low",
        ja: "低",
    }
    medium() {
        en: "medium",
        ja: "中",
    }
    high() {
        en: "high",
        ja: "高",
    }
}
