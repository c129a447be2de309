//! Why a step in the container is refused, ended or not taken for an answer.

use crate::message::messages;

messages! { "container";
    another_root(root) {
        en: "{root}: another directory than at the beginning; run again",
        ja: "{root} は開始時とは別のディレクトリになっている。再実行すること",
    }
    memory_not_executable() {
        en: "a sealed copy of this program: vm.memfd_noexec is 2 and forbids it; `sysctl vm.memfd_noexec=1` allows it again",
        ja: "vm.memfd_noexec が 2 のため、このプログラムの封印したコピーを作成できない。`sysctl vm.memfd_noexec=1` で許可できる",
    }
    in_a_chroot() {
        en: "mounts cannot be kept apart in a chroot; name this root as `--root /` from inside it, or run outside of the chroot",
        ja: "chroot 内ではマウントを分離できない。このルートの中から `--root /` を指定するか、chroot の外で実行すること",
    }
    directory_of_the_machine(path) {
        en: "{path}: a directory of this machine is mounted there, and its programs would reach it; unmount it and run again",
        ja: "{path} に、このマシンのディレクトリがマウントされており、ルートのプログラムから到達できる。アンマウントして再実行すること",
    }
    no_host_key() {
        en: "no host key is there, and none can be made",
        ja: "ホスト鍵がなく、作成もできない",
    }
    not_there(program) { en: "{program} is not there", ja: "{program} が存在しない" }
    does_not_run_here(program, cause) {
        en: "{program} does not run here: {cause}",
        ja: "{program} はここでは動作しない: {cause}",
    }
    cannot_be_run(program, cause) {
        en: "{program}: cannot be run: {cause}",
        ja: "{program} を実行できない: {cause}",
    }
    too_many_processes(most) {
        en: "more than {most} processes; ended",
        ja: "プロセスが {most} 個を超えたため終了させた",
    }
    too_much_memory(mib) {
        en: "more than {mib} MiB of memory; ended",
        ja: "メモリ使用量が {mib} MiB を超えたため終了させた",
    }
    no_end(seconds) {
        en: "no end within {seconds} s; it was ended",
        ja: "{seconds} 秒以内に終わらないため終了させた",
    }
    output_cut() {
        en: "it prints more than is shown",
        ja: "出力が多いため、以降は表示しない",
    }
    policy_stays(path, cause) {
        en: "{path}: cannot remove: {cause}; remove it by hand",
        ja: "{path} を削除できない: {cause}。手動で削除すること",
    }
    ways_out() {
        en: "run as root outside of a container (in Docker: with --privileged)",
        ja: "コンテナの外で root として実行する (Docker では --privileged を付ける)",
    }
}
