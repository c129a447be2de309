//! What findings say about who starts a program, and which file it reads.

use crate::message::messages;

messages! { "chain";
    too_many_units(most) { en: "more than {most} units", ja: "ユニットが {most} 個を超えている" }
    too_deep(most) {
        en: "more than {most} units that ask for each other in a row",
        ja: "互いに要求し合うユニットが {most} 段を超えて連なっている",
    }
    // why a unit does not start
    no_unit(unit) {
        en: "there is no unit {unit}",
        ja: "ユニット {unit} が存在しない",
    }
    unit_is_masked(unit) {
        en: "{unit} is masked",
        ja: "{unit} はマスクされている",
    }
    unit_is_refused(unit, why) {
        en: "systemd refuses {unit}: {why}",
        ja: "systemd は {unit} の読み込みを拒否する: {why}",
    }
    not_a_unit(path) {
        en: "{path} does not lead to a unit file of this type",
        ja: "{path} はこの種類のユニットファイルを指していない",
    }
    odd_line(what) {
        en: "{what}",
        ja: "解釈できない行がある ({what})",
    }
    nothing_to_listen_on() {
        en: "it has nothing to listen on",
        ja: "待ち受けるもの (Listen…=) がない",
    }
    no_time() {
        en: "it has no time",
        ja: "時刻 (On…=) の指定がない",
    }
    no_path() {
        en: "it has no path",
        ja: "監視するパスの指定がない",
    }
    not_absolute(program) {
        en: "the path of the program is not absolute: {program}",
        ja: "プログラムのパスが絶対パスではない: {program}",
    }
    no_command() {
        en: "it has neither ExecStart= nor ExecStop=",
        ja: "ExecStart= も ExecStop= もない",
    }
    no_start_command() {
        en: "it has no ExecStart=, which only Type=oneshot may lack",
        ja: "ExecStart= がない (省略できるのは Type=oneshot のときだけ)",
    }
    second_command() {
        en: "a second ExecStart= without an empty one before it, which only Type=oneshot may have",
        ja: "空の ExecStart= を挟まずに 2 つ目の ExecStart= がある (許されるのは Type=oneshot のときだけ)",
    }
    restart_of_oneshot(value) {
        en: "Restart={value} does not go with Type=oneshot",
        ja: "Restart={value} は Type=oneshot と併用できない",
    }
    no_bus_name() {
        en: "Type=dbus without BusName=",
        ja: "Type=dbus に BusName= がない",
    }
    conflicts_with(by, unit) {
        en: "{by}, which starts too, conflicts with {unit}",
        ja: "同時に開始される {by} が {unit} と競合する (Conflicts=)",
    }
    asked_in_vain(by, unit) {
        en: "only {by} asks for {unit}, and that does not start at boot",
        ja: "{unit} を要求するのは {by} だけで、それは起動時に開始されない",
    }
    nothing_asks_for(unit) {
        en: "nothing that starts at boot asks for {unit}",
        ja: "起動時に開始されるもののうち、{unit} を要求するものがない",
    }
    variables_missing(unit, file) {
        en: "{unit} fails to start: {file}, which its EnvironmentFile= names, is missing",
        ja: "{unit} は開始に失敗する (EnvironmentFile= の {file} が存在しない)",
    }
    other_program(unit, program, usual) {
        en: "{unit} runs {program} instead of {usual}; which file is read then cannot be told",
        ja: "{unit} は {usual} ではなく {program} を実行する。どのファイルが読まれるかは判断できない",
    }
    condition_fails(unit, condition) {
        en: "{unit} does not run: {condition} does not hold",
        ja: "{unit} は実行されない ({condition} が成り立たない)",
    }
    condition_of_machine(unit, condition) {
        en: "{unit} does not run: {condition} does not hold on a virtual machine that boots normally",
        ja: "{unit} は実行されない (通常どおり起動した仮想マシンでは {condition} が成り立たない)",
    }
    started_by(by, unit) {
        en: "{by} starts {unit}",
        ja: "{by} が {unit} を開始する",
    }
    started_at_boot(unit) {
        en: "{unit} starts at boot",
        ja: "{unit} は起動時に開始される",
    }
    other_file(program, file) {
        en: "{program} reads {file} instead of the usual file",
        ja: "{program} は通常のファイルではなく {file} を読む",
    }
    not_asked(services, module) {
        en: "{services} do not ask {module}",
        ja: "{services} に {module} の行がない",
    }
    no_cron(job) {
        en: "no cron runs {job}",
        ja: "{job} を実行する cron がない",
    }
    anacron_does_not_run(dir) {
        en: "the jobs of {dir} are left to anacron, which does not run them",
        ja: "{dir} のジョブは anacron に任されているが、anacron はそれを実行しない",
    }
    table_line(table, line) {
        en: "cron ignores all of {table}: it cannot read `{line}`",
        ja: "cron は {table} 全体を無視する (`{line}` を解釈できない)",
    }
    table_end(table, line) {
        en: "cron ignores all of {table}: its last line, `{line}`, has no line feed",
        ja: "cron は {table} 全体を無視する (最終行 `{line}` の末尾に改行がない)",
    }
    table_account(table, account) {
        en: "cron ignores all of {table}: there is no account `{account}`",
        ja: "cron は {table} 全体を無視する (アカウント `{account}` が存在しない)",
    }
    table_owner(table, uid) {
        en: "cron ignores {table}: it belongs to the account of number {uid}, not to root",
        ja: "cron は {table} を無視する (所有者が root ではなく UID {uid})",
    }
    table_mode(table, mode) {
        en: "cron ignores {table}: others than root may write to it (mode {mode})",
        ja: "cron は {table} を無視する (root 以外が書き込める。モード {mode})",
    }
    table_links(table, links) {
        en: "cron ignores {table}: it has {links} names (hard links)",
        ja: "cron は {table} を無視する (ハードリンクが {links} 個ある)",
    }
    table_not_regular(table) {
        en: "cron ignores {table}: it is not a regular file",
        ja: "cron は {table} を無視する (通常のファイルではない)",
    }
    no_table_runs(dir) {
        en: "no table of cron's runs the jobs of {dir}",
        ja: "{dir} のジョブを実行する cron のテーブルがない",
    }
    nothing_runs(program) {
        en: "neither a job of cron's nor a timer runs {program}",
        ja: "{program} を実行する cron のジョブもタイマーもない",
    }

    // what a row says of it
    reads(starter, program, file) {
        en: "{starter} starts {program}, which reads {file}",
        ja: "{starter} が {program} を開始し、{program} が {file} を読む",
    }
    reads_instead(starter, program, file, usual) {
        en: "{starter} starts {program}, which reads {file} instead of {usual}",
        ja: "{starter} が {program} を開始し、{program} は {usual} ではなく {file} を読む",
    }
    asks_instead(service, module, file, usual) {
        en: "{service} asks {module}, which reads {file} instead of {usual}",
        ja: "PAM のサービス {service} が {module} を呼び出し、{module} は {usual} ではなく {file} を読む",
    }
    reads_supposing(line, conditions) {
        en: "{line}; supposed of a virtual machine that boots normally: {conditions}",
        ja: "{line} (通常どおり起動した仮想マシンでの条件の成立を仮定: {conditions})",
    }
    kernel_starts(program, file) {
        en: "the kernel starts {program}, which reads {file}",
        ja: "カーネルが {program} を起動し、{program} が {file} を読む",
    }
    people_start(program, file) {
        en: "whoever calls {program} has {file} read",
        ja: "{program} を呼び出すと {file} が読まれる",
    }
    services_ask(services, module, file) {
        en: "{services} ask {module}, which reads {file}",
        ja: "PAM のサービス「{services}」が {module} を呼び出し、{module} が {file} を読む",
    }
    sets_outside(path, line, module, file) {
        en: "{module} at {path}:{line} sets passwords, and does not stand in {file}",
        ja: "{path}:{line} の {module} がパスワードを設定するが、この行は {file} の中にない",
    }
    not_included(service, file) {
        en: "{service} does not include {file}",
        ja: "{service} が {file} を取り込んでいない",
    }
    want_asked(program, file) {
        en: "{program} is called with what {file} says",
        ja: "{program} が {file} の内容に従って呼び出されること",
    }
    correct_stack(file, spot) {
        en: "{file} has no effect on this service; correct {spot} by hand",
        ja: "このサービスに {file} は効果を持たない。{spot} を手作業で直すこと",
    }
    outside(program) {
        en: "this root has no init with units to start; what starts {program} is outside it",
        ja: "このルートには、ユニットを開始する init がない。{program} を開始するものはルートの外にある",
    }
    nothing_starts(program, why) {
        en: "nothing starts {program} at boot ({why}); judged as it stands",
        ja: "起動時に {program} を開始するものがない ({why})。ファイルの内容だけで判定した",
    }
    want_started(program, file) {
        en: "{program} starts and reads {file}",
        ja: "{program} が開始され、{file} を読むこと",
    }
    correct_start(program, spot) {
        en: "{program} does not start, so nothing it reads has an effect; correct {spot} by hand",
        ja: "{program} が開始されないため、読み込むはずのファイルは効果を持たない。{spot} を手作業で直すこと",
    }
    correct_file(program, spot, usual) {
        en: "{program} reads another file; have it read {usual}, see {spot}",
        ja: "{program} は別のファイルを読む。{usual} を読むようにすること ({spot} を参照)",
    }
}
