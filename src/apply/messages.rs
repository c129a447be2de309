//! What a run says while it writes, recovers and takes back: guards, warnings, progress.

use crate::message::messages;

messages! { "apply";
    nothing_to_write() { en: "nothing to write", ja: "書き込むものはない" }
    wrote(paths, journal) {
        en: "wrote {paths} {paths:path|paths}; the journal that undoes the run: {journal}",
        ja: "{paths} 件のパスに書き込んだ。元に戻すためのジャーナル: {journal}",
    }
    packages_changed(operation) {
        en: "no file was changed, but packages were: {operation}",
        ja: "ファイルは変更していないが、パッケージは変更した: {operation}",
    }
    tidied_later(why) {
        en: "{why}; the next run removes it",
        ja: "{why}。次回の実行時に削除する",
    }
    reverted_but(why) {
        en: "{why}; everything is reverted, the next run removes it",
        ja: "{why}。元に戻す処理は完了しており、次回の実行時に削除する",
    }
    cut_off_elsewhere(journal, root) {
        en: "{journal}: a run was cut off on another tree that stood at {root}; bring that one back there and run again, or remove this journal directory",
        ja: "{journal}: 以前 {root} にあった別のツリーで実行が中断されている。そのツリーを元の場所に戻して再実行するか、このジャーナルのディレクトリを削除すること",
    }
    something_in_it(path) {
        en: "{path}: the run made this directory, and something else stands in it by now; it is kept",
        ja: "{path}: この実行が作成したディレクトリに別のものが置かれているため、削除せず残す",
    }
    made_by_others(path) {
        en: "{path}: made by something else while a run was going on; left alone",
        ja: "{path}: 実行中に別のプロセスが作成したため、変更しない",
    }
    changed_by_others(path) {
        en: "{path}: changed by something else while a run was going on; left alone",
        ja: "{path}: 実行中に別のプロセスが変更したため、変更しない",
    }
    neither_old_nor_new(path) {
        en: "{path} is neither as it was before the run that was cut off nor as that run would have left it; put it right by hand, then remove this journal",
        ja: "{path} は、中断された実行の前の状態でも、その実行が完了した場合の状態でもない。手動で修正してから、このジャーナルを削除すること",
    }
    apply_was_cut_off(paths) {
        en: "an earlier apply was cut off; {paths} {paths:path was|paths were} put back",
        ja: "以前の apply が中断されていたため、{paths} 件のパスを元に戻した",
    }
    revert_was_cut_off(paths) {
        en: "an earlier revert was cut off; {paths} {paths:path was|paths were} put back",
        ja: "以前の revert が中断されていたため、{paths} 件のパスを元に戻した",
    }
    left_and_removed(path) {
        en: "{path}: left by a run that was killed; removed",
        ja: "{path}: 強制終了された実行の残りを削除した",
    }
    policy_left_behind(path) {
        en: "{path}: left by a run that was killed (unless one is at work just now): no service of this root is started or restarted; the next apply, revert or forget removes it",
        ja: "{path}: 強制終了された実行の残り (実行中のものがなければ)。これがある間、このルートのサービスは起動も再起動もされない。次回の apply、revert、forget で削除する",
    }
    left_over(dir, name) {
        en: "{dir}: removed {name}, left over from a run that was cut off",
        ja: "{dir}: 中断された実行の残りである {name} を削除した",
    }
    foreign_mount(path, rows) {
        en: "{path}: lies on a bind mount inside the root, so a change would land outside of the image; unmount it and run again (rows {rows})",
        ja: "{path}: ルート内のバインドマウント上にあり、変更がイメージの外に及ぶ。アンマウントして再実行すること (ルール {rows})",
    }
    state_inside(state, root) {
        en: "{state}: lies inside the root {root}, where the journal would stay in the image; name a directory outside with --state-dir",
        ja: "{state}: ルート {root} の中にあるため、ジャーナルがイメージに残る。--state-dir でルートの外のディレクトリを指定すること",
    }
    state_unsafe(dir, found) {
        en: "{dir}: {found}; want a place for the journal that nobody else can exchange; make one or name another with --state-dir",
        ja: "{dir}: {found}。ジャーナルは他のユーザーが差し替えられない場所に置く必要がある。そのような場所を用意するか、--state-dir で別の場所を指定すること",
    }
    others_write(mode) {
        en: "others can write to it (mode {mode})",
        ja: "他のユーザーが書き込める (モード {mode})",
    }
    others_write_by_acl(mode) {
        en: "others can write to it (mode {mode}, with an ACL)",
        ja: "他のユーザーが書き込める (モード {mode}、ACL あり)",
    }
    belongs_to(uid) { en: "belongs to uid {uid}", ja: "所有者が uid {uid} である" }
    state_no_directory(path) {
        en: "{path}: found something else, want a directory for the journal; name another with --state-dir",
        ja: "{path}: ジャーナル用のディレクトリであるべきところに別のものがある。--state-dir で別の場所を指定すること",
    }
    lacks_capabilities(names) {
        en: "found root without {names}: owners, modes and times of system files are set; run it with all of root's capabilities",
        ja: "root だが {names} がない。システムファイルの所有者、モード、更新時刻を設定するため、root のすべてのケーパビリティを付けて実行すること",
    }
    not_root(uid) {
        en: "want root, found uid {uid}: owners of system files are set; run it with sudo, or, for a tree of your own, in a user namespace: unshare -Ur --map-auto -- gokaku …",
        ja: "root 権限が必要だが、uid {uid} で実行されている。システムファイルの所有者を設定するため、sudo を付けて実行すること。自分が所有するツリーであれば、ユーザー名前空間内で実行してもよい: unshare -Ur --map-auto -- gokaku …",
    }
    trusted_attributes() {
        en: "in a user namespace: attributes of the kind trusted.* cannot be seen here and are not kept on files that are written anew",
        ja: "ユーザー名前空間内では trusted.* の拡張属性が見えないため、書き換えるファイルには引き継がれない",
    }
    unknown_owners(paths, rows) {
        en: "this user namespace does not know the owners of {paths}; nothing was changed; give it a range of numbers (unshare -Ur --map-auto), run as root, or leave the rows out: --skip {rows}",
        ja: "このユーザー名前空間には {paths} の所有者に対応する番号がない。何も変更していない。番号の範囲を割り当てる (unshare -Ur --map-auto)、root で実行する、または該当ルールを除外すること: --skip {rows}",
    }
    owned(path, uid, gid) { en: "{path} ({uid}:{gid})", ja: "{path} (所有者 {uid}:{gid})" }
    named_in_acl(path) { en: "{path} (in an ACL)", ja: "{path} (ACL 内)" }
    more_paths(n) { en: "{n} more", ja: "ほか {n} 件" }
    accounts_locked(path) {
        en: "{path}: another program is editing the account files; wait until it has ended",
        ja: "{path}: 別のプログラムがアカウントファイルを編集している。終了を待って再実行すること",
    }
    judge_takes(program) {
        en: "{program} accepts what is planned",
        ja: "{program} は書き込む予定の内容を受け付けた",
    }
    judge_not_asked(program, why) {
        en: "{program} was not asked: {why}",
        ja: "{program} による検証は行わなかった: {why}",
    }
    judge_refuses_already(program, words) {
        en: "{program} refuses what is there already: {words}",
        ja: "{program} は現在の内容をすでに受け付けない: {words}",
    }
    no_answer(seconds) { en: "no answer within {seconds} s", ja: "{seconds} 秒以内に応答がない" }
    cannot_shut_in_judges(root, why, ways) {
        en: "{root}: nothing was validated: its programs cannot be shut in here: {why}; {ways}, or leave --validate away; nothing was written",
        ja: "{root}: 検証を行わなかった。このルートのプログラムをここでは隔離できない: {why}。{ways}、または --validate を外すこと。何も書き込んでいない",
    }
    judges_refused(root, why) {
        en: "{root}: nothing was validated: {why}; or leave --validate away; nothing was written",
        ja: "{root}: 検証を行わなかった: {why}。または --validate を外すこと。何も書き込んでいない",
    }
    busy(root) {
        en: "{root}: another run is at work on this root; wait until it has ended",
        ja: "{root}: このルートでは別の実行が進行中である。終了を待って再実行すること",
    }
    busy_still(root, time) {
        en: "{root}: another run is at work on this root; wait until it has ended, or give a longer --wait (waited {time})",
        ja: "{root}: このルートでは別の実行が進行中である。終了を待つか、--wait を長くすること ({time} 待った)",
    }
    waiting(root, time) {
        en: "{root}: another run is at work on this root; waiting for it, at most {time}",
        ja: "{root}: このルートでは別の実行が進行中である。最大 {time} 待つ",
    }
    locked_by(root, holders) { en: "{root}: locked by {holders}", ja: "{root}: {holders} がロック中" }
    no_second_lock(why) { en: "no second lock: {why}", ja: "2 つ目のロックは取得しない: {why}" }
    lock_passed_over(root, holders, dir) {
        en: "{root}: locked by {holders}, which may not write there: passed over; other runs are kept out by the lock in {dir}",
        ja: "{root}: {holders} がロックしているが、ここへの書き込み権限がないため無視する。他の実行は {dir} のロックで排除する",
    }
    process(pid, uid, command) {
        en: "process {pid} of uid {uid} ({command})",
        ja: "プロセス {pid} (uid {uid}、{command})",
    }
    more_processes(n) { en: "{n} more", ja: "ほか {n} 件" }
    unseen_process() {
        en: "a process that cannot be seen from here",
        ja: "ここからは見えないプロセス",
    }
    not_mounted(root, places) {
        en: "{root}: the run to be undone wrote to filesystems that are not mounted at {places}; mount them there and run again",
        ja: "{root}: 取り消す実行が書き込んだファイルシステムが {places} にマウントされていない。マウントして再実行すること",
    }
    no_run(path) {
        en: "{path}: not a directory, so not a run of gokaku's",
        ja: "{path}: ディレクトリではないため、gokaku の実行の記録ではない",
    }
    empty_stays(why) { en: "{why}; it is empty, and stays", ja: "{why}。空なので、そのまま残す" }
    not_on_disk(why) {
        en: "{why}; should the machine fail now, the run may count as cut off",
        ja: "{why}。ここでマシンが停止すると、この実行は中断されたものとして扱われる可能性がある",
    }
    impossible_number(number) {
        en: "found a run numbered {number}, which gokaku never made; remove it",
        ja: "番号が {number} の実行の記録がある。gokaku が作成したものではないので削除すること",
    }
    broken(why, dir) {
        en: "{why}; nothing was changed; to go on without this journal, remove {dir}",
        ja: "{why}。何も変更していない。このジャーナルを使わずに続けるには {dir} を削除すること",
    }
    not_understood(why) { en: "cannot be understood: {why}", ja: "内容を解釈できない: {why}" }
    of_another_version(schema, program, dir) {
        en: "a journal of another version of gokaku ({schema}); it is kept, and nothing was changed; run `revert` or `forget` with the version that wrote it ({program}); to give its undo up instead, remove {dir}",
        ja: "別のバージョンの gokaku のジャーナル ({schema}) である。ジャーナルは残してあり、何も変更していない。書き込んだバージョン ({program}) で `revert` または `forget` を実行すること。元に戻す必要がなければ {dir} を削除すること",
    }
    other_schema(found, want) {
        en: "found schema {found}, want {want}",
        ja: "スキーマは {want} であるべきところ {found} である",
    }
    other_digest(found, want) {
        en: "found digest {found}, expected {want}",
        ja: "ダイジェストは {want} であるべきところ {found} である",
    }
    other_content(file, found, want) {
        en: "{file}: found content of digest {found}, expected {want}",
        ja: "{file}: 内容のダイジェストは {want} であるべきところ {found} である",
    }
    odd_temporary(path) {
        en: "{path}: found a temporary name not of our making",
        ja: "{path}: gokaku が付けたものではない一時ファイル名がある",
    }
    malformed() {
        en: "holds a malformed mode or attribute",
        ja: "モードまたは拡張属性の形式が正しくない",
    }
    what_it_held(path, why) { en: "what {path} held: {why}", ja: "{path} の保存内容: {why}" }
    open_journal_dir(mode, uid, own) {
        en: "found mode {mode}, owner {uid}; want a directory of uid {own}, 0700; remove it or name another with --state-dir",
        ja: "uid {own} が所有するモード 0700 のディレクトリであるべきところ、モード {mode}、所有者 uid {uid} である。削除するか、--state-dir で別の場所を指定すること",
    }
    kept_for_other_tree(journal, root) {
        en: "{journal}: undoes what was done to another tree that stood at {root}; kept; remove it if that tree is gone",
        ja: "{journal}: 以前 {root} にあった別のツリーのジャーナルなので残す。そのツリーがもうなければ削除すること",
    }
    made_elsewhere(root, journal) {
        en: "{root}: nothing to revert: the run in {journal} was made on another tree that stood there; bring that one back there and revert then, or remove that directory",
        ja: "{root}: 取り消すものがない。{journal} の実行は、以前ここにあった別のツリーに対するものである。そのツリーを戻してから revert するか、そのディレクトリを削除すること",
    }
    nothing_to_revert(root, journals) {
        en: "{root}: nothing to revert: no journal of a finished run in {journals}; want the --root and --state-dir that apply was given",
        ja: "{root}: 取り消すものがない。{journals} に完了した実行のジャーナルがない。apply と同じ --root と --state-dir を指定すること",
    }
    not_the_last(root, run, last) {
        en: "{root}: run {run} is not the last one, which is run {last}; nothing was reverted",
        ja: "{root}: 実行 {run} は最後の実行ではない (最後は {last})。何も元に戻していない",
    }
    not_of_this_run(path, journal) {
        en: "--force {path}: the run in {journal} did not change that path",
        ja: "--force {path}: {journal} の実行はこのパスを変更していない",
    }
    changed_since(root, changed, known, run, lines) {
        en: "{root}: {changed} of {known} paths were changed by something else since run {run}, and nothing was reverted:\n{lines}\nbring them back to what is expected, or give --force PATH for each whose later change may be lost",
        ja: "{root}: {known} 件のパスのうち {changed} 件が、実行 {run} の後に別の操作で変更されているため、何も元に戻していない:\n{lines}\n期待される状態に戻すか、後からの変更が失われてもよいパスごとに --force PATH を指定すること",
    }
    changed_path(path, how) { en: "  {path}: {how}", ja: "  {path}: {how}" }
    changed_path_for_good(path, how) {
        en: "  {path}: {how} (--force cannot help)",
        ja: "  {path}: {how} (--force では解決しない)",
    }
    two(first, second) { en: "{first} and {second}", ja: "{first} と {second}" }
    then(first, second) { en: "{first}, {second}", ja: "{first}、{second}" }
    said_of(path, why) { en: "{path}: {why}", ja: "{path}: {why}" }
    two_lines(first, second) {
        en: "{first}\n{second}",
        ja: "{first}\n{second}",
    }
    root_not_seen() {
        en: "the root directory cannot be looked at",
        ja: "ルートディレクトリを調べられない",
    }
    run_in_root() { en: "/run is a part of the root", ja: "/run がこのルートの一部である" }
    directory_gone() {
        en: "its directory is gone; make it again",
        ja: "ディレクトリがなくなっている。作成し直すこと",
    }
    directory_replaced() {
        en: "a directory above it is a link or something else by now; put it back",
        ja: "上位のディレクトリがシンボリックリンクなどに置き換わっている。元に戻すこと",
    }
    not_empty(found) {
        en: "expected nothing else in it, found {found}",
        ja: "他に何もないはずだが {found} がある",
    }
    expected_nothing(found) { en: "expected nothing, found a {found}", ja: "何もないはずだが{found}がある" }
    found_nothing(want) { en: "expected a {want}, found nothing", ja: "{want}があるはずだが何もない" }
    differs(what, want, found) {
        en: "{what}: expected {want}, found {found}",
        ja: "{what}: 期待値 {want}、実際の値 {found}",
    }
    kind() { en: "kind", ja: "種類" }
    closed_under_other_names(path, count) {
        en: "{path} was replaced, and the old file keeps the owner and mode of this run under its \
             other {count:name|{count} names}",
        ja: "{path} は置き換えられ、元のファイルは残る名前 {count} 個の下でこの実行の所有者と権限のままである",
    }
    content() { en: "content (sha256)", ja: "内容 (sha256)" }
    owner() { en: "owner", ja: "所有者" }
    mode() { en: "mode", ja: "モード" }
    attributes() { en: "attributes and ACLs", ja: "拡張属性と ACL" }
    none() { en: "none", ja: "なし" }
    other_values(names) { en: "{names} with other values", ja: "{names} (値が異なる)" }
    too_much_to_read() { en: "too much to read", ja: "大きすぎて読み取れない" }
}
