//! What could not be done with a path: one message for each operation. The cause is the kernel's.

use crate::message::messages;

messages! { "cannot";
    stat(path, cause) {
        en: "{path}: cannot stat: {cause}",
        ja: "{path} を stat できない: {cause}",
    }
    read(path, cause) {
        en: "{path}: cannot read: {cause}",
        ja: "{path} を読み取れない: {cause}",
    }
    open(path, cause) {
        en: "{path}: cannot open: {cause}",
        ja: "{path} を開けない: {cause}",
    }
    write(path, cause) {
        en: "{path}: cannot write: {cause}",
        ja: "{path} に書き込めない: {cause}",
    }
    write_to_unread_pipe(path, cause) {
        en: "{path}: cannot write the report to a pipe without a reader: {cause}; start the reader first",
        ja: "{path} は読み手のないパイプのため、レポートを出力できない: {cause}。先に読み手を起動すること",
    }
    write_to(path, cause) {
        en: "{path}: cannot write to: {cause}",
        ja: "{path} に出力できない: {cause}",
    }
    remove(path, cause) {
        en: "{path}: cannot remove: {cause}",
        ja: "{path} を削除できない: {cause}",
    }
    list(path, cause) {
        en: "{path}: cannot list: {cause}",
        ja: "{path} の一覧を取得できない: {cause}",
    }
    sync(path, cause) {
        en: "{path}: cannot sync: {cause}",
        ja: "{path} をディスクに同期できない: {cause}",
    }
    create(path, cause) {
        en: "{path}: cannot create: {cause}",
        ja: "{path} を作成できない: {cause}",
    }
    make(path, cause) {
        en: "{path}: cannot make: {cause}",
        ja: "{path} を作成できない: {cause}",
    }
    replace(path, cause) {
        en: "{path}: cannot replace: {cause}",
        ja: "{path} を置き換えられない: {cause}",
    }
    rename(path, cause) {
        en: "{path}: cannot rename: {cause}",
        ja: "{path} の名前を変更できない: {cause}",
    }
    rename_to(path, cause) {
        en: "{path}: cannot rename to: {cause}",
        ja: "{path} へ名前を変更できない: {cause}",
    }
    lock(path, cause) {
        en: "{path}: cannot lock: {cause}",
        ja: "{path} をロックできない: {cause}",
    }
    start(path, cause) {
        en: "{path}: cannot start: {cause}",
        ja: "{path} を起動できない: {cause}",
    }
    run(path, cause) {
        en: "{path}: cannot run: {cause}",
        ja: "{path} を実行できない: {cause}",
    }
    look_at(path, cause) {
        en: "{path}: cannot look at: {cause}",
        ja: "{path} を調べられない: {cause}",
    }
    set_the_time_of(path, cause) {
        en: "{path}: cannot set the time of: {cause}",
        ja: "{path} の更新時刻を設定できない: {cause}",
    }
    open_the_directory(path, cause) {
        en: "{path}: cannot open the directory: {cause}",
        ja: "{path} のディレクトリを開けない: {cause}",
    }
    sync_the_directory(path, cause) {
        en: "{path}: cannot sync the directory: {cause}",
        ja: "{path} のディレクトリをディスクに同期できない: {cause}",
    }
    stat_the_directory(path, cause) {
        en: "{path}: cannot stat the directory: {cause}",
        ja: "{path} のディレクトリを stat できない: {cause}",
    }
    stat_the_directory_of(path, cause) {
        en: "{path}: cannot stat the directory of: {cause}",
        ja: "{path} のあるディレクトリを stat できない: {cause}",
    }
    stat_the_filesystem_of(path, cause) {
        en: "{path}: cannot stat the filesystem of: {cause}",
        ja: "{path} のファイルシステムを調べられない: {cause}",
    }
    set_the_owner_of(path, cause) {
        en: "{path}: cannot set the owner of: {cause}",
        ja: "{path} の所有者を設定できない: {cause}",
    }
    set_the_mode_of(path, cause) {
        en: "{path}: cannot set the mode of: {cause}",
        ja: "{path} のモードを設定できない: {cause}",
    }
    set_an_attribute_of(path, cause) {
        en: "{path}: cannot set an attribute of: {cause}",
        ja: "{path} の拡張属性を設定できない: {cause}",
    }
    remove_an_attribute_or_acl_of(path, cause) {
        en: "{path}: cannot remove an attribute or ACL of: {cause}",
        ja: "{path} の拡張属性または ACL を削除できない: {cause}",
    }
    list_the_attributes_of(path, cause) {
        en: "{path}: cannot list the attributes of: {cause}",
        ja: "{path} の拡張属性の一覧を取得できない: {cause}",
    }
    read_the_attributes_of(path, cause) {
        en: "{path}: cannot read the attributes of: {cause}",
        ja: "{path} の拡張属性を読み取れない: {cause}",
    }
    read_the_link(path, cause) {
        en: "{path}: cannot read the link: {cause}",
        ja: "{path} のシンボリックリンクを読み取れない: {cause}",
    }
    make_the_link(path, cause) {
        en: "{path}: cannot make the link: {cause}",
        ja: "{path} にシンボリックリンクを作成できない: {cause}",
    }
    make_the_directory(path, cause) {
        en: "{path}: cannot make the directory: {cause}",
        ja: "{path} のディレクトリを作成できない: {cause}",
    }
    change_mode_or_owner(path, cause) {
        en: "{path}: cannot change mode or owner: {cause}",
        ja: "{path} のモードまたは所有者を変更できない: {cause}",
    }
    remove_the_other_name_of(path, cause) {
        en: "{path}: cannot remove the other name of: {cause}",
        ja: "{path} の別名を削除できない: {cause}",
    }
    remove_what_was_left_of(path, cause) {
        en: "{path}: cannot remove what was left of: {cause}",
        ja: "{path} の残りを削除できない: {cause}",
    }
    look_at_the_filesystem_at(path, cause) {
        en: "{path}: cannot look at the filesystem at: {cause}",
        ja: "{path} のファイルシステムを調べられない: {cause}",
    }
    find_the_filesystem_of(path, cause) {
        en: "{path}: cannot find the filesystem of: {cause}",
        ja: "{path} のあるファイルシステムを特定できない: {cause}",
    }
    open_the_root_for_locking(path, cause) {
        en: "{path}: cannot open the root for locking: {cause}",
        ja: "{path} をロックのために開けない: {cause}",
    }
    lock_the_root(path, cause) {
        en: "{path}: cannot lock the root: {cause}",
        ja: "{path} のロックを取得できない: {cause}",
    }
    ask_for_the_lock_of(path, cause) {
        en: "{path}: cannot ask for the lock of: {cause}",
        ja: "{path} のロックの状態を確認できない: {cause}",
    }
    write_the_report(path, cause) {
        en: "{path}: cannot write the report: {cause}",
        ja: "{path} にレポートを書き込めない: {cause}",
    }
    look_at_the_place_of_the_report(path, cause) {
        en: "{path}: cannot look at the place of the report: {cause}",
        ja: "{path} のレポートの出力先を調べられない: {cause}",
    }
    resolve_the_state_directory(path, cause) {
        en: "{path}: cannot resolve the state directory: {cause}",
        ja: "{path} の状態ディレクトリの実際のパスを求められない: {cause}",
    }
    resolve_the_root_directory(path, cause) {
        en: "{path}: cannot resolve the root directory: {cause}",
        ja: "{path} のルートディレクトリの実際のパスを求められない: {cause}",
    }
    open_the_archive(path, cause) {
        en: "{path}: cannot open the archive: {cause}",
        ja: "{path} の書庫を開けない: {cause}",
    }
    open_the_root_directory(path, cause) {
        en: "{path}: cannot open the root directory: {cause}",
        ja: "{path} のルートディレクトリを開けない: {cause}",
    }
    open_the_root_directory_again(path, cause) {
        en: "{path}: cannot open the root directory again: {cause}",
        ja: "{path} のルートディレクトリを開き直せない: {cause}",
    }
    look_at_the_root_directory(path, cause) {
        en: "{path}: cannot look at the root directory: {cause}",
        ja: "{path} のルートディレクトリを調べられない: {cause}",
    }
    read_the_profile(path, cause) {
        en: "{path}: cannot read the profile: {cause}",
        ja: "{path} のプロファイルを読み取れない: {cause}",
    }
    read_the_journal(path, cause) {
        en: "{path}: cannot read the journal: {cause}",
        ja: "{path} のジャーナルを読み取れない: {cause}",
    }
    write_the_journal(path, cause) {
        en: "{path}: cannot write the journal: {cause}",
        ja: "{path} のジャーナルを書き込めない: {cause}",
    }
    write_the_journal_in(path, cause) {
        en: "{path}: cannot write the journal in: {cause}",
        ja: "{path} にジャーナルを書き込めない: {cause}",
    }
    remove_the_journal(path, cause) {
        en: "{path}: cannot remove the journal: {cause}",
        ja: "{path} のジャーナルを削除できない: {cause}",
    }
    look_at_the_journal(path, cause) {
        en: "{path}: cannot look at the journal: {cause}",
        ja: "{path} のジャーナルを調べられない: {cause}",
    }
    make_the_journal_directory(path, cause) {
        en: "{path}: cannot make the journal directory: {cause}",
        ja: "{path} にジャーナルのディレクトリを作成できない: {cause}",
    }
    read_the_journal_directory(path, cause) {
        en: "{path}: cannot read the journal directory: {cause}",
        ja: "{path} のジャーナルのディレクトリを読み取れない: {cause}",
    }
    sync_the_journal_directory(path, cause) {
        en: "{path}: cannot sync the journal directory: {cause}",
        ja: "{path} のジャーナルのディレクトリをディスクに同期できない: {cause}",
    }
    look_at_the_journal_directory(path, cause) {
        en: "{path}: cannot look at the journal directory: {cause}",
        ja: "{path} のジャーナルのディレクトリを調べられない: {cause}",
    }
    remove_the_journal_directory(path, cause) {
        en: "{path}: cannot remove the journal directory: {cause}",
        ja: "{path} のジャーナルのディレクトリを削除できない: {cause}",
    }
    remove_what_a_killed_run_left(path, cause) {
        en: "{path}: cannot remove what a killed run left: {cause}",
        ja: "{path} に残された中断済みの実行の作業ファイルを削除できない: {cause}",
    }
    read_this_program(path, cause) {
        en: "{path}: cannot read this program: {cause}",
        ja: "{path} の gokaku 自身を読み取れない: {cause}",
    }
    read_the_plan_of(path, cause) {
        en: "{path}: cannot read the plan of: {cause}",
        ja: "{path} の計画を読み取れない: {cause}",
    }
    read_the_map_of(path, cause) {
        en: "{path}: cannot read the map of: {cause}",
        ja: "{path} のデータ配置 (map) を読み取れない: {cause}",
    }
    make_the_directory_for_packages(path, cause) {
        en: "{path}: cannot make the directory for packages: {cause}",
        ja: "{path} にパッケージ用のディレクトリを作成できない: {cause}",
    }
    open_the_image(path, cause) {
        en: "{path}: cannot open the image: {cause}",
        ja: "{path} のイメージを開けない: {cause}",
    }
    lock_the_image(path, cause) {
        en: "{path}: cannot lock the image: {cause}",
        ja: "{path} のイメージをロックできない: {cause}",
    }
    read_the_image(path, cause) {
        en: "{path}: cannot read the image: {cause}",
        ja: "{path} のイメージを読み取れない: {cause}",
    }
    look_at_the_image(path, cause) {
        en: "{path}: cannot look at the image: {cause}",
        ja: "{path} のイメージを調べられない: {cause}",
    }
    look_at_the_filesystem_of_the_image(path, cause) {
        en: "{path}: cannot look at the filesystem of the image: {cause}",
        ja: "{path} のイメージがあるファイルシステムを調べられない: {cause}",
    }
    ask_its_programs(path, cause) {
        en: "{path}: cannot ask its programs: {cause}",
        ja: "{path} のプログラムに確認できない: {cause}",
    }
    ask_for_the_room_in(path, cause) {
        en: "{path}: cannot ask for the room in: {cause}",
        ja: "{path} の空き容量を確認できない: {cause}",
    }
    replace_in_append_only(path, cause) {
        en: "{path}: cannot replace entries of the directory while it is append-only (chattr -a): {cause}",
        ja: "{path} のディレクトリは追記専用のため、中の項目を置き換えられない (chattr -a で解除): {cause}",
    }
    change_in_immutable(path, cause) {
        en: "{path}: cannot change entries of the directory while it is immutable (chattr -i): {cause}",
        ja: "{path} のディレクトリは変更不可 (immutable) のため、中の項目を変更できない (chattr -i で解除): {cause}",
    }
    change_immutable(path, cause) {
        en: "{path}: cannot change it while it is immutable (chattr -i): {cause}",
        ja: "{path} は変更不可 (immutable) のため変更できない (chattr -i で解除): {cause}",
    }
    change_append_only(path, cause) {
        en: "{path}: cannot change it while it is append-only (chattr -a): {cause}",
        ja: "{path} は追記専用のため変更できない (chattr -a で解除): {cause}",
    }
    follow_through_nothing(path, cause) {
        en: "{path}: cannot follow the link, which leads through something that is not there, to: {cause}",
        ja: "{path} は存在しない場所を経由するシンボリックリンクのためたどれない: {cause}",
    }
}
