//! Why an archive is refused, and what to do instead of what it cannot do.

use crate::message::messages;

messages! { "archive";
    unreadable(cause) {
        en: "cannot be read: {cause}",
        ja: "読み取れない: {cause}",
    }
    no_file() {
        en: "found something else, want a regular file",
        ja: "通常ファイルであるべきところに別のものがある",
    }
    packed_otherwise(format) {
        en: "compressed with {format}, which is not read here; want tar, tar.gz or tar.zst",
        ja: "{format} の圧縮には対応していない。tar、tar.gz、tar.zst のいずれかが必要",
    }
    corrupt(format, cause) {
        en: "the {format} data is damaged: {cause}",
        ja: "{format} のデータが壊れている: {cause}",
    }
    truncated() {
        en: "it ends in the middle: want the rest of it",
        ja: "途中で終わっている。残りの部分が必要",
    }
    no_end() {
        en: "it has no end mark (a block of zeros), so that part of it may be missing",
        ja: "終端 (ゼロのブロック) がなく、一部が欠けている可能性がある",
    }
    lone_zeros() {
        en: "more follows after a single block of zeros; programs disagree on where such an archive ends",
        ja: "1 個だけのゼロのブロックの後に続きがある。このような書庫の終わりはプログラムによって解釈が異なる",
    }
    no_tar() {
        en: "this is no tar archive: want a header with a correct checksum",
        ja: "tar の書庫ではない。チェックサムの正しいヘッダーが必要",
    }
    bad_header(field) {
        en: "the header's {field} cannot be understood",
        ja: "ヘッダーの {field} を解釈できない",
    }
    unknown_type(letter) {
        en: "entries of type {letter} are not read here",
        ja: "種類 {letter} のエントリーには対応していない",
    }
    unwanted_content(size) {
        en: "announces {size} bytes of content, which an entry of its type cannot have",
        ja: "この種類のエントリーは内容を持てないが、{size} バイトの内容があると記されている",
    }
    header_too_large(size, limit) {
        en: "an extended header has {size} bytes, want at most {limit}",
        ja: "拡張ヘッダーが {size} バイトあり、上限の {limit} バイトを超える",
    }
    bad_sparse() {
        en: "the map of a sparse file does not fit its content",
        ja: "スパースファイルの配置が内容と一致しない",
    }
    unknown_name(name) {
        en: "its ACL names {name}, and the image's account files do not",
        ja: "ACL に {name} が含まれるが、イメージのアカウントファイルには存在しない",
    }
    outside() {
        en: "leads out of the root: `..` is in its name",
        ja: "名前に `..` が含まれ、ルートの外を指す",
    }
    bad_name() {
        en: "no file can have such a name (empty, with a NUL, or too long)",
        ja: "ファイル名として使えない (空、NUL を含む、または長すぎる)",
    }
    root_no_directory() {
        en: "stands for the root itself, which must be a directory",
        ja: "ルート自体を表しているが、ディレクトリではない",
    }
    below_no_directory() {
        en: "lies below something that is no directory",
        ja: "ディレクトリではないものの下にある",
    }
    through_nothing() {
        en: "lies below a symbolic link that leads to nothing",
        ja: "リンク先が存在しないシンボリックリンクの下にある",
    }
    link_loop() {
        en: "lies below too many symbolic links; a loop of links, or a hostile archive",
        ja: "シンボリックリンクを多数経由する (循環しているか、不正な書庫)",
    }
    no_link_target(target) {
        en: "is a hard link to {target}, and no such file came before it (outside, in a circle, or missing)",
        ja: "{target} へのハードリンクだが、それより前にそのファイルがない (ルートの外、循環、または欠落)",
    }
    empty_link() {
        en: "is a symbolic link without a target, or with one that is too long",
        ja: "シンボリックリンクのリンク先が空、または長すぎる",
    }
    too_many_entries(limit) {
        en: "more than {limit} entries; not read",
        ja: "エントリーが上限の {limit} 個を超えるため読み取らない",
    }
    too_much_metadata(limit) {
        en: "its names and attributes need more than {limit} bytes of memory; not read",
        ja: "名前と属性に必要なメモリーが上限の {limit} バイトを超えるため読み取らない",
    }
    too_many_steps(limit) {
        en: "its paths lead through more than {limit} directories and links; not read",
        ja: "パスが経由するディレクトリとリンクの数が上限の {limit} を超えるため読み取らない",
    }
    bomb(limit) {
        en: "more than {limit} bytes come out of its compressed data and its headers; not read (unpacked as a directory, it can be)",
        ja: "圧縮データの展開後のサイズとヘッダーの合計が上限の {limit} バイトを超えるため読み取らない (ディレクトリに展開すれば読み取れる)",
    }
    changed() {
        en: "somebody has written to the file since it was opened; run again",
        ja: "開いた後にファイルが変更された。再実行すること",
    }
    no_room(dir, cause) {
        en: "{dir} does not take what comes out of it: {cause}; name another directory in TMPDIR",
        ja: "展開した内容を {dir} に書き込めない: {cause}。TMPDIR で別のディレクトリを指定すること",
    }
    json_too_large(size, limit) {
        en: "found {size} bytes, want at most {limit}",
        ja: "サイズが {size} バイトあり、上限の {limit} バイトを超える",
    }
    bad_json(cause) {
        en: "cannot be understood: {cause}",
        ja: "解釈できない: {cause}",
    }
    missing() {
        en: "it is not there",
        ja: "存在しない",
    }
    link_in_layout() {
        en: "a symbolic link is on the way to it; an image's files are not looked for elsewhere",
        ja: "途中にシンボリックリンクがある。イメージのファイルを別の場所からは読み取らない",
    }
    name_outside() {
        en: "the manifest names it, and it is not inside the archive",
        ja: "マニフェストに記載があるが、書庫の中のファイルではない",
    }
    bad_digest() {
        en: "want sha256: or sha512: with its digits",
        ja: "sha256: または sha512: とその値が必要",
    }
    other_size(found, want) {
        en: "found {found} bytes, the manifest says {want}",
        ja: "サイズが {found} バイトで、マニフェストの {want} バイトと一致しない",
    }
    other_digest() {
        en: "its content does not have this digest; it was damaged or exchanged",
        ja: "内容のダイジェストが一致しない。壊れているか、差し替えられている",
    }
    too_many_layers(limit) {
        en: "more than {limit} layers or manifests",
        ja: "レイヤーまたはマニフェストが上限の {limit} 個を超える",
    }
    no_layer(media_type) {
        en: "found {media_type}, want a layer of a root filesystem",
        ja: "ルートファイルシステムのレイヤーではなく {media_type} である",
    }
    no_image() {
        en: "it holds no image",
        ja: "イメージが含まれていない",
    }
    no_such_image(tag, names) {
        en: "no image {tag} in it; it holds: {names}",
        ja: "イメージ {tag} は含まれていない。含まれるもの: {names}",
    }
    several_images(names) {
        en: "it holds several images; name one behind a colon: {names}",
        ja: "複数のイメージが含まれている。コロンの後に名前を指定すること: {names}",
    }
    several_platforms(names) {
        en: "it holds an image for each of {names}, and none for this machine",
        ja: "{names} 用のイメージが含まれているが、このマシン用のものがない",
    }
    image_as_tar(prefix) {
        en: "this is a container image and no root filesystem; name it as {prefix}",
        ja: "ルートファイルシステムではなくコンテナーイメージである。{prefix} と指定すること",
    }
}
