//! What is said about disk images.

use serde::Serializer;

use crate::message::{Message, messages};

/// A message in `gokaku.image/1`, which has it as a string.
pub(super) fn in_english<S: Serializer>(message: &Message, to: S) -> Result<S::Ok, S::Error> {
    to.collect_str(message)
}

/// The same, or `null`.
pub(super) fn if_any_in_english<S: Serializer>(
    message: &Option<Message>,
    to: S,
) -> Result<S::Ok, S::Error> {
    match message {
        Some(message) => to.collect_str(message),
        None => to.serialize_none(),
    }
}

messages! { "image";
    room_missing(missing, needed, free) {
        en: "{missing} MiB are missing (needed {needed}, free {free}); nothing was written",
        ja: "{missing} MiB 不足している (必要 {needed} MiB、空き {free} MiB)。何も書き込んでいない",
    }
    no_room_at_all() {
        en: "make room and run the same command again, which takes back what was done",
        ja: "空き容量を確保して同じコマンドを再実行すること。変更は元に戻される",
    }
    not_a_file(path) {
        en: "{path}: not a regular file",
        ja: "{path}: 通常ファイルではない",
    }
    half_done(path) {
        en: "{path}: half done; run the same command again, which takes that back first",
        ja: "{path}: 途中で中断されている。同じコマンドを再度実行すると、最初に元に戻される",
    }
    busy(path) {
        en: "{path}: another run is at work on it",
        ja: "{path}: 別の実行が処理中である",
    }
    in_use(path) {
        en: "{path}: is in use: a QEMU (or a program like it) holds its lock; end that first",
        ja: "{path}: 使用中である。QEMU (または同種のプログラム) がロックを保持している。先に終了すること",
    }
    attached(path, device) {
        en: "{path}: is attached to /dev/{device} and may be mounted: detach it first",
        ja: "{path}: /dev/{device} に接続されており、マウントされている可能性がある。先に切り離すこと",
    }
    open_for_writing(path, pid, name) {
        en: "{path}: process {pid} ({name}) has it open for writing: end that first",
        ja: "{path}: プロセス {pid} ({name}) が書き込み用に開いている。先に終了すること",
    }
    same_uuid(uuid) {
        en: "a btrfs of the same UUID ({uuid}) is mounted on this machine",
        ja: "同じ UUID ({uuid}) の btrfs がこのマシンにマウントされている",
    }
    packed(path, found) {
        en: "{path}: found {found}, want raw, qcow2 or a VHD of fixed size; unpack it first",
        ja: "{path}: {found}を検出した。対応形式は raw、qcow2、固定サイズの VHD。先に展開すること",
    }
    other_format(path, found, driver) {
        en: "{path}: found {found}, want raw, qcow2 or a VHD of fixed size; convert it, and back again \
             when it is hardened: qemu-img convert -f {driver} -O raw {path} disk.raw; qemu-img convert \
             -f raw -O {driver} disk.raw {path}",
        ja: "{path}: {found}を検出した。対応形式は raw、qcow2、固定サイズの VHD。変換して適用し、元の形式に\
             戻すこと: qemu-img convert -f {driver} -O raw {path} disk.raw; qemu-img convert -f raw -O \
             {driver} disk.raw {path}",
    }
    compressed_file() {
        en: "a compressed file",
        ja: "圧縮ファイル",
    }
    archive() {
        en: "an archive",
        ja: "アーカイブ",
    }
    growing_vhd() {
        en: "a VHD that grows",
        ja: "容量可変の VHD ",
    }
    image_of(format) {
        en: "a {format} image",
        ja: " {format} 形式のイメージ",
    }
    vhd_kind(path, kind) {
        en: "{path}: found a VHD of kind {kind}, want 2 (of fixed size)",
        ja: "{path}: VHD の種別は {kind}。2 (固定サイズ) でなければならない",
    }
    vhd_checksum(path) {
        en: "{path}: the checksum of its VHD footer is wrong",
        ja: "{path}: VHD フッターのチェックサムが正しくない",
    }
    vhd_size(path, said, found) {
        en: "{path}: its VHD footer says {said} bytes, found {found}",
        ja: "{path}: VHD フッターのサイズは {said} バイトだが、実際は {found} バイトである",
    }
    vhd_not_whole(path, size) {
        en: "{path}: found a disk of {size} bytes, want a multiple of 1 MiB, which Azure demands: qemu-img \
             resize -f raw, then convert it with -O vpc -o subformat=fixed,force_size",
        ja: "{path}: ディスクのサイズは {size} バイト。Azure の要件により 1 MiB の倍数でなければならない。\
             qemu-img resize -f raw の後、-O vpc -o subformat=fixed,force_size で変換すること",
    }
    refused(path, why) {
        en: "{path}: {why}",
        ja: "{path}: このイメージは扱えない: {why}",
    }
    bad_header() {
        en: "found a qcow2 header that is cut off or too new",
        ja: "qcow2 ヘッダーが途中で切れているか、新しすぎる",
    }
    backing_file() {
        en: "has a backing file; flatten it first (qemu-img convert -O qcow2)",
        ja: "バッキングファイルがある。先に単独のイメージにすること (qemu-img convert -O qcow2)",
    }
    data_file() {
        en: "has a data file; flatten it first (qemu-img convert -O qcow2)",
        ja: "外部データファイルがある。先に単独のイメージにすること (qemu-img convert -O qcow2)",
    }
    encrypted() {
        en: "is encrypted; decrypt it first",
        ja: "暗号化されている。先に復号すること",
    }
    snapshots() {
        en: "has snapshots, which would be lost; remove them first",
        ja: "スナップショットがあり、失われる。先に削除すること",
    }
    bitmaps() {
        en: "has bitmaps, which would be lost; remove them first",
        ja: "ビットマップがあり、失われる。先に削除すること",
    }
    unclean() {
        en: "is not clean: repair it first (qemu-img check -r all)",
        ja: "整合性がとれていない。先に修復すること (qemu-img check -r all)",
    }
    unknown_features() {
        en: "has features that are not known here",
        ja: "未知の機能を使用している",
    }
    not_qcow2() {
        en: "qemu-img calls it something other than qcow2",
        ja: "qemu-img は qcow2 以外の形式と判定している",
    }
    table_damaged(path, why) {
        en: "{path}: its partition table is damaged: {why}",
        ja: "{path}: パーティションテーブルが壊れている: {why}",
    }
    behind_disk(number) {
        en: "partition {number} ends behind the disk",
        ja: "パーティション {number} の終端がディスクの外にある",
    }
    overlap(one, other) {
        en: "partitions {one} and {other} overlap",
        ja: "パーティション {one} と {other} が重なっている",
    }
    odd_entries(count, size) {
        en: "found {count} entries of {size} bytes",
        ja: "{size} バイトのエントリーが {count} 個ある",
    }
    header_checksum() {
        en: "the checksum of its header is wrong (gdisk repairs it)",
        ja: "ヘッダーのチェックサムが正しくない (gdisk で修復できる)",
    }
    entries_behind_disk() {
        en: "its entries lie behind the disk",
        ja: "エントリーがディスクの外にある",
    }
    entries_checksum() {
        en: "the checksum of its entries is wrong (gdisk repairs it)",
        ja: "エントリーのチェックサムが正しくない (gdisk で修復できる)",
    }
    logical_without_end() {
        en: "its logical partitions do not end",
        ja: "論理パーティションの連鎖が終わらない",
    }
    logical_behind_disk() {
        en: "a logical partition lies behind the disk or is none",
        ja: "論理パーティションがディスクの外にあるか、論理パーティションではない",
    }
    would_miss(places) {
        en: "its fstab mounts {places}; what is there would be missed: mount it all by hand and run gokaku \
             apply --root",
        ja: "fstab がマウントするものに対応できない: {places}。その中は処理されないため、すべて手動で\
             マウントして gokaku apply --root を実行すること",
    }
    place(path, why) {
        en: "{path}: {why}",
        ja: "マウント先 {path}: {why}",
    }
    not_mountable(number, kind) {
        en: "partition {number} holds {kind}, want ext2, ext3, ext4, xfs or btrfs",
        ja: "パーティション {number} の内容は {kind}。ext2、ext3、ext4、xfs、btrfs のいずれかでなければならない",
    }
    not_mountable_for(number, kind, why) {
        en: "partition {number} holds {kind}, want ext2, ext3, ext4, xfs or btrfs ({why})",
        ja: "パーティション {number} の内容は {kind}。ext2、ext3、ext4、xfs、btrfs のいずれかでなければならない \
             ({why})",
    }
    not_tried(number, why) {
        en: "partition {number} {why}",
        ja: "パーティション {number}: {why}",
    }
    not_unmounted(number) {
        en: "partition {number} was not unmounted (its journal is not empty): start the image once, or run \
             fsck on it",
        ja: "パーティション {number} は正常にアンマウントされていない (ジャーナルが空でない)。イメージを一度\
             起動するか、fsck を実行すること",
    }
    not_unmounted_at(number, path) {
        en: "partition {number} ({path}) was not unmounted (its journal is not empty): start the image \
             once, or run fsck on it",
        ja: "パーティション {number} ({path}) は正常にアンマウントされていない (ジャーナルが空でない)。\
             イメージを一度起動するか、fsck を実行すること",
    }
    roots(count, partitions) {
        en: "found {count} partitions with a root filesystem, want one (partitions {partitions}); name it \
             in GOKAKU_PARTITION",
        ja: "ルートファイルシステムのあるパーティションが {count} 個ある。1 個でなければならない (パーティション: \
             {partitions})。GOKAKU_PARTITION で指定すること",
    }
    fstab_not_utf8() {
        en: "/etc/fstab of the image: not UTF-8; want a text file",
        ja: "イメージの /etc/fstab: UTF-8 ではない。テキストファイルでなければならない",
    }
    own_file(why) {
        en: "the image's own {why}",
        ja: "イメージ内のファイル {why}",
    }
    subvolume() {
        en: "a subvolume of btrfs",
        ja: "btrfs のサブボリューム",
    }
    noauto() {
        en: "is not mounted at boot (noauto)",
        ja: "起動時にマウントされない (noauto)",
    }
    bind() {
        en: "a part of the tree that is seen at another place, too (bind)",
        ja: "ツリーの一部を別の場所にも見せるもの (bind)",
    }
    made_at_boot() {
        en: "holds nothing before the system runs",
        ja: "システムの稼働前は空である",
    }
    nofail(why) {
        en: "{why} (nofail)",
        ja: "{why} (nofail 指定あり)",
    }
    not_looked_into(why) {
        en: "{why}; no row looks into it",
        ja: "{why}。この中を調べる項目はない",
    }
    on_network(source) {
        en: "{source} is on the network",
        ja: "{source} はネットワーク上にある",
    }
    on_another_disk(source) {
        en: "{source} is on another disk",
        ja: "{source} は別のディスクにある",
    }
    device_mapper(source) {
        en: "{source} is of LVM or encrypted (device mapper)",
        ja: "{source} は LVM または暗号化デバイスである (device mapper)",
    }
    raid(source) {
        en: "{source} is a RAID",
        ja: "{source} は RAID である",
    }
    unknown_place(source) {
        en: "{source} is a device of which is not known where it is (LVM?)",
        ja: "{source} は所在の分からないデバイスである (LVM か)",
    }
    unknown_device(source) {
        en: "{source} is no device that is known",
        ja: "{source} は未知のデバイスである",
    }
    two_partitions(source) {
        en: "{source} is the name of two partitions",
        ja: "{source} に該当するパーティションが 2 個ある",
    }
    subvolume_of(number) {
        en: "partition {number}, a subvolume of btrfs",
        ja: "パーティション {number} の btrfs サブボリューム",
    }
    odd_place(number) {
        en: "partition {number}, at a place with odd characters",
        ja: "パーティション {number}。マウント先に使用できない文字がある",
    }
    nothing_known(number) {
        en: "partition {number} holds nothing that is known",
        ja: "パーティション {number} の内容は不明である",
    }
    cannot_mount(number, kind, why) {
        en: "partition {number} ({kind}): {why}",
        ja: "パーティション {number} ({kind}): {why}",
    }
    no_driver(number, kind) {
        en: "partition {number}: the kernel of this machine has no {kind}",
        ja: "パーティション {number}: このマシンのカーネルは {kind} に対応していない",
    }
    journal_only() {
        en: "a journal for another filesystem",
        ja: "別のファイルシステムのジャーナルである",
    }
    journal_elsewhere() {
        en: "its journal lies on another device",
        ja: "ジャーナルが別のデバイスにある",
    }
    own_mount_options(options) {
        en: "its superblock gives mount options of its own ({options}); want none (tune2fs -E mount_opts= \
             clears them)",
        ja: "スーパーブロックに固有のマウントオプション ({options}) がある。なしにすること (tune2fs -E \
             mount_opts= で消去できる)",
    }
    short_owners() {
        en: "its superblock cuts owners to 16 bits (tune2fs -o ^uid16 ends that)",
        ja: "スーパーブロックが所有者を 16 ビットに制限している (tune2fs -o ^uid16 で解除できる)",
    }
    luks() {
        en: "it is encrypted (LUKS)",
        ja: "暗号化されている (LUKS)",
    }
    lvm() {
        en: "it is a part of an LVM volume group",
        ja: "LVM ボリュームグループの一部である",
    }
    part_of_raid() {
        en: "it is a part of a RAID",
        ja: "RAID の一部である",
    }
    log_elsewhere() {
        en: "its log lies on another device",
        ja: "ログが別のデバイスにある",
    }
    realtime_elsewhere() {
        en: "it has a part on another device (realtime)",
        ja: "一部が別のデバイスにある (realtime)",
    }
    several_devices(count) {
        en: "it lies on {count} devices; want one",
        ja: "{count} 個のデバイスにまたがっている。1 個でなければならない",
    }
    swap() {
        en: "it is a swap area",
        ja: "スワップ領域である",
    }
}
