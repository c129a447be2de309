//! What the findings about the kernel say.

use crate::message::messages;

messages! { "kernel";
    // Arguments of the command line.
    no_grub(name) {
        en: "there is no configuration of GRUB to give `{name}`",
        ja: "GRUB の設定が存在せず、`{name}` を渡すものがない",
    }
    not_given(name) {
        en: "no `{name}`",
        ja: "`{name}` の指定なし",
    }
    not_given_or(name, values) {
        en: "no `{name}`, or one of {values}",
        ja: "`{name}` の指定なし、または {values} のいずれか",
    }
    gives(path, line, argument, file) {
        en: "{path}:{line} gives the kernel `{argument}`; remove it from {file} and run update-grub",
        ja: "{path}:{line} がカーネルに `{argument}` を渡している。{file} から削除し、update-grub を実行すること",
    }

    // Modules.
    built_in() {
        en: "built into the kernel",
        ja: "カーネルに組み込み済み",
    }
    loadable_or_none() {
        en: "a loadable module or none",
        ja: "ロード可能なモジュール、またはモジュールなし",
    }
    part_of_the_kernel(module) {
        en: "{module} is part of the kernel, and no line of modprobe.d applies; use a kernel that has it \
             as a module",
        ja: "{module} はカーネルに組み込まれており、modprobe.d の設定では無効にできない。\
             モジュールとして提供するカーネルを使うこと",
    }
    would_decide() {
        en: "would decide if a kernel that has the module were installed",
        ja: "このモジュールを持つカーネルがインストールされると、この行が優先される",
    }
    loaded_now(module) {
        en: "whether {module} is loaded at this moment is not judged",
        ja: "{module} が現在ロードされているかどうかは判定しない",
    }
    nothing_blocks(module) {
        en: "no install line blocks {module}",
        ja: "{module} を無効にする install 行がない",
    }
    earlier_line_decides() {
        en: "an earlier line decides",
        ja: "先行するこの行が優先される",
    }
    no_softdep(module) {
        en: "no softdep line that loads something with {module}",
        ja: "{module} とともにロードするものを指定する softdep 行がないこと",
    }
    softdep_overrides(module) {
        en: "with it, modprobe passes over the install line and loads {module}",
        ja: "この行があると、modprobe は install 行を無視して {module} をロードする",
    }
    softdep_of_kernel(module, path) {
        en: "depmod makes this list; write `softdep {module} pre:` into {path}, which is read before it",
        ja: "この一覧は depmod が生成する。先に読まれる {path} に `softdep {module} pre:` と書くこと",
    }
    ours_is_hidden(path) {
        en: "{path} has the line already and is hidden; remove what hides it",
        ja: "{path} には該当の行があるが、別のファイルに隠されている。そのファイルを取り除くこと",
    }

    // Parameters.
    takes_back(key) {
        en: "withdraws what earlier lines say about {key}",
        ja: "先行する行による {key} の設定を取り消す",
    }
    no_line_gives(key) {
        en: "no line sets {key}",
        ja: "{key} を設定する行がない",
    }
    hides(hiding, path) {
        en: "{hiding} hides {path}; remove it",
        ja: "{hiding} が {path} を隠している。{hiding} を取り除くこと",
    }
    later_line_decides() {
        en: "a later line decides",
        ja: "後から読まれるこの行が優先される",
    }
    of_a_network_plug_in(path) {
        en: "{path}, a file of a network plug-in, decides; change the plug-in's settings, or accept it",
        ja: "ネットワークプラグインのファイル {path} が優先される。プラグインの設定を変更するか、この値を許容すること",
    }
    line_too_long(path, line) {
        en: "{path}:{line} is too long for the program that reads it; shorten the line",
        ja: "{path}:{line} は読み取るプログラムの上限より長い。行を短くすること",
    }
    made_at_run_time(path) {
        en: "{path} is made at run time; change what makes it",
        ja: "{path} はシステムの稼働中に生成される。生成元の設定を変更すること",
    }
    leads_nowhere() {
        en: "leads nowhere; `sysctl --system` fails on it",
        ja: "リンク先が存在せず、`sysctl --system` がエラーになる",
    }
    files_are_judged() {
        en: "the files are judged, not the value in the running kernel",
        ja: "稼働中のカーネルの値ではなく、設定ファイルを判定している",
    }
    ufw_is_off() {
        en: "has no effect while ufw is off",
        ja: "ufw が無効の間は効かない",
    }
    ufw_loads_it() {
        en: "ufw loads this file when it starts",
        ja: "ufw が起動時にこのファイルを読み込む",
    }
}
