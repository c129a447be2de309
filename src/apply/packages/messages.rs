//! What a run says of packages: refusals, progress, failures.

use crate::message::messages;

messages! { "packages_run";
    // Refusals
    nothing_changed(why) { en: "{why}; nothing was changed", ja: "{why}。何も変更していない" }
    protected_purge(name, pattern) {
        en: "{name} is to be purged and is protected (`{pattern}`); skip the rule, or do not protect the package; nothing was changed",
        ja: "削除すべき {name} は保護されている (`{pattern}`)。ルールを除外するか、パッケージの保護を外すこと。何も変更していない",
    }
    root_only() {
        en: "packages can be changed by root only; run as root",
        ja: "パッケージの変更には root 権限が必要である。root で実行すること",
    }
    program_missing(program) {
        en: "{program}: not there; packages cannot be changed without it",
        ja: "{program} が存在しない。パッケージの変更に必要である",
    }
    no_directory(dir) {
        en: "{dir}: found nothing, want a directory",
        ja: "{dir} が存在しない。ディレクトリが必要である",
    }
    other_than_directory(dir, found) {
        en: "{dir}: found a {found}, want a directory",
        ja: "{dir}: ディレクトリであるべきところに{found}がある",
    }
    other_machine(program, theirs, own) {
        en: "{program}: a program for {theirs}, this machine's programs are for {own}; change the packages of this root on a machine of its own kind",
        ja: "{program} は {theirs} 用のプログラムで、このマシンは {own} である。このルートのパッケージは、同じアーキテクチャのマシンで変更すること",
    }
    no_program(program) {
        en: "{program}: not a program of Linux",
        ja: "{program} は Linux のプログラムではない",
    }
    processor(number) { en: "processor number {number}", ja: "プロセッサ番号 {number}" }
    locked(path, holder) {
        en: "{path}: locked by {holder}: a package manager is at work on this root; wait until it has ended",
        ja: "{path}: {holder} がロックしている。このルートでパッケージマネージャーが動作中なので、終了を待つこと",
    }
    process(pid) { en: "process {pid}", ja: "プロセス {pid}" }
    half_there(name, state) {
        en: "{name}: found {state}, want it whole or gone: dpkg does nothing else before that; install it again or remove it by hand (`dpkg --audit` lists such packages)",
        ja: "{name} の状態が {state} である。dpkg はこれが解消されるまで他の操作をしない。手動で再インストールするか削除すること (該当するパッケージは `dpkg --audit` で確認できる)",
    }
    scripts_not_run(root, why) {
        en: "{root}: package scripts are not run: {why}; nothing was changed",
        ja: "{root}: パッケージのスクリプトを実行しない: {why}。何も変更していない",
    }
    cannot_shut_in(root, why, ways) {
        en: "{root}: package scripts cannot be shut in here: {why}; {ways}, or inside of this root with `--root /`, where its scripts are at home; nothing was changed",
        ja: "{root}: パッケージのスクリプトをここでは隔離できない: {why}。{ways}か、このルートの中で `--root /` を指定して実行すること。何も変更していない",
    }
    refused_purge(names, why) {
        en: "purging {names} {why}; skip the rule, or purge by hand; nothing was removed",
        ja: "{names} の削除は{why}。ルールを除外するか、手動で削除すること。何も削除していない",
    }
    takes_protected(name, pattern) {
        en: "would take {name}, which is protected (`{pattern}`)",
        ja: "、保護されている {name} (`{pattern}`) の削除を伴う",
    }
    takes_essential(name) {
        en: "would take {name}, which is essential",
        ja: "、必須パッケージ {name} の削除を伴う",
    }
    takes_on_purpose(name) {
        en: "would take {name} too, which was installed on purpose (`apt-mark auto {name}` says that it was not)",
        ja: "、明示的にインストールされた {name} の削除も伴う (そうでなければ `apt-mark auto {name}` で自動インストール扱いにできる)",
    }
    would_install(name) {
        en: "would install or change {name}",
        ja: "、{name} のインストールまたは変更を伴う",
    }
    would_leave(name) {
        en: "would leave {name} where it is",
        ja: "、{name} を残したままにする",
    }
    install_removes(names, name) {
        en: "installing {names} would remove {name}; skip the rule, or install by hand; nothing was installed",
        ja: "{names} のインストールは {name} の削除を伴う。ルールを除外するか、手動でインストールすること。何もインストールしていない",
    }
    simulation_too_long() {
        en: "apt-get's simulation is longer than is read; it cannot be judged, so nothing more is done",
        ja: "apt-get のシミュレーションの出力が長すぎて読み取れない。判断できないため、ここで中止する",
    }
    simulation_disagrees(come, go, named, lost) {
        en: "apt-get's simulation counts {come} to install or upgrade and {go} to remove, its lines name {named} and {lost}; it cannot be judged, so nothing more is done",
        ja: "apt-get のシミュレーションの件数はインストールと更新が {come} 件、削除が {go} 件だが、各行では {named} 件と {lost} 件である。判断できないため、ここで中止する",
    }
    simulation_without_counts() {
        en: "apt-get's simulation gives no counts; it cannot be judged, so nothing more is done",
        ja: "apt-get のシミュレーションに件数がない。判断できないため、ここで中止する",
    }

    // What was found and is put right
    cut_off() { en: "an earlier run of dpkg was cut off", ja: "以前の dpkg の実行が中断されている" }
    cut_off_at(packages) {
        en: "an earlier run of dpkg was cut off: {packages}",
        ja: "以前の dpkg の実行が中断されている: {packages}",
    }
    runs_first(what, command) {
        en: "{what}; `{command}` runs first",
        ja: "{what}。先に `{command}` を実行する",
    }
    has_finished(what, command) {
        en: "{what}; `{command}` has finished that",
        ja: "{what}。`{command}` で完了させた",
    }
    done_again(name, state) {
        en: "{name}: {state} by an earlier run of dpkg that was cut off; done again",
        ja: "{name}: 以前の dpkg の実行が中断され {state} のままである。やり直す",
    }
    left_by_dpkg(name, state) {
        en: "{name} ({state}) had been left so by a dpkg that was cut off",
        ja: "{name} ({state}) は、dpkg の中断によりその状態で残っていた",
    }
    policy_taken_away(path) {
        en: "{path}: left by a step whose keeper was killed; taken away",
        ja: "{path}: 監視プロセスが強制終了された処理の残りを削除した",
    }

    // Progress
    fetching_lists(names) {
        en: "fetching the package lists of {names}",
        ja: "{names} のパッケージリストを取得する",
    }
    purging_by_dpkg(names) {
        en: "purging {names} by dpkg alone",
        ja: "{names} を dpkg だけで削除する",
    }
    purging(names) { en: "purging {names}", ja: "{names} を削除する" }
    installing(names) { en: "installing {names}", ja: "{names} をインストールする" }
    running(command) { en: "running {command}", ja: "{command} を実行する" }
    output(line) { en: "  {line}", ja: "  {line}" }

    // What happened to a package
    purged(package) { en: "purged {package}", ja: "{package} を設定ごと削除" }
    removed(package) { en: "removed {package}", ja: "{package} を削除 (設定は残存)" }
    installed(package) { en: "installed {package}", ja: "{package} をインストール" }
    upgraded(package) { en: "upgraded {package}", ja: "{package} を更新" }
    configured(package) { en: "configured {package}", ja: "{package} を設定" }
    unfinished(package) { en: "unfinished {package}", ja: "{package} の処理が未完了" }

    // Failures
    not_started(command, why) {
        en: "`{command}` could not be started: {why}",
        ja: "`{command}` を起動できない: {why}",
    }
    did_not_end(command, why) {
        en: "`{command}` did not end: {why}",
        ja: "`{command}` は最後まで実行されなかった: {why}",
    }
    by_signal(command, signal) {
        en: "`{command}` was ended by signal {signal}",
        ja: "`{command}` がシグナル {signal} で終了した",
    }
    with_status(command, status) {
        en: "`{command}` ended with status {status}",
        ja: "`{command}` が終了ステータス {status} で終了した",
    }
    it_said(failure) { en: "{failure}; it said:", ja: "{failure}。出力:" }
    below(text, line) { en: "{text}\n    {line}", ja: "{text}\n    {line}" }
    no_network_for_i386() {
        en: "programs for i386 get no network in a container: which socket they ask for (socketcall) cannot be seen; name a repository of files inside the root (`deb file:/…`), or run inside of this root with `--root /`",
        ja: "i386 のプログラムはコンテナ内でネットワークを使えない (要求するソケットを socketcall では判別できないため)。ルート内のファイルのリポジトリ (`deb file:/…`) を指定するか、このルートの中で `--root /` を指定して実行すること",
    }
    scratch_too_large(mib, dir) {
        en: "more than {mib} MiB of package lists and packages in {dir}; it was ended",
        ja: "{dir} のパッケージリストとパッケージが {mib} MiB を超えたため終了させた",
    }
    scratch_stays(dir, cause) {
        en: "{dir}: cannot remove: {cause}; remove it by hand",
        ja: "{dir} を削除できない: {cause}。手動で削除すること",
    }
}
